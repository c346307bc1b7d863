import type { Test } from 'tap';
import t from 'tap';
import type { ExecutionEvent, NewEvent } from '../../../src/core/events/event.js';
import type { Execution } from '../../../src/core/execution.js';
import { fold } from '../../../src/core/fold.js';
import { findByText } from '../../../src/core/lists/lookup.js';
import { createEventRouter } from '../../../src/core/routing/route.js';
import { placeEvent } from '../../../src/core/routing/run-tasks.js';
import type { State } from '../../../src/core/state/state.js';
import { emptyState, findExecution, newestFirst } from '../../../src/core/state/state.js';
import { stateFromJson, stateToJson } from '../../helpers/state-json.js';
import { translate } from '../../../src/core/events/event-aliases.js';

const RUN = { source: 'run-10-r1', execution: 'r1' };
const COMMAND = { kind: 'run', argv: ['./job.sh', 'now'] };

/** Places and folds events like a daemon, each before the next one, a second apart. */
function feed(state: State, events: readonly (Partial<NewEvent> & { type: string })[]): State {
  const router = createEventRouter(state);
  for (const given of events) {
    const event = placeEvent(state, translate({ data: {}, ...given }));
    const seq = state.seq + 1;
    const execution = router.route(event);
    const time = event.time ?? new Date(1_790_000_000_000 + seq * 1_000).toISOString();
    const written: ExecutionEvent = { ...event, seq, time, ...(execution !== undefined && { execution }) };
    fold(state, written);
    router.settle();
  }
  return state;
}

function startRun(data: object = {}, kind = 'run'): State {
  const started = { ...COMMAND, kind, ...data };
  return feed(emptyState(), [
    { type: 'execution_queued', ...RUN, data: started },
    { type: 'execution_started', ...RUN, data: { ...started, pid: 10 } },
  ]);
}

const starts = (execution: string, data: object = {}) => ({
  type: 'execution_started',
  execution,
  source: `sh-1-${execution}`,
  data: { kind: 'task', parent: 'r1', pid: 99, name: `Task ${execution}`, ...data },
});
const of = (execution: string, type: string, step?: string, data: object = {}) => ({
  type,
  execution,
  source: `sh-1-${execution}`,
  ...(step !== undefined && { step }),
  data: { ...data },
});
const ends = (type: string, data: object = {}) => ({ type: `execution_${type}`, ...RUN, data: { ...data } });

function get(t: Test, state: State, id = 'r1'): Execution {
  const execution = findExecution(state, id);
  if (!execution) return t.fail(`no ${id}`) as unknown as Execution;
  return execution;
}

const outline = ({ steps }: Execution) =>
  [...steps.values()].map(({ id, parent, status }) => `${id}${parent === undefined ? '' : ` < ${parent}`}: ${status}`);

t.test('the first task describes the run, and only the runner ends it', (t) => {
  const state = startRun();
  feed(state, [
    starts('a', { total: 2 }),
    of('a', 'step_started', 'one', { name: 'one' }),
    of('a', 'step_completed', 'one'),
    of('a', 'step_started', 'two'),
    of('a', 'execution_cancelled', undefined, { exitCode: 143 }),
  ]);
  const run = get(t, state);
  t.equal(newestFirst(state).length, 1, 'one row');
  t.match(run, {
    name: 'Task a',
    kind: 'run',
    process: { pid: 10 },
    status: 'running',
    announced: { total: 2 },
    tasks: ['a'],
  });
  t.notOk(run.parent);
  t.match(run.taskOutcome, { status: 'cancelled' });
  t.strictSame(outline(run), ['one: completed', 'two: cancelled']);
  t.equal((findByText(newestFirst(state), 'a') as { execution: Execution }).execution.id, 'r1');
  feed(state, [ends('completed', { exitCode: 0 })]);
  t.match(get(t, state), { status: 'cancelled', outcome: { exitCode: 0 } });
  t.end();
});

t.test('the name of a run is that of --name, else that of its task, also if the runner is late', (t) => {
  t.equal(get(t, feed(startRun({ name: 'mine' }), [starts('a')])).name, 'mine');
  const queued = feed(emptyState(), [{ type: 'execution_queued', ...RUN, data: COMMAND }]);
  feed(queued, [starts('a'), { type: 'execution_started', ...RUN, data: { ...COMMAND, pid: 10 } }]);
  t.match(get(t, queued), { name: 'Task a', status: 'running', process: { pid: 10 } });
  t.end();
});

t.test('later and concurrent tasks are steps', (t) => {
  const state = feed(startRun(), [
    starts('a'),
    of('a', 'step_started', 'Sub'),
    starts('b', { parent: 'a', parentStep: 'Sub' }),
    starts('c'),
    of('b', 'step_started', 'x', { name: 'x' }),
    of('c', 'step_started', 'x', { name: 'x' }),
    of('c', 'step_started', 'x/y', { name: 'y', parent: 'x', needs: ['z'] }),
    of('b', 'progress', undefined, { current: 1, total: 2 }),
    of('c', 'execution_paused'),
    of('b', 'step_failed', 'x', { error: 'exit status 1' }),
    of('b', 'execution_completed', undefined, { inferred: true }),
    of('c', 'execution_completed', undefined, { exitCode: 0 }),
    starts('d', { parent: 'c' }),
    ends('completed', { exitCode: 0 }),
  ]);
  const run = get(t, state);
  t.strictSame(run.tasks, ['a', 'b', 'c', 'd']);
  t.strictSame(outline(run), [
    'Sub: cancelled',
    'b < Sub: failed',
    'c: completed',
    'b/x < b: failed',
    'c/x < c: cancelled',
    'c/x/y < c/x: cancelled',
    'd < c: cancelled',
  ]);
  t.match(run.steps.get('b'), { kind: 'task', name: 'Task b', error: 'failed: b/x', progress: { current: 1 } });
  t.strictSame(run.steps.get('c/x/y')?.needs, ['c/z']);
  t.equal(run.status, 'completed', 'a failed step alone does not fail the run');
  t.equal(newestFirst(state).length, 1);
  t.end();
});

t.test('a run ends with the worse of its status and the stated outcome', (t) => {
  for (const [stated, own, status] of [
    ['failed', 'completed', 'failed'],
    ['timeout', 'completed', 'timeout'],
    ['completed', 'completed', 'completed'],
    ['completed', 'failed', 'failed'],
    ['cancelled', 'failed', 'failed'],
    ['failed', 'cancelled', 'cancelled'],
    ['failed', 'lost', 'lost'],
  ] as const) {
    const state = feed(startRun(), [
      starts('a'),
      of('a', `execution_${stated}`, undefined, { error: 'why' }),
      ends(own),
    ]);
    t.match(
      get(t, state),
      { status, ...(stated !== 'completed' && own === 'completed' && { outcome: { error: 'why' } }) },
      `${stated}, ${own}`,
    );
  }
  t.end();
});

t.test('an end without an outcome gets that of its steps', (t) => {
  const failing = [of('e', 'step_started', 's', { name: 's' }), of('e', 'step_failed', 's')];
  const allowed = [of('e', 'step_started', 's', { continueOnFailure: true }), of('e', 'step_failed', 's')];
  const again = [...failing, of('e', 'step_started', 's'), of('e', 'step_completed', 's')];
  const inferred = of('e', 'execution_completed', undefined, { inferred: true });
  for (const [events, status] of [
    [[...failing, inferred], 'failed'],
    [[...allowed, inferred], 'completed'],
    [
      [...allowed, of('e', 'step_started', 's/t', { parent: 's' }), of('e', 'step_failed', 's/t'), inferred],
      'completed',
    ],
    [[...again, inferred], 'completed'],
    [[...failing, of('e', 'execution_completed')], 'completed'],
  ] as const) {
    const alone = feed(emptyState(), [starts('e', { parent: undefined }), ...events]);
    t.match(get(t, alone, 'e'), { status, ...(status === 'failed' && { outcome: { error: 'failed: s' } }) });
    const inRun = feed(startRun(), [starts('e'), ...events, ends('completed', { exitCode: 0 })]);
    t.match(get(t, inRun), { status, ...(status === 'failed' && { outcome: { error: 'failed: s' } }) });
  }
  t.end();
});

t.test('tasks of another vocabulary, by emit inside the run', (t) => {
  const emit = (type: string, data: object) => ({ type, execution: 'r1', source: 'shared-1', data: { ...data } });
  const state = feed(startRun(), [
    emit('task_started', { task_id: 'T1', task_name: 'Cart', story_count: 1 }),
    emit('story_started', { task_id: 'T1', story_id: 'US-1' }),
    emit('task_started', { task_id: 'T2', task_name: 'Other' }),
    emit('story_started', { task_id: 'T2', story_id: 'US-1' }),
    emit('task_completed', { task_id: 'T2', status: 'failed' }),
    emit('story_completed', { task_id: 'T1', story_id: 'US-1' }),
    emit('task_completed', { task_id: 'T1', status: 'success' }),
  ]);
  t.match(get(t, state), { name: 'Cart', status: 'running', announced: { total: 1 }, tasks: ['T1', 'T2'] });
  t.strictSame(outline(get(t, state)), ['US-1: completed', 'T2: failed', 'T2/US-1 < T2: running']);
  t.end();
});

t.test('other executions do not become tasks of a run', (t) => {
  const state = feed(startRun(), [
    { type: 'execution_started', execution: 'cmd', source: 'bash-1-x', data: { kind: 'command', parent: 'r1' } },
    starts('a'),
    { type: 'execution_started', execution: 'r2', source: 'run-11-r2', data: { ...COMMAND, parent: 'a' } },
    ends('completed'),
    starts('late'),
  ]);
  t.match(get(t, state, 'cmd'), { parent: 'r1', status: 'running' });
  t.match(get(t, state, 'r2'), { parent: 'r1' }, 'a run inside is a child of the run, by its own ID');
  t.match(get(t, state, 'late'), { parent: undefined, status: 'running' }, 'the run was over');
  t.end();
});

t.test('an ended run is no parent, and gets no events of an inherited environment', (t) => {
  const state = feed(startRun(), [
    { type: 'log', execution: 'r1', inherited: true, sender: ['emit-7.1'], data: { message: 'inside' } },
    ends('completed'),
    { type: 'execution_started', execution: 'later', source: 'sh-8', data: { kind: 'command', parent: 'r1', pid: 8 } },
    { type: 'step_started', execution: 'r1', inherited: true, step: 's', sender: ['emit-9.1'] },
    { type: 'execution_started', execution: 'task', source: 'sh-9', data: { kind: 'task', parent: 'r1', pid: 9 } },
  ]);
  t.equal(get(t, state, 'later').parent, undefined);
  t.equal(get(t, state, 'task').parent, undefined);
  t.equal(get(t, state).steps.size, 0);
  t.ok(get(t, state, 'emit-9.1').steps.has('s'), 'it belongs to its producer');
  feed(state, [{ type: 'step_started', execution: 'r1', step: 'named', sender: ['emit-9.1'] }]);
  t.ok(get(t, state).steps.has('named'), 'a producer that names the run means it');
  const during = startRun();
  feed(during, [starts('inner', { kind: 'command' }), ends('completed')]);
  t.equal(get(t, during, 'inner').parent, 'r1');
  const late = { ...starts('before', { kind: 'command' }), time: new Date(1_790_000_000_500).toISOString() };
  feed(during, [late]);
  t.equal(get(t, during, 'before').parent, 'r1', 'one that began before the end and is reported later');
  t.end();
});

t.test('tasks that an agent starts do not describe its run', (t) => {
  const state = feed(startRun({ agent: 'claude' }, 'agent'), [
    starts('a'),
    of('a', 'execution_failed'),
    ends('completed'),
  ]);
  t.match(get(t, state), { name: './job.sh now', status: 'completed' });
  t.strictSame(outline(get(t, state)), ['a: failed']);
  t.end();
});

t.test('tasks survive a checkpoint, and are forgotten with their run', (t) => {
  const before = feed(startRun(), [starts('a'), starts('b')]);
  const state = stateFromJson(stateToJson(before), before.limits);
  feed(state, [of('b', 'step_started', 'x'), of('a', 'step_started', 'x'), ends('completed')]);
  t.strictSame([...get(t, state).steps.keys()], ['b', 'b/x', 'x']);
  feed(state, [{ type: 'journal_note', data: { kind: 'pruned', executions: ['r1'] } }]);
  t.equal(state.tasks.size, 0);
  t.end();
});

t.test('an execution without a runner is ended by its producer, also if its kind is run', (t) => {
  const state = feed(emptyState(), [
    { type: 'execution_started', execution: 'r1', data: { kind: 'run' } },
    { type: 'execution_completed', execution: 'r1' },
  ]);
  t.match(findExecution(state, 'r1'), { status: 'completed' });
  t.end();
});
