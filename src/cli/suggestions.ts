/** Error messages for command lines that do not parse, with a suggestion for a misspelled command or option. */
import { suggest } from '../core/text/suggest.js';
import { ProgressError } from '../core/base/errors.js';
import type { Commands, CommandContext } from './command.js';
import { shapeOf } from './commands/completion/shapes.js';

/** Commands by the names that other programs use. */
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
/** Verbs without a definition in the registry. */
const BUILT_IN = ['help', 'version'];

export function unknownCommand(verb: string, commands: Commands): ProgressError {
  const own = [...Object.keys(commands), ...BUILT_IN];
  const word = suggest(verb, [...own, ...Object.keys(SYNONYMS)]);
  const meant = word === undefined || own.includes(word) ? word : SYNONYMS[word];
  const question = meant === undefined ? '' : `; did you mean 'progress ${meant}'?`;
  return new ProgressError('usage', `unknown command ${verb}${question}\nrun 'progress --help' for a list of commands`);
}

/**
 * @param message - the error of the parser
 * @param words - the command line, the verb first
 */
export async function parseProblem(
  message: string,
  words: readonly string[],
  context: CommandContext,
): Promise<ProgressError> {
  const [verb = ''] = words;
  const load = Object.hasOwn(context.commands, verb) ? context.commands[verb] : undefined;
  if (!load) return new ProgressError('usage', `${message}\nrun 'progress --help' for a list of commands`);
  const command = await load();
  const [, unknown] = /^Unknown arguments?: (.*)$/s.exec(message) ?? [];
  const spellings = shapeOf(command).options.flatMap((option) => option.spellings);
  const problems = unknown?.split(', ').map((name) => describeUnknown(name, words, spellings));
  const text =
    problems?.join('\n') ??
    message.replace(/^Not enough non-option .*/s, `missing argument: progress ${command.usage}`);
  return new ProgressError('usage', `${text}\nrun 'progress ${verb} --help' for its options`);
}

/** Restores the dashes, which the parser removes, from the command line. */
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
