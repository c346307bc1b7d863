/** Splits a shell command line into words, to find the last program that it runs. */

/** Token of a line: blanks, a redirection, a command separator, quoted or escaped text, or one character. */
const PIECE =
  /([ \t]+)|(&?\d{0,3}[<>]+&?)|([|;&\n()]+)|'([^']*)'?|"((?:[^"\\]|\\[^])*)"?|\\([^]?)|(\$\([^()]*\)|`[^`]*`|[^])/gy;

/** Reserved words that precede a command or close a compound one. */
const RESERVED = new Set('if then elif else fi for while until do done { } !'.split(' '));

/**
 * Returns the words of the last command of a line, which is the one that a user sees end.
 * A redirection of the input is kept as the word `<`; one of the output is dropped.
 */
export function lastCommandOf(line: string): string[] {
  let last: string[] = [];
  let words: string[] = [];
  let word: string | undefined;
  /** The next word names the file of a redirection. */
  let isTarget = false;
  const endWord = () => {
    if (word !== undefined && !isTarget) words.push(word);
    if (word !== undefined) isTarget = false;
    word = undefined;
  };
  const endCommand = () => {
    endWord();
    isTarget = false;
    const first = words.findIndex((one) => !RESERVED.has(one));
    if (first >= 0) last = words.slice(first);
    words = [];
  };
  for (const [, blank, redirection, separator, single, double, escaped, plain] of line.matchAll(PIECE)) {
    if (blank !== undefined) endWord();
    else if (redirection !== undefined) {
      endWord();
      if (redirection.includes('<')) words.push('<');
      isTarget = true;
    } else if (separator !== undefined) endCommand();
    else word = (word ?? '') + (single ?? double?.replace(/\\([$`"\\])/g, '$1') ?? escaped ?? plain ?? '');
  }
  endCommand();
  return last;
}
