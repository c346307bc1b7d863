/** Splits a command line of a shell into words, and remembers where each character of a word stands in the line. */

export interface ShellWord {
  /** Without quotes. */
  value: string;
  /** For each character of `value`, its offset in the line. */
  offsets: readonly number[];
  /** In the line, quotes included, as [start, end). */
  start: number;
  end: number;
}

/** Words between two operators that begin a new command, and the operator before them. */
export interface ShellCommand {
  /** `|`, `;`, `&&`, a newline...; empty for the first one. */
  operator: string;
  words: ShellWord[];
}

const BLANK = /[ \t]/;
const OPERATOR = /[|;&\n\r()`]/;

/** Never throws: what is no valid shell is split as far as it can be. Takes time linear in the length of the line. */
export function splitCommands(line: string): ShellCommand[] {
  const commands: ShellCommand[] = [{ operator: '', words: [] }];
  let at = 0;
  while (at < line.length) {
    const character = line[at] ?? '';
    if (BLANK.test(character)) at++;
    else if (OPERATOR.test(character)) {
      const start = at;
      while (at < line.length && OPERATOR.test(line[at] ?? '') && at - start < 2) at++;
      commands.push({ operator: line.slice(start, at), words: [] });
    } else {
      const word = readWord(line, at);
      at = word.end;
      commands.at(-1)?.words.push(word);
    }
  }
  return commands.filter(({ words, operator }) => words.length > 0 || operator === '|');
}

function readWord(line: string, start: number): ShellWord {
  const characters: string[] = [];
  const offsets: number[] = [];
  let quote = '';
  let at = start;
  const keep = () => {
    characters.push(line[at] ?? '');
    offsets.push(at);
    at++;
  };
  while (at < line.length) {
    const character = line[at] ?? '';
    if (quote !== '') {
      if (character === quote) {
        quote = '';
        at++;
      } else {
        if (character === '\\' && quote === '"' && at + 1 < line.length) at++;
        keep();
      }
    } else if (character === '"' || character === "'") {
      quote = character;
      at++;
    } else if (BLANK.test(character) || OPERATOR.test(character)) break;
    else {
      if (character === '\\' && at + 1 < line.length) at++;
      keep();
    }
  }
  return { value: characters.join(''), offsets, start, end: at };
}
