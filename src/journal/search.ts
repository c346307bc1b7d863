/**
 * Prefilters lines of the journal by their bytes, so that most of a large journal is never parsed.
 *
 * From the pattern, `core/text/literals.ts` derives a text that every matching line contains; this module searches for it in the
 * bytes of a block, in every way JSON may write it, so only candidate lines are parsed. Blocks are read and
 * decompressed ahead by other threads.
 */
import { requiredTexts } from '../core/text/literals.js';
import { escapeRegExp } from '../core/text/regexp.js';

/** Prepares a test for a buffer: whether the line between two offsets may match. Called in ascending order. */
export type LineSearch = (buffer: Buffer) => (start: number, end: number) => boolean;

/** Matches lines that contain this text. */
export function containing(text: string): LineSearch {
  const bytes = Buffer.from(text);
  return (buffer) => {
    let found = buffer.indexOf(bytes);
    return (start, end) => {
      if (found !== -1 && found < start) found = buffer.indexOf(bytes, start);
      return found !== -1 && found < end;
    };
  };
}

export function allOf(searches: readonly LineSearch[]): LineSearch {
  return (buffer) => {
    const tests = searches.map((search) => search(buffer));
    return (start, end) => tests.every((test) => test(start, end));
  };
}

export function anyOf(searches: readonly LineSearch[]): LineSearch {
  return (buffer) => {
    const tests = searches.map((search) => search(buffer));
    return (start, end) => tests.some((test) => test(start, end));
  };
}

/** Before the digits of the seq, and between them and the time. */
const SEQ_HEAD = '{"seq":'.length;
const TIME_HEAD = ',"time":"';
const TIME_BYTES = '2026-11-20T12:48:46.123Z'.length;
const COMMA = 44;

/** Matches lines of events from `since` on and before `until`, both in the format of events. */
export function between(since = '', until = '~'): LineSearch {
  return (buffer) => (start) => {
    const comma = buffer.indexOf(COMMA, start + SEQ_HEAD);
    const begin = comma + TIME_HEAD.length;
    if (buffer.toString('latin1', comma, begin) !== TIME_HEAD) return true; // damaged: the reader handles it
    const time = buffer.toString('latin1', begin, begin + TIME_BYTES);
    return time >= since && time < until;
  };
}

/** Characters that JSON escapes, or that may have spaces around them in a line that a client has written. */
const DIFFERENT_IN_JSON = /[\u0000-\u001f"\\:,{}[\]]+/;
/** Alternative encodings of a text: needless escapes, colours within it, and base64 for bytes that are not UTF-8. */
const OTHER_WRITING = String.raw`\\(?:u(?!00[01])|u001[bB]|\/)|"base64":`;
/** The only non-ASCII characters that are another case of an ASCII letter: the long s and the Kelvin sign. */
const FOLDED: Readonly<Record<string, string>> = { k: '(?:k|\u00e2\u0084\u00aa)', s: '(?:s|\u00c5\u00bf)' };

/** Matches lines whose text or data the pattern may match; undefined if no text can be derived from the pattern. */
export function matching(pattern: string, ignoreCase: boolean): LineSearch | undefined {
  const parts = requiredTexts(pattern)?.map((text) => longestPart(text, ignoreCase));
  if (parts === undefined || parts.includes('')) return undefined;
  // separate expressions: the engine is fast with a plain text, and slow with alternatives
  const wanted = parts.map(
    (part) => new RegExp(ignoreCase ? foldCase(part) : escapeRegExp(part), ignoreCase ? 'gi' : 'g'),
  );
  return findingOneOf([...wanted, new RegExp(OTHER_WRITING, 'g')]);
}

/** @returns a latin1 string with one character per byte */
function longestPart(text: string, ignoreCase: boolean): string {
  const parts = text.split(ignoreCase ? /[^ -~]+|["\\:,{}[\]]+/ : DIFFERENT_IN_JSON);
  const longest = parts.reduce((best, part) => (part.length > best.length ? part : best), '');
  return Buffer.from(longest).toString('latin1');
}

function foldCase(text: string): string {
  return Array.from(text, (letter) => FOLDED[letter.toLowerCase()] ?? escapeRegExp(letter)).join('');
}

function findingOneOf(patterns: readonly RegExp[]): LineSearch {
  return (buffer) => {
    const text = buffer.toString('latin1');
    const tests = patterns.map((pattern) => findIn(text, pattern));
    return (start, end) => tests.some((test) => test(start, end));
  };
}

function findIn(text: string, pattern: RegExp): (start: number, end: number) => boolean {
  const find = (from: number): number => {
    pattern.lastIndex = from;
    return pattern.exec(text)?.index ?? Infinity;
  };
  let found = find(0);
  return (start, end) => {
    if (found < start) found = find(start);
    return found < end;
  };
}
