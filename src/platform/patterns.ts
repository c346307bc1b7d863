/** Patterns that people and clients give: in the syntax of RE2, matched in time linear in the text, whatever they are. */
import { createRequire } from 'node:module';
import type * as Re2 from 're2js';
import { ProgressError } from '../core/errors.js';

export interface Pattern {
  readonly source: string;
  /** Is it found anywhere in `text`? */
  test(text: string): boolean;
  /**
   * Where it is found, left to right without overlap, as [start, end) in UTF-16 units; nothing of length 0. Each may
   * take time linear in the text: `most` bounds how many there are.
   */
  find(text: string, most?: number): [start: number, end: number][];
}

export interface PatternOptions {
  ignoreCase?: boolean;
  /** What is told of a pattern that cannot be read is an error of this kind. */
  code?: 'usage' | 'bad_request' | 'bad_config';
}

/** Time is linear in the pattern's length too, and compiling takes a multiple of that. */
const MAX_CHARS = 1_000;
const MAX_SHOWN_CHARS = 60;

/** Throws a ProgressError that says what is wrong, and where. */
export function compilePattern(source: string, { ignoreCase = false, code = 'usage' }: PatternOptions = {}): Pattern {
  const refuse = (why: string) => new ProgressError(code, `${quote(source)}: ${why}`);
  if (source.length > MAX_CHARS) throw refuse(`is longer than ${MAX_CHARS} characters`);
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

/** Several patterns at once, in about the time of one: which of them are found in a text, by their places. */
export function compileSet(sources: readonly string[]): (text: string) => number[] {
  const { RE2Set } = load();
  const set = new RE2Set();
  for (const source of sources) set.add(source);
  set.compile();
  return (text) => set.match(text);
}

/** A whole text against a pattern in which `*` is any text, `?` any one character, and everything else itself. */
export function matchesGlob(pattern: string, text: string): boolean {
  const [wanted, given] = [Array.from(pattern), Array.from(text)];
  let at = 0;
  let place = 0;
  // where to go on when what follows the last star does not fit: it then takes one character more
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

/** With the first pattern: a command that needs none would begin later for it. */
function load(): typeof Re2 {
  return (loaded ??= createRequire(import.meta.url)('re2js') as typeof Re2);
}

/** `missing closing ) at 3` */
function describe({ error, input }: { error: string; input: string | null }, source: string): string {
  // what it names stands in the pattern, often more than once; the first place is where it stumbled, mostly
  const at = input === null ? -1 : source.indexOf(input);
  const where = at < 0 || input === source ? '' : ` at ${at + 1} (${quote(input ?? '')})`;
  return `is no regular expression (RE2): ${error}${where}`;
}

function quote(text: string): string {
  return JSON.stringify(text.length <= MAX_SHOWN_CHARS ? text : `${text.slice(0, MAX_SHOWN_CHARS)}...`);
}
