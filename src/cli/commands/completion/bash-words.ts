/** Parser for an unfinished bash command line: its words, and the quotes that are open at its end. */

/** Quotes that are open at the end; `unknown` where no text can be inserted safely. */
type Quoting = 'none' | 'single' | 'double' | 'unknown';

export interface BashLine {
  /** Words without quotes and redirections, the command's name first and the unfinished word last. */
  words: string[];
  quoting: Quoting;
  /** The unfinished word is the target of a redirection. */
  isRedirection: boolean;
}

/** Token of a line. `$'...'`, `$(...)` and the like are not parsed. */
const PIECE = /([ \t\n]+)|([<>&|]+)|'([^']*)('?)|"((?:[^"\\]|\\[^])*)(\\?"?)|\\([^]?)|((?:[$][({'"]|`)[^]*)|([^])/gy;
const ASSIGNMENT = /^[A-Za-z_]\w*\+?=/;

export function readBashLine(line: string): BashLine {
  const words: string[] = [];
  let word: string | undefined;
  let isRedirection = false;
  let quoting: Quoting = 'none';
  const finish = () => {
    if (word !== undefined && !isRedirection) words.push(word);
    if (word !== undefined) isRedirection = false;
    word = undefined;
  };
  for (const [, blank, operator, single, endOfSingle, double, endOfDouble, escaped, obscure, plain] of line.matchAll(
    PIECE,
  )) {
    if (blank !== undefined) finish();
    else if (operator !== undefined) {
      // the descriptor of a redirection is not a word: `2>`
      if (word !== undefined && /^\d+$/.test(word)) word = undefined;
      finish();
      isRedirection = true;
    } else if (single !== undefined) {
      word = (word ?? '') + single;
      if (endOfSingle === '') quoting = 'single';
    } else if (double !== undefined) {
      word = (word ?? '') + double.replace(/\\([$`"\\])/g, '$1');
      if (endOfDouble === '') quoting = 'double';
      else if (endOfDouble?.startsWith('\\')) quoting = 'unknown';
    } else if (obscure !== undefined) {
      quoting = 'unknown';
    } else {
      word = (word ?? '') + (escaped ?? plain ?? '');
      if (escaped === '') quoting = 'unknown';
    }
  }
  words.push(isRedirection ? '' : (word ?? ''));
  while (words.length > 1 && ASSIGNMENT.test(words[0] ?? '')) words.shift();
  return { words, quoting, isRedirection };
}

/** Quotes `rest` so that it continues an unfinished word; undefined if that is impossible. */
export function quoteRest(rest: string, quoting: Quoting): string | undefined {
  switch (quoting) {
    case 'none':
      return rest.replace(/[^\p{L}\p{N}_.,:=@%+/-]/gu, String.raw`\$&`);
    case 'single':
      return rest.replaceAll("'", String.raw`'\''`);
    case 'double': // within which `!` always expands to the history
      return rest.includes('!') ? undefined : rest.replace(/[$`"\\]/g, String.raw`\$&`);
    case 'unknown':
      return undefined;
  }
}
