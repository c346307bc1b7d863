/** Compiles patterns of users and clients: RE2, so that matching takes time linear in the text for any pattern. */
import { createRequire } from 'node:module';
import type * as Re2 from 're2js';
import { ProgressError } from '../core/base/errors.js';
import { PATTERN_CHARS } from '../core/events/log.js';

export interface Pattern {
  readonly source: string;
  /** Whether it matches anywhere in a text. */
  test(text: string): boolean;
  /**
   * Returns non-empty, non-overlapping matches from left to right as [start, end) in UTF-16 units.
   *
   * @param most Maximum number of matches, each of which may take time linear in the text.
   */
  find(text: string, most?: number): [start: number, end: number][];
}

export interface PatternOptions {
  ignoreCase?: boolean;
  /** Code of the error for an invalid pattern. @default 'usage' */
  code?: 'usage' | 'bad_request' | 'bad_config';
}

const MAX_SHOWN_CHARS = 60;

/** Compiles a pattern. @throws {ProgressError} With the reason and the position. */
export function compilePattern(source: string, { ignoreCase = false, code = 'usage' }: PatternOptions = {}): Pattern {
  const refuse = (why: string) => new ProgressError(code, `${quote(source)}: ${why}`);
  if (source.length > PATTERN_CHARS) throw refuse(`is longer than ${PATTERN_CHARS} characters`);
  const { RE2JS, RE2JSException, RE2JSSyntaxException } = load();
  try {
    const compiled = RE2JS.compile(source, ignoreCase ? RE2JS.CASE_INSENSITIVE : 0);
    return {
      source,
      test: (text) => compiled.test(text),
      find(text, most = Infinity) {
        const found: [number, number][] = [];
        for (const match of compiled.matchAll(text)) {
          if (found.length >= most) break;
          const { 0: part = '', index } = match as unknown as { 0?: string; index: number };
          if (part !== '') found.push([index, index + part.length]);
        }
        return found;
      },
    };
  } catch (error) {
    if (error instanceof RE2JSSyntaxException) throw refuse(describe(error, source));
    throw error instanceof RE2JSException ? refuse(error.message) : error;
  }
}

/** Compiles several patterns to match at once, in about the time of one. @returns A function for the indexes of matches. */
export function compileSet(sources: readonly string[]): (text: string) => number[] {
  const { RE2Set } = load();
  const set = new RE2Set();
  for (const source of sources) set.add(source);
  set.compile();
  return (text) => set.match(text);
}

/** Whether a whole text matches a glob, in which `*` is any text and `?` any one character. */
export function matchesGlob(pattern: string, text: string): boolean {
  const [wanted, given] = [Array.from(pattern), Array.from(text)];
  let at = 0;
  let place = 0;
  // backtracking point: the last star, which takes one more character each time
  let star: { at: number; place: number } | undefined;
  while (place < given.length) {
    if (wanted[at] === '*') {
      star = { at, place };
      at += 1;
    } else if (at < wanted.length && (wanted[at] === '?' || wanted[at] === given[place])) {
      at += 1;
      place += 1;
    } else if (star) {
      star.place += 1;
      at = star.at + 1;
      place = star.place;
    } else return false;
  }
  return wanted.slice(at).every((character) => character === '*');
}

let loaded: typeof Re2 | undefined;

/** Loads the library with the first pattern, since it delays the start of commands that need none. */
function load(): typeof Re2 {
  return (loaded ??= createRequire(import.meta.url)('re2js') as typeof Re2);
}

/** Describes a syntax error: `missing closing ) at 3`. */
function describe({ error, input }: { error: string; input: string | null }, source: string): string {
  // the error quotes a part of the pattern, whose first occurrence is usually the position of the error
  const at = input === null ? -1 : source.indexOf(input);
  const where = at < 0 || input === source ? '' : ` at ${at + 1} (${quote(input ?? '')})`;
  return `is no regular expression (RE2): ${error}${where}`;
}

function quote(text: string): string {
  return JSON.stringify(text.length <= MAX_SHOWN_CHARS ? text : `${text.slice(0, MAX_SHOWN_CHARS)}...`);
}
