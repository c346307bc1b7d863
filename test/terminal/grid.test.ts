import t from 'tap';
import type { GridColumn } from '../../src/terminal/grid.js';
import { gridLines } from '../../src/terminal/grid.js';
import { cellsOf, levelWidths } from '../../src/terminal/width.js';
import { between, createRandom } from '../helpers/random.js';
import { randomText } from '../helpers/random-models.js';

const STYLE = { color: false, ascii: false };
const COLUMNS: readonly GridColumn[] = [
  { heading: 'RULE', cut: { readable: 8, least: 3 } },
  { heading: 'FIRED', isNumeric: true, rank: 1 },
  { heading: 'EMPTY' },
  { heading: 'SHARE', short: '%', rank: 2 },
];
const ROWS = [
  ['a long name of a rule', '12', '', { text: '50% 1/2 files', short: '50%' }],
  [{ text: '短い', tone: 'bad' as const }, '3', '', ''],
];

t.test('texts are aligned below headings; empty columns are omitted', (t) => {
  t.same(gridLines(COLUMNS, ROWS, { columns: Infinity, style: STYLE }), [
    'RULE                   FIRED  SHARE',
    'a long name of a rule     12  50% 1/2 files',
    '短い                       3',
  ]);
  t.same(gridLines([{ heading: '' }, { heading: '' }], [['a', 'b']], { columns: 80, style: STYLE }), ['a  b']);
  t.match(gridLines(COLUMNS, ROWS, { columns: 80, style: { color: true, ascii: false } }), [
    '\u001b[2mRULE\u001b[0m                   \u001b[2mFIRED\u001b[0m  \u001b[2mSHARE\u001b[0m',
    String,
    '\u001b[31m短い\u001b[0m                       3',
  ]);
  t.end();
});

t.test('on a narrow terminal texts are cut and shortened, columns omitted by rank, then everything is cut', (t) => {
  const at = (columns: number) => gridLines(COLUMNS, ROWS, { columns, style: STYLE });
  t.same(at(35)[1], 'a long name …     12  50% 1/2 files');
  t.same(at(20), ['RULE      FIRED  %', 'a long …     12  50%', '短い          3']);
  t.same(at(14)[1], 'a long n…  50%');
  t.same(at(8)[1], 'a long …');
  t.same(at(2), ['R…', 'a…', '…']);
  t.end();
});

t.test('no line is wider than the terminal', (t) => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = createRandom(seed);
    const columns = Array.from({ length: between(random, 1, 7) }, (): GridColumn => ({
      heading: random() < 0.2 ? '' : randomText(random),
      isNumeric: random() < 0.3,
      isFixed: random() < 0.2,
      ...(random() < 0.5 && { rank: between(random, 1, 4) }),
      ...(random() < 0.5 && { cut: { readable: between(random, 8, 20), least: between(random, 2, 8) } }),
    }));
    const rows = Array.from({ length: between(random, 0, 6) }, () =>
      columns.map(() => ({ text: randomText(random), ...(random() < 0.3 && { short: randomText(random) }) })),
    );
    for (const width of [1, 10, 40, 60, 80, 120]) {
      const lines = gridLines(columns, rows, { columns: width, style: STYLE });
      const widest = Math.max(0, ...lines.map(cellsOf));
      if (widest > width) t.fail(`${widest} cells at ${width}, seed ${seed}:\n${lines.join('\n')}`);
    }
  }
  t.end();
});

t.test('widths are levelled: the widest first, none below its floor', (t) => {
  t.same(levelWidths([10, 20, 30], [0, 0, 0], 60), [10, 20, 30]);
  t.same(levelWidths([10, 20, 30], [0, 0, 0], 51), [10, 20, 21]);
  t.same(levelWidths([10, 20, 30], [0, 0, 0], 45), [10, 18, 17]);
  t.same(levelWidths([10, 20, 30], [10, 20, 0], 35), [10, 20, 5]);
  t.same(levelWidths([10, 20, 30], [10, 20, 28], 35), [10, 20, 28], 'as far as possible');
  t.same(levelWidths([], [], -3), []);
  for (let seed = 1; seed <= 300; seed++) {
    const random = createRandom(seed);
    const widths = Array.from({ length: between(random, 1, 6) }, () => between(random, 0, 60));
    const floors = widths.map(() => between(random, 0, 20));
    const cells = between(random, 0, 150);
    const levelled = levelWidths(widths, floors, cells);
    const sum = levelled.reduce((total, width) => total + width, 0);
    const most = widths.reduce((total, width) => total + width, 0);
    const least = widths.reduce((total, width, at) => total + Math.min(width, floors[at] ?? 0), 0);
    if (sum !== Math.min(most, Math.max(least, cells))) t.fail(`seed ${seed}: ${levelled.join()} for ${cells}`);
    levelled.forEach((width, at) => {
      if (width > widths[at]! || width < Math.min(widths[at]!, floors[at]!)) t.fail(`seed ${seed}: ${levelled.join()}`);
    });
  }
  t.end();
});
