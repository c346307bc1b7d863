import t from 'tap';
import type { ReplayOptions } from '../helpers/replay.js';
import { replay } from '../helpers/replay.js';

/** Output of `claude`: each line names its session. */
function claude(...lines: object[]) {
  return speak({ format: 'claude' }, ...lines.map((line) => ({ session_id: 's', ...line })));
}

function speak(options: ReplayOptions, ...lines: object[]) {
  const chunks = lines.map((line) => Buffer.from(`${JSON.stringify(line)}\n`));
  return replay(chunks, { stepMs: 1_000, ...options });
}

const use = (id: string, name: string, input: object, parent: string | null = null) => ({
  type: 'assistant',
  message: { content: [{ type: 'tool_use', id, name, input }] },
  parent_tool_use_id: parent,
});
const answer = (id: string, content: string, more: object = {}, result: object = {}) => ({
  type: 'user',
  message: { content: [{ type: 'tool_result', tool_use_id: id, content, ...more }] },
  ...result,
});
const words = (text: string) => ({ type: 'assistant', message: { content: [{ type: 'text', text }] } });
const INIT = { type: 'system', subtype: 'init', cwd: '/w', model: 'm' };

t.test('Claude: a call is one line, with paths relative to the working directory', async (t) => {
  const { execution } = claude(
    INIT,
    use('1', 'Edit', { file_path: '/w/src/a.ts', old_string: 'a\nb\nc', new_string: 'a\nx\ny\nc' }),
    answer('1', 'ok'),
    use('2', 'Bash', { command: 'rg -n listen\nsecond line', description: 'Find' }),
    use('3', 'Grep', { pattern: 'listen', path: '/w/src' }),
    use('4', 'mcp__github__create_issue', { title: 'x' }),
    use('5', 'MultiEdit', { file_path: '/w/b.ts', edits: [{ old_string: 'a', new_string: 'b\nc' }] }),
  );
  t.strictSame(
    execution.steps.map(({ name }) => name),
    [
      'Edit: src/a.ts +2 -1',
      'Bash: rg -n listen second line',
      'Grep: listen in src',
      'github.create_issue',
      'MultiEdit: b.ts +2 -1',
    ],
  );
  t.equal(execution.steps[0]?.durationMs, 1_000);
});

t.test('Claude: the to-do list becomes criteria', async (t) => {
  const todo = (...statuses: string[]) =>
    use(statuses.join(), 'TodoWrite', {
      todos: statuses.map((status, index) => ({ content: `item ${index}`, status, activeForm: 'doing' })),
    });
  const { execution } = claude(
    todo('pending', 'pending', 'pending'),
    todo('in_progress', 'pending', 'pending'),
    todo('completed', 'in_progress'),
  );
  const criteria = execution.steps.filter(({ kind }) => kind === 'criterion');
  t.strictSame(
    criteria.map(({ name, status }) => `${name} ${status}`),
    ['item 0 completed', 'item 1 cancelled', 'item 2 skipped'],
    'what runs ends with the execution, what left the list is skipped',
  );
  t.match(execution.progress, { current: 1, total: 2, unit: 'to-dos' });
});

t.test('Claude: the newer to-do list changes one item at a time', async (t) => {
  const { execution } = claude(
    use('1', 'TaskCreate', { subject: 'write it', description: 'd' }),
    answer('1', 'created', {}, { tool_use_result: { task: { id: '7', subject: 'write it' } } }),
    use('2', 'TaskCreate', { subject: 'test it', description: 'd' }),
    answer('2', 'created', {}, { tool_use_result: { task: { id: '8', subject: 'test it' } } }),
    use('3', 'TaskUpdate', { taskId: '7', status: 'completed' }),
    answer('3', 'updated', {}, { tool_use_result: { success: true, taskId: '7' } }),
  );
  const criteria = execution.steps.filter(({ kind }) => kind === 'criterion');
  t.strictSame(
    criteria.map(({ name, status }) => `${name} ${status}`),
    ['write it completed', 'test it skipped'],
  );
});

t.test('Claude: a question waits for an answer', async (t) => {
  const asked = [use('q', 'AskUserQuestion', { questions: [{ question: 'Which database?' }] })];
  const attention = ({ events }: ReturnType<typeof claude>) =>
    events.filter(({ type }) => type === 'attention').map(({ data }) => data);
  t.strictSame(attention(claude(...asked)), [{ state: 'waiting', reason: 'Which database?' }]);
  t.match(attention(claude(...asked, answer('q', 'SQLite')))[1], { state: 'none' });
  const permission = { type: 'control_request', request: { subtype: 'can_use_tool', tool_name: 'Bash' } };
  t.match(attention(claude(permission, words('on'))), [{ reason: 'may it use Bash?' }, { state: 'none' }]);
});

t.test('Claude: a background sub-agent ends with its notification, not when its call returns', async (t) => {
  const start = [
    use('a', 'Agent', { description: 'Count' }),
    answer('a', 'launched', {}, { tool_use_result: { status: 'async_launched', agentId: 'x' } }),
    use('b', 'Bash', { command: 'ls' }, 'a'),
  ];
  const stepsOf = (...more: object[]) =>
    claude(...start, ...more).execution.steps.map(({ id, status }) => `${id} ${status}`);
  t.strictSame(stepsOf(), ['a cancelled', 'b cancelled']);
  const note = { type: 'system', subtype: 'task_notification', tool_use_id: 'a', status: 'completed' };
  t.strictSame(stepsOf(note, note), ['a completed', 'b cancelled'], 'reported twice');
  t.equal(claude(...start).execution.steps[1]?.parent, 'a');
});

t.test('Claude: retries and rate limits are messages', async (t) => {
  const { events } = claude(
    { type: 'system', subtype: 'api_retry', attempt: 2, max_retries: 10, retry_delay_ms: 1234.5, error: 'overloaded' },
    { type: 'rate_limit_event', rate_limit_info: { status: 'allowed' } },
    {
      type: 'rate_limit_event',
      rate_limit_info: { status: 'rejected', resetsAt: 1784283600, rateLimitType: 'five_hour' },
    },
    { type: 'rate_limit_event', rate_limit_info: { status: 'rejected', resetsAt: 1e300 } },
  );
  t.strictSame(
    events.map(({ data }) => data['message']),
    [
      'overloaded: attempt 2 of 10 in 1.2 s',
      'rate limit five_hour: rejected, until 2026-07-17T10:20:00.000Z',
      'rate limit : rejected, until +275760-09-13T00:00:00.000Z',
    ],
  );
});

t.test('Claude: repeated totals count once, and a later failure counts', async (t) => {
  const result = (tokens: number, usd: number, more: object = {}) => ({
    is_error: false,
    type: 'result',
    subtype: 'success',
    total_cost_usd: usd,
    modelUsage: { m: { inputTokens: tokens, outputTokens: 1 } },
    ...more,
  });
  const twice = claude(result(99, 0.5), result(199, 0.75));
  t.match(twice.execution, { usage: { tokens: 200, costUsd: 0.75 } });
  t.match(claude(result(1, 1, { subtype: 'error_max_turns', errors: ['too many turns'] })).claim, {
    status: 'failed',
    error: 'too many turns',
  });
  t.match(claude(result(1, 1, { is_error: true, result: 'no key' })).claim, { status: 'failed', error: 'no key' });
  const placeholders = { ...words('x'), message: { content: [], usage: { input_tokens: 5, output_tokens: 1 } } };
  t.equal(claude(placeholders).execution.usage?.tokens, undefined);
  const older = claude(result(0, 0.1, { modelUsage: undefined, usage: { input_tokens: 7, output_tokens: 3 } }));
  t.match(older.execution, { usage: { tokens: 10, costUsd: 0.1 } });
});

t.test('Claude: the number of remembered open calls is bounded', async (t) => {
  const calls = Array.from({ length: 1_500 }, (_, n) => use(`c${n}`, 'Bash', { command: 'x' }));
  const { events } = claude(...calls);
  t.equal(events.filter(({ type }) => type === 'step_cancelled').length, 1_000);
});

t.test('Claude: fields of wrong types are ignored', async (t) => {
  const odd = [null, 7, 'x', [], {}, [null], [{ type: 'tool_use' }], [{ type: 'tool_result' }], { a: { b: 1 } }];
  const types = ['system', 'assistant', 'user', 'result', 'control_request', 'rate_limit_event'];
  const lines = types.flatMap((type) =>
    odd.flatMap((value) => [
      { type, subtype: value, message: value, result: value, usage: value, modelUsage: value, request: value },
      { type, message: { content: value, usage: value }, subtype: 'init', cwd: value, tool_use_id: value },
      { type, subtype: 'task_started', task_type: 'local_agent', tool_use_id: value, description: value },
    ]),
  );
  t.doesNotThrow(() => claude(...lines));
});

t.test('Codex: a plan, an MCP server, a failed turn', async (t) => {
  const item = (type: string, fields: object) => ({ type, item: { id: 'i1', ...fields } });
  const { execution, claim, events } = speak(
    { format: 'codex' },
    { type: 'thread.started', thread_id: 't' },
    item('item.started', { id: 'p', type: 'todo_list', items: [{ text: 'a', completed: false }] }),
    item('item.updated', { id: 'p', type: 'todo_list', items: [{ text: 'a', completed: true }] }),
    item('item.started', { type: 'mcp_tool_call', server: 'gh', tool: 'list', arguments: {}, status: 'in_progress' }),
    item('item.completed', {
      type: 'mcp_tool_call',
      server: 'gh',
      tool: 'list',
      error: { message: 'no' },
      status: 'failed',
    }),
    item('item.completed', {
      id: 'f',
      type: 'file_change',
      changes: [{ path: 'a.c', kind: { type: 'update' }, diff: '@@\n-x\n+y\n+z' }],
      status: 'completed',
    }),
    { type: 'error', message: 'Reconnecting... 1/5' },
    { type: 'turn.failed', error: { message: 'no quota' } },
  );
  t.strictSame(
    execution.steps.map(({ name, status }) => `${name} ${status}`),
    ['a completed', 'gh.list failed', 'Edit: a.c +2 -1 completed'],
  );
  t.strictSame(claim, { status: 'failed', error: 'no quota' });
  t.ok(events.some(({ type, data }) => type === 'log' && data['message'] === 'Reconnecting... 1/5'));
});

t.test('Codex: totals of the thread count once; sub-agents end by their state', async (t) => {
  const turn = (input: number) => ({ type: 'turn.completed', usage: { input_tokens: input, output_tokens: 10 } });
  t.equal(speak({ format: 'codex' }, turn(100), turn(250)).execution.usage?.tokens, 260);
  const collab = (tool: string, status: string) => ({
    type: 'item.completed',
    item: {
      id: tool,
      type: 'collab_tool_call',
      tool,
      receiver_thread_ids: ['kid'],
      prompt: 'count',
      agents_states: { kid: { status } },
    },
  });
  const { execution } = speak({ format: 'codex' }, collab('spawn_agent', 'pending_init'), collab('wait', 'completed'));
  t.match(
    execution.steps.find(({ id }) => id === 'kid'),
    { kind: 'subagent', status: 'completed', parent: 'spawn_agent' },
  );
});

t.test('Gemini: joins partial messages, and emits them before what follows', async (t) => {
  const piece = (content: string) => ({ type: 'message', role: 'assistant', content, delta: true });
  const { events, claim } = speak(
    { format: 'gemini' },
    { type: 'init', session_id: 's', model: 'm', timestamp: 'x' },
    piece('Hel'),
    piece('lo.'),
    {
      type: 'tool_use',
      tool_id: 'w',
      tool_name: 'write_todos',
      parameters: { todos: [{ description: 'a', status: 'completed' }] },
    },
    { type: 'tool_result', tool_id: 'w', status: 'success' },
    { type: 'error', severity: 'warning', message: 'slow' },
    piece('Bye.'),
    { type: 'result', status: 'success', stats: { total_tokens: 12, input_tokens: 10, cached: 4, output_tokens: 1 } },
  );
  const texts = events.map(({ data }) => data['text'] ?? data['message']).filter((text) => text !== undefined);
  t.strictSame(texts, ['Hello.', 'slow', 'Bye.']);
  t.match(events.at(-1)?.data, { tokens: 12, usage: { input: 6, cacheRead: 4, output: 2 } });
  t.strictSame(claim, { status: 'completed' });
});

t.test('Gemini: emits each part of a growing message in a session file once', async (t) => {
  const message = (fields: object) => ({ id: 'm1', type: 'gemini', timestamp: '2026-11-20T10:00:00.000Z', ...fields });
  const call = (status: string) => [
    { id: 'c', name: 'run_shell_command', args: { command: 'ls' }, status, resultDisplay: 'a' },
  ];
  const { execution, events } = speak(
    { format: 'gemini-transcript' },
    { sessionId: 's', projectHash: 'h', startTime: '2026-11-20T10:00:00.000Z', directories: ['/w'] },
    { id: 'u1', type: 'user', timestamp: '2026-11-20T10:00:00.000Z', content: [{ text: 'go' }] },
    message({ content: 'I look.', model: 'gemini-x' }),
    message({ content: 'I look.', model: 'gemini-x', toolCalls: call('executing') }),
    message({
      content: 'I look.',
      model: 'gemini-x',
      toolCalls: call('success'),
      tokens: { input: 5, cached: 0, total: 9 },
    }),
    message({
      content: 'I look.',
      model: 'gemini-x',
      toolCalls: call('success'),
      tokens: { input: 5, cached: 0, total: 9 },
    }),
    { $set: { lastUpdated: 'x' } },
  );
  t.equal(events.filter(({ data }) => data['kind'] === 'assistant-text').length, 1);
  t.match(execution, { usage: { tokens: 9 }, steps: [{ id: 'c', name: 'Bash: ls', status: 'completed' }] });
  t.equal(events[0]?.time, '2026-11-20T10:00:00.000Z', 'the file knows when');
});

t.test('Claude: an interrupted turn is cancelled with its running call', async (t) => {
  const rejected =
    "The user doesn't want to proceed with this tool use. The tool use was rejected (eg. if it was a file edit)";
  const { execution, claim } = claude(
    INIT,
    use('1', 'Bash', { command: 'sleep 60' }),
    answer('1', rejected, { is_error: true }),
    { type: 'user', message: { content: [{ type: 'text', text: '[Request interrupted by user for tool use]' }] } },
    {
      ...{ type: 'result', subtype: 'error_during_execution', is_error: true, terminal_reason: 'aborted_tools' },
      errors: ['[diagnostic] result_type=user'],
    },
  );
  t.strictSame(claim, { status: 'cancelled', error: 'interrupted' });
  t.match(execution.steps, [{ status: 'cancelled', error: 'stopped by the user' }]);
  t.equal(execution.agent?.turns, undefined, 'it is no prompt');
});

t.test(
  'Claude: reads the failure of a turn, its cost, and an interruption by the user from the session file',
  async (t) => {
    const line = { sessionId: 's', cwd: '/w', entrypoint: 'sdk-cli' };
    const said = (text: string, more: object) => ({
      ...line,
      ...more,
      type: 'assistant',
      message: { content: [{ type: 'text', text }] },
    });
    const prompt = (text: string) => ({ ...line, type: 'user', message: { content: text } });
    const read = (...lines: object[]) => speak({ format: 'claude-transcript' }, ...lines);
    const refused = read(
      prompt('do it'),
      { ...line, type: 'system', subtype: 'api_error', error: { formatted: '529 overloaded', status: 529 } },
      said('API Error: 400 no', { isApiErrorMessage: true }),
      { type: 'cost-state', sessionId: 's', totalCostUSD: 0.25 },
      { type: 'cost-state', sessionId: 's', totalCostUSD: 0.5 },
    );
    t.strictSame(refused.claim, { status: 'failed', error: 'API Error: 400 no' });
    t.equal(refused.execution.usage?.costUsd, 0.5);
    t.ok(refused.events.some(({ type, data }) => type === 'log' && data['message'] === '529 overloaded'));
    const stopped = read(prompt('do it'), {
      ...prompt(''),
      message: { content: [{ type: 'text', text: '[Request interrupted by user]' }] },
    });
    t.match(stopped, { claim: { status: 'cancelled' }, isOver: true });
  },
);

t.test('a refusal is reported as text, once', async (t) => {
  const json = JSON.stringify({ error: { type: 'invalid_request_error', message: 'no such model' } });
  const codex = speak(
    { format: 'codex' },
    { type: 'thread.started', thread_id: 't' },
    { type: 'error', message: json },
    { type: 'turn.failed', error: { message: json } },
  );
  t.equal(codex.claim?.error, 'no such model');
  t.equal(codex.events.filter(({ type }) => type === 'log').length, 1);
  const gemini = speak(
    { format: 'gemini' },
    { type: 'result', timestamp: 'x', status: 'error', error: { message: `[API Error: ${json}]` } },
  );
  t.equal(gemini.claim?.error, 'no such model');
  const rollout = speak(
    { format: 'codex-rollout' },
    { type: 'event_msg', payload: { type: 'task_complete', last_agent_message: null, error: { message: json } } },
  );
  t.strictSame(rollout.claim, { status: 'failed', error: 'no such model' });
});

t.test('Codex: a call that was cut off is cancelled, once', async (t) => {
  const call = { type: 'function_call', name: 'exec_command', call_id: 'c1', arguments: '{"cmd":"sleep 60"}' };
  const item = { type: 'CommandExecution', id: 'c1', command: ['sleep', '60'], status: 'failed', exit_code: -1 };
  const { execution, claim, events } = speak(
    { format: 'codex-rollout' },
    { type: 'response_item', payload: call },
    {
      type: 'response_item',
      payload: { type: 'function_call_output', call_id: 'c1', output: 'Wall time: 1 s\naborted by user' },
    },
    { type: 'event_msg', payload: { type: 'turn_aborted', reason: 'interrupted' } },
    { type: 'event_msg', payload: { type: 'item_completed', item } },
  );
  t.match(execution.steps, [{ status: 'cancelled' }]);
  t.equal(events.filter(({ data }) => data['kind'] === 'tool-call').length, 1);
  t.equal(claim?.status, 'cancelled');
});

t.test('paths are relative to the working directory of the command, which Codex and Gemini omit', async (t) => {
  const changes = [{ path: '/w/notes.md', kind: 'add' }];
  const codex = speak(
    { format: 'codex', cwd: '/w' },
    { type: 'item.completed', item: { id: 'i', type: 'file_change', changes, status: 'completed' } },
  );
  t.equal(codex.execution.steps[0]?.name, 'Edit: new notes.md');
  const gemini = speak(
    { format: 'gemini', cwd: '/w' },
    { type: 'tool_use', timestamp: 'x', tool_name: 'read_file', tool_id: '1', parameters: { file_path: '/w/a.txt' } },
  );
  t.equal(gemini.execution.steps[0]?.name, 'Read: a.txt');
});

t.test('Gemini: a prompt that is removed from the file was not answered', async (t) => {
  const kept = { id: '0', type: 'user', content: 'context' };
  const ask = { id: '1', type: 'user', content: 'do it' };
  const read = (...lines: object[]) => speak({ format: 'gemini-transcript' }, ...lines);
  t.equal(read(ask, { $set: { messages: [kept] } }).claim?.status, 'failed');
  t.equal(read(ask, { $set: { messages: [kept, ask] } }).claim, undefined);
  const answered = { id: '2', type: 'gemini', content: 'Done.', tokens: { input: 1, output: 1, total: 2 } };
  t.equal(read(ask, answered, { $set: { messages: [kept] } }).claim?.status, 'completed', 'a summary in its place');
});
