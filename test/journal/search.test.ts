import t from 'tap';
import { between, containing, type LineSearch, matching } from '../../src/journal/search.js';
import { compilePattern } from '../../src/platform/patterns.js';
import { createRandom } from '../helpers/random.js';

/** The lines that may match. */
function chosen(search: LineSearch, lines: readonly string[]): number[] {
  const buffer = Buffer.from(lines.map((line) => `${line}\n`).join(''));
  const test = search(buffer);
  let start = 0;
  return lines.flatMap((line, index) => {
    const end = start + Buffer.byteLength(line);
    const isWanted = test(start, end);
    start = end + 1;
    return isWanted ? [index] : [];
  });
}

const lineOf = (text: string) =>
  `{"seq":1,"time":"2026-11-20T12:48:46.123Z","type":"output","data":${JSON.stringify({ text })}}`;

t.test('finds lines by a text, a time, or the literal of a pattern', (t) => {
  const lines = ['one two', 'two', 'three', 'one'].map(lineOf);
  t.strictSame(chosen(containing('one'), lines), [0, 3]);
  t.strictSame(chosen(matching('on(e|ly)', false)!, lines), [0, 3]);
  t.strictSame(chosen(matching('TWO|Three', true)!, lines), [0, 1, 2]);
  t.strictSame(chosen(matching('one two', false)!, lines), [0]);
  t.equal(matching('.', false), undefined);
  t.equal(matching('"', false), undefined, 'in JSON it looks otherwise');
  const times = ['2026-11-20T10', '2026-11-20T11', '2026-11-20T12'].map((hour) =>
    lineOf('x').replace('2026-11-20T12', hour),
  );
  t.strictSame(chosen(between('2026-11-20T11:48:46.123Z'), times), [1, 2]);
  t.strictSame(chosen(between(undefined, '2026-11-20T11:48:46.123Z'), times), [0]);
  t.strictSame(chosen(between('2027'), ['{"seq":12,"tome":"2026', ...times]), [0], 'what is damaged is looked at');
  t.end();
});

t.test('never skips a line whose text is encoded in another way', (t) => {
  const base64 = Buffer.from('needle').toString('base64');
  const lines = [
    String.raw`{"seq":1,"data":{"text":"n\u0065edle"}}`,
    String.raw`{"seq":1,"data":{"text":"a\/b"}}`,
    `{"seq":1,"data":{"base64":"${base64}"}}`,
    String.raw`{"seq":1,"data":{"text":"\u001b[31m"}}`,
    String.raw`{"seq":1,"data":{"raw":"{\"text\":\"stra\\u00dfe\"}","textAt":"/text"}}`,
  ];
  t.strictSame(chosen(matching('needle', false)!, lines), [0, 1, 2, 3, 4]);
  t.strictSame(chosen(matching('a/b', false)!, lines), [0, 1, 2, 3, 4]);
  t.strictSame(chosen(matching('one', false)!, [lineOf('o\u001b[31mne'), lineOf('x')]), [0], 'colours in it');
  t.strictSame(chosen(matching('K', true)!, [lineOf('\u212a'), lineOf('k'), lineOf('x')]), [0, 1], 'the Kelvin sign');
  t.strictSame(chosen(matching('as', true)!, [lineOf('a\u017f'), lineOf('AS'), lineOf('ss')]), [0, 1], 'the long s');
  t.strictSame(chosen(matching('größe', false)!, [lineOf('größe'), lineOf('GRÖSSE')]), [0]);
  t.strictSame(
    chosen(matching('grÖße', true)!, [lineOf('GRößE'), lineOf('gr'), lineOf('x')]),
    [0, 1],
    'other letters are left to the pattern',
  );
  t.end();
});

t.test('never skips a line that a pattern matches', (t) => {
  const random = createRandom(7);
  const pick = (list: readonly string[]) => list[random(list.length)]!;
  const atoms = ['a', 'b', 'k', 'S', 'ab', 'é', '"', '\\\\', ':', '.', '[ab]', '(a|bk)', '(?:s|é)', '\\d', ' ', '😀'];
  const marks = ['', '', '', '?', '*', '+', '{2}', '|', '+?'];
  const letters = [
    'a',
    'b',
    'k',
    'K',
    's',
    'S',
    'é',
    'É',
    '"',
    '\\',
    ':',
    ' ',
    '7',
    '😀',
    '\n',
    '\u212a',
    '\u017f',
    '\u001b',
  ];
  for (let round = 0; round < 3_000; round++) {
    const source = Array.from({ length: 1 + random(4) }, () => pick(atoms) + pick(marks)).join('');
    const text = Array.from({ length: random(12) }, () => pick(letters)).join('');
    const ignoreCase = random(2) === 0;
    const search = matching(source, ignoreCase);
    if (!search || !compilePattern(source, { ignoreCase }).test(text)) continue;
    if (!t.strictSame(chosen(search, [lineOf(text)]), [0], `${source} in ${JSON.stringify(text)}`)) break;
  }
  t.end();
});
