/** Splits a command line of a shell into words, and remembers the position of each character of a word in the line. */

export interface ShellWord {
  /** Without quotes. */
  value: string;
  /** The same with LITERAL_DOLLAR where a `$` or a backtick is quoted, and so begins no substitution. */
  expanded: string;
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

/** A character that no command line has. */
export const LITERAL_DOLLAR = '\ue000';

const OPERATORS: ReadonlySet<string> = new Set('|;&\n\r()`');

/** Never throws: what is no valid shell is split as far as it can be. Takes time linear in the length of the line. */
export function splitCommands(line: string): ShellCommand[] {
  const commands: ShellCommand[] = [{ operator: '', words: [] }];
  let at = 0;
  while (at < line.length) {
    const character = line[at] ?? '';
    if (isBlank(character)) at++;
    else if (OPERATORS.has(character)) {
      const start = at;
      while (at < line.length && OPERATORS.has(line[at] ?? '') && at - start < 2) at++;
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
  /** Where the characters that are quoted differ. */
  let expanded: string[] | undefined;
  const offsets: number[] = [];
  let quote = '';
  let at = start;
  const keep = (isLiteral: boolean) => {
    const character = line[at] ?? '';
    if (isLiteral && (character === '$' || character === '`')) (expanded ??= [...characters]).push(LITERAL_DOLLAR);
    else expanded?.push(character);
    characters.push(character);
    offsets.push(at);
    at++;
  };
  while (at < line.length) {
    const character = line[at] ?? '';
    if (quote !== '') {
      if (character === quote) {
        quote = '';
        at++;
        continue;
      }
      const isEscaped = character === '\\' && quote === '"' && at + 1 < line.length;
      if (isEscaped) at++;
      keep(isEscaped || quote === "'");
    } else if (character === '"' || character === "'") {
      quote = character;
      at++;
    } else if (isBlank(character) || OPERATORS.has(character)) break;
    // $'text' and $"text"
    else if (character === '$' && (line[at + 1] === "'" || line[at + 1] === '"')) at++;
    else {
      const isEscaped = character === '\\' && at + 1 < line.length;
      if (isEscaped) at++;
      keep(isEscaped);
    }
  }
  const value = characters.join('');
  return { value, expanded: expanded?.join('') ?? value, offsets, start, end: at };
}

function isBlank(character: string): boolean {
  return character === ' ' || character === '\t';
}
