import t from 'tap';
import type { EventData, NewEvent } from '../../../src/core/events/event.js';
import { EVENT_TYPES } from '../../../src/core/events/event.js';
import { translate } from '../../../src/core/events/event-aliases.js';

/** Translates a flat foreign event; `as` is checked here. */
function translated(type: string, data: EventData, envelope: Partial<NewEvent> = {}) {
  const { data: result, ...rest } = translate({ ...envelope, type, data });
  const { as, ...fields } = result;
  t.equal(as, type, `${type}: the original name stays in data.as`);
  return { ...rest, data: fields };
}

t.test('native and unknown types are returned unchanged', (t) => {
  for (const type of [...EVENT_TYPES, 'my_own', 'constructor', '__proto__']) {
    const event = { type, data: { task_id: 't', status: 'passed' } };
    t.equal(translate(event), event);
  }
  t.end();
});

t.test('task_started starts an execution of kind task', (t) => {
  const given = { task_id: 'prd-1', task_name: 'Login', story_count: 5, estimated_duration: 90, owner: 'me' };
  t.strictSame(translated('task_started', given), {
    type: 'execution_started',
    execution: 'prd-1',
    data: { name: 'Login', kind: 'task', total: 5, estimatedMs: 90_000, owner: 'me' },
  });
  t.end();
});

t.test('an estimated duration is in seconds or has a unit; any other value is kept', (t) => {
  const estimate = (estimated_duration: unknown) => translated('task_started', { estimated_duration }).data;
  t.strictSame(estimate('90'), { kind: 'task', estimatedMs: 90_000 });
  t.strictSame(estimate(1.5), { kind: 'task', estimatedMs: 1_500 });
  t.strictSame(estimate('15m'), { kind: 'task', estimatedMs: 900_000 });
  t.strictSame(estimate('2 h'), { kind: 'task', estimatedMs: 7_200_000 });
  t.strictSame(estimate('a while'), { kind: 'task', estimated_duration: 'a while' });
  t.end();
});

t.test('story_started starts a step of kind story', (t) => {
  const given = { task_id: 'prd-1', story_id: 'us-3', title: 'Form', ac_count: 4, priority: 'high' };
  t.strictSame(translated('story_started', given), {
    type: 'step_started',
    execution: 'prd-1',
    step: 'us-3',
    data: { name: 'Form', kind: 'story', total: 4, priority: 'high' },
  });
  t.end();
});

t.test('ac_completed completes a criterion below its story', (t) => {
  const given = { story_id: 'us-3', ac_index: 0, ac_text: 'It validates', duration_ms: 1_200 };
  const data = { name: 'It validates', kind: 'criterion', parent: 'us-3', index: 0, durationMs: 1_200 };
  t.strictSame(translated('ac_completed', given), { type: 'step_completed', step: 'us-3/ac-0', data });
  t.strictSame(translated('ac_completed', { ...given, task_id: 'prd-1', status: 'failed' }), {
    type: 'step_failed',
    execution: 'prd-1',
    step: 'us-3/ac-0',
    data: { ...data, status: 'failed' },
  });
  t.strictSame(translated('ac_completed', { ac_text: 'It validates' }), {
    type: 'step_completed',
    data: { name: 'It validates', kind: 'criterion' },
  });
  t.end();
});

t.test('story_completed ends its step as the status says', (t) => {
  const given = { story_id: 'us-3', duration_ms: '2500', commits: ['abc', 'def'] };
  const data = { kind: 'story', durationMs: 2_500, commits: ['abc', 'def'] };
  const cases: Record<string, string> = {
    passed: 'step_completed',
    failed: 'step_failed',
    skipped: 'step_skipped',
    cancelled: 'step_cancelled',
    canceled: 'step_cancelled',
    timeout: 'step_timeout',
    'something else': 'step_completed',
  };
  for (const [status, type] of Object.entries(cases)) {
    const expected = { type, step: 'us-3', data: { ...data, status } };
    t.strictSame(translated('story_completed', { ...given, status }), expected, status);
  }
  t.strictSame(translated('story_completed', given), { type: 'step_completed', step: 'us-3', data });
  t.end();
});

t.test('task_completed ends its execution as the status says', (t) => {
  const given = { task_id: 'prd-1', duration_ms: 9, exit_code: 0, error_message: 'no', summary: 'Done' };
  const data = { durationMs: 9, exitCode: 0, error: 'no', summary: 'Done' };
  const cases: Record<string, string> = {
    passed: 'execution_completed',
    completed: 'execution_completed',
    skipped: 'execution_completed',
    failed: 'execution_failed',
    error: 'execution_failed',
    failure: 'execution_failed',
    cancelled: 'execution_cancelled',
    timeout: 'execution_timeout',
  };
  for (const [status, type] of Object.entries(cases)) {
    const expected = { type, execution: 'prd-1', data: { ...data, status } };
    t.strictSame(translated('task_completed', { ...given, status }), expected, status);
  }
  t.end();
});

t.test('error_occurred is a log message, or ends a story that cannot be retried', (t) => {
  const given = { task_id: 'prd-1', error_type: 'lint', error_message: 'Unused name' };
  t.strictSame(translated('error_occurred', { ...given, story_id: 'us-3', retryable: true }), {
    type: 'log',
    execution: 'prd-1',
    step: 'us-3',
    data: { level: 'error', message: 'Unused name', errorType: 'lint', retryable: true },
  });
  t.strictSame(translated('error_occurred', { ...given, story_id: 'us-3', retryable: false }), {
    type: 'step_failed',
    execution: 'prd-1',
    step: 'us-3',
    data: { kind: 'story', error: 'Unused name', errorType: 'lint', retryable: false },
  });
  t.strictSame(translated('error_occurred', { ...given, retryable: false }), {
    type: 'log',
    execution: 'prd-1',
    data: { level: 'error', message: 'Unused name', errorType: 'lint', retryable: false },
  });
  t.end();
});

t.test('task.started starts an execution of kind task', (t) => {
  for (const name of ['taskName', 'title', 'name']) {
    t.strictSame(translated('task.started', { taskId: 't1', [name]: 'Login', branch: 'main' }), {
      type: 'execution_started',
      execution: 't1',
      data: { name: 'Login', kind: 'task', branch: 'main' },
    });
  }
  t.end();
});

t.test('task.review waits for a person, unless the event names the agent that reviews', (t) => {
  t.strictSame(translated('task.review', { taskId: 't1' }), {
    type: 'attention',
    execution: 't1',
    data: { state: 'waiting', reason: 'review' },
  });
  t.strictSame(translated('task.review', { taskId: 't1', message: 'Please look' }).data, {
    state: 'waiting',
    reason: 'Please look',
  });
  for (const agent of [{ role: 'reviewer' }, { provider: 'p' }, { model: 'm' }, { invocationId: 'i' }]) {
    const expected = { type: 'progress', execution: 't1', data: { message: 'review', ...agent } };
    t.strictSame(translated('task.review', { taskId: 't1', ...agent }), expected);
  }
  t.end();
});

t.test('task.completed and task.failed end their execution', (t) => {
  t.strictSame(translated('task.completed', { taskId: 't1', durationMs: 5, summary: 'Done' }), {
    type: 'execution_completed',
    execution: 't1',
    data: { durationMs: 5, summary: 'Done' },
  });
  t.equal(translated('task.completed', { taskId: 't1', status: 'failed' }).type, 'execution_failed');
  for (const field of ['error', 'errorMessage', 'message']) {
    const expected = { type: 'execution_failed', execution: 't1', data: { error: 'No tests' } };
    t.strictSame(translated('task.failed', { taskId: 't1', [field]: 'No tests' }), expected, field);
  }
  t.end();
});

t.test('invocation.started starts a step of kind invocation, named by its role', (t) => {
  const who = { role: 'coder', provider: 'acme', model: 'large' };
  t.strictSame(translated('invocation.started', { invocationId: 'i1', taskId: 't1', ...who }), {
    type: 'step_started',
    execution: 't1',
    step: 'i1',
    data: { name: 'coder', kind: 'invocation', ...who },
  });
  t.strictSame(translated('invocation.started', { invocationId: 'i1', name: 'First', role: 'coder' }).data, {
    name: 'First',
    kind: 'invocation',
    role: 'coder',
  });
  t.strictSame(Object.keys(translated('invocation.started', { invocationId: 'i1' }).data), ['kind']);
  t.end();
});

t.test('invocation.activity is translated by its word, in any of its fields', (t) => {
  const cases: [string, EventData, string, EventData][] = [
    ['tool_exec', { tool: 'Bash', input: { a: 1 } }, 'activity', { kind: 'tool-call', tool: 'Bash', input: { a: 1 } }],
    ['tool_exec', { toolName: 'Bash', args: ['ls'] }, 'activity', { kind: 'tool-call', tool: 'Bash', input: ['ls'] }],
    ['tool_exec', { name: 'Bash', command: 'ls' }, 'activity', { kind: 'tool-call', tool: 'Bash', input: 'ls' }],
    ['output', { text: 'hello' }, 'output', { stream: 'stdout', text: 'hello' }],
    ['output', { content: 'hello', stream: 'stderr' }, 'output', { stream: 'stderr', text: 'hello' }],
    ['output', { message: 'hello' }, 'output', { stream: 'stdout', text: 'hello' }],
    ['error', { message: 'bad' }, 'log', { level: 'error', message: 'bad' }],
    ['error', { error: 'bad', code: 7 }, 'log', { level: 'error', message: 'bad', code: 7 }],
    ['progress', { current: 1, total: 3, message: 'm' }, 'progress', { current: 1, total: 3, message: 'm' }],
    ['progress', { percent: 40 }, 'progress', { current: 40, total: 100, unit: '%' }],
    ['progress', { content: 'reading' }, 'progress', { message: 'reading' }],
  ];
  for (const field of ['activity', 'activityType', 'type', 'kind']) {
    for (const [word, given, type, expected] of cases) {
      const result = translated('invocation.activity', { invocationId: 'i1', taskId: 't1', [field]: word, ...given });
      const data = { activity: word, ...expected };
      t.strictSame(result, { type, execution: 't1', step: 'i1', data }, `${field}: ${word}`);
    }
  }
  t.strictSame(translated('invocation.activity', { invocationId: 'i1', kind: 'thinking', content: 'hm' }), {
    type: 'activity',
    step: 'i1',
    data: { kind: 'thinking', text: 'hm' },
  });
  t.end();
});

t.test('invocation.completed, failed and timeout end their step', (t) => {
  const given = { invocationId: 'i1', taskId: 't1', durationMs: 5, exitCode: 2 };
  const rest = { execution: 't1', step: 'i1', data: { kind: 'invocation', durationMs: 5, exitCode: 2 } };
  t.strictSame(translated('invocation.completed', given), { type: 'step_failed', ...rest });
  t.equal(translated('invocation.completed', { ...given, exitCode: 0 }).type, 'step_completed');
  t.equal(translated('invocation.completed', { ...given, status: 'failed' }).type, 'step_failed');
  for (const [name, type] of [
    ['invocation.failed', 'step_failed'],
    ['invocation.timeout', 'step_timeout'],
  ] as const) {
    for (const field of ['error', 'errorMessage', 'message']) {
      const expected = { type, ...rest, data: { ...rest.data, error: 'Broke' } };
      t.strictSame(translated(name, { ...given, [field]: 'Broke' }), expected, `${name} ${field}`);
    }
  }
  t.end();
});

t.test('output_stream is output', (t) => {
  const given = { executionId: 'e1', stepId: 's1', content: 'hello\n', timestamp: '2026-11-20T13:48:46+01:00' };
  const time = '2026-11-20T12:48:46.000Z';
  const expected = { type: 'output', time, execution: 'e1', step: 's1', data: { stream: 'stdout', text: 'hello\n' } };
  t.strictSame(translated('output_stream', given), expected);
  t.equal(translated('output_stream', { ...given, stream: 'stderr' }).data['stream'], 'stderr');
  t.end();
});

t.test('log_entry is a log message with a normalized level', (t) => {
  const given = { executionId: 'e1', stepId: 's1', message: 'hello', context: { a: 1 } };
  t.strictSame(translated('log_entry', given), {
    type: 'log',
    execution: 'e1',
    step: 's1',
    data: { level: 'info', message: 'hello', fields: { a: 1 } },
  });
  t.strictSame(translated('log_entry', { msg: 'hello', metadata: { a: 1 } }).data, {
    level: 'info',
    message: 'hello',
    fields: { a: 1 },
  });
  for (const [level, ours] of Object.entries({
    debug: 'debug',
    INFO: 'info',
    warn: 'warning',
    Warning: 'warning',
    err: 'error',
  })) {
    t.strictSame(translated('log_entry', { level }).data, { level: ours });
  }
  const finer = { trace: 'debug', notice: 'info', FATAL: 'error', critical: 'error', '4': 'warning', '7': 'debug' };
  for (const [level, ours] of Object.entries(finer)) {
    t.strictSame(translated('log_entry', { level }).data, { level: ours, levelGiven: level });
  }
  t.strictSame(translated('log_entry', { level: 'loud' }).data, { level: 'loud' }, 'an unknown one stays');
  t.end();
});

t.test('a timestamp becomes the time; an invalid one is kept', (t) => {
  const timed = (timestamp: unknown) => translated('log_entry', { timestamp });
  t.equal(timed(1_790_000_000).time, '2026-09-21T14:13:20.000Z');
  t.equal(timed(1_790_000_000_123).time, '2026-09-21T14:13:20.123Z');
  for (const timestamp of ['yesterday', -1, 1e300, null, {}]) {
    t.strictSame(timed(timestamp), { type: 'log', data: { level: 'info', timestamp } });
  }
  t.end();
});

t.test('the envelope and native fields win; fields that they displace keep their names', (t) => {
  const envelope = { execution: 'x', step: 's', time: '2026-11-20T12:48:46.123Z', source: 'me', n: 1 };
  const given = { task_id: 't', story_id: 'u', title: 'Theirs', name: 'Ours', kind: 'mine' };
  t.strictSame(translated('story_started', given, envelope), {
    ...envelope,
    type: 'step_started',
    data: { task_id: 't', story_id: 'u', title: 'Theirs', name: 'Ours', kind: 'mine' },
  });
  t.end();
});

t.test('the time of the producer wins over that of the command', (t) => {
  const time = '2026-11-20T12:48:46.123Z';
  t.equal(translated('story_started', { timestamp: '1790000000.25' }, { time }).time, '2026-09-21T14:13:20.250Z');
  t.equal(translated('task.started', { startTime: 1_790_000_000 }, { time }).time, '2026-09-21T14:13:20.000Z');
  t.equal(translated('task.completed', { endTime: 1_790_000_000 }, { time }).time, '2026-09-21T14:13:20.000Z');
  t.equal(translated('story_started', { timestamp: 'noon' }, { time }).time, time);
  t.end();
});

t.test('IDs may be numbers; an invalid ID stays in the data', (t) => {
  t.strictSame(translated('story_started', { task_id: 7, story_id: 3 }), {
    type: 'step_started',
    execution: '7',
    step: '3',
    data: { kind: 'story' },
  });
  for (const task_id of ['', 'a\nb', 'x'.repeat(257), null, {}]) {
    t.strictSame(translated('task_completed', { task_id }), { type: 'execution_completed', data: { task_id } });
  }
  t.strictSame(translated('ac_completed', { story_id: 3, ac_index: '1' }), {
    type: 'step_completed',
    step: '3/ac-1',
    data: { kind: 'criterion', parent: '3', index: 1 },
  });
  t.end();
});

t.test('the event given is not changed', (t) => {
  const event = { type: 'story_started', data: { story_id: 'u', title: 'x' } };
  const copy = structuredClone(event);
  translate(event);
  t.strictSame(event, copy);
  t.end();
});
