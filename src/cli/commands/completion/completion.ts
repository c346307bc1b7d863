/** `progress completion`: prints the completion script of a shell, and answers its requests. */
import { ProgressError } from '../../../core/base/errors.js';
import { SHELLS } from '../../../platform/paths.js';
import { cellsOf } from '../../../terminal/width.js';
import { readBashLine, quoteRest } from './bash-words.js';
import { defineCommand } from '../../command.js';
import type { CommandContext } from '../../command.js';
import { findPosition } from './position.js';
import { SCRIPTS } from './scripts.js';
import { GLOBAL_OPTIONS, shapeOf } from './shapes.js';
import type { Option } from './shapes.js';
import type { CompletionValue } from './values.js';
import { completionsOf } from './values.js';
import { print, printLines } from '../../shared/output.js';
import { splitWords } from '../../argv.js';

export const command = defineCommand({
  verb: 'completion',
  describe: 'Print the completion script of a shell',
  positionals: { shell: { choices: SHELLS, required: true, describe: 'Shell' } },
  options: {},
  async run({ shell }, context) {
    if (context.rest.length === 0) {
      await print(SCRIPTS[shell]);
      return 0;
    }
    try {
      await printLines(await (shell === 'bash' ? answerBash(context) : answer(shell, context.rest, context)));
    } catch (error) {
      // an error message would corrupt the command line that is being edited
      if (context.env['PROGRESS_DEBUG']) throw error;
    }
    return 0;
  },
});

/** Candidates for the word, file names, or the words of another program after `skipped` words. */
type Completion = { candidates: CompletionValue[] } | 'files' | { skipped: number };

/** @param words - words after the program's name; the last one is unfinished */
async function complete(words: readonly string[], context: CommandContext, describe: boolean): Promise<Completion> {
  const [verb = '', ...after] = words;
  const current = after.pop();
  if (verb === 'help' && current !== undefined && after.length === 0)
    return { candidates: await commandCandidates(current, context, describe) };
  if (current === undefined) return { candidates: await commandCandidates(verb, context, describe) };
  const { rest } = splitWords(words);
  if (verb === 'run' && rest.length > 0) return { skipped: words.length - rest.length + 1 };
  const load = Object.hasOwn(context.commands, verb) ? context.commands[verb] : undefined;
  if (!load) return { candidates: [] };

  const position = findPosition(shapeOf(await load()), after, current);
  if (position.kind === 'nothing') return { candidates: [] };
  if (position.kind === 'options') return { candidates: optionCandidates(position.options) };
  const values = await completionsOf(position.of, position.operands, context.paths);
  if (values === 'files') return values;
  return { candidates: values.map(({ value, description }) => ({ value: position.prefix + value, description })) };
}

/** Verbs without a definition. */
const BUILT_IN: readonly CompletionValue[] = [
  { value: 'help', description: 'Show the options of a command' },
  { value: 'version', description: 'Show the version' },
];

async function commandCandidates(
  current: string,
  context: CommandContext,
  describe: boolean,
): Promise<CompletionValue[]> {
  if (current.startsWith('-')) return optionCandidates(GLOBAL_OPTIONS);
  const commands = Object.entries(context.commands);
  const described = await Promise.all(
    commands.map(async ([value, load]) => ({
      value,
      description: describe ? (await load()).describe : '',
    })),
  );
  return [...described, ...BUILT_IN];
}

function optionCandidates(options: readonly Option[]): CompletionValue[] {
  return options.flatMap(({ spellings, description }) => spellings.map((value) => ({ value, description })));
}

/** Answers zsh and fish, which filter and quote candidates themselves. */
async function answer(shell: 'zsh' | 'fish', words: readonly string[], context: CommandContext): Promise<string[]> {
  const completion = await complete(words, context, true);
  if (completion === 'files') return ['files'];
  if ('skipped' in completion) return [`program ${completion.skipped}`];
  const { candidates } = completion;
  if (shell === 'fish') return ['values', ...candidates.map(({ value, description }) => `${value}\t${description}`)];
  // zsh shows the second column instead of the first
  const cells = Math.max(0, ...candidates.map(({ value }) => cellsOf(value)));
  const show = ({ value, description }: CompletionValue) =>
    description === '' ? value : `${value}${' '.repeat(cells - cellsOf(value))}  -- ${description}`;
  return candidates.length === 0 ? [] : ['values', ...candidates.map((each) => `${each.value}\t${show(each)}`)];
}

/** Answers bash, which inserts a candidate unquoted in place of the last part of the word. */
async function answerBash(context: CommandContext): Promise<string[]> {
  const [line = '', part = ''] = context.rest;
  const { words, quoting, isRedirection } = readBashLine(line);
  if (isRedirection) return ['files'];
  const [, ...own] = words;
  const completion = await complete(own, context, false);
  if (completion === 'files') return ['files'];
  if ('skipped' in completion)
    return [`program ${completion.skipped}${completion.skipped === own.length ? ' last' : ''}`];
  if (!line.endsWith(part)) throw new ProgressError('internal', `${JSON.stringify(part)} does not end the line`);
  const current = own.at(-1) ?? '';
  const fitting = completion.candidates.filter(({ value }) => value.startsWith(current));
  const endings = fitting.map(({ value }) => quoteRest(value.slice(current.length), quoting));
  return ['values', ...endings.filter((ending) => ending !== undefined).map((ending) => part + ending)];
}
