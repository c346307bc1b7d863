import t from 'tap';
import { alignRight, cellsOf, fit, isUncertain, piecesOf, rowsAt, truncate, wrap } from '../../src/terminal/width.js';
import { randomText } from '../helpers/random-models.js';
import { createRandom } from '../helpers/random.js';

t.test('cells are counted by grapheme cluster', (t) => {
  const cases: Record<string, number> = {
    '': 0,
    abc: 3,
    naïve: 5,
    'e\u0301': 1,
    漢字: 4,
    한국어: 6,
    '\u1112\u1161\u11ab': 2,
    ｶﾞ: 2,
    '✅⏳❌': 6,
    '○●▶│█░': 6,
    '🎉': 2,
    '👩‍👩‍👧‍👦': 2,
    '🇩🇪': 2,
    '👍🏽': 2,
    '⚠': 1,
    '⚠️': 2,
    '1️⃣': 2,
    '\u200b\ufeff': 0,
    'a\u200db': 2,
    '\u001b[1;31mred\u001b[0m': 3,
  };
  for (const [text, cells] of Object.entries(cases)) t.equal(cellsOf(text), cells, JSON.stringify(text));
  t.end();
});

t.test('the pieces of a text add up to it, and their widths to its width', (t) => {
  const random = createRandom(7);
  for (let round = 0; round < 500; round += 1) {
    const text = randomText(random);
    const pieces = [...piecesOf(text)];
    const whole = pieces.map((piece) => piece.text).join('');
    const cells = pieces.reduce((sum, piece) => sum + piece.cells, 0);
    if (whole !== text || cells !== cellsOf(text)) t.same({ whole, cells }, { whole: text, cells: cellsOf(text) });
  }
  t.pass('500 texts');
  t.end();
});

t.test('a piece is uncertain if terminals may disagree on it', (t) => {
  const uncertain = (text: string) => [...piecesOf(text)].map(isUncertain);
  t.same(uncertain('a漢│'), [false, true, false]);
  t.same(uncertain('e\u0301⚠️\u001b[1m'), [true, true, false]);
  t.end();
});

t.test('truncating keeps whole clusters, adds a mark, and resets colours', (t) => {
  t.equal(truncate('short', 5), 'short');
  t.equal(truncate('longer', 5), 'long…');
  t.equal(truncate('漢字漢字', 6), '漢字…');
  t.equal(truncate('漢字漢字', 5), '漢字…');
  t.equal(truncate('漢字漢字', 4), '漢…');
  t.equal(truncate('👩‍👩‍👧‍👦👩‍👩‍👧‍👦', 3), '👩‍👩‍👧‍👦…');
  t.equal(truncate('\u001b[31mred text\u001b[0m', 4), '\u001b[31mred\u001b[0m…');
  t.equal(truncate('longer', 5, '..'), 'lon..');
  t.equal(truncate('longer', 1), '…');
  t.equal(truncate('longer', 1, '..'), '.');
  t.equal(truncate('longer', 0), '');
  t.equal(truncate('x', -3), '');
  t.end();
});

t.test('fitting yields exactly the requested number of cells', (t) => {
  const random = createRandom(3);
  for (let round = 0; round < 500; round += 1) {
    const text = randomText(random).replace(/[\u0000-\u001a\u001c-\u001f]/g, '');
    const cells = round % 40;
    if (cellsOf(fit(text, cells)) !== cells) t.fail(JSON.stringify({ text, cells, found: fit(text, cells) }));
  }
  t.equal(fit('漢', 4), '漢  ');
  t.equal(alignRight('漢', 4), '  漢');
  t.equal(alignRight('too long', 4), 'too long');
  t.end();
});

t.test('wrapping breaks at spaces where it can, and cuts what exceeds the rows', (t) => {
  t.same(wrap('the quick brown fox', 10, 9), ['the quick', 'brown fox']);
  t.same(wrap('unbreakable', 4, 9), ['unbr', 'eaka', 'ble']);
  t.same(wrap('漢字漢字', 3, 9), ['漢', '字', '漢', '字']);
  t.same(wrap('漢字', 1, 9), ['漢', '字'], 'a row too narrow for a glyph still ends');
  t.same(wrap('one two three four', 5, 2), ['one', 'two …']);
  t.same(wrap('fits', 10, 1), ['fits']);
  t.same(wrap('', 10, 3), ['']);
  t.end();
});

t.test('a line takes as many rows as a terminal needs for it', (t) => {
  t.equal(rowsAt('', 10), 1);
  t.equal(rowsAt('1234567890', 10), 1);
  t.equal(rowsAt('12345678901', 10), 2);
  t.equal(rowsAt('漢字漢', 5), 2, 'a wide glyph is not divided');
  t.equal(rowsAt('\u001b[31m12345\u001b[0m', 5), 1);
  t.end();
});
