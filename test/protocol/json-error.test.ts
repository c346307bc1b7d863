import t from 'tap';
import { findJsonError } from '../../src/protocol/json-error.js';

t.test('the offset of the first unexpected token', (t) => {
  const cases: [string, number][] = [
    ['', 0],
    ['  ', 2],
    ['x', 0],
    ['{', 1],
    ['{"a"', 4],
    ['{"a":', 5],
    ['{"a":1', 6],
    ['{"a" 1}', 5],
    ['{"a":}', 5],
    ['{"a":1,}', 7],
    ['{a:1}', 1],
    ['{,}', 1],
    ['{1:2}', 1],
    ['{"a":1]', 6],
    ['[1,]', 3],
    ['[1 2]', 3],
    ['[1}', 2],
    [']', 0],
    ['{"a":1}}', 7],
    ['{"a":1} x', 8],
    ['{"a":01}', 5],
    ['{"a":1.}', 5],
    ['{"a":+1}', 5],
    ['{"a":tru}', 5],
    ['{"a":nullx}', 5],
    ['{"a":"x\ny"}', 5],
    ['{"a":"\\x"}', 5],
    ['{"a":"\\u12g4"}', 5],
    ['{"a":"open}', 5],
    ["{'a':1}", 1],
    ['{"a":NaN}', 5],
  ];
  for (const [text, at] of cases) {
    t.throws(() => void JSON.parse(text), text);
    t.equal(findJsonError(text), at, text);
  }
  t.end();
});

t.test('for valid JSON the offset is at the end', (t) => {
  const texts = ['{}', ' [ ] ', '{"a":[1,-2.5e+10,{"b":"\\u00e4\\"\\\\\\n"}],"":null}', '"x"', '-0', 'true'];
  for (const text of texts) {
    JSON.parse(text);
    t.equal(findJsonError(text), text.length, text);
  }
  t.end();
});

t.test('a text cut between tokens ends too early, an unexpected token is located', (t) => {
  const tokens = [
    '{',
    '"a"',
    ':',
    '[',
    '1',
    ',',
    '-2.5e+10',
    ',',
    '{',
    '"b"',
    ':',
    '"\\u00e4\\""',
    '}',
    ']',
    ',',
    '"c"',
  ];
  for (let count = 0; count <= tokens.length; count++) {
    const start = tokens.slice(0, count).join(' ');
    t.equal(findJsonError(start), start.length, start);
    t.equal(findJsonError(`${start} ;${tokens.slice(count).join('')}`), start.length + 1, start);
  }
  t.end();
});

t.test('long and deep texts take linear time and bounded stack', (t) => {
  const long = 1_000_000;
  t.equal(findJsonError(`["${'a'.repeat(200_000)}`), 1);
  t.equal(findJsonError('['.repeat(long)), long);
  t.equal(findJsonError(' '.repeat(long)), long);
  t.end();
});
