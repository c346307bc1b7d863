import t from 'tap';
import { fold } from '../../src/core/fold.js';
import type { StateJson } from '../../src/core/state.js';
import {
  DEFAULT_LIMITS,
  emptyState,
  findExecution,
  forgetThrough,
  installExecution,
  newestFirst,
  rememberSource,
  setLimits,
  stateFromJson,
  stateToJson,
} from '../../src/core/state.js';
import { folded, numbered } from '../helpers/events.js';
import { makeExecution } from '../helpers/models.js';

const ran = (execution: string) => [
  { type: 'execution_started', execution },
  { type: 'step_started', execution, step: 's' },
  { type: 'output', execution, data: { text: 'hello' } },
  { type: 'execution_completed', execution },
];

t.test('as JSON and back it is the same, and shares nothing with it', (t) => {
  const state = folded(
    [
      ...ran('old'),
      ...ran('older'),
      { type: 'execution_started', execution: 'alive', source: 'me', n: 4, data: { labels: { a: 'b' } } },
      { type: 'step_started', execution: 'alive', step: 's' },
      { type: 'queue_changed', data: { name: 'q', slots: 2, paused: true } },
    ],
    emptyState({ ended: 1, summaries: 1 }),
  );
  forgetThrough(state, 1);
  const json = JSON.parse(JSON.stringify(stateToJson(state))) as StateJson;
  const back = stateFromJson(json, state.limits);
  t.strictSame(back, state);
  for (const copy of [back, state])
    fold(copy, numbered([{ type: 'step_completed', execution: 'alive', step: 's' }], 50)[0]!);
  t.strictSame(back, state, 'and goes on in the same way');
  t.equal(json.alive[0]?.steps[0]?.status, 'running', 'the JSON is not touched by that');
  t.end();
});

t.test('what has ended is remembered whole, then as a summary, then not at all', (t) => {
  const state = folded(['a', 'b', 'c', 'd', 'e'].flatMap(ran), emptyState({ ended: 2, summaries: 2 }));
  t.strictSame([...state.ended.keys()], ['d', 'e']);
  t.strictSame([...state.summaries.keys()], ['b', 'c']);
  t.equal(findExecution(state, 'a'), undefined);
  t.match(findExecution(state, 'e'), { tail: ['hello'] });
  t.equal(findExecution(state, 'e')?.steps.size, 1);
  const summary = findExecution(state, 'c')!;
  t.match(summary, { status: 'completed', summarised: true, tail: [], startedAt: String, endedAt: String });
  t.equal(summary.steps.size, 0);
  t.end();
});

t.test('limits of zero keep nothing that is over', (t) => {
  const state = folded(ran('a'), emptyState({ ended: 0, summaries: 0 }));
  t.equal(findExecution(state, 'a'), undefined);
  t.end();
});

t.test('what is alive is never forgotten, whatever leaves the journal', (t) => {
  const state = folded([
    ...ran('over'),
    { type: 'execution_started', execution: 'alive', source: 'me', n: 1 },
    { type: 'log', execution: 'x', source: 'talker', n: 9 },
    ...ran('later'),
  ]);
  forgetThrough(state, 6);
  t.strictSame(
    newestFirst(state).map(({ id }) => id),
    ['later', 'x', 'alive'],
  );
  t.notOk(state.sources.has('talker'), 'a source that was only heard of there is forgotten');
  t.equal(state.removedThrough, 6);
  forgetThrough(state, 2);
  t.equal(state.removedThrough, 6, 'it never goes back');
  t.end();
});

t.test('an execution that is installed replaces what was known of it, wherever that was', (t) => {
  const state = folded([{ type: 'execution_started', execution: '7hq2m4kd9x' }]);
  installExecution(state, makeExecution({ status: 'completed' }), true);
  t.equal(state.alive.size, 0);
  t.equal(state.ended.size, 1);
  installExecution(state, makeExecution({ status: 'completed', summarised: true }), true);
  t.equal(state.ended.size, 0);
  t.equal(state.summaries.size, 1);
  installExecution(state, makeExecution(), false);
  t.strictSame([state.alive.size, state.ended.size, state.summaries.size], [1, 0, 0]);
  t.end();
});

t.test('notes that carry over what was alive make up for the events that are gone', (t) => {
  const before = folded([
    { type: 'execution_started', execution: 'a', source: 'me', n: 3, data: { name: 'A' } },
    { type: 'step_started', execution: 'a', step: 's', data: { name: 'S' } },
    { type: 'queue_changed', data: { name: 'q', slots: 1 } },
  ]);
  const { alive, sources, queues } = stateToJson(before);
  const [execution] = alive;
  const { steps, ...rest } = execution!;
  const after = folded(
    [
      { type: 'journal_note', execution: 'a', data: { kind: 'carried_steps', steps } },
      { type: 'journal_note', execution: 'a', data: { kind: 'carried_execution', execution: { ...rest, steps: [] } } },
      { type: 'journal_note', data: { kind: 'carried_sources', sources } },
      { type: 'journal_note', data: { kind: 'carried_queues', queues } },
      { type: 'journal_note', data: { kind: 'removed', through: 3 } },
    ],
    { ...emptyState(), seq: 9 },
  );
  t.match(findExecution(after, 'a'), { name: 'A', status: 'running' });
  t.match([...(findExecution(after, 'a')?.steps.values() ?? [])], [{ id: 's', name: 'S', status: 'running' }]);
  t.match(after.sources.get('me'), { n: 3, open: ['a'] });
  t.strictSame([...after.queues.values()], [{ name: 'q', slots: 1 }]);
  t.equal(after.removedThrough, 3);
  t.end();
});

t.test('of very many producers the quietest are forgotten, of very many queues the first', (t) => {
  const state = emptyState();
  for (let n = 0; n <= 100_000; n++) rememberSource(state, `s${n}`, { n, open: [], firstSeq: n, lastSeq: n, time: '' });
  t.equal(state.sources.size, 50_001);
  t.ok(state.sources.has('s100000'));
  t.notOk(state.sources.has('s0'));
  const queues = folded(Array.from({ length: 1_200 }, (_, n) => ({ type: 'queue_changed', data: { name: `q${n}` } })));
  t.equal(queues.queues.size, 1_000);
  t.ok(queues.queues.has('q1199'));
  t.strictSame(DEFAULT_LIMITS, { ended: 1_000, summaries: 10_000 });
  t.end();
});

t.test('with closer limits less is remembered at once', (t) => {
  const state = folded(['a', 'b', 'c', 'd'].flatMap(ran), emptyState({ ended: 3, summaries: 3 }));
  setLimits(state, { ended: 1, summaries: 2 });
  t.strictSame([...state.ended.keys()], ['d']);
  t.strictSame([...state.summaries.keys()], ['b', 'c']);
  t.end();
});
