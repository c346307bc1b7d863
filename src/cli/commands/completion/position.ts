/** Determines what can follow at the end of an unfinished command line: options, or the value of an argument. */
import type { Argument, Option, CommandShape } from './shapes.js';

export type CommandPosition =
  | { kind: 'value'; of: Argument; /** Part of the word before the value. */ prefix: string; operands: string[] }
  | { kind: 'options'; options: Option[] }
  | { kind: 'nothing' };

/** @param before - words after the command's name. @param current - the unfinished word */
export function findPosition(shape: CommandShape, before: readonly string[], current: string): CommandPosition {
  const { awaiting, operands, given, isOver } = readWords(shape.options, before);
  const value = (of: Argument, prefix: string): CommandPosition => ({
    kind: 'value',
    of,
    prefix: prefix + listPrefix(of, current.slice(prefix.length)),
    operands,
  });
  if (awaiting) return value(awaiting, '');
  const open = shape.options.filter((option) => option.many || !given.has(option));
  if (!isOver && current.startsWith('-')) {
    const [name = '', ...rest] = current.split('=');
    if (rest.length === 0) return { kind: 'options', options: open };
    const option = findOption(shape.options, name);
    return option?.takesValue ? value(option, `${name}=`) : { kind: 'nothing' };
  }
  const last = shape.positionals.at(-1);
  const positional = shape.positionals[operands.length] ?? (last?.many ? last : undefined);
  if (positional) return value(positional, '');
  return isOver ? { kind: 'nothing' } : { kind: 'options', options: open };
}

interface Words {
  /** Option whose value is next. */
  awaiting?: Option | undefined;
  operands: string[];
  given: Set<Option>;
  /** After `--`, words that start with a dash are operands. */
  isOver: boolean;
}

function readWords(options: readonly Option[], words: readonly string[]): Words {
  const found: Words = { operands: [], given: new Set(), isOver: false };
  for (const word of words) {
    if (found.awaiting) found.awaiting = undefined;
    else if (found.isOver || !word.startsWith('-') || word === '-') found.operands.push(word);
    else if (word === '--') found.isOver = true;
    else {
      const option = findOption(options, word.split('=', 1)[0] ?? '');
      if (!option) continue;
      found.given.add(option);
      if (option.takesValue && !word.includes('=')) found.awaiting = option;
    }
  }
  return found;
}

function findOption(options: readonly Option[], spelling: string): Option | undefined {
  return options.find(({ spellings }) => spellings.includes(spelling));
}

/** Prefix of a list in one word, as in `--type=log,output`. */
function listPrefix({ many }: Argument, written: string): string {
  return many ? written.slice(0, written.lastIndexOf(',') + 1) : '';
}
