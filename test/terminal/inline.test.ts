import t from 'tap';
import { Inline } from '../../src/terminal/inline.js';
import type { View } from '../../src/terminal/view.js';
import { boxLines } from '../../src/terminal/view.js';
import { cellsOf } from '../../src/terminal/width.js';
import { CONTROLS } from '../helpers/controls.js';
import { START } from '../helpers/models.js';
import { randomExecution } from '../helpers/random-models.js';
import { between, createRandom, pick } from '../helpers/random.js';
import type { Random } from '../helpers/random.js';
import { ATTRIBUTES, createVt } from '../helpers/vt.js';
import type { Reflow } from '../helpers/vt.js';

const KINDS = ['none', 'all', 'except-cursor-line'] as const satisfies Reflow[];

function open(
  size: { columns: number; rows: number },
  { reflow = 'none', ...options }: { reflow?: Reflow; cells?: (text: string) => number } = {},
) {
  const inline = new Inline({ controls: CONTROLS, size });
  const vt = createVt({ ...size, ...options, reflow });
  return {
    inline,
    vt,
    /** Through these sizes, which the program sees; then the terminal reports the cursor. */
    resize: (...sizes: { columns: number; rows: number }[]) => {
      for (const next of sizes) {
        vt.resize(next);
        inline.resize(next);
      }
      if (inline.isDisplaced) inline.locate({ ...vt.cursor(), attributes: ATTRIBUTES[reflow] });
    },
  };
}

t.test('only lines that differ are written', (t) => {
  const { inline, vt } = open({ columns: 20, rows: 10 });
  vt.write(inline.draw(['one', 'two', 'three']));
  const bytes = inline.draw(['one', 'TWO', 'three']);
  t.equal(bytes, '\u001b[?2026h\u001b[?7l\u001b[1A\rTWO\u001b[K\u001b[1B\u001b[3G\u001b[?7h\u001b[?2026l');
  vt.write(bytes);
  t.same(vt.lines().slice(0, 4), ['one', 'TWO', 'three', '']);
  t.same(vt.cursor(), { row: 2, column: 2 });
  t.end();
});

t.test('not a byte is written when nothing has changed', (t) => {
  const { inline } = open({ columns: 20, rows: 10 });
  inline.draw(['one', 'two']);
  t.equal(inline.draw(['one', 'two']), '');
  t.end();
});

t.test('a block grows by scrolling at the bottom of the screen, and leaves no rows when it shrinks', (t) => {
  const { inline, vt } = open({ columns: 20, rows: 4 });
  vt.write('$ progress\r\n\r\n\r\n');
  vt.write(inline.draw(['a']));
  vt.write(inline.draw(['a', 'b', 'c']));
  t.same(vt.lines(), ['', 'a', 'b', 'c']);
  t.same(vt.history()[0], '$ progress');
  vt.write(inline.draw(['c']));
  t.same(vt.lines(), ['', 'c', '', '']);
  t.same(vt.cursor(), { row: 1, column: 0 });
  t.end();
});

t.test('lines above the block go to the scrollback, long ones wrapped by the terminal', (t) => {
  const { inline, vt } = open({ columns: 10, rows: 4 });
  vt.write(inline.draw(['[box]']));
  vt.write(inline.draw(['[box]'], ['first', 'a line that wraps']));
  vt.write(inline.draw(['[BOX]'], ['last']));
  t.same(vt.history(), ['first', 'a line tha', 't wraps', 'last', '[BOX]']);
  t.end();
});

t.test('a full row keeps its last cell', (t) => {
  const { inline, vt } = open({ columns: 5, rows: 4 });
  vt.write(inline.draw(['12345', '漢字x', '漢字漢']));
  t.same(vt.lines(), ['12345', '漢字x', '漢字…', '']);
  t.end();
});

t.test('the right border stays in its column on a terminal where every glyph has one cell', (t) => {
  const { inline, vt } = open({ columns: 12, rows: 6 }, { cells: () => 1 });
  const lines = ['│ ✅ done  │', '│ 👩‍👩‍👧 xy    │', '│ 漢字漢字 │'];
  vt.write(inline.draw(lines.map(() => '############')));
  vt.write(inline.draw(lines));
  const last = vt
    .lines()
    .slice(0, 3)
    .map((line) => [...new Intl.Segmenter().segment(line)].length);
  t.ok(
    vt
      .lines()
      .slice(0, 3)
      .every((line) => line.endsWith('│') && !line.includes('#')),
    vt.lines().join('\n'),
  );
  t.same(last, [12, 12, 12]);
  t.end();
});

t.test('a glyph wider than expected cannot wrap the row', (t) => {
  const { inline, vt } = open({ columns: 8, rows: 4 }, { cells: (text) => (text === '○' ? 2 : 1) });
  vt.write(inline.draw(['○○○○○○○○', 'next']));
  t.equal(vt.lines()[1], 'next');
  t.ok(vt.isOn(7), 'and the terminal wraps again afterwards');
  t.end();
});

t.test('a block is never taller than the screen less one row', (t) => {
  const { inline, vt } = open({ columns: 8, rows: 3 });
  vt.write(inline.draw(['1', '2', '3', '4']));
  t.same(vt.lines(), ['1', '2', '']);
  t.end();
});

/** Numbered lines of the width of a box. */
function block(columns: number, rows: number): string[] {
  return Array.from({ length: rows }, (_, row) => `${row}`.padEnd(columns - 1, '#'));
}

const PRINTED = Array.from({ length: 20 }, (_, index) => `printed line ${index + 1}`);

t.test('after a change of width the block is erased, and nothing above it', (t) => {
  for (const reflow of KINDS) {
    for (const [from, ...to] of [
      [100, 60],
      [100, 50],
      [101, 50],
      [100, 60, 100],
      [100, 60, 80],
      [100, 31, 60, 100, 45],
      [100, 120],
      [160, 79],
      [159, 79],
      [60, 25],
    ] as [number, ...number[]][]) {
      for (const above of [3, 20]) {
        const size = { columns: from, rows: 24 };
        const { inline, vt, resize } = open(size, { reflow });
        vt.write(
          PRINTED.slice(0, above)
            .map((line) => `${line}\r\n`)
            .join(''),
        );
        vt.write(inline.draw(block(from, 5)));
        resize(...to.map((columns) => ({ columns, rows: 24 })));
        vt.write(inline.draw(['new']));
        const shown = vt.transcript().trimEnd();
        const wanted = [...PRINTED.slice(0, above), 'new'].join('\n');
        t.equal(shown, wanted, `${reflow}: ${[from, ...to].join(' > ')}, ${above} lines above`);
      }
    }
  }
  t.end();
});

t.test('a change of height alone needs no answer; rows that left the screen cannot be erased', (t) => {
  for (const reflow of KINDS) {
    for (const rows of [40, 12, 3, 1]) {
      const { inline, vt, resize } = open({ columns: 40, rows: 24 }, { reflow });
      vt.write(PRINTED.map((line) => `${line}\r\n`).join(''));
      vt.write(inline.draw(block(40, 8)));
      vt.resize({ columns: 40, rows });
      inline.resize({ columns: 40, rows });
      t.notOk(inline.isDisplaced);
      resize({ columns: 40, rows: 24 });
      vt.write(inline.draw(['new']));
      const shown = vt.transcript().trimEnd();
      t.ok(shown.startsWith(PRINTED.join('\n')) && shown.endsWith('new'), `${reflow}: ${rows} rows:\n${shown}`);
    }
  }
  t.end();
});

t.test('without an answer nothing above the block is erased', (t) => {
  for (const reflow of KINDS) {
    const { inline, vt } = open({ columns: 100, rows: 24 }, { reflow });
    vt.write(PRINTED.map((line) => `${line}\r\n`).join(''));
    vt.write(inline.draw(block(100, 5)));
    vt.resize({ columns: 60, rows: 24 });
    inline.resize({ columns: 60, rows: 24 });
    t.ok(inline.isDisplaced);
    inline.locate(undefined);
    t.notOk(inline.isDisplaced);
    vt.write(inline.draw(['new']));
    const shown = vt.transcript().trimEnd();
    t.ok(shown.startsWith(PRINTED.join('\n')) && shown.endsWith('new'), `${reflow}:\n${shown}`);
  }
  t.end();
});

t.test('the block stays where it is when the cursor leaves it, and is erased from there', (t) => {
  const { inline, vt } = open({ columns: 20, rows: 8 });
  vt.write(inline.draw(['one', 'two']));
  vt.write(inline.stepBelow());
  t.equal(inline.stepBelow(), '');
  t.same(vt.cursor(), { row: 2, column: 0 });
  vt.write(inline.draw(['one', 'TWO']));
  t.same(vt.lines().slice(0, 3), ['one', 'TWO', '']);
  vt.write(inline.stepBelow() + inline.erase());
  t.same([vt.lines().join(''), vt.cursor()], ['', { row: 0, column: 0 }]);
  t.end();
});

t.test('erase and forget', (t) => {
  const { inline, vt } = open({ columns: 20, rows: 8 });
  vt.write('above\r\n');
  vt.write(inline.draw(['one', 'two']));
  vt.write(inline.erase());
  t.equal(inline.erase(), '', 'what is gone is not erased again');
  t.same(vt.lines().slice(0, 3), ['above', '', '']);
  vt.write(inline.draw(['three']));
  vt.write(inline.stepBelow());
  inline.forget();
  vt.write(inline.draw(['four']));
  t.same(vt.lines().slice(0, 4), ['above', 'three', 'four', '']);
  t.end();
});

t.test(
  'a block at the top of the screen leaves nothing in the scrollback of a terminal that keeps cleared screens',
  (t) => {
    const { inline, vt } = open({ columns: 20, rows: 8 });
    vt.write(inline.draw(['one', 'two']));
    vt.write(inline.draw(['ONE']));
    vt.write(inline.erase());
    t.equal(vt.transcript().trim(), '');
    t.end();
  },
);

const SIZES = { columns: [20, 200], rows: [5, 60] } as const;

function randomSize(random: Random) {
  return { columns: between(random, ...SIZES.columns), rows: between(random, ...SIZES.rows) };
}

function randomView(random: Random): View {
  const connection = pick(random, [
    { state: 'live' },
    { state: 'live' },
    { state: 'snapshots', since: START },
    { state: 'lost', since: START + 5_000 },
  ] as const);
  const executions = Array.from({ length: pick(random, [0, 1, 1, 1, 2, 12]) }, (_, index) =>
    randomExecution(random, index),
  );
  return { executions, connection, now: START + between(random, 0, 500_000), detail: random() < 0.8 };
}

t.test('where lines are cut, any sequence of frames and sizes ends with the screen of a single frame', (t) => {
  for (let seed = 1; seed <= 30; seed += 1) {
    const random = createRandom(seed);
    const reflow = 'none';
    const style = { color: random() < 0.7, ascii: random() < 0.3 };
    let size = randomSize(random);
    const { inline, vt, resize } = open(size, { reflow });
    const printed: string[] = [];
    for (let frame = 0; frame < 12; frame += 1) {
      if (random() < 0.25) {
        size = randomSize(random);
        resize(size);
      }
      const above = random() < 0.3 ? [`<${seed}.${frame}>`] : [];
      printed.push(...above);
      const lines = boxLines(randomView(random), size, style);
      const tooWide = lines.find((line) => cellsOf(line) >= size.columns);
      if (tooWide !== undefined || lines.length >= size.rows)
        t.fail(`seed ${seed}: does not fit ${JSON.stringify({ size, tooWide, lines: lines.length })}`);
      vt.write(inline.draw(lines, above));

      const fresh = open(size, { reflow });
      fresh.vt.write(fresh.inline.draw(lines));
      const end = vt.cursor().row + (lines.length > 0 ? 1 : 0);
      const found = vt.styled().slice(Math.max(0, end - lines.length), end);
      const wanted = fresh.vt.styled().slice(0, lines.length);
      const below = vt.lines().slice(end);
      if (found.join() !== wanted.join() || below.join('') !== '') {
        t.same(vt.lines(), fresh.vt.lines(), `seed ${seed} frame ${frame}`);
        return t.end();
      }
      const kept = vt.transcript().match(/<\d+\.\d+>/g) ?? [];
      if (kept.join() !== printed.join()) {
        t.same(kept, printed, `seed ${seed} frame ${frame}: the scrollback`);
        return t.end();
      }
      if (vt.isOn(2026) || !vt.isOn(7)) t.fail('modes left behind');
    }
  }
  t.pass('all seeds');
  t.end();
});
