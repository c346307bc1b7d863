/** Locates the first syntax error in JSON, which JSON.parse reports only sometimes, in texts that differ by version. */

/** Blanks and a token: punctuation, a string, or a number or word. No nested repetition, so linear on any text. */
const TOKEN =
  /[ \t\r\n]*(?:([{}[\],:])|("(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*")|(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.+-]))/y;
const BLANKS = /[ \t\r\n]*/y;

type Expected = 'value' | 'value or ]' | 'key' | 'key or }' | ':' | ', or close' | 'end';

/** Returns the offset of the first unexpected token; the length of the text if it ends too early. */
export function findJsonError(text: string): number {
  const open: string[] = [];
  let expected: Expected | undefined = 'value';
  let at = 0;
  for (;;) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(text);
    if (match) expected = follow(expected, match[1] ?? (match[2] === undefined ? 'word' : 'string'), open);
    if (!match || expected === undefined) return skipBlanks(text, at);
    at = TOKEN.lastIndex;
  }
}

/** Returns what may follow a token; undefined if the token itself is unexpected. */
function follow(expected: Expected, token: string, open: string[]): Expected | undefined {
  const afterValue = () => (open.length === 0 ? 'end' : ', or close');
  const isValueExpected = expected === 'value' || expected === 'value or ]';
  switch (token) {
    case 'string':
      if (expected === 'key' || expected === 'key or }') return ':';
      return isValueExpected ? afterValue() : undefined;
    case 'word':
      return isValueExpected ? afterValue() : undefined;
    case '{':
    case '[':
      if (!isValueExpected) return undefined;
      open.push(token);
      return token === '{' ? 'key or }' : 'value or ]';
    case ':':
      return expected === ':' ? 'value' : undefined;
    case ',':
      if (expected !== ', or close') return undefined;
      return open.at(-1) === '{' ? 'key' : 'value';
    default: {
      const isEmpty = expected === (token === '}' ? 'key or }' : 'value or ]');
      if (!isEmpty && expected !== ', or close') return undefined;
      return open.pop() === (token === '}' ? '{' : '[') ? afterValue() : undefined;
    }
  }
}

function skipBlanks(text: string, at: number): number {
  BLANKS.lastIndex = at;
  BLANKS.exec(text);
  return BLANKS.lastIndex;
}
