import t from 'tap';
import type { LogLine } from '../../../src/core/events/log.js';
import { ShownLines } from '../../../viewer/log/shown-lines.js';

function line(number: number, text = 'text'): LogLine {
  return { line: number, seq: number, time: '2026-01-02T03:04:05.000Z', type: 'output', text };
}

/** What each row shows: a line, or a row of a detail. */
function rowsOf({ rows }: ShownLines): string[] {
  return Array.from({ length: rows.count }, (_, row) => {
    const place = rows.at(row);
    return place ? `${place.line}${place.below === 0 ? '' : `.${place.below}`}` : '?';
  });
}

t.test('all lines are shown, live ones too', async (t) => {
  const lines = new ShownLines();
  t.ok(lines.isOutdated(2));
  lines.setTotal(2);
  t.notOk(lines.isOutdated(2));
  t.equal(lines.append([line(3), line(4)]), 2);
  t.strictSame(rowsOf(lines), ['1', '2', '3', '4']);
  t.notOk(lines.isOutdated(4));
});

t.test('a filter has lines that exist and a test for live ones', async (t) => {
  const lines = new ShownLines();
  lines.setTotal(10);
  lines.setFilter({ ranges: [[2, 3]], test: ({ text }) => text === 'yes' }, 10);
  t.notOk(lines.isOutdated(12), 'the total of the log is another thing');
  t.equal(lines.append([line(11, 'yes'), line(12, 'no')]), 1);
  t.strictSame(rowsOf(lines), ['2', '3', '11']);
  lines.setFilter(undefined, 12);
  t.equal(rowsOf(lines).length, 12);
});

t.test('lines of folded steps are hidden, also live ones, and come back', async (t) => {
  const lines = new ShownLines();
  lines.setTotal(5);
  lines.setHidden([[3, Number.MAX_SAFE_INTEGER]]);
  t.equal(lines.append([line(6)]), 0);
  t.strictSame(rowsOf(lines), ['1', '2']);
  lines.setHidden([]);
  t.strictSame(rowsOf(lines), ['1', '2', '3', '4', '5', '6']);
});

t.test('a detail is shown below its line, and stays open under other filters', async (t) => {
  const lines = new ShownLines();
  lines.setTotal(3);
  lines.open(2, 'first\nsecond');
  t.ok(lines.isOpen(2));
  t.strictSame(rowsOf(lines), ['1', '2', '2.1', '2.2', '3']);
  t.equal(lines.detailAt({ line: 2, below: 2 }), 'second');
  t.equal(lines.detailAt({ line: 2, below: 0 }), undefined);
  lines.setFilter({ ranges: [[2, 2]], test: () => true }, 3);
  t.strictSame(rowsOf(lines), ['2', '2.1', '2.2']);
  lines.close(2);
  t.strictSame(rowsOf(lines), ['2']);
});
