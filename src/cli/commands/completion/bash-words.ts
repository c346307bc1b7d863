/** bash's command line: which words it has so far, and how the last one goes on in its own quotes. */

/** The quotes that are open at the end; `unknown` where nothing of ours is safe to insert. */
type Quoting = 'none' | 'single' | 'double' | 'unknown';

export interface BashLine {
  /** Without quotes and redirections, the command's name first and the unfinished word last. */
  words: string[];
  quoting: Quoting;
  /** The unfinished word is where a redirection leads. */
  isRedirection: boolean;
}

/** One piece of a line. Inside `$'...'`, `$(...)` and the like nothing is taken apart. */
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
      // what it redirects is no word: `2>`
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

/** What to write behind an unfinished word so that `rest` is added to it; undefined where that cannot be written. */
export function quoteRest(rest: string, quoting: Quoting): string | undefined {
  switch (quoting) {
    case 'none':
      return rest.replace(/[^\p{L}\p{N}_.,:=@%+/-]/gu, String.raw`\$&`);
    case 'single':
      return rest.replaceAll("'", String.raw`'\''`);
    case 'double': // where nothing keeps `!` from being looked up in the history
      return rest.includes('!') ? undefined : rest.replace(/[$`"\\]/g, String.raw`\$&`);
    case 'unknown':
      return undefined;
  }
}
