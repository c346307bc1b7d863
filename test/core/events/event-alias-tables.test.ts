import type { Test } from 'tap';
import t from 'tap';
import type { Execution } from '../../../src/core/execution.js';
import { executionToJson } from '../../../src/core/execution.js';
import { estimate } from '../../../src/core/estimates/estimate.js';
import { workOf } from '../../../src/core/estimates/work.js';
import { formatPercent, formatWork } from '../../../src/core/text/format.js';
import { visibleStepsOf } from '../../../src/core/lists/visible-steps.js';
import type { Entrance } from '../../../src/core/routing/route.js';
import { toNewEvent } from '../../../src/protocol/validate.js';
import type { Sent, Way } from '../../helpers/vocabularies.js';
import { Intake, sentOf, WAYS } from '../../helpers/vocabularies.js';

/** The only execution that these events are routed to. */
function only(t: Test, events: readonly Sent[], way: Way): Execution {
  const intake = new Intake();
  intake.sendAll(events, way);
  const found = [...intake.state.alive.values(), ...intake.state.ended.values()];
  t.equal(found.length, 1, `${way}: one execution`);
  const [first] = found;
  if (!first) throw new Error('no execution');
  return first;
}

const stepsOf = (execution: Execution) => executionToJson(execution).steps;

for (const way of WAYS) {
  t.test(`stories, by ${way}`, async (t) => {
    const task = only(t, sentOf('stories'), way);
    t.match(task, {
      id: 'REL-7',
      name: 'Release 2.4',
      status: 'running',
      kind: 'task',
      announced: { total: 3, estimatedMs: 600_000 },
    });
    t.match(
      stepsOf(task).filter(({ kind }) => kind === 'story'),
      [
        { id: 'US-1', name: 'Tag the release', status: 'completed', durationMs: 2_400, commits: ['c0ffee1'] },
        { id: 'US-2', name: 'Publish the packages', status: 'running' },
      ],
    );
  });

  t.test(`stories to their end, by ${way}`, async (t) => {
    const task = only(t, sentOf('stories', 'stories-rest'), way);
    t.match(task, { id: 'REL-7', status: 'failed', outcome: { error: '1 story failed' } });
    t.match(
      stepsOf(task).filter(({ kind }) => kind === 'story'),
      [
        { id: 'US-1', status: 'completed' },
        { id: 'US-2', status: 'failed', durationMs: 20_000 },
        { id: 'US-3', status: 'completed', durationMs: 1_000 },
      ],
    );
  });

  t.test(`wrapped, by ${way}`, async (t) => {
    const sent = sentOf('wrapped');
    const intake = new Intake();
    const routes = [...intake.sendAll(sent, way), ...intake.sendAll(sent, way, 'b')];
    t.strictSame(routes, ['REL-8', 'REL-8', 'taken', 'taken'], 'a resend is known by its ID');
    t.match(intake.events, [
      { type: 'execution_started', time: '2026-09-21T14:13:20.250Z', id: /^6f1c/, data: { name: 'Wrapped form' } },
      { type: 'step_started', time: '2026-09-21T14:13:21.500Z', step: 'US-9' },
    ]);
  });

  t.test(`executions, by ${way}`, async (t) => {
    const run = only(t, sentOf('executions'), way);
    t.match(run, {
      id: 'exec-42',
      name: 'nightly-report',
      status: 'completed',
      durationMs: 18_500,
      announced: { total: 3 },
    });
    t.match(stepsOf(run), [
      { id: 's1', name: 'Fetch', status: 'completed', durationMs: 12_000, index: 0 },
      { id: 's2', name: 'Render', status: 'completed', attempts: 2, durationMs: 3_000 },
      { id: 's3', name: 'Mail', status: 'skipped' },
    ]);
  });

  t.test(`invocations, by ${way}`, async (t) => {
    const sent = sentOf('invocations');
    const task = only(t, sent, way);
    t.match(task, { id: 'T-1', name: 'Verify e-mail sign-in', status: 'failed' });
    const coder = { role: 'coder', provider: 'codex', model: 'gpt-5', status: 'completed', durationMs: 210_000 };
    t.match(stepsOf(task), [
      { id: 'inv-1', ...coder },
      { id: 'inv-2', role: 'reviewer', status: 'failed', durationMs: 30_000, error: 'rejected: no test' },
    ]);
    const review = sent.findIndex(({ type }) => type === 'task.review');
    t.match(only(t, sent.slice(0, review + 1), way), { attention: { state: 'waiting', reason: 'review' } });
    t.notOk(only(t, sent.slice(0, review + 2), way).attention?.state, 'an invocation goes on with it');
  });
}

t.test('reused IDs are distinguished by task and step; a resend is a duplicate', async (t) => {
  const wrapped = (event: string, id: string, data: object) => ({ event, id, data });
  const both = ['A', 'B'].flatMap((task) => [
    wrapped('task_started', '1', { task_id: task }),
    wrapped('story_started', '2', { task_id: task, story_id: 'S1' }),
    wrapped('story_started', '2', { task_id: task, story_id: 'S2' }),
    wrapped('task_completed', '4', { task_id: task }),
  ]);
  for (const together of [true, false]) {
    const intake = new Intake();
    const send = (event: Sent) => {
      const route = intake.take(event);
      if (!together) intake.settle();
      return route;
    };
    t.strictSame(both.map(send), ['A', 'A', 'A', 'A', 'B', 'B', 'B', 'B']);
    t.same(new Set(both.map(send)), new Set(['taken']));
  }
});

t.test('an event of an unknown type is routed to the task that it names', async (t) => {
  const intake = new Intake();
  const connection: Entrance = { name: 'socket-a', opened: [] };
  const send = (type: string, data: object) => intake.take({ type, data }, connection);
  send('task_started', { task_id: 'one' });
  send('task_started', { task_id: 'two' });
  t.equal(send('task_archived', { task_id: 'one' }), 'one');
  t.equal(send('task_archived', { task_id: 'nobody' }), 'two');
  t.equal(send('log', { message: 'm' }), 'two');
});

for (const way of WAYS) {
  t.test(`two tasks that are open at once never mix, by ${way}`, async (t) => {
    const [task, ...rest] = sentOf('stories');
    const other = sentOf('stories').map((event) => ({
      ...event,
      data: JSON.parse(JSON.stringify(event['data']).replace('REL-7', 'REL-9')) as object,
    }));
    const intake = new Intake();
    intake.sendAll([task ?? {}], way, 'a');
    intake.sendAll(other.slice(0, 1), way, 'b');
    if (way === 'post') {
      const [route] = intake.sendAll(rest, way, 'a');
      t.match(route, /^http-a-/, 'ambiguous');
      return;
    }
    t.same(new Set(intake.sendAll(other.slice(1), way, 'b')), new Set(['REL-9']));
    t.same(new Set(intake.sendAll(rest, way, 'a')), new Set(['REL-7']));
  });
}

t.test('two tasks on one connection: open steps stay in their task, new ones are in the newest', async (t) => {
  const intake = new Intake();
  const socket = { name: 'socket-a', opened: [] };
  const send = (type: string, data: object) => intake.take({ type, data }, socket);
  const story = (story_id: string) => ({ story_id, ac_index: 0 });
  send('task_started', { task_id: 'A' });
  t.equal(send('story_started', story('US-1')), 'A');
  send('task_started', { task_id: 'B' });
  t.equal(send('story_started', story('US-5')), 'B');
  t.equal(send('ac_completed', story('US-1')), 'A');
  t.equal(send('story_completed', story('US-1')), 'A');
  t.equal(send('ac_completed', story('US-5')), 'B');
  t.equal(send('task_completed', { task_id: 'B' }), 'B');
  t.equal(send('story_started', story('US-2')), 'A', 'the one that is left');
});

t.test('without an open task each producer has a separate execution', async (t) => {
  const intake = new Intake();
  const story = { type: 'story_started', data: { story_id: 'US-1' } };
  t.same(intake.sendAll([story], 'socket', 'a'), ['socket-a']);
  t.same(intake.sendAll([story], 'socket', 'b'), ['socket-b']);
  t.same(intake.sendAll([story], 'script', 'c'), ['emit-c.1']);
  t.equal(intake.take({ ...story, source: 'builder' }), 'builder');
  t.notOk(intake.state.alive.has('default'));
});

t.test('a command belongs to the task of its nearest ancestor process', async (t) => {
  const intake = new Intake();
  const emit = (type: string, data: object, ...sender: string[]) =>
    intake.take({ type, data, sender }, { name: 'spool', isShared: true });
  emit('task_started', { task_id: 'outer' }, 'emit-outer', 'emit-shell');
  emit('task_started', { task_id: 'inner' }, 'emit-inner', 'emit-outer', 'emit-shell');
  intake.settle();
  t.equal(emit('story_started', { story_id: 's' }, 'emit-subshell', 'emit-inner', 'emit-outer'), 'inner');
  t.equal(emit('story_started', { story_id: 's' }, 'emit-subshell', 'emit-outer', 'emit-shell'), 'outer');
  t.equal(emit('log', { message: 'hello' }, 'emit-inner', 'emit-outer'), 'inner', 'our own events, too');
  emit('task_completed', { task_id: 'inner' }, 'emit-inner');
  intake.settle();
  t.equal(emit('story_started', { story_id: 't' }, 'emit-inner', 'emit-outer'), 'outer');
  t.notOk(intake.state.sources.has('emit-inner'), 'a process that has nothing open is forgotten');
});

t.test('an end without an outcome gets that of its stories; a stated one is kept', async (t) => {
  const story = (id: string, status: string) => [
    { type: 'story_started', data: { story_id: id } },
    { type: 'story_completed', data: { story_id: id, status } },
  ];
  const task = (...events: Sent[]) => [{ type: 'task_started', data: { task_id: 'T' } }, ...events];
  const end = (data: object) => ({ type: 'task_completed', data: { task_id: 'T', ...data } });
  const cases: [Sent[], string][] = [
    [task(...story('a', 'passed'), ...story('b', 'failed'), end({})), 'failed'],
    [task(...story('a', 'failed'), ...story('a', 'passed'), end({})), 'completed'],
    [task(...story('a', 'failed'), end({ status: 'completed' })), 'completed'],
    [task(...story('a', 'failed'), end({ success: true })), 'completed'],
    [task(...story('a', 'passed'), end({ success: false })), 'failed'],
    [task(...story('a', 'passed'), end({ exit_code: 2 })), 'failed'],
    [task(...story('a', 'passed'), end({ error: { message: 'no', code: 'E1' } })), 'failed'],
    [task(...story('a', 'passed'), end({ exitCode: 0, error: null })), 'completed'],
  ];
  for (const [events, status] of cases) {
    for (const way of ['socket', 'post'] as const)
      t.equal(only(t, events, way).status, status, JSON.stringify(events.at(-1)));
  }
});

t.test('a retry is another attempt also when failure and new start have the same time', async (t) => {
  const timestamp = '2026-11-30T08:00:00.000Z';
  const types = ['step_started', 'step_failed', 'step_started', 'step_completed'];
  const run = only(
    t,
    types.map((type) => ({
      type,
      executionId: 'e',
      timestamp,
      data: { stepId: 's', error: type === 'step_failed' ? 'no' : null },
    })),
    'socket',
  );
  t.match(stepsOf(run), [{ status: 'completed', attempts: 2 }]);
  t.notOk(stepsOf(run)[0]?.error);
});

t.test('the start of a criterion is derived from its end and duration', async (t) => {
  const [first] = stepsOf(only(t, sentOf('stories').slice(0, 3), 'post')).filter(({ kind }) => kind === 'criterion');
  t.equal(Date.parse(first?.endedAt ?? '') - Date.parse(first?.startedAt ?? ''), 1_200);
});

t.test('the percentage includes the criteria of stories', async (t) => {
  const now = Date.parse('2026-11-30T10:01:00.000Z');
  const running = estimate(only(t, sentOf('stories'), 'post'), now);
  t.equal(formatPercent(running.share ?? 0), '42%');
  t.equal(running.remainingMs, 540_000);
  const ended = only(t, sentOf('stories', 'stories-rest'), 'post');
  t.notOk(estimate(ended, now).remainingMs);
  t.equal(formatWork(workOf(ended) ?? { done: 0 }), '3/3 stories: 2 passed · 1 failed');
  const failed = only(t, [...sentOf('stories'), ...sentOf('stories-rest').slice(0, 2)], 'post');
  t.notOk(estimate(failed, now).remainingMs, 'unknown after a failure');
  t.strictSame(visibleStepsOf(failed).current, [], 'what failed is not at work any more');
});

t.test('native events: levels in any spelling, numbers as text, anything else is refused', async (t) => {
  const levels = {
    warn: 'warning',
    WARNING: 'warning',
    critical: 'error',
    '3': 'error',
    notice: 'info',
    Debug: 'debug',
  };
  for (const [level, ours] of Object.entries(levels)) t.equal(toNewEvent({ type: 'log', level }).data['level'], ours);
  t.equal(toNewEvent({ type: 'log', level: 4 }).data['level'], 'warning');
  t.equal(toNewEvent({ type: 'log', level: 'loud' }).data['level'], 'loud');
  t.match(toNewEvent({ type: 'progress', current: '3', total: '7.5' }).data, { current: 3, total: 7.5 });
  t.match(toNewEvent({ type: 'progress', percent: '33 %' }).data, { current: 33, total: 100, unit: '%' });
  t.match(toNewEvent({ type: 'progress', current: 1, message: 7 }).data, { message: '7' });
  for (const wrong of [{ current: 'many' }, { total: [1] }, { current: true }, { percent: {} }]) {
    t.throws(() => toNewEvent({ type: 'progress', ...wrong }), {
      code: 'bad_event',
      message: /of progress must be a number/,
    });
  }
  const event = { type: 'log', level: 'info', id: 7, sender: 'me', timestamp: 'noon' };
  t.strictSame(toNewEvent(event).data, { level: 'info', id: 7, sender: 'me', timestamp: 'noon' }, 'data stay data');
});

t.test('formatting becomes the escape sequences of each line', async (t) => {
  const [output] = sentOf('executions').filter(({ type }) => type === 'output_stream');
  t.equal(toNewEvent(output).data['text'], '\u001b[1;38;2;107;114;128m$ fetch --all\u001b[0m\n');
  const formatted = (formatting: object) =>
    toNewEvent({ type: 'output_stream', content: 'a\n\nb', formatting }).data['text'];
  t.equal(formatted({ italic: true, background: 'red' }), '\u001b[3;41ma\u001b[0m\n\n\u001b[3;41mb\u001b[0m');
  t.equal(formatted({ color: 'no colour', bold: 'yes' }), 'a\n\nb');
});
