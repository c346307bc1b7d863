import t from 'tap';
import type { Execution } from '../../src/core/execution.js';
import { emptyState, findExecution } from '../../src/core/state/state.js';
import { at, folded } from '../helpers/events.js';
import type { Draft } from '../helpers/events.js';

const execution = 'a';
const start: Draft = { type: 'execution_started', execution, data: { name: 'build', kind: 'run' } };

function only(drafts: Draft[]): Execution {
  const found = findExecution(folded(drafts), execution);
  if (!found) throw new Error('no execution');
  return found;
}

t.test('a start opens an execution with its data', async (t) => {
  const data = {
    kind: 'run',
    argv: ['make', '-j2'],
    cwd: '/src',
    tty: '/dev/pts/1',
    tmux: '%1',
    pid: 7,
    labels: { team: 'x', bad: 1 },
    total: 3,
  };
  const found = only([{ type: 'execution_started', execution, source: 's', data }]);
  t.match(found, {
    status: 'running',
    name: 'make -j2',
    kind: 'run',
    process: { argv: ['make', '-j2'], cwd: '/src', tty: '/dev/pts/1', tmux: '%1', pid: 7 },
    announced: { total: 3 },
  });
  t.strictSame(found.labels, { team: 'x' });
  t.equal(found.startedAt, at(0));
  t.notOk(found.implicit);
});

t.test('fields of a wrong type count as absent', async (t) => {
  const found = only([{ type: 'execution_started', execution, data: { name: 7, argv: 'x', pid: '7', labels: [] } }]);
  t.equal(found.name, 'a');
  t.notOk('argv' in found || 'pid' in found || 'labels' in found);
});

for (const [type, status] of [
  ['execution_completed', 'completed'],
  ['execution_failed', 'failed'],
  ['execution_cancelled', 'cancelled'],
  ['execution_timeout', 'timeout'],
  ['execution_lost', 'lost'],
] as const) {
  t.test(`${type} ends it as ${status}`, async (t) => {
    const found = only([start, { type, execution, data: { exitCode: 3, error: 'boom', summary: 'no' } }]);
    t.match(found, {
      status,
      outcome: { exitCode: 3, error: 'boom', summary: 'no' },
      endedAt: at(1),
      durationMs: 1_000,
    });
  });
}

t.test('the first end counts, except that lost is replaced by any other', async (t) => {
  t.equal(
    only([start, { type: 'execution_completed', execution }, { type: 'execution_failed', execution }]).status,
    'completed',
  );
  t.equal(
    only([start, { type: 'execution_failed', execution }, { type: 'execution_lost', execution }]).status,
    'failed',
  );
  t.equal(
    only([start, { type: 'execution_lost', execution }, { type: 'execution_completed', execution }]).status,
    'completed',
  );
});

t.test('the duration of the producer wins, and clocks of different sources are not compared', async (t) => {
  const given = only([start, { type: 'execution_completed', execution, data: { durationMs: 42 } }]);
  t.equal(given.durationMs, 42);
  const foreign = only([
    { ...start, source: 'x' },
    { type: 'execution_completed', execution, source: 'y' },
  ]);
  t.equal(foreign.durationMs, undefined);
});

t.test('a clock that is set back gives no negative duration', async (t) => {
  t.equal(only([start, { type: 'execution_completed', execution, time: at(-60) }]).durationMs, 0);
});

t.test('an event of an unknown execution creates it, marked implicit', async (t) => {
  const found = only([{ type: 'log', execution, data: { message: 'hi' } }]);
  t.match(found, { implicit: true, status: 'running', name: 'a' });
});

t.test('a late start fills in missing fields and never reopens', async (t) => {
  const late = only([
    { type: 'execution_completed', execution, source: 's' },
    { ...start, source: 's', time: at(-10) },
  ]);
  t.match(late, { status: 'completed', name: 'build', startedAt: at(-10), durationMs: 10_000 });
  t.notOk(late.implicit);
});

t.test('a queued execution starts later', async (t) => {
  const state = folded([{ type: 'execution_queued', execution, data: { queue: 'q' } }]);
  t.match(findExecution(state, execution), { status: 'queued', queue: 'q', queuedAt: at(0) });
  t.notOk(findExecution(state, execution)?.startedAt);
  folded([{ type: 'execution_started', execution }], state);
  t.equal(findExecution(state, execution)?.status, 'running');
});

t.test('pause and resume change the status only while it is alive', async (t) => {
  t.equal(only([start, { type: 'execution_paused', execution }]).status, 'paused');
  t.equal(
    only([start, { type: 'execution_paused', execution }, { type: 'execution_resumed', execution }]).status,
    'running',
  );
  t.equal(
    only([start, { type: 'execution_completed', execution }, { type: 'execution_paused', execution }]).status,
    'completed',
  );
});

t.test('steps nest, have data, and end with their own status', async (t) => {
  const found = only([
    start,
    { type: 'step_planned', execution, step: 's2', data: { name: 'later', needs: ['s1'] } },
    {
      type: 'step_started',
      execution,
      step: 's1',
      data: { name: 'first', kind: 'story', role: 'dev', provider: 'p', model: 'm', index: 1 },
    },
    { type: 'step_started', execution, step: 's1/1', data: { parent: 's1', kind: 'criterion' } },
    { type: 'step_completed', execution, step: 's1/1' },
    {
      type: 'step_failed',
      execution,
      step: 's1',
      data: { error: 'no', retryable: true, commits: ['abc'], durationMs: 5 },
    },
  ]);
  t.match(found.steps.get('s1'), {
    name: 'first',
    kind: 'story',
    status: 'failed',
    role: 'dev',
    provider: 'p',
    model: 'm',
    error: 'no',
    retryable: true,
    commits: ['abc'],
    durationMs: 5,
  });
  t.match(found.steps.get('s1/1'), { parent: 's1', kind: 'criterion', status: 'completed', durationMs: 1_000 });
  t.match(found.steps.get('s2'), { status: 'pending', needs: ['s1'] });
});

t.test('a step that ends without a start is created', async (t) => {
  t.match(only([start, { type: 'step_skipped', execution, step: 's' }]).steps.get('s'), {
    status: 'skipped',
    endedAt: at(1),
  });
});

t.test('a step that starts again after its end is another attempt; a late start is not', async (t) => {
  const again = only([
    start,
    { type: 'step_started', execution, step: 's' },
    { type: 'step_failed', execution, step: 's', data: { error: 'x' } },
    { type: 'step_started', execution, step: 's' },
  ]).steps.get('s');
  t.match(again, { status: 'running', attempts: 2 });
  t.notOk(again?.error);
  const late = only([
    start,
    { type: 'step_failed', execution, step: 's' },
    { type: 'step_started', execution, step: 's', time: at(-1) },
  ]);
  t.match(late.steps.get('s'), { status: 'failed', startedAt: at(-1) });
});

for (const [type, status] of [
  ['execution_completed', 'cancelled'],
  ['execution_failed', 'cancelled'],
  ['execution_timeout', 'timeout'],
  ['execution_lost', 'lost'],
] as const) {
  t.test(`steps open at ${type} become ${status}, planned ones skipped`, async (t) => {
    const { steps } = only([
      start,
      { type: 'step_started', execution, step: 'open' },
      { type: 'step_planned', execution, step: 'planned' },
      { type, execution },
    ]);
    t.match(steps.get('open'), { status, endedAt: at(3) });
    t.equal(steps.get('planned')?.status, 'skipped');
  });
}

t.test('a step created after the end is closed', async (t) => {
  const { steps } = only([
    start,
    { type: 'execution_completed', execution },
    { type: 'step_planned', execution, step: 's' },
  ]);
  t.equal(steps.get('s')?.status, 'skipped');
});

t.test('progress belongs to the step it names, else to the execution', async (t) => {
  const found = only([
    start,
    { type: 'progress', execution, data: { current: 1, total: 4, unit: 'files' } },
    { type: 'progress', execution, data: { current: 2, message: 'b' } },
    { type: 'progress', execution, step: 's', data: { current: 9 } },
  ]);
  t.match(found.progress, { current: 2, total: 4, unit: 'files', message: 'b' });
  t.match(found.steps.get('s'), { status: 'running', progress: { current: 9 } });
});

t.test('attention is set, cleared, and ends with the execution', async (t) => {
  const waiting: Draft = { type: 'attention', execution, data: { state: 'waiting', reason: 'Allow?' } };
  t.match(only([start, waiting]), { attention: { state: 'waiting', reason: 'Allow?' } });
  t.notOk(only([start, waiting, { type: 'attention', execution, data: { state: 'none' } }]).attention?.state);
  t.notOk(only([start, waiting, { type: 'execution_failed', execution }]).attention?.state);
  t.notOk(only([start, { type: 'execution_failed', execution }, waiting]).attention?.state);
  const timed = (time: string): Draft => ({ ...waiting, time });
  const again = [timed('2026-11-20T12:00:05.000Z'), timed('2026-11-20T12:00:09.000Z')];
  t.equal(
    only([start, ...again]).attention?.since,
    '2026-11-20T12:00:05.000Z',
    'waits since the first of its questions',
  );
  const silent: Draft = { type: 'attention', execution, data: { state: 'silent' } };
  t.equal(only([start, silent]).attention?.since, undefined, 'of a silent one the last activity says it');
});

t.test('events about an execution do not count as its activity', async (t) => {
  const found = only([start, { type: 'resource_update', execution, data: { cpu: 5, rss: 9 } }]);
  t.equal(found.lastActivity, at(0));
  t.match(found.resources, { cpu: 5, rss: 9 });
  t.equal(only([start, { type: 'output', execution, data: { text: 'x' } }]).lastActivity, at(1));
});

t.test('total resources are kept after the end, with the highest peak', async (t) => {
  const update: Draft = { type: 'resource_update', execution, data: { cpu: 5, rss: 9, processes: 2, peakRss: 20 } };
  const lower: Draft = { type: 'resource_update', execution, data: { rss: 8, peakRss: 8, cpuSeconds: 1 } };
  t.strictSame(only([start, update, lower]).resources, {
    ...{ cpu: 5, peakCpu: 5, rss: 8, processes: 2, peakRss: 20, cpuSeconds: 1 },
  });
  const end: Draft = { type: 'execution_completed', execution, data: { cpuSeconds: 3, peakRss: 10 } };
  const used = { peakCpu: 5, peakRss: 20, cpuSeconds: 3 };
  t.strictSame(only([start, update, lower, end]).resources, used);
  t.strictSame(only([start, update, end, lower]).resources, used, 'whatever comes late');
  t.strictSame(only([start, { ...end, data: { peakRss: 10 } }]).resources, { peakRss: 10 });
  t.notOk('resources' in only([start, { ...end, data: {} }]));
});

t.test('the tail contains the last lines of output, truncated', async (t) => {
  const text = Array.from({ length: 20 }, (_, line) => `line ${line}`).join('\n');
  const { tail } = only([
    start,
    { type: 'output', execution, data: { text } },
    { type: 'output', execution, data: { text: `${'x'.repeat(1_000)}\nend\n` } },
  ]);
  t.equal(tail.length, 12);
  t.equal(tail.at(-1), 'end');
  t.equal(tail.at(-2)?.length, 400);
  t.equal(tail.at(-3), 'line 19');
});

t.test('the tail marks tool calls, truncates failures and indents sub-agents', async (t) => {
  const activity = (kind: string, data: Record<string, unknown>, step?: string): Draft => ({
    type: 'activity',
    execution,
    ...(step !== undefined && { step }),
    data: { kind, ...data },
  });
  const sub = (step: string, parent?: string): Draft => ({
    type: 'step_started',
    execution,
    step,
    data: { name: step, kind: 'subagent', ...(parent !== undefined && { parent }) },
  });
  const { tail } = only([
    start,
    activity('assistant-text', { text: 'first\nsecond' }),
    activity('tool-call', { tool: 'Bash', input: { command: 'ls' } }),
    activity('tool-result', { tool: 'Bash', text: 'a.txt' }),
    activity('tool-result', { tool: 'Bash', isError: true, text: '1\n2\n3\n4' }),
    sub('outer'),
    sub('inner', 'outer'),
    activity('tool-call', { title: 'Read: a.txt' }, 'inner'),
    sub('one', 'other'),
    sub('other', 'one'),
    activity('assistant-text', { text: 'in a circle' }, 'one'),
  ]);
  t.strictSame(tail.slice(0, 7), ['first', 'second', '▸ Bash: ls', '  1', '  2', '  3', '    ▸ Read: a.txt']);
  t.match(tail[7], /^ +in a circle$/);
});

t.test('tokens and cost add up', async (t) => {
  const usage: Draft = { type: 'activity', execution, data: { kind: 'result', tokens: 10, costUsd: 0.5 } };
  t.match(only([start, usage, usage]), { usage: { tokens: 20, costUsd: 1 } });
});

t.test('unknown types only count as activity; so do names of the prototype', async (t) => {
  for (const type of ['my_own_thing', 'constructor', '__proto__', 'toString']) {
    t.match(only([start, { type, execution }]), { status: 'running', lastActivity: at(1) });
  }
});

t.test('an alert is recorded, and does not count as activity', async (t) => {
  t.notOk(only([start]).alerted);
  t.match(only([start, { type: 'alert_triggered', execution }]), { alerted: true, lastActivity: at(0) });
});

t.test('events about the machine create no execution', async (t) => {
  const state = folded([
    { type: 'queue_changed', data: { name: 'q', slots: 2, paused: true } },
    { type: 'alert_triggered', execution: 'nobody' },
  ]);
  t.equal(state.alive.size, 0);
  t.strictSame(state.queues.get('q'), { name: 'q', slots: 2, paused: true });
});

t.test('ended executions are kept whole, then as summaries, then evicted', async (t) => {
  const state = emptyState({ open: 1_000, ended: 2, summaries: 2 });
  for (const id of ['1', '2', '3', '4', '5']) {
    folded(
      [
        { type: 'execution_started', execution: id, data: { argv: ['x'] } },
        { type: 'step_started', execution: id, step: 's' },
        { type: 'execution_completed', execution: id },
      ],
      state,
    );
  }
  t.strictSame([...state.ended.keys()], ['4', '5']);
  t.strictSame([...state.summaries.keys()], ['2', '3']);
  t.equal(state.ended.get('5')?.steps.size, 1);
  t.match(state.summaries.get('3'), { status: 'completed', summarised: true, name: 'x' });
  t.notOk(state.summaries.get('3')?.process?.argv);
  t.notOk(findExecution(state, '1'));
  folded([{ type: 'step_started', execution: '3', step: 'late' }], state);
  t.equal(state.summaries.get('3')?.steps.size, 0, 'a summary does not grow again');
});

t.test('excess steps are counted, not kept', async (t) => {
  const drafts: Draft[] = [start];
  for (let index = 0; index < 10_500; index++) drafts.push({ type: 'step_completed', execution, step: `s${index}` });
  const found = only(drafts);
  t.equal(found.steps.size, 10_000);
  t.strictSame(found.droppedSteps, { completed: 500 });
  t.ok(found.steps.has('s10499'));
});

t.test('long texts are truncated in memory', async (t) => {
  const long = 'x'.repeat(100_000);
  const found = only([
    { type: 'execution_started', execution, data: { name: long, argv: [long, long], labels: { [long]: long } } },
    { type: 'step_failed', execution, step: 's', data: { error: long, needs: [long, long] } },
    { type: 'execution_failed', execution, data: { error: long } },
  ]);
  t.ok(JSON.stringify({ ...found, steps: [...found.steps] }).length < 40_000);
});
