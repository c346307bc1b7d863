import t from 'tap';
import { fold } from '../../../src/core/fold.js';
import type { StateJson } from '../../helpers/state-json.js';
import {
  DEFAULT_LIMITS,
  emptyState,
  findExecution,
  forgetThrough,
  installExecution,
  newestFirst,
  rememberSource,
  setLimits,
} from '../../../src/core/state/state.js';
import { stateFromJson, stateToJson } from '../../helpers/state-json.js';
import { failedSteps } from '../../../src/core/steps.js';
import { folded, numbered } from '../../helpers/events.js';
import { makeExecution } from '../../helpers/models.js';

const ran = (execution: string) => [
  { type: 'execution_started', execution },
  { type: 'step_started', execution, step: 's' },
  { type: 'output', execution, data: { text: 'hello' } },
  { type: 'execution_completed', execution },
];

t.test('the state survives a round trip through JSON, and the copy shares nothing', (t) => {
  const state = folded(
    [
      ...ran('old'),
      ...ran('older'),
      { type: 'execution_started', execution: 'alive', source: 'me', n: 4, data: { labels: { a: 'b' } } },
      { type: 'step_started', execution: 'alive', step: 's' },
      { type: 'queue_changed', data: { name: 'q', slots: 2, paused: true } },
    ],
    emptyState({ open: 1_000, ended: 1, summaries: 1 }),
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

t.test('ended executions are kept whole, then as summaries, then evicted', (t) => {
  const state = folded(['a', 'b', 'c', 'd', 'e'].flatMap(ran), emptyState({ open: 1_000, ended: 2, summaries: 2 }));
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

/** An open execution with a completed step, a failed one, one inside a step that may fail, and an open one. */
const opened = (execution: string) => [
  { type: 'execution_started', execution, data: { name: `job ${execution}`, input: 'long', labels: { a: 'b' } } },
  { type: 'step_completed', execution, step: 'done' },
  { type: 'step_failed', execution, step: 'broken', data: { error: 'x'.repeat(2_000), input: 'long' } },
  { type: 'step_started', execution, step: 'around', data: { continueOnFailure: true } },
  { type: 'step_failed', execution, step: 'allowed', data: { parent: 'around' } },
  { type: 'step_completed', execution, step: 'around' },
  { type: 'step_started', execution, step: 'open' },
  { type: 'output', execution, data: { text: 'hello' } },
];

t.test('the least active open executions are condensed, and their events are still folded', (t) => {
  const state = folded(['a', 'b', 'c'].flatMap(opened), emptyState({ open: 2, ended: 5, summaries: 5 }));
  t.strictSame([...state.alive.keys()], ['a', 'b', 'c'], 'all are there, in their order');
  t.strictSame([...state.whole], ['c']);
  t.strictSame([findExecution(state, 'c')?.steps.size, findExecution(state, 'c')?.tail], [5, ['hello']]);
  const summary = findExecution(state, 'a')!;
  t.match(summary, {
    status: 'running',
    name: 'job a',
    summarised: true,
    tail: [],
    labels: { a: 'b' },
    payload: undefined,
  });
  t.strictSame([...summary.steps.keys()], ['broken', 'around', 'allowed', 'open'], 'what the outcome depends on');
  t.strictSame(summary.droppedSteps, { completed: 1 });
  t.match(summary.steps.get('broken'), { error: /^x{500}/, input: undefined });
  t.equal(failedSteps(summary).length, 1, 'a step that may fail is still one');
  for (const event of numbered(
    [
      { type: 'output', execution: 'a', data: { text: 'more\nlines' } },
      { type: 'step_completed', execution: 'a', step: 'open' },
      { type: 'step_started', execution: 'a', step: 'next' },
      { type: 'attention', execution: 'a', data: { state: 'waiting' } },
    ],
    100,
  ))
    fold(state, event);
  t.match(findExecution(state, 'a'), {
    attention: { state: 'waiting' },
    lines: 13,
    lastSeq: 103,
    tail: [],
    summarised: true,
  });
  t.strictSame([...findExecution(state, 'a')!.steps.keys()], ['broken', 'around', 'allowed', 'next']);
  t.strictSame(findExecution(state, 'a')?.droppedSteps, { completed: 2 });
  const back = stateFromJson(JSON.parse(JSON.stringify(stateToJson(state))) as StateJson, state.limits);
  t.strictSame(back, state, 'also out of a checkpoint');
  t.end();
});

t.test('a condensed execution can end, and its producer can replace the outcome lost', (t) => {
  const state = folded(['a', 'b', 'c'].flatMap(opened), emptyState({ open: 1, ended: 5, summaries: 5 }));
  const [lost, failed, late] = numbered(
    [
      { type: 'execution_lost', execution: 'a' },
      { type: 'execution_failed', execution: 'a', data: { exitCode: 3 } },
      { type: 'log', execution: 'a', data: { message: 'late' } },
    ],
    100,
  );
  fold(state, lost!);
  t.strictSame([[...state.alive.keys()], [...state.summaries.keys()]], [['b', 'c'], ['a']]);
  t.match(findExecution(state, 'a'), { status: 'lost', endedAt: lost!.time });
  t.equal(findExecution(state, 'a')?.steps.get('open')?.status, 'lost');
  fold(state, failed!);
  fold(state, late!);
  t.match(findExecution(state, 'a'), { status: 'failed', outcome: { exitCode: 3 }, summarised: true });
  t.end();
});

t.test('sessions of hooks are never condensed, and a lower limit applies at once', (t) => {
  const init = { type: 'activity', execution: 'a', data: { kind: 'init', agent: 'claude', via: 'hooks' } };
  const state = folded([...opened('a'), init, ...opened('b'), ...opened('c')]);
  setLimits(state, { ...state.limits, open: 1 });
  t.strictSame([...state.whole], ['a', 'c']);
  t.end();
});

t.test('limits of zero keep no ended execution', (t) => {
  const state = folded(ran('a'), emptyState({ open: 1_000, ended: 0, summaries: 0 }));
  t.equal(findExecution(state, 'a'), undefined);
  t.end();
});

t.test('open executions are kept when their events are removed from the journal', (t) => {
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

t.test('installing an execution replaces its earlier state', (t) => {
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

t.test('notes carry over open executions whose events were removed', (t) => {
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

t.test('the least active producers and the oldest queues are evicted', (t) => {
  const state = emptyState();
  for (let n = 0; n <= 100_000; n++) rememberSource(state, `s${n}`, { n, open: [], firstSeq: n, lastSeq: n, time: '' });
  t.equal(state.sources.size, 50_001);
  t.ok(state.sources.has('s100000'));
  t.notOk(state.sources.has('s0'));
  const queues = folded(Array.from({ length: 1_200 }, (_, n) => ({ type: 'queue_changed', data: { name: `q${n}` } })));
  t.equal(queues.queues.size, 1_000);
  t.ok(queues.queues.has('q1199'));
  t.strictSame(DEFAULT_LIMITS, { open: 1_000, ended: 1_000, summaries: 10_000 });
  t.end();
});

t.test('lower limits evict at once', (t) => {
  const state = folded(['a', 'b', 'c', 'd'].flatMap(ran), emptyState({ open: 1_000, ended: 3, summaries: 3 }));
  setLimits(state, { open: 1_000, ended: 1, summaries: 2 });
  t.strictSame([...state.ended.keys()], ['d']);
  t.strictSame([...state.summaries.keys()], ['b', 'c']);
  t.end();
});
