/** What a format of output is: how it is recognised, and the parser that reads it. */
import type { Json } from './json.js';
import type { Parser, ParserOptions } from './parser.js';

export interface Format {
  name: string;
  /**
   * `stream`: an agent's JSON, whose lines become events. `transcript`: the same in a file of its own.
   * `text`: output for people, which stays as it is beside what is read in it.
   */
  kind: 'stream' | 'transcript' | 'text';
  /** What it is, and what comes of it, in a few words. */
  describe: string;
  /** Is this the command line of a program that speaks it? */
  isProgram?: (name: string, args: readonly string[]) => boolean;
  /** Can this line only be of this format? */
  isLine?: (line: Json) => boolean;
  /** Until it is sure, it finds nothing in a text that has none of these. */
  marks?: readonly string[];
  /** It may be wrong, and gives way to those that cannot. */
  isGuess?: true;
  create: (options?: ParserOptions) => Parser;
}

/** Whether one of these arguments is `word`, or an option with it as its value: `--output-format=stream-json`. */
export function hasWord(args: readonly string[], word: string): boolean {
  return args.some((arg) => arg === word || arg.endsWith(`=${word}`));
}
