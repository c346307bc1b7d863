import t from 'tap';
import type { Step } from '../../src/core/execution.js';
import { parsePartialObject } from '../../src/formats/partial-json.js';
import { readHookCall } from '../../src/agents/hook-call.js';
import type { Payload, Replay } from '../helpers/hook-calls.js';
import { createReplay, recordedTexts } from '../helpers/hook-calls.js';

const AGENTS = [
  ['claude', 'claude-hooks/rec-2.1.197-full'],
  ['codex', 'codex-hooks/rec-0.169.0-edit'],
  ['codex', 'codex-hooks/rec-0.169.0-agent'],
  ['gemini', 'gemini-hooks/rec-0.61.0'],
] as const;

function payloadsOf(name: string): Payload[] {
  return recordedTexts(name)?.map((text) => JSON.parse(text) as Payload) ?? [];
}

/** Name and status of each step, with its parent. */
function outline({ steps }: { steps: Map<string, Step> }): string[] {
  const nameOf = (id: string | undefined) => (id === undefined ? '' : ` in ${steps.get(id)?.name ?? '?'}`);
  return [...steps.values()].map(({ name, status, parent }) => `${name}: ${status}${nameOf(parent)}`);
}

function begin(): Replay & { tell: (event: string, more?: Record<string, unknown>) => void } {
  const replay = createReplay();
  const tell = (event: string, more: Record<string, unknown> = {}) =>
    replay.call('claude', { session_id: 's1', cwd: '/home/user/demo', hook_event_name: event, ...more });
  tell('SessionStart', { source: 'startup' });
  tell('UserPromptSubmit', { prompt: 'do it' });
  return { ...replay, tell };
}
const bash = (id: string, command = 'ls') => ({ tool_name: 'Bash', tool_input: { command }, tool_use_id: id });

t.test('a recorded session of Claude Code', async (t) => {
  const { call, session } = createReplay();
  for (const payload of payloadsOf('claude-hooks/rec-2.1.197-full')) call('claude', payload);
  const found = session('f753fb96-3d25-4246-bd5c-f07965c502f9');
  t.match(found, {
    status: 'completed',
    kind: 'agent',
    agent: { name: 'claude', via: 'hooks' },
    name: 'claude in demo3',
  });
  t.strictSame(outline(found), [
    'Bash: ls -1: completed',
    'Write: notes.md +1: completed',
    'Bash: echo failing >&2; exit 3: failed',
    'Agent: Count text files: completed',
    'general-purpose: completed in Agent: Count text files',
    'Bash: ls *.txt | wc -l: completed in general-purpose',
    'WebFetch: https://example.invalid/: failed',
  ]);
  t.equal(found.tail.filter((line) => line.startsWith('Done:')).length, 1, 'what was shown is not said again');
});

t.test('recorded sessions of Codex', async (t) => {
  const { call, session } = createReplay();
  for (const payload of payloadsOf('codex-hooks/rec-0.169.0-edit')) call('codex', payload);
  for (const payload of payloadsOf('codex-hooks/rec-0.169.0-agent')) call('codex', payload);
  const edit = session('01a1fb6b-04d1-7293-9ee4-fbb66b56623d');
  t.match(edit, { status: 'completed', agent: { name: 'codex', model: 'gpt-5.5' } });
  t.ok([...edit.steps.values()].every(({ status }) => status === 'completed'));
  t.equal(edit.steps.size, 4);
  const agent = session('01a1fb6b-b35e-7e40-afab-03187ff2c14d');
  t.equal(
    agent.status,
    'completed',
    'a sub-agent that stops after its parent does not take back that the turn is over',
  );
  t.match(outline(agent).at(-1), 'default: completed');
});

const gemini = payloadsOf('gemini-hooks/rec-0.61.0');
t.test('a recorded session of Gemini CLI', async (t) => {
  if (gemini.length === 0) return t.comment('not looked at: its recording is no part of this repository');
  const { call, session } = createReplay();
  for (const payload of gemini) call('gemini', payload);
  const found = session('a9143c1d-f5f5-4df1-bea5-95af44299866');
  t.match(found, { status: 'completed', agent: { name: 'gemini' }, startedAt: '2026-11-21T00:02:46.196Z' });
  t.strictSame(outline(found), ['Write: approved.txt +1: completed']);
});

t.test('matches a result of Gemini, whose calls have no IDs, to the call with the same input', async (t) => {
  const { call, session } = createReplay();
  const tell = (event: string, at: number, path: string) =>
    call('gemini', {
      session_id: 's1',
      hook_event_name: event,
      timestamp: `2026-11-21T00:00:0${at}.000Z`,
      tool_name: 'read_file',
      tool_input: { file_path: path },
      tool_response:
        event === 'AfterTool' ? { llmContent: 'x', ...(path === 'b' && { error: { message: 'no' } }) } : {},
    });
  tell('BeforeTool', 1, 'a');
  tell('BeforeTool', 1, 'b');
  tell('AfterTool', 2, 'b');
  tell('BeforeTool', 3, 'b');
  t.strictSame(outline(session('s1')), ['Read: a: running', 'Read: b: failed', 'Read: b: running']);
});

t.test('a failed login fails the session with the reason', async (t) => {
  const { call, session } = createReplay();
  const payloads = payloadsOf('claude-hooks/rec-2.1.197-auth');
  for (const payload of payloads.slice(0, -1)) call('claude', payload);
  const id = String(payloads[0]?.['session_id']);
  t.match(session(id), { status: 'running', attention: { state: 'waiting', reason: /^its turn has failed: auth/ } });
  for (const payload of payloads.slice(-1)) call('claude', payload);
  t.match(session(id), { status: 'failed', outcome: { error: /^authentication_failed/ } });
});

t.test('waits for a permission, and continues after the answer', async (t) => {
  const { tell, session } = begin();
  tell('PreToolUse', bash('t1', 'rm -rf build'));
  tell('PermissionRequest', { tool_name: 'Bash', tool_input: { command: 'rm -rf build' } });
  t.match(session('s1'), { attention: { state: 'waiting', reason: 'may it use Bash: rm -rf build?' } });
  tell('Notification', { notification_type: 'permission_prompt', message: 'Claude needs your permission' });
  t.equal(session('s1').attention?.reason, 'may it use Bash: rm -rf build?', 'which says more than the reminder');
  tell('PostToolUse', { ...bash('t1'), tool_response: { stdout: '' } });
  t.equal(session('s1').attention?.state, undefined);
});

t.test('waits with the question as the reason', async (t) => {
  const { tell, session } = begin();
  const ask = {
    tool_name: 'AskUserQuestion',
    tool_input: { questions: [{ question: 'Which one?' }] },
    tool_use_id: 'q',
  };
  tell('PreToolUse', ask);
  tell('PermissionRequest', { ...ask, tool_use_id: undefined });
  t.match(session('s1'), { attention: { state: 'waiting', reason: 'Which one?' } });
  tell('PostToolUse', { ...ask, tool_response: { answers: {} } });
  t.equal(session('s1').attention?.state, undefined);
  tell('Elicitation', { message: 'Your name?' });
  t.equal(session('s1').attention?.reason, 'Your name?');
  tell('ElicitationResult');
  t.equal(session('s1').attention?.state, undefined);
});

t.test('the question of a sub-agent is not answered by events of another agent', async (t) => {
  const { tell, session } = begin();
  tell('SubagentStart', { agent_id: 'a1', agent_type: 'Explore' });
  tell('PermissionRequest', { agent_id: 'a1', tool_name: 'Bash', tool_input: { command: 'x' } });
  tell('PreToolUse', bash('t1'));
  t.equal(session('s1').attention?.state, 'waiting');
  tell('PreToolUse', { ...bash('t2'), agent_id: 'a1' });
  t.equal(session('s1').attention?.state, undefined);
});

t.test('the question of the main agent is not answered by events of a sub-agent', async (t) => {
  const { tell, session } = begin();
  tell('SubagentStart', { agent_id: 'a1', agent_type: 'Explore' });
  tell('PreToolUse', bash('t1'));
  tell('PermissionRequest', { tool_name: 'Bash', tool_input: { command: 'make' } });
  tell('PreToolUse', { ...bash('t2'), agent_id: 'a1' });
  t.equal(session('s1').attention?.reason, 'may it use Bash: make?');
  tell('PostToolUse', bash('t1'));
  t.equal(session('s1').attention?.state, undefined);
});

t.test('the question of a sub-agent outlasts the turn of its session, and ends with the sub-agent', async (t) => {
  const { tell, session } = begin();
  tell('SubagentStart', { agent_id: 'a1', agent_type: 'Explore' });
  tell('PermissionRequest', { agent_id: 'a1', tool_name: 'Bash', tool_input: { command: 'x' } });
  tell('Stop', { last_assistant_message: 'It works in the background.' });
  t.match(session('s1').attention?.reason, /^may it use Bash/);
  tell('SubagentStop', { agent_id: 'a1' });
  tell('Stop', { last_assistant_message: 'All good.' });
  t.match(session('s1').attention?.reason, /^its turn is over/);
});

t.test('waits for the person between turns; a session that is left during a turn is cancelled', async (t) => {
  const { tell, session } = begin();
  tell('PreToolUse', bash('t1'));
  tell('Stop', { last_assistant_message: 'All good.\nReally.', background_tasks: [] });
  t.match(session('s1'), { attention: { state: 'waiting', reason: 'its turn is over: All good.' } });
  t.equal(session('s1').steps.get('t1')?.status, 'cancelled', 'and nothing is open');
  tell('UserPromptSubmit', { prompt: 'more' });
  t.equal(session('s1').attention?.state, undefined);
  tell('SessionEnd', { reason: 'prompt_input_exit' });
  t.equal(session('s1').status, 'cancelled');
});

t.test(
  'the outcome of a session that ends during a turn follows from what its agent would have reported',
  async (t) => {
    const end = (agent: string, ...calls: [event: string, more?: Record<string, unknown>][]) => {
      const { call, session } = createReplay();
      for (const [event, more] of [['SessionStart'], ...calls, ['SessionEnd']] as typeof calls) {
        call(agent, { session_id: 's1', hook_event_name: event, ...more });
      }
      const { status, outcome: { error } = {} } = session('s1');
      return [status, error];
    };
    const asked = ['UserPromptSubmit', { prompt: 'do it' }] as [string, Record<string, unknown>];
    const middle = 'the session ended in the middle of its turn';
    for (const agent of ['claude', 'codex', 'gemini']) t.strictSame(end(agent), ['completed', undefined], 'unused');
    t.strictSame(end('claude', asked), ['cancelled', undefined], 'a failure is reported');
    t.strictSame(end('claude', asked, ['MessageDisplay', { delta: 'API Error: 400 no' }]), [
      'failed',
      'API Error: 400 no',
    ]);
    t.strictSame(end('claude', asked, ['StopFailure', { error: 'unknown', error_details: 'no' }]), ['failed', 'no']);
    t.strictSame(end('codex', asked), ['failed', middle], 'an interruption is reported');
    t.strictSame(end('codex', asked, ['Interrupt']), ['cancelled', 'interrupted']);
    t.strictSame(end('gemini', ['BeforeAgent', { prompt: 'do it' }]), ['lost', middle], 'neither is reported');
  },
);

t.test('shows a patch of Codex as an edit, and the display text of a result of Gemini', async (t) => {
  const { call, session, events } = createReplay();
  const patch = '*** Begin Patch\n*** Add File: a.ts\n+one\n+two\n*** End Patch';
  const start = { session_id: 's1', cwd: '/w', hook_event_name: 'PreToolUse' };
  call('codex', { ...start, tool_name: 'apply_patch', tool_input: { command: patch }, tool_use_id: 'c1' });
  t.strictSame(outline(session('s1')), ['Edit: new a.ts +2 -0: running']);
  const response = { llmContent: '<untrusted_context>\nOutput: hello', returnDisplay: 'hello' };
  const shell = { session_id: 's2', tool_name: 'run_shell_command', tool_input: { command: 'x' } };
  call('gemini', { ...shell, hook_event_name: 'BeforeTool' });
  call('gemini', { ...shell, hook_event_name: 'AfterTool', tool_response: response });
  t.equal(events.find(({ data }) => data['kind'] === 'tool-result')?.data['text'], 'hello');
});

t.test('a resumed session is another execution of the same name; late events do not reopen the first', async (t) => {
  const { tell, session, state } = begin();
  tell('Stop');
  tell('SessionEnd');
  tell('PostToolUse', { ...bash('t1'), tool_response: 'late' });
  t.equal(state.alive.size, 0);
  tell('SessionStart', { source: 'resume' });
  t.match(session('s1~2'), { status: 'running', agent: { session: 's1' } });
  tell('Stop');
  t.equal(session('s1~2').attention?.state, 'waiting');
});

t.test('a session whose start was missed begins with its first event', async (t) => {
  const { call, session, state } = createReplay();
  call('claude', { session_id: 's1', hook_event_name: 'SessionEnd' });
  t.equal(state.alive.size, 0);
  call('claude', { session_id: 's1', hook_event_name: 'PostToolUse', ...bash('t1'), tool_response: { stdout: 'x' } });
  t.match(session('s1'), { status: 'running', kind: 'agent' });
  t.strictSame(outline(session('s1')), ['Bash: ls: completed']);
});

t.test('a call that is reported twice counts once', async (t) => {
  const { tell, session, events } = begin();
  tell('PreToolUse', bash('t1'));
  tell('PreToolUse', bash('t1'));
  tell('PostToolUse', { ...bash('t1'), tool_response: 'x' });
  const before = events.length;
  tell('PostToolUse', { ...bash('t1'), tool_response: 'x' });
  t.equal(events.length, before);
  t.equal(events.filter(({ data }) => data['kind'] === 'tool-call').length, 1);
  t.strictSame(outline(session('s1')), ['Bash: ls: completed']);
});

t.test('hooks in two settings files give the same result as hooks in one', (t) => {
  for (const [agent, name] of AGENTS) {
    const payloads = payloadsOf(name);
    const eventsOf = (calls: readonly Payload[]) => {
      const { call, events } = createReplay();
      for (const payload of calls) call(agent, payload);
      return events.map(({ type, step, data }) => ({ type, step, data }));
    };
    const once = eventsOf(payloads);
    const twice = payloads.flatMap((payload) => [payload, payload]);
    // two processes for each call: the second may be overtaken by the first of the next call
    const late = payloads.flatMap((payload, index) => [payload, ...payloads.slice(Math.max(0, index - 1), index)]);
    t.strictSame(eventsOf(twice), once, `${name}, delivered twice`);
    t.strictSame(eventsOf(late), once, `${name}, the copies late`);
  }
  t.end();
});

t.test('a repeated prompt or answer is not a duplicate', async (t) => {
  const { tell, session } = begin();
  tell('Stop', { last_assistant_message: 'done' });
  tell('UserPromptSubmit', { prompt: 'again', prompt_id: 'p2' });
  tell('Stop', { last_assistant_message: 'done', prompt_id: 'p2' });
  tell('UserPromptSubmit', { prompt: 'again', prompt_id: 'p3' });
  t.match(session('s1'), { agent: { turns: 3 }, attention: undefined });
});

t.test('late tool calls of a turn do not undo its end', async (t) => {
  const response = { ...bash('t1'), tool_response: { stdout: 'ok' } };
  const late = {
    'a result': ['PostToolUse', response],
    'a failure': ['PostToolUseFailure', { ...bash('t1'), error: 'no' }],
    'a message': ['MessageDisplay', { delta: 'done', final: true }],
    'a batch': ['PostToolBatch', { tool_calls: [] }],
    'a call that is known': ['PreToolUse', { ...bash('t1'), late: true }],
  } as const;
  for (const [about, [event, fields]] of Object.entries(late)) {
    const { tell, session, events } = begin();
    tell('PreToolUse', bash('t1'));
    tell('Stop', { last_assistant_message: 'done' });
    tell(event, fields);
    t.match(session('s1'), { attention: { state: 'waiting', reason: 'its turn is over: done' } }, about);
    t.equal(events.filter(({ data }) => data['text'] === 'done').length, 1, `${about}: said once`);
    tell('PreToolUse', bash('t2'));
    t.equal(session('s1').attention?.state, undefined, `${about}: another call begins something`);
  }
  const { tell, state } = begin();
  tell('PreToolUse', bash('t1'));
  tell('SessionEnd');
  tell('PreToolUse', { ...bash('t1'), late: true });
  t.equal(state.alive.size, 0, 'nor does a known call begin a session again');
});

t.test('only an answer ends the wait for a question', async (t) => {
  const { tell, session } = begin();
  tell('PreToolUse', bash('t1', 'ls'));
  tell('PreToolUse', bash('t2', 'make'));
  tell('PermissionRequest', { tool_name: 'Bash', tool_input: { command: 'make' } });
  tell('SubagentStart', { agent_id: 'a1', agent_type: 'general' });
  tell('PreToolUse', { agent_id: 'a1', ...bash('t9') });
  tell('PostToolUse', { ...bash('t1', 'ls'), tool_response: '' });
  t.equal(session('s1').attention?.reason, 'may it use Bash: make?');
  tell('PostToolUse', { ...bash('t2', 'make'), tool_response: '' });
  t.equal(session('s1').attention?.state, undefined);
});

t.test('a to-do list becomes the planned steps', async (t) => {
  const { tell, session } = begin();
  const todos = (...statuses: string[]) => ({
    tool_name: 'TodoWrite',
    tool_input: { todos: statuses.map((status, index) => ({ content: `part ${index}`, status })) },
  });
  tell('PreToolUse', { ...todos('in_progress', 'pending'), tool_use_id: 't1' });
  tell('PreToolUse', { ...todos('completed'), tool_use_id: 't2' });
  const plan = [...session('s1').steps.values()].filter(({ kind }) => kind === 'criterion');
  t.strictSame(
    plan.map(({ name, status }) => [name, status]),
    [
      ['part 0', 'completed'],
      ['part 1', 'skipped'],
    ],
  );
});

t.test('an agent started by another one is its child', async (t) => {
  const replay = begin();
  const helper = { session_id: 'h1', hook_event_name: 'SessionStart' };
  replay.call('claude', helper, { within: 's1' });
  t.equal(replay.session('h1').parent, 's1');
  replay.event({ type: 'execution_started', execution: 'r1', data: { kind: 'run', argv: ['./nightly.sh'] } });
  replay.call('codex', { ...helper, session_id: 'h2' }, { within: 'r1' });
  t.equal(replay.session('h2').parent, 'r1');
});

t.test('a run of an agent is its session; another session inside it is its child', async (t) => {
  const { call, event, session, state } = createReplay();
  const start = { session_id: 's1', hook_event_name: 'SessionStart' };
  event({ type: 'execution_started', execution: 'r1', data: { kind: 'run', argv: ['/usr/bin/claude'] } });
  call('claude', start, { within: 'r1' });
  call('claude', { ...start, hook_event_name: 'PreToolUse', ...bash('t1') }, { within: 'r1' });
  t.match(session('r1'), { agent: { name: 'claude', session: 's1', via: 'hooks' } });
  t.strictSame(outline(session('r1')), ['Bash: ls: running']);
  call('claude', { ...start, session_id: 's2' }, { within: 'r1' });
  t.equal(session('s2').parent, 'r1');
  call('claude', { ...start, hook_event_name: 'SessionEnd' }, { within: 'r1' });
  t.equal(session('r1').status, 'running', 'it ends with its process');
  t.strictSame([...state.alive.keys()], ['r1', 's2']);
});

t.test('hooks are ignored where the output of the run is parsed', async (t) => {
  const { call, event, session, events, state } = createReplay();
  const argv = ['claude', '-p', 'x', '--output-format', 'stream-json', '--verbose'];
  event({ type: 'execution_started', execution: 'r1', data: { kind: 'run', argv } });
  call('claude', { session_id: 's1', hook_event_name: 'SessionStart' }, { within: 'r1' });
  t.equal(events.length, 1, 'not even before it has said which session it is');
  event({ type: 'execution_started', execution: 'r2', data: { kind: 'run', argv: ['sh', '-c', 'claude -p x'] } });
  call('claude', { session_id: 's2', hook_event_name: 'SessionStart' }, { within: 'r2' });
  t.equal(session('s2').parent, 'r2');
  event({ type: 'activity', execution: 'r2', data: { kind: 'init', agent: 'claude', session: 's2' } });
  call('claude', { session_id: 's2', hook_event_name: 'PreToolUse', ...bash('t1') }, { within: 'r2' });
  t.match(session('s2'), { status: 'completed', outcome: { summary: 'continued by its own output' } });
  event({ type: 'execution_completed', execution: 'r2', data: {} });
  call('claude', { session_id: 's2', hook_event_name: 'Stop' }, { within: 'r2' });
  t.strictSame([...state.alive.keys()], ['r1']);
});

t.test('hooks take precedence over a transcript', async (t) => {
  const { call, event, session } = createReplay();
  const data = { kind: 'agent', agent: 'claude', session: 's1', via: 'transcript' };
  event({ type: 'execution_started', execution: 's1', data });
  call('claude', { session_id: 's1', hook_event_name: 'PreToolUse', ...bash('t1') });
  t.match(session('s1'), { agent: { via: 'hooks' }, status: 'running' });
});

t.test('keeps the beginning and the end of a call that is too long', async (t) => {
  const hex = (text: string) => Buffer.from(text).toString('hex');
  const input = { content: `${'é'.repeat(100)}"tool_use_id":"forged"`, file_path: 'a' };
  const text = JSON.stringify({
    ...{
      session_id: 's1',
      hook_event_name: 'PostToolUse',
      tool_name: 'Write',
      tool_input: input,
    },
    ...{ tool_response: { filePath: 'a', content: 'x'.repeat(5_000) }, tool_use_id: 't1', duration_ms: 12 },
  });
  for (let cut = 90; cut < 400; cut++) {
    const call = readHookCall({ agent: 'claude', beginning: hex(text.slice(0, cut)), end: hex(text.slice(-300)) });
    t.match(
      call,
      { session: 's1', event: 'PostToolUse', fields: { tool_use_id: 't1', duration_ms: 12 } },
      `cut at ${cut}`,
    );
  }
  t.strictSame(parsePartialObject('{"a":{"b":[1,{"c":2}],"d":"x', ''), { a: { b: [1, { c: 2 }] } });
  t.strictSame(parsePartialObject('', ''), {});
});

t.test('no input from an agent throws', async (t) => {
  const odd = [
    null,
    0,
    -1,
    '',
    'x'.repeat(100_000),
    [],
    {},
    [null],
    { a: null },
    '__proto__',
    'constructor',
    true,
    NaN,
  ];
  let seed = 1;
  const random = (below: number) => (seed = (seed * 48_271) % 2_147_483_647) % below;
  const { call, state } = createReplay();
  const payloads = AGENTS.flatMap(([agent, name]) => payloadsOf(name).map((payload) => ({ agent, payload })));
  for (let round = 0; round < 2_000; round++) {
    const { agent, payload } = payloads[random(payloads.length)] ?? {
      agent: 'claude',
      payload: { hook_event_name: '' },
    };
    const keys = Object.keys(payload);
    const changed = Object.fromEntries(
      keys.map((key) => [key, random(5) === 0 ? odd[random(odd.length)] : payload[key]]),
    );
    call(agent, changed as Payload, random(3) === 0 ? { within: 'r1', pid: -5 } : { pid: 2 ** 40 });
  }
  t.ok(state.alive.size < 50);
});
