/** Error messages for command lines that do not parse, with the command or option that was probably meant. */
import { suggest } from '../core/suggest.js';
import { ProgressError } from '../core/errors.js';
import type { Commands, Context } from './command.js';
import { readShape } from './commands/completion/shapes.js';

/** What other programs call a command of ours. */
const SYNONYMS: Readonly<Record<string, string>> = {
  cancel: 'stop',
  history: 'ps --all',
  kill: 'stop',
  list: 'ps',
  log: 'logs',
  ls: 'ps',
  output: 'logs',
  restart: 'rerun',
  retry: 'rerun',
  start: 'run',
  status: 'ps',
  tail: 'logs --follow',
  top: 'watch --stream',
};
/** Answered before any command is looked for. */
const BUILT_IN = ['help', 'version'];

export function unknownCommand(verb: string, commands: Commands): ProgressError {
  const own = [...Object.keys(commands), ...BUILT_IN];
  const word = suggest(verb, [...own, ...Object.keys(SYNONYMS)]);
  const meant = word === undefined || own.includes(word) ? word : SYNONYMS[word];
  const question = meant === undefined ? '' : `; did you mean 'progress ${meant}'?`;
  return new ProgressError('usage', `unknown command ${verb}${question}\nrun 'progress --help' for a list of commands`);
}

/**
 * @param message what the parser says
 * @param words the command line, the verb first
 */
export async function parseProblem(
  message: string,
  words: readonly string[],
  context: Context,
): Promise<ProgressError> {
  const [verb = ''] = words;
  const load = Object.hasOwn(context.commands, verb) ? context.commands[verb] : undefined;
  if (!load) return new ProgressError('usage', `${message}\nrun 'progress --help' for a list of commands`);
  const { usage, options } = readShape(await load(), context);
  const [, unknown] = /^Unknown arguments?: (.*)$/s.exec(message) ?? [];
  const spellings = options.flatMap((option) => option.spellings);
  const problems = unknown?.split(', ').map((name) => describeUnknown(name, words, spellings));
  const text =
    problems?.join('\n') ?? message.replace(/^Not enough non-option .*/s, `missing argument: progress ${usage}`);
  return new ProgressError('usage', `${text}\nrun 'progress ${verb} --help' for its options`);
}

/** The parser leaves out the dashes: the command line has them. */
function describeUnknown(name: string, words: readonly string[], spellings: readonly string[]): string {
  const typed = [`--${name}`, `-${name}`].find((option) =>
    words.some((word) => word === option || word.startsWith(`${option}=`)),
  );
  if (typed === undefined && !words.some((word) => /^-[^-]/.test(word) && word.includes(name)))
    return `unexpected argument ${name}`;
  const option = typed ?? `-${name}`;
  const nearest = option.startsWith('--') ? suggest(option, spellings) : undefined;
  return `unknown option ${option}${nearest === undefined ? '' : `; did you mean ${nearest}?`}`;
}
