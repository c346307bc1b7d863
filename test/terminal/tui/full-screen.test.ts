import t from 'tap';
import { FullScreen } from '../../../src/terminal/tui/full-screen.js';
import { LineSet } from '../../../src/terminal/tui/line-set.js';
import { MouseReader } from '../../../src/terminal/tui/mouse.js';
import { createRandom } from '../../helpers/random.js';

const CONTROLS = {
  position: (row: number, column: number) => `<${row},${column}>`,
  ...{ eraseRight: '<K>', eraseAll: '<J>', wrapOff: '', wrapOn: '', syncBegin: '', syncEnd: '' },
};

/** Applies the bytes to rows of text. */
function apply(screen: string[], bytes: string): void {
  if (bytes.includes('<J>')) screen.fill('');
  for (const [, row = '', text = '', isErased] of bytes.matchAll(/<(\d+),0>([^<]*)(<K>)?/g)) {
    const before = screen[Number(row)] ?? '';
    screen[Number(row)] = isErased ? text : text + before.slice(text.length);
  }
}

t.test('a frame equals a fresh frame, at random sizes and after random changes', (t) => {
  const random = createRandom(1);
  for (let round = 0; round < 50; round++) {
    const size = { columns: 5 + random(30), rows: 1 + random(10) };
    const frames = new FullScreen(CONTROLS);
    const screen = Array.from({ length: size.rows }, () => '');
    for (let frame = 0; frame < 20; frame++) {
      const lines = Array.from({ length: random(size.rows + 1) }, () => 'x'.repeat(random(size.columns + 5)));
      apply(screen, frames.draw(lines, size));
      const fresh = Array.from({ length: size.rows }, () => '');
      apply(fresh, new FullScreen(CONTROLS).draw(lines, size));
      t.strictSame(screen, fresh);
      t.equal(frames.draw(lines, size), '', 'nothing is written when nothing changes');
    }
  }
  t.end();
});

t.test('lines are found by index, and indexes by line', (t) => {
  const set = new LineSet();
  for (const range of [
    [3, 5],
    [9, 9],
    [20, 29],
  ] as const)
    set.add(range);
  t.equal(set.size, 14);
  t.strictSame(
    [0, 2, 3, 4, 13, 14, -1].map((index) => set.at(index)),
    [3, 5, 9, 20, 29, undefined, undefined],
  );
  t.strictSame(
    [1, 3, 5, 6, 9, 10, 29, 30].map((line) => set.indexOf(line)),
    [0, 0, 2, 3, 3, 4, 13, 14],
  );
  t.end();
});

t.test('reports of the mouse are taken out of the input, also in parts', (t) => {
  const seen: object[] = [];
  const reader = new MouseReader((event) => seen.push(event));
  t.equal(reader.filter('a\u001b[<0;5;3Mb\u001b[<0;5;3m'), 'ab');
  t.equal(reader.filter('x\u001b[<64;1'), 'x');
  t.equal(reader.filter(';1My'), 'y');
  t.strictSame(seen, [
    { row: 2, column: 4, delta: 0 },
    { row: 0, column: 0, delta: -3 },
  ]);
  t.end();
});
