/** Defines a format of output: how it is recognised, and its parser. */
import type { Json } from './json.js';
import type { Parser, ParserOptions } from './parser.js';

export interface Format {
  name: string;
  /**
   * `stream`: JSON lines of an agent, which become events. `transcript`: the same in a separate file.
   * `text`: output for people, which is kept unchanged in addition to the events.
   */
  kind: 'stream' | 'transcript' | 'text';
  /** Short description of the format and its events. */
  describe: string;
  /** Whether a command line selects this format. */
  isProgram?: (name: string, args: readonly string[]) => boolean;
  /** Whether a line identifies this format. */
  isLine?: (line: Json) => boolean;
  /** Texts of which one must occur before the parser is sure; a pre-filter. */
  marks?: readonly string[];
  /** Recognised by heuristics, so disabled once another format is sure. */
  isGuess?: true;
  create: (options?: ParserOptions) => Parser;
}

/** Whether one of these arguments is `word`, or an option with it as its value: `--output-format=stream-json`. */
export function hasWord(args: readonly string[], word: string): boolean {
  return args.some((arg) => arg === word || arg.endsWith(`=${word}`));
}
