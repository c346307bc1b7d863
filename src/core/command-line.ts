/** Splits a command line of a shell as far as needed to see which program it ends with. */

/** One piece of a line: blanks, a redirection, a separator of commands, a quoted or an escaped text, a character. */
const PIECE =
  /([ \t]+)|(&?\d{0,3}[<>]+&?)|([|;&\n()]+)|'([^']*)'?|"((?:[^"\\]|\\[^])*)"?|\\([^]?)|(\$\([^()]*\)|`[^`]*`|[^])/gy;

/** Words that precede a command or close a compound one. */
const RESERVED = new Set('if then elif else fi for while until do done { } !'.split(' '));

/**
 * The words of the last command of a line, which is the one that a user at the terminal sees end.
 * A redirection of the input stays as the word `<`; one of the output is left out.
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
