/** Where our own words end on a command line, and somebody else's begin. */

/** Of `run`: these take the next word, so that it is not the command. A test holds this equal to its options. */
export const RUN_OPTIONS_WITH_VALUE: ReadonlySet<string> = new Set(['--name', '--label']);

/** `words` are ours; `rest` follows `--`, or begins with the command that `run` is to run. */
export function splitWords(argv: readonly string[]): { words: string[]; rest: string[] } {
  const separator = argv[0] === 'run' ? endOfRunOptions(argv) : argv.indexOf('--');
  if (separator === -1) return { words: [...argv], rest: [] };
  const skipped = argv[separator] === '--' ? 1 : 0;
  return { words: argv.slice(0, separator), rest: argv.slice(separator + skipped) };
}

function endOfRunOptions(argv: readonly string[]): number {
  for (let at = 1; at < argv.length; at++) {
    const word = argv[at] ?? '';
    if (word === '--' || !word.startsWith('-')) return at;
    if (RUN_OPTIONS_WITH_VALUE.has(word)) at++;
  }
  return -1;
}
