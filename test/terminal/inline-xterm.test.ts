import type { Test } from 'tap';
import t from 'tap';
import { stripAnsi } from '../../src/core/text/ansi.js';
import { Inline } from '../../src/terminal/inline.js';
import type { View } from '../../src/terminal/view.js';
import { boxLines } from '../../src/terminal/view.js';
import { cellsOf, piecesOf } from '../../src/terminal/width.js';
import { CONTROLS } from '../helpers/controls.js';
import { makeExecution, makeShipLogin, START, timeAt } from '../helpers/models.js';
import { randomExecution, randomText } from '../helpers/random-models.js';
import type { Random } from '../helpers/random.js';
import { between, createRandom, pick } from '../helpers/random.js';
import type { Reflow } from '../helpers/vt.js';
import { ATTRIBUTES } from '../helpers/vt.js';
import type { Xterm, XtermCell } from '../helpers/xterm.js';
import { createXterm } from '../helpers/xterm.js';

const KINDS = ['all', 'except-cursor-line'] as const satisfies Reflow[];

const SIZES = [40, 60, 80, 120, 200].flatMap((columns) => [10, 16, 24, 60].map((rows) => ({ columns, rows })));

function viewOf(executions: View['executions'], log?: View['log']): View {
  return {
    executions,
    connection: { state: 'live' },
    now: START + 401_000,
    detail: true,
    ...(log && { log }),
  };
}

/** Compares the block with a screen on which it was drawn at once. */
async function expectFresh(
  t: Test,
  {
    shown,
    inline,
    lines,
    size,
    reflow,
  }: {
    shown: Xterm;
    inline: Inline;
    lines: string[];
    size: { columns: number; rows: number };
    reflow: (typeof KINDS)[number];
  },
  what: string,
): Promise<boolean> {
  const fresh = createXterm(size.columns, size.rows, reflow);
  await fresh.write(new Inline({ controls: CONTROLS, size }).draw(lines));
  const end = shown.cursor().row + (lines.length > 0 ? 1 : 0);
  const found = shown.cells().slice(Math.max(0, end - lines.length), end);
  const wanted = fresh.cells().slice(0, lines.length);
  if (JSON.stringify(found) === JSON.stringify(wanted) && shown.lines().slice(end).join('') === '') return true;
  t.same(shown.lines(), fresh.lines(), what);
  t.same(found, wanted, what);
  t.not(inline.draw(lines), undefined);
  return false;
}

/** Each glyph begins in its column; xterm.js takes those of newer Unicode versions for narrow, and leaves a cell empty. */
function expectCells(t: Test, cells: readonly XtermCell[], line: string, what: string): void {
  let column = 0;
  for (const piece of piecesOf(stripAnsi(line))) {
    if (cells[column]?.text !== piece.text) return void t.equal(cells[column]?.text, piece.text, `${what}: ${column}`);
    column += piece.cells;
  }
  const rest = cells.slice(column).map(({ text }) => text);
  if (rest.join('').trim() !== '') t.equal(rest.join(''), '', `${what}: after the line`);
}

t.test('at 20 sizes each cell of the box is as laid out, and the cursor keeps a row', async (t) => {
  const log = Array.from({ length: 80 }, (_, n) => ({ time: timeAt(n), text: `line ${n}`, level: 'info' }));
  const views = [
    viewOf([makeShipLogin()], log),
    viewOf([makeShipLogin(), ...Array.from({ length: 70 }, (_, n) => makeExecution({ id: `x${n}` }))]),
    viewOf([]),
  ];
  for (const size of SIZES) {
    for (const view of views) {
      const screen = createXterm(size.columns, size.rows);
      const lines = boxLines(view, size, { color: true, ascii: false });
      await screen.write(new Inline({ controls: CONTROLS, size }).draw(lines));
      const what = `${size.columns}x${size.rows}`;
      t.ok(lines.length < size.rows, what);
      t.ok(lines.length >= Math.min(view.executions.length === 0 ? 2 : 9, size.rows - 1), `${what}: ${lines.length}`);
      const cells = screen.cells();
      for (const [row, line] of lines.entries()) {
        expectCells(t, cells[row] ?? [], line, `${what} row ${row}`);
      }
    }
  }
});

t.test('wide, combining and hostile texts move no border', async (t) => {
  for (let seed = 1; seed <= 40; seed += 1) {
    const random = createRandom(seed);
    const size = pick(
      random,
      SIZES.filter(({ columns }) => columns >= 60),
    );
    const log = Array.from({ length: 60 }, () => ({ time: timeAt(0), text: randomText(random) }));
    const lines = boxLines(viewOf([randomExecution(random, seed)], log), size, { color: true, ascii: false });
    const screen = createXterm(size.columns, size.rows);
    await screen.write(new Inline({ controls: CONTROLS, size }).draw(lines));
    const right = Math.min(size.columns - 1, 110) - 1;
    const borders = screen
      .cells()
      .slice(0, lines.length)
      .map((row) => `${row[0]?.text}${row[right]?.text}`);
    const wrong = borders.filter((border) => !/^(╭╮|││|├┤|╰╯)$/.test(border));
    t.same(wrong, [], `seed ${seed} at ${size.columns}x${size.rows}:\n${screen.lines().join('\n')}`);
  }
});

function randomSize(random: Random) {
  return { columns: between(random, 20, 200), rows: between(random, 5, 60) };
}

function randomView(random: Random): View {
  const connection = pick(random, [
    { state: 'live' },
    { state: 'live' },
    { state: 'snapshots', since: START },
    { state: 'lost', since: START + 5_000, reason: 'no daemon is running; start it with `progress daemon start`' },
  ] as const);
  const executions = Array.from({ length: pick(random, [0, 1, 1, 1, 2, 12]) }, (_, index) =>
    randomExecution(random, index),
  );
  const log = Array.from({ length: between(random, 0, 40) }, (_, n) => ({
    time: timeAt(n * 1_000),
    text: randomText(random),
    ...(random() < 0.3 && { level: pick(random, ['info', 'warning', 'error', randomText(random)]) }),
  }));
  const now = START + between(random, 0, 500_000);
  return { executions, connection, now, detail: random() < 0.8, ...(random() < 0.7 && { log }) };
}

t.test('any sequence of frames and sizes ends with the screen of a single frame', async (t) => {
  for (let seed = 1; seed <= 40; seed += 1) {
    const random = createRandom(seed);
    const reflow = pick(random, KINDS);
    const style = { color: random() < 0.7, ascii: random() < 0.3 };
    let size = randomSize(random);
    const inline = new Inline({ controls: CONTROLS, size });
    const shown = createXterm(size.columns, size.rows, reflow);
    const printed: string[] = [];
    for (let frame = 0; frame < 12; frame += 1) {
      if (random() < 0.25) {
        size = randomSize(random);
        shown.resize(size.columns, size.rows);
        inline.resize(size);
        if (inline.isDisplaced) inline.locate({ ...shown.cursor(), attributes: ATTRIBUTES[reflow] });
      }
      const above = random() < 0.3 ? [`<${seed}.${frame}>`] : [];
      printed.push(...above);
      const lines = boxLines(randomView(random), size, style);
      const tooWide = lines.find((line) => cellsOf(line) >= size.columns);
      if (tooWide !== undefined || lines.length >= size.rows)
        t.fail(`seed ${seed}: does not fit ${JSON.stringify({ size, tooWide, lines: lines.length })}`);
      await shown.write(inline.draw(lines, above));
      const what = `seed ${seed} frame ${frame} ${reflow} ${size.columns}x${size.rows}`;
      if (!(await expectFresh(t, { shown, inline, lines, size, reflow }, what))) return;
      const kept = shown.transcript().match(/<\d+\.\d+>/g) ?? [];
      if (kept.join() !== printed.join()) return void t.same(kept, printed, `${what}: the scrollback`);
      if (!shown.isWrapping()) t.fail('a mode is left behind');
    }
  }
  t.pass('all seeds');
});
