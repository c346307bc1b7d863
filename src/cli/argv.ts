/** Splits a command line into the words of progress and those of the command to run. */

/** Options whose value is the next word, whatever it looks like. A test compares them with the definitions. */
export const RUN_OPTIONS_WITH_VALUE: ReadonlySet<string> = new Set([
  ...['--name', '--label', '--agent', '--cwd', '--env', '--timeout', '--queue', '--after', '--format'],
  ...['--grep', '--type', '--level'],
]);
export const EMIT_OPTIONS_WITH_VALUE: ReadonlySet<string> = new Set(['--execution', '--step', '--data']);

/** Options whose value may begin with a dash, which the parser would take for an option. */
const PS_OPTIONS_WITH_VALUE: ReadonlySet<string> = new Set(['--sort']);

/** Start of an operand of `emit` of the form key=text or key:=json. */
const PAIR = /^[A-Za-z_][A-Za-z0-9_.-]*:?=/;

export interface Words {
  /** The command with its options and arguments. */
  words: string[];
  /** Words after `--`: the command of `run`, the operands of `emit` after the type, the texts of `notify` and `send`. */
  rest: string[];
}

export function splitWords(argv: readonly string[]): Words {
  switch (argv[0]) {
    case 'run':
      return splitAtFirst(argv, RUN_OPTIONS_WITH_VALUE, () => true);
    case 'emit':
      return splitEmit(argv);
    case 'completion':
    case 'notify':
    case 'send':
      return splitAtFirst(argv, new Set(), () => false);
    case 'ps':
      return { words: joinValues(argv, PS_OPTIONS_WITH_VALUE), rest: [] };
    default:
      // `--` has no meaning for other commands
      return { words: argv.filter((word) => word !== '--'), rest: [] };
  }
}

/** Joins these options with their values. */
function joinValues(argv: readonly string[], withValue: ReadonlySet<string>): string[] {
  const words: string[] = [];
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at] ?? '';
    const value = withValue.has(word) ? argv[++at] : undefined;
    words.push(value === undefined ? word : `${word}=${value}`);
  }
  return words;
}

/** Splits at `--`, or before the first word that is not an option and `isForeign`. */
function splitAtFirst(
  [verb = '', ...argv]: readonly string[],
  withValue: ReadonlySet<string>,
  isForeign: (word: string) => boolean,
): Words {
  const words = [verb];
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at] ?? '';
    if (word === '--') return { words, rest: argv.slice(at + 1) };
    if (!word.startsWith('-') && isForeign(word)) return { words, rest: argv.slice(at) };
    const value = withValue.has(word) ? argv[++at] : undefined;
    words.push(value === undefined ? word : `${word}=${value}`);
  }
  return { words, rest: [] };
}

/** Options may be anywhere before `--`. The first operand is the type unless it is a pair. */
function splitEmit([verb = '', ...argv]: readonly string[]): Words {
  const options = [];
  let operands: string[] = [];
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at] ?? '';
    if (word === '--') {
      operands = [...operands, ...argv.slice(at + 1)];
      break;
    }
    const value = EMIT_OPTIONS_WITH_VALUE.has(word) ? argv[++at] : undefined;
    if (!word.startsWith('-')) operands.push(word);
    else options.push(value === undefined ? word : `${word}=${value}`);
  }
  const [type] = operands;
  const hasType = type !== undefined && !type.startsWith('-') && !PAIR.test(type);
  return { words: [verb, ...options, ...(hasType ? [type] : [])], rest: hasType ? operands.slice(1) : operands };
}
