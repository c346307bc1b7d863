/** Writes a command as a line that a POSIX shell would read as the same words, and reads such lines. */
import { ProgressError } from '../base/errors.js';

/** Words of these characters need no quotes. */
const PLAIN = /^[\w@%+=:,./-]+$/;

export function quoteWords(words: readonly string[]): string {
  return words.map((word) => (PLAIN.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)).join(' ');
}

/** One part of a word: quoted, escaped or plain. */
const PART = /'([^']*)'|"((?:[^"\\]|\\[^])*)"|\\([^])|([^\s'"\\]+)/y;

/**
 * Splits a line at its spaces, except between quotes and after a backslash. Nothing is expanded.
 *
 * @throws ProgressError `usage` for a quote that is not closed or a backslash at the end
 */
export function parseWords(line: string): string[] {
  const words: string[] = [];
  let at = 0;
  while (at < line.length) {
    const space = /\s/.test(line[at] ?? '');
    if (space) {
      at++;
      continue;
    }
    let word = '';
    while (at < line.length && !/\s/.test(line[at] ?? '')) {
      PART.lastIndex = at;
      const [part, single, double, escaped, plain] = PART.exec(line) ?? [];
      if (part === undefined) throw new ProgressError('usage', `unclosed quote: ${line.slice(at)}`);
      word += single ?? double?.replace(/\\(["\\$`])/g, '$1') ?? escaped ?? plain ?? '';
      at += part.length;
    }
    words.push(word);
  }
  return words;
}
