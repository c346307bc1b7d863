import t from 'tap';
import { CursorQuery } from '../../src/terminal/cursor-query.js';
import { createManualClock } from '../helpers/manual-clock.js';

function open() {
  const clock = createManualClock();
  const seen = { written: '', keys: '', reports: [] as unknown[] };
  const query = new CursorQuery({
    write: (bytes) => (seen.written += bytes),
    onKeys: (keys) => (seen.keys += keys),
    clock,
  });
  return { clock, seen, query, ask: () => query.ask((report) => seen.reports.push(report)) };
}

t.test('answers are removed from the keys, wherever the input is split', (t) => {
  const whole = 'a\u001b[>41;379;0c\u001bOPq\u001b[12;40Rb\u001b[A';
  for (let cut = 0; cut <= whole.length; cut += 1) {
    const { clock, seen, query, ask } = open();
    ask();
    for (const part of [whole.slice(0, cut), whole.slice(cut)]) query.receive(part);
    clock.advance(100);
    t.same(seen.reports, [{ row: 11, column: 39, attributes: '41;379;0' }], `cut at ${cut}`);
    t.equal(seen.keys, 'a\u001bOPqb\u001b[A', `cut at ${cut}`);
    t.equal(clock.timers(), 0);
  }
  t.end();
});

t.test('an unexpected answer is taken for keys', (t) => {
  const { clock, seen, query, ask } = open();
  const shiftF3 = '\u001b[1;2R';
  query.receive(`${shiftF3}\u001b`);
  t.equal(seen.keys, `${shiftF3}\u001b`, 'and nothing is held back');
  ask();
  query.receive(`\u001b[3;4R${shiftF3}`);
  clock.advance(0);
  t.same(seen.reports, [{ row: 2, column: 3 }], 'a terminal may know the position alone');
  t.equal(seen.keys, `${shiftF3}\u001b${shiftF3}`);
  t.end();
});

t.test('an Escape key is passed on soon, although it may begin an answer', (t) => {
  const { clock, seen, query, ask } = open();
  ask();
  query.receive('\u001b');
  t.equal(seen.keys, '');
  clock.advance(50);
  t.equal(seen.keys, '\u001b');
  t.end();
});

t.test('after the timeout there is no position; a late answer is no key, and proves that there are answers', (t) => {
  const { clock, seen, query, ask } = open();
  let idle = 0;
  ask();
  query.whenIdle(() => (idle += 1));
  t.equal(idle, 0);
  clock.advance(10_000);
  t.same([seen.reports, idle], [[undefined], 1]);
  const { written } = seen;
  ask();
  t.same(seen.reports, [undefined, undefined], 'at once');
  t.equal(seen.written, written, 'and it is not asked');
  query.receive('\u001b[1;1R');
  t.equal(seen.keys, '');
  ask();
  query.receive('\u001b[7;8R');
  clock.advance(0);
  t.match(seen.reports.at(-1), { row: 6, column: 7 });
  query.whenIdle(() => (idle += 1));
  t.equal(idle, 2, 'nothing is on its way');
  t.end();
});

t.test('closing settles the query and leaves no timer', (t) => {
  const { clock, seen, query, ask } = open();
  ask();
  query.receive('\u001b[');
  query.close();
  t.same(seen.reports, [undefined]);
  t.equal(clock.timers(), 0);
  t.end();
});
