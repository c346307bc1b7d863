import t from 'tap';
import type { Step } from '../../src/core/execution.js';
import { layOut } from '../../viewer/graph-layout.js';
import { createMessageReader } from '../../viewer/sse.js';
import type { Message } from '../../viewer/sse.js';
import { createAxis } from '../../viewer/timeline-layout.js';

const step = (id: string, needs?: string[], status: Step['status'] = 'pending'): Step => ({
  ...{ id, name: id, kind: 'step', status },
  ...(needs && { needs }),
});
const layersOf = (steps: Step[]) =>
  Object.fromEntries(layOut(steps).nodes.map(({ step: { id }, layer }) => [id, layer]));

t.test('each step stands behind all that it needs', (t) => {
  const steps = [step('a'), step('b', ['a']), step('c', ['a']), step('d', ['b', 'c']), step('e', ['a', 'd', 'gone'])];
  t.strictSame(layersOf(steps), { a: 0, b: 1, c: 1, d: 2, e: 3 });
  t.strictSame(layersOf(steps.toReversed()), { a: 0, b: 1, c: 1, d: 2, e: 3 });
  t.equal(layOut(steps).edges.length, 6);
  t.end();
});

t.test('steps that need nothing follow each other; circles and steps that need themselves end', (t) => {
  t.strictSame(layersOf([step('a'), step('b'), step('c')]), { a: 0, b: 1, c: 2 });
  const circle = layOut([step('a', ['c']), step('b', ['a']), step('c', ['b']), step('d', ['d', 'a'])]);
  t.equal(circle.nodes.length, 4);
  for (const { layer } of circle.nodes) t.ok(layer >= 0 && layer < 4);
  t.strictSame(layOut([]), { nodes: [], edges: [], layers: 0, rows: 0 });
  t.end();
});

t.test('the way to what is at work is the current one, else the way to what failed', (t) => {
  const current = (steps: Step[]) =>
    layOut(steps).nodes.flatMap(({ step: { id }, isCurrent }) => (isCurrent ? [id] : []));
  const plan = (b: Step['status'], c: Step['status']) => [
    step('a', undefined, 'completed'),
    step('b', ['a'], b),
    step('c', ['a'], c),
    step('d', ['b', 'c']),
  ];
  t.strictSame(current(plan('running', 'pending')), ['a', 'b']);
  t.strictSame(current(plan('failed', 'pending')), ['a', 'b']);
  t.strictSame(current(plan('failed', 'running')), ['a', 'c']);
  t.end();
});

t.test('neighbours are brought together', (t) => {
  // without sorting every one of these lines would cross every other
  const left = ['a', 'b', 'c', 'd'].map((id) => step(id));
  const right = ['w', 'x', 'y', 'z'].map((id, index) => step(id, ['dcba'[index]!]));
  const rows = new Map(layOut([...left, ...right]).nodes.map(({ step: { id }, row }) => [id, row]));
  for (const [index, id] of ['w', 'x', 'y', 'z'].entries()) t.equal(rows.get(id), rows.get('dcba'[index]!));
  t.end();
});

t.test('time is laid out evenly, and long gaps are folded', (t) => {
  const minute = 60_000;
  const plain = createAxis([{ from: 0, to: 10 * minute }], 0, 10 * minute);
  t.strictSame(
    [0, 5 * minute, 10 * minute].map((ms) => plain.at(ms)),
    [0, 0.5, 1],
  );
  t.strictSame(plain.gaps, []);
  t.ok(plain.ticks.length > 2 && plain.ticks.length < 8);
  const spans = [
    { from: 0, to: minute },
    { from: 61 * minute, to: 62 * minute },
  ];
  const folded = createAxis(spans, 0, 62 * minute);
  t.strictSame(folded.gaps, [{ from: minute, to: 61 * minute }]);
  t.ok(folded.at(minute) > 0.4 && folded.at(61 * minute) < 0.6, 'what happened has the room');
  let before = -1;
  for (let ms = 0; ms <= 62 * minute; ms += minute / 2) {
    t.ok(folded.at(ms) > before, 'time goes on');
    before = folded.at(ms);
  }
  t.equal(Math.round(folded.at(62 * minute) * 1e6) / 1e6, 1);
  t.equal(createAxis([], 5, 5).at(5), 0);
  t.end();
});

t.test('a stream is read however it is cut', (t) => {
  const text =
    'retry: 5\nevent: open\ndata: {}\n\n: note\nid: 7\nevent: events\ndata: [1]\n\nevent: at\ndata: 7\n\nevent: cut';
  for (const size of [1, 3, 10, 1_000]) {
    const messages: Message[] = [];
    const read = createMessageReader((message) => messages.push(message));
    for (let at = 0; at < text.length; at += size) read(text.slice(at, at + size));
    t.strictSame(messages, [
      { id: '', event: 'open', data: '{}' },
      { id: '7', event: 'events', data: '[1]' },
      { id: '7', event: 'at', data: '7' },
    ]);
  }
  t.end();
});
