/** Recognises what the file of a forked session repeats of the session that it was forked from. */
import type { Json } from './json.js';

/** The lines of one file that were copied from the file of another session. */
export interface History {
  /** The session that the newest of them belongs to. */
  readonly parent: string | undefined;
  /** Whether this line is one of them. Every line of the file is asked about once, in order. */
  isCopied(line: Json): boolean;
}

/**
 * Finds the history of a file by its first line that identifies it.
 * @returns undefined when the file begins with lines of its own.
 */
export type FindHistory = (first: Json) => History | undefined;
