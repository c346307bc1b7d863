import t from 'tap';
import type { Step } from '../../src/core/execution.js';
import { condense, countStatuses } from '../../viewer/tabs/graph-condense.js';
import { layOut } from '../../viewer/tabs/graph-layout.js';
import { MessageParser } from '../../viewer/live/sse.js';
import type { Message } from '../../viewer/live/sse.js';
import { createAxis, forecast } from '../../viewer/tabs/timeline-layout.js';

const step = (id: string, needs?: string[], status: Step['status'] = 'pending'): Step => ({
  ...{ id, name: id, kind: 'step', status },
  ...(needs && { needs }),
});
const layersOf = (steps: Step[]) =>
  Object.fromEntries(layOut(steps).nodes.map(({ step: { id }, layer }) => [id, layer]));

t.test('each step is placed after all steps that it needs', (t) => {
  const steps = [step('a'), step('b', ['a']), step('c', ['a']), step('d', ['b', 'c']), step('e', ['a', 'd', 'gone'])];
  t.strictSame(layersOf(steps), { a: 0, b: 1, c: 1, d: 2, e: 3 });
  t.strictSame(layersOf(steps.toReversed()), { a: 0, b: 1, c: 1, d: 2, e: 3 });
  t.equal(layOut(steps).edges.length, 6);
  t.end();
});

t.test('independent steps follow each other; cycles and steps that need themselves terminate', (t) => {
  t.strictSame(layersOf([step('a'), step('b'), step('c')]), { a: 0, b: 1, c: 2 });
  const circle = layOut([step('a', ['c']), step('b', ['a']), step('c', ['b']), step('d', ['d', 'a'])]);
  t.equal(circle.nodes.length, 4);
  for (const { layer } of circle.nodes) t.ok(layer >= 0 && layer < 4);
  t.strictSame(layOut([]), { nodes: [], edges: [], layers: 0, rows: 0 });
  t.end();
});

t.test('the highlighted path leads to what runs, else to what failed', (t) => {
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

t.test('connected steps are placed close together', (t) => {
  // without sorting, every two of these lines would cross
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

t.test('a stream is parsed whatever its chunks', (t) => {
  const text =
    'retry: 5\nevent: stream_open\ndata: {}\n\n: note\nid: 7\nevent: events\ndata: [1]\n\nevent: stream_position\ndata: 7\n\nevent: cut';
  for (const size of [1, 3, 10, 1_000]) {
    const messages: Message[] = [];
    const parser = new MessageParser((message) => messages.push(message));
    for (let at = 0; at < text.length; at += size) parser.push(text.slice(at, at + size));
    t.strictSame(messages, [
      { id: '', event: 'stream_open', data: '{}' },
      { id: '7', event: 'events', data: '[1]' },
      { id: '7', event: 'stream_position', data: '7' },
    ]);
  }
  t.end();
});

t.test('a large graph is condensed, and shows what is left out', (t) => {
  const small = layOut(Array.from({ length: 150 }, (_, index) => step(`s${index}`)));
  t.strictSame(condense(small), { ...small, bundles: [], before: 0, after: 0 });

  const wide = [
    step('root', undefined, 'completed'),
    ...Array.from({ length: 400 }, (_, index) =>
      step(`p${index}`, ['root'], index === 333 ? 'failed' : index === 222 ? 'running' : 'completed'),
    ),
    step(
      'end',
      Array.from({ length: 400 }, (_, index) => `p${index}`),
    ),
  ];
  const parallel = condense(layOut(wide));
  t.strictSame(
    parallel.nodes.slice(0, 3).map((node) => node.step.id),
    ['root', 'p333', 'p222'],
    'what failed and what runs is drawn',
  );
  t.equal(parallel.bundles.length, 1);
  t.equal(countStatuses(parallel.bundles[0]!.steps), '395 completed');
  t.equal(parallel.edges.length, 12, 'each edge once');
  t.ok(parallel.edges.find(({ from, to }) => from === 'root' && to === 'p222')?.isCurrent);
  t.equal(countStatuses(wide), '1 failed, 1 running, 1 pending, 399 completed');

  const chain = Array.from({ length: 1_000 }, (_, index) =>
    step(`s${index}`, undefined, index < 500 ? 'completed' : index === 500 ? 'running' : 'pending'),
  );
  const long = condense(layOut(chain));
  t.match(long, { layers: 30, rows: 1, before: 492, after: 478, bundles: [] });
  t.ok(long.nodes.some((node) => node.step.id === 's500' && node.layer === 8));
  t.equal(long.edges.length, 29);
  t.end();
});

t.test('a future step takes its typical duration, after the steps that it needs', (t) => {
  const usual = new Map([
    ['a', 10],
    ['b', 20],
    ['c', 30],
  ]);
  const one = (id: string, from?: number, to?: number, more = {}) => ({ id, name: id, from, to, ...more });
  const spans = forecast([one('a', 0, 12), one('b', 12), one('x'), one('c')], usual, 20);
  t.strictSame(Object.fromEntries(spans), {
    a: { from: 0, to: 10 },
    b: { from: 12, to: 32 },
    c: { from: 32, to: 62 },
  });
  const late = forecast([one('b', 0), one('c')], usual, 100);
  t.strictSame(late.get('c'), { from: 100, to: 130 }, 'nothing that is planned begins in the past');
  const needing = forecast([one('a', 0), one('b', 0), one('c', undefined, undefined, { needs: ['a'] })], usual, 5);
  t.strictSame(needing.get('c'), { from: 10, to: 40 });
  const nested = forecast([one('b', 0), one('a', undefined, undefined, { parent: 'b' })], usual, 5);
  t.strictSame(nested.get('a'), { from: 5, to: 15 }, 'a part is within what it is part of');
  t.end();
});
