import t from 'tap';
import type { Status } from '../../../src/core/execution.js';
import { DEFAULT_SLOTS, isSlots, MAX_SLOTS, queueViews, toDeclare, verdicts } from '../../../src/core/state/queues.js';
import { sortBySection } from '../../../src/core/lists/sections.js';
import type { State } from '../../../src/core/state/state.js';
import { emptyState, newestFirst } from '../../../src/core/state/state.js';
import { stateFromJson, stateToJson } from '../../helpers/state-json.js';
import type { Draft } from '../../helpers/events.js';
import { folded } from '../../helpers/events.js';

const queued = (execution: string, data: Record<string, unknown> = {}): Draft => ({
  type: 'execution_queued',
  execution,
  data,
});
const started = (execution: string, data = {}): Draft => ({ type: 'execution_started', execution, data });
const ended = (execution: string, how = 'completed'): Draft => ({ type: `execution_${how}`, execution });
const set = (name: string, data = {}): Draft => ({ type: 'queue_changed', data: { name, ...data } });

interface Known {
  begun?: readonly string[];
  isRun?: (id: string) => boolean;
  recall?: (id: string) => Status | 'unknown' | undefined;
}

function decide(state: State, { begun = [], isRun = () => true, recall = () => undefined }: Known = {}): string[] {
  const found = verdicts(state, { candidates: state.alive.keys(), begun: new Set(begun), isRun, recall });
  return found.map(({ execution, refusal }) => (refusal === undefined ? execution.id : `${execution.id}: ${refusal}`));
}

t.test('a queue starts one run per slot, in order', (t) => {
  const state = folded(['a', 'b', 'c', 'd'].map((id) => queued(id, { queue: 'q' })));
  t.equal(DEFAULT_SLOTS, 1);
  t.strictSame(decide(state), ['a']);
  folded([set('q', { slots: 3 })], state);
  t.strictSame(decide(state), ['a', 'b', 'c']);
  t.strictSame(decide(state, { begun: ['a', 'b'] }), ['c'], 'a started run occupies a slot');
  folded([started('a'), started('b'), started('c')], state);
  t.strictSame(decide(state), []);
  folded([set('q', { slots: 1 }), ended('a')], state);
  t.strictSame(decide(state), [], 'two run still, and one may');
  folded([ended('b')], state);
  t.strictSame(decide(state), []);
  folded([ended('c')], state);
  t.strictSame(decide(state), ['d']);
  t.end();
});

t.test('a slot is freed by any outcome, but not by a pause', (t) => {
  for (const how of ['completed', 'failed', 'cancelled', 'timeout', 'lost']) {
    const state = folded([queued('a', { queue: 'q' }), queued('b', { queue: 'q' }), started('a')]);
    t.strictSame(decide(state), []);
    folded(
      [
        { type: 'execution_paused', execution: 'a' },
        { type: 'execution_orphaned', execution: 'a' },
      ],
      state,
    );
    t.strictSame(decide(state), [], 'paused, and an orphan');
    t.strictSame(decide(folded([ended('a', how)], state)), ['b'], how);
  }
  t.end();
});

t.test('a paused queue starts nothing, queues are independent, and other executions are not started', (t) => {
  const state = folded([queued('a', { queue: 'q' }), queued('b', { queue: 'r' }), set('q', { paused: true })]);
  t.strictSame(decide(state), ['b']);
  t.strictSame(decide(state, { isRun: (id) => id === 'a' }), []);
  t.strictSame(decide(folded([set('q', { paused: false })], state)), ['a', 'b']);
  t.strictSame(decide(folded([queued('c')])), [], 'without queue and dependencies it is not started');
  t.end();
});

t.test('a dependent run starts when all others have completed, and is refused when one has not', (t) => {
  const state = folded([started('a'), started('b'), queued('c', { after: ['a', 'b'] }), ended('a')]);
  t.strictSame(decide(state), []);
  t.strictSame(decide(folded([ended('b')], state)), ['c']);
  for (const how of ['failed', 'cancelled', 'timeout', 'lost']) {
    const failed = folded([
      started('a'),
      started('b'),
      queued('c', { after: ['a', 'b'], queue: 'q' }),
      ended('b', how),
    ]);
    t.strictSame(decide(failed), [`c: it was to come after b, which is ${how}`]);
  }
  t.end();
});

t.test('a run that waits for others keeps its place in a queue without blocking it', (t) => {
  const state = folded([started('x'), queued('a', { queue: 'q', after: ['x'] }), queued('b', { queue: 'q' })]);
  t.strictSame(decide(state), ['b']);
  t.strictSame(decide(folded([ended('x')], state)), ['a']);
  t.end();
});

t.test('the status of an execution that is not in memory is looked up', (t) => {
  const state = folded([queued('a', { after: ['old'] })]);
  t.strictSame(decide(state), [], 'not known yet');
  t.strictSame(decide(state, { recall: () => 'completed' }), ['a']);
  t.strictSame(decide(state, { recall: () => 'failed' }), ['a: it was to come after old, which is failed']);
  t.strictSame(decide(state, { recall: () => 'unknown' }), ['a: it was to come after old, which is not known']);
  t.end();
});

t.test('members of a dependency cycle are refused, others wait', (t) => {
  t.strictSame(decide(folded([queued('a', { after: ['a'] })])), ['a: it would wait for itself: a after a']);
  const state = folded([
    queued('x', { after: ['b'] }),
    queued('a', { after: ['c'] }),
    queued('b', { after: ['a'] }),
    queued('c', { after: ['b'] }),
  ]);
  t.strictSame(decide(state), ['a: it would wait for itself: a after c after b after a']);
  folded([ended('a', 'cancelled')], state);
  t.strictSame(decide(state), ['b: it was to come after a, which is cancelled']);
  t.strictSame(decide(folded([queued('a', { after: ['b', 'c'] }), queued('b'), queued('c', { after: ['b'] })])), []);
  t.end();
});

t.test('views: all queues that are configured or in use, their executions in order of creation', (t) => {
  const state = folded([
    set('z', { slots: 4, paused: true }),
    queued('c', { queue: 'q' }),
    queued('a', { queue: 'q' }),
    queued('b', { queue: 'q' }),
    started('c'),
    { type: 'execution_paused', execution: 'c' },
    started('elsewhere'),
  ]);
  const views = [
    { name: 'q', slots: 1, paused: false, running: ['c'], waiting: ['a', 'b'] },
    { name: 'z', slots: 4, paused: true, running: [], waiting: [] },
  ];
  t.strictSame(queueViews(state), views);
  t.strictSame(queueViews(stateFromJson(stateToJson(state), state.limits)), views, 'also out of a checkpoint');
  t.end();
});

t.test('carried executions keep their place in a queue', (t) => {
  const before = folded([
    queued('a', { queue: 'q' }),
    queued('b', { queue: 'q' }),
    set('q', { slots: 2 }),
    started('a'),
  ]);
  const { alive, queues } = stateToJson(before);
  const note = (data: object, execution?: string): Draft => ({
    type: 'journal_note',
    ...(execution !== undefined && { execution }),
    data: { ...data },
  });
  const after = folded(
    [
      ...[...alive].reverse().map((execution) => note({ kind: 'carried_execution', execution }, execution.id)),
      note({ kind: 'carried_queues', queues }),
      note({ kind: 'removed', through: before.seq }),
    ],
    { ...emptyState(), seq: before.seq },
  );
  t.strictSame(queueViews(after), queueViews(before));
  t.strictSame(decide(after), ['b']);
  t.end();
});

t.test('removed settings are forgotten, and invalid slots are ignored', (t) => {
  const state = folded([set('q', { slots: 3 })]);
  for (const slots of [0, -1, 1.5, MAX_SLOTS + 1, '4', null]) folded([set('q', { slots })], state);
  t.match(queueViews(state), [{ name: 'q', slots: 3 }]);
  t.strictSame(queueViews(folded([set('q', { removed: true })], state)), []);
  t.match(queueViews(folded([queued('a', { queue: 'q' })], state)), [{ slots: DEFAULT_SLOTS, waiting: ['a'] }]);
  t.ok(isSlots(MAX_SLOTS));
  t.notOk(isSlots(MAX_SLOTS + 1));
  t.end();
});

t.test('many queued executions cost little: files are read only for those that may start', (t) => {
  const state = folded([
    ...Array.from({ length: 9_000 }, (_, n) => started(`other-${n}`)),
    ...Array.from({ length: 1_000 }, (_, n) =>
      queued(`w${n}`, n === 0 ? { queue: 'q' } : { queue: 'q', after: [`w${n - 1}`] }),
    ),
  ]);
  let asked = 0;
  const isRun = () => {
    asked++;
    return true;
  };
  const begin = performance.now();
  t.strictSame(decide(state, { isRun }), ['w0']);
  for (let n = 0; n < 200; n++) decide(state, { isRun, begun: ['w0'] });
  const took = Math.round(performance.now() - begin);
  t.comment(`${took} ms for 200 looks`);
  t.ok(took < 20_000, `${took} ms`);
  t.equal(asked, 1);
  t.end();
});

t.test('a declaration is applied once, and again when it changes', (t) => {
  const tell = (drafts: Draft[], declared: Parameters<typeof toDeclare>[1]) => {
    const state = folded(drafts);
    const declarations = toDeclare(state.queues, declared);
    const after = folded([...drafts, ...declarations.map((data) => ({ type: 'queue_changed', data }))]);
    t.strictSame(toDeclare(after.queues, declared), [], 'and not a second time');
    t.strictSame(
      toDeclare(stateFromJson(stateToJson(after), after.limits).queues, declared),
      [],
      'nor after a restart',
    );
    const views = Object.fromEntries(queueViews(after).map(({ name, slots, paused }) => [name, { slots, paused }]));
    return { declarations, views };
  };
  const declared = { q: { slots: 3, paused: true } };
  const first = set('q', { slots: 3, paused: true, declared: true });
  t.strictSame(tell([], declared), {
    declarations: [{ name: 'q', slots: 3, paused: true, declared: true }],
    views: declared,
  });
  t.strictSame(tell([first, set('q', { slots: 5 })], declared), {
    declarations: [],
    views: { q: { slots: 5, paused: true } },
  });
  const other = { q: { slots: 4, paused: true } };
  t.strictSame(tell([first, set('q', { slots: 5 })], other).views, other, 'a changed declaration wins');
  t.strictSame(tell([set('q', { slots: 5 })], declared).views, declared, 'over what was set before, too');
  t.strictSame(tell([first], {}), { declarations: [{ name: 'q', removed: true }], views: {} });
  const kept = tell([first, set('q', { slots: 5 })], {});
  t.strictSame(kept, { declarations: [{ name: 'q', declared: false }], views: { q: { slots: 5, paused: true } } });
  t.strictSame(tell([set('r', { slots: 2 })], {}).declarations, [], 'a queue that was never declared is kept');
  t.end();
});

const move = (execution: string, position: number, name = 'q'): Draft => ({
  type: 'queue_changed',
  execution,
  data: { name, position },
});
const waitingOf = (state: State) => queueViews(state).map(({ name, waiting }) => `${name}: ${waiting.join(' ')}`);

t.test('a moved run starts in its new place; later arrivals wait after all others', (t) => {
  const state = folded(['a', 'b', 'c', 'd'].map((id) => queued(id, { queue: 'q' })));
  folded([move('d', 1)], state);
  t.strictSame(waitingOf(state), ['q: d a b c']);
  t.strictSame(decide(state), ['d']);
  folded([queued('e', { queue: 'q' }), move('a', 3)], state);
  t.strictSame(waitingOf(state), ['q: d b a c e']);
  t.strictSame(
    sortBySection(newestFirst(state), 0).map(({ id }) => id),
    ['d', 'b', 'a', 'c', 'e'],
    'lists have the same order',
  );
  folded([move('d', 99), started('b'), ended('a', 'cancelled')], state);
  t.strictSame(waitingOf(state), ['q: c e d'], 'a position beyond the last is the last');
  t.notMatch(state.alive.get('b'), { queueRank: Number }, 'a run that starts leaves the order');
  const restored = stateFromJson(stateToJson(state), state.limits);
  t.strictSame(waitingOf(restored), ['q: c e d'], 'the order is in checkpoints');
  folded([move('d', 1)], restored);
  t.strictSame(waitingOf(restored), ['q: d c e']);
  t.equal(state.queues.size, 0, 'a move configures no queue');
  t.end();
});

t.test('a move that makes no sense changes nothing', (t) => {
  const state = folded([
    queued('a', { queue: 'q' }),
    queued('b', { queue: 'q' }),
    queued('c'),
    started('r', { queue: 'q' }),
  ]);
  folded([move('b', 0), move('b', 0.5), move('b', -1), move('c', 1), move('r', 1), move('unknown', 1)], state);
  t.strictSame(waitingOf(state), ['q: a b']);
  t.notOk(state.alive.has('unknown'), 'it creates no execution');
  t.end();
});
