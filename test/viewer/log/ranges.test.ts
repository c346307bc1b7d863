import t from 'tap';
import type { LineRange } from '../../../viewer/log/ranges.js';
import { Rows } from '../../../viewer/log/ranges.js';

/** The model, row by row, that the arithmetic has to match. */
function listed(rows: Rows): string[] {
  return Array.from({ length: rows.count }, (_, row) => {
    const place = rows.at(row);
    return place ? `${place.line}.${place.below}` : '?';
  });
}

t.test('maps rows to lines, and lines to rows', (t) => {
  const rows = new Rows([
    [3, 5],
    [9, 9],
    [20, 22],
  ]);
  t.strictSame(listed(rows), ['3.0', '4.0', '5.0', '9.0', '20.0', '21.0', '22.0']);
  for (const [row, line] of [3, 4, 5, 9, 20, 21, 22].entries()) t.equal(rows.rowOf(line), row, `line ${line}`);
  t.strictSame(
    [1, 6, 10, 99].map((line) => rows.rowOf(line)),
    [0, 3, 4, 7],
    'what is not shown leads to the next',
  );
  t.strictSame(
    [2, 4, 8, 9, 23].map((line) => rows.has(line)),
    [false, true, false, true, false],
  );
  t.equal(rows.at(7), undefined);
  t.equal(rows.at(-1), undefined);
  t.end();
});

t.test('the lines between two others', (t) => {
  const rows = new Rows([
    [3, 5],
    [9, 9],
    [20, 22],
  ]);
  t.strictSame(rows.within(1, 30), [
    [3, 5],
    [9, 9],
    [20, 22],
  ]);
  t.strictSame(rows.within(4, 9), [
    [4, 5],
    [9, 9],
  ]);
  t.strictSame(rows.within(21, 21), [[21, 21]]);
  t.strictSame(rows.within(6, 8), []);
  t.strictSame(new Rows().within(1, 9), []);
  t.end();
});

t.test('new lines are appended to earlier ones', (t) => {
  const rows = new Rows([[1, 2]]);
  rows.append(3, 4);
  rows.append(7, 7);
  rows.append(9, 8);
  t.strictSame(listed(rows), ['1.0', '2.0', '3.0', '4.0', '7.0']);
  t.end();
});

t.test('expanded details are below their line and shift the rest', (t) => {
  const rows = new Rows([[1, 4]]);
  rows.open(2, 2);
  rows.open(4, 1);
  rows.open(9, 5);
  t.strictSame(listed(rows), ['1.0', '2.0', '2.1', '2.2', '3.0', '4.0', '4.1']);
  t.strictSame(
    [1, 2, 3, 4].map((line) => rows.rowOf(line)),
    [0, 1, 4, 5],
  );
  rows.open(2, 0);
  t.strictSame(listed(rows), ['1.0', '2.0', '3.0', '4.0', '4.1']);
  t.end();
});

t.test('folded ranges are hidden, whatever they overlap', (t) => {
  const rows = new Rows([
    [1, 10],
    [20, 30],
  ]);
  const without = (...hidden: LineRange[]) => listed(rows.without(hidden)).map((place) => parseInt(place));
  t.strictSame(without([2, 9]), [1, 10, ...range(20, 30)]);
  t.strictSame(without([5, 25]), [1, 2, 3, 4, ...range(26, 30)]);
  t.strictSame(without([1, 99]), []);
  t.strictSame(without([11, 19]), [...range(1, 10), ...range(20, 30)]);
  t.strictSame(without([3, 4], [6, 7], [29, Number.MAX_SAFE_INTEGER]), [1, 2, 5, 8, 9, 10, ...range(20, 28)]);
  t.end();
});

t.test('random ranges match the model', (t) => {
  let seed = 7;
  const random = (below: number) => (seed = (seed * 48_271) % 2_147_483_647) % below;
  for (let round = 0; round < 200; round++) {
    const lines = Array.from({ length: 60 }, (_, index) => index + 1).filter(() => random(3) > 0);
    const rows = new Rows();
    for (const line of lines) rows.append(line, line);
    const opened = new Map(lines.filter(() => random(8) === 0).map((line) => [line, 1 + random(3)]));
    for (const [line, count] of opened) rows.open(line, count);
    const wanted = lines.flatMap((line) =>
      Array.from({ length: 1 + (opened.get(line) ?? 0) }, (_, below) => `${line}.${below}`),
    );
    t.strictSame(listed(rows), wanted);
    for (const line of lines) t.equal(rows.rowOf(line), wanted.indexOf(`${line}.0`));
  }
  t.end();
});

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}
