import t from 'tap';
import { openAgentStates, recordedStates } from '../../helpers/agent-states.js';

const BASH = { tool_name: 'Bash', tool_input: { command: 'make' }, tool_use_id: 't1' };

t.test('Esc while a tool runs calls no hook: the registry ends the turn; a session that is left ends', (t) => {
  const states = openAgentStates(t);
  const session = 'd714df26-5843-40a1-b206-1447a90bcdf3';
  const found = () => states.session(session);
  for (const line of recordedStates('interrupt-exit')) {
    states.play(line);
    if (line.note === 'start') states.hook(session, 'SessionStart', { source: 'startup' });
    if (line.note === 'prompt') {
      t.equal(found().attention?.state, undefined, 'idle before the first prompt is no interruption');
      states.hook(session, 'UserPromptSubmit', { prompt: 'wait' });
      states.hook(session, 'PreToolUse', BASH);
    }
    if (line.note?.startsWith('Esc')) t.equal(found().attention?.state, undefined);
    if (line.note?.startsWith('Ctrl-C')) {
      t.match(found(), { attention: { state: 'waiting', reason: 'its turn was interrupted' } });
      t.equal(found().steps.get('t1')?.status, 'cancelled');
      states.hook(session, 'SessionEnd', { reason: 'prompt_input_exit' });
    }
  }
  t.match(found(), { status: 'cancelled', outcome: { error: 'interrupted' } });
  t.end();
});

t.test('permission asked and given, /clear, --continue and kill, as the registry reports them', (t) => {
  const states = openAgentStates(t);
  const [first, second] = ['3a09656f-fe87-4ad7-844f-41c75a24a906', 'c7aab59e-2bb7-4ff2-80f0-90f6dbd0bc46'];
  const lines = recordedStates('permission-clear-continue-kill');
  const [asked] = lines;
  states.play({
    ...asked!,
    at: asked!.at - 30_000,
    content: { ...asked!.content, status: 'busy', statusUpdatedAt: asked!.at - 30_000 },
  });
  states.hook(first, 'SessionStart', { source: 'startup' });
  states.hook(first, 'UserPromptSubmit', { prompt: 'write it' });
  states.hook(first, 'PreToolUse', BASH);
  t.equal(states.session(first).process?.pid, 24_188, 'the process, though its hook does not say it');
  // it was asked before the recording began
  const askedAt = Number(asked!.content!['statusUpdatedAt']);
  for (const line of [{ ...asked!, at: askedAt }, ...lines.slice(1)]) {
    states.play(line);
    const one = states.session(first);
    if (line.note === 'user approves the write') {
      t.match(one, { attention: { state: 'waiting', reason: 'permission prompt' } });
      states.hook(first, 'PreToolUse', { ...BASH, tool_use_id: 't2' });
      t.equal(one.attention?.state, 'waiting', 'what it does besides is no answer');
    }
    if (line.note === 'new prompt') {
      states.hook(first, 'Stop', { last_assistant_message: 'Done.', background_tasks: [] });
      t.match(one, { attention: { state: 'waiting', reason: 'its turn is over: Done.' } });
      states.hook(first, 'UserPromptSubmit', { prompt: 'more' });
    }
    if (line.note === '/clear') t.equal(one.attention?.reason, 'its turn was interrupted');
    if (line.note === '/exit') {
      states.until(line.at + 1_000);
      t.match(one, { status: 'cancelled', outcome: { error: 'interrupted' } }, 'its process has another session');
      states.hook(second, 'SessionStart', { source: 'clear' });
      states.hook(second, 'SessionEnd', { reason: 'prompt_input_exit' });
      t.equal(states.session(second).status, 'completed');
    }
    if (line.note === 'start again with --continue') {
      t.strictSame(states.registry.living(), [], 'nothing runs');
    }
    if (line.note?.startsWith('kill')) {
      t.match(states.registry.living(), [{ pid: 24_420, session: second, status: 'idle' }], 'and no phantom');
      states.kill(24_420);
      t.strictSame(states.registry.living(), [], 'its file is still there');
    }
    if (line.at >= 1_796_030_008_213) break;
  }
  const questions = states.events.filter(
    ({ type, data }) => type === 'attention' && data['reason'] === 'permission prompt',
  );
  t.ok(questions.length >= 1);
  t.end();
});

t.test('a question from a hook that no hook answers', (t) => {
  const states = openAgentStates(t);
  const entry = (at: number, status: string) => ({
    ...{ at, file: '77.json' },
    content: { pid: 77, procStart: '1', sessionId: 's1', status, statusUpdatedAt: at, waitingFor: 'permission prompt' },
  });
  const start = 1_000_000;
  states.play(entry(start, 'busy'));
  states.hook('s1', 'SessionStart', { source: 'startup' });
  states.hook('s1', 'UserPromptSubmit', { prompt: 'do it' });
  states.hook('s1', 'PreToolUse', BASH);
  states.play(entry(start + 5_000, 'waiting'));
  states.hook('s1', 'PermissionRequest', { tool_name: 'Bash', tool_input: { command: 'make' } });
  states.until(start + 20_000);
  t.equal(states.session('s1').attention?.reason, 'may it use Bash: make?', 'reported once, by the better source');
  states.play(entry(start + 20_000, 'busy'));
  states.until(start + 25_000);
  t.equal(states.session('s1').attention?.state, undefined, 'the approved tool works');
  t.equal(states.session('s1').steps.get('t1')?.status, 'running');
  states.hook('s1', 'Stop', { last_assistant_message: 'Done.' });
  states.play(entry(start + 26_000, 'busy'));
  states.until(start + 60_000);
  t.match(states.session('s1').attention?.reason, /^its turn is over/, 'a background task is no answer');
  t.equal(states.events.filter(({ data }) => data['state'] === 'waiting').length, 2);
  t.end();
});

t.test('a sub-agent that asks after the turn of its session: the answer is not an interruption', (t) => {
  const states = openAgentStates(t);
  const play = (at: number, status: string) =>
    states.play({
      at,
      file: '77.json',
      content: { pid: 77, procStart: '1', sessionId: 's1', status, statusUpdatedAt: at },
    });
  const subagent = { agent_id: 'a1', agent_type: 'Explore' };
  play(1_000_000, 'busy');
  states.hook('s1', 'SessionStart', { source: 'startup' });
  states.hook('s1', 'UserPromptSubmit', { prompt: 'do it' });
  states.hook('s1', 'SubagentStart', subagent);
  states.hook('s1', 'Stop', { last_assistant_message: 'It works.' });
  play(1_001_000, 'idle');
  states.until(1_010_000);
  t.match(states.session('s1').attention?.reason, /^its turn is over/);
  states.hook('s1', 'PreToolUse', { ...BASH, ...subagent });
  states.hook('s1', 'PermissionRequest', { tool_name: 'Bash', tool_input: { command: 'make' }, ...subagent });
  t.match(states.session('s1').attention?.reason, /^may it use Bash/);
  play(1_020_000, 'waiting');
  play(1_030_000, 'idle');
  states.until(1_040_000);
  t.equal(states.session('s1').attention?.reason, 'its turn is over');
  t.equal(states.session('s1').steps.get('t1')?.status, 'running');
  t.end();
});

t.test('a session that is known by its file only: its questions come from the registry, its turns do not', (t) => {
  const states = openAgentStates(t);
  const play = (at: number, status: string, waitingFor?: string) => {
    const content = { pid: 77, procStart: '1', sessionId: 's1', status, statusUpdatedAt: at, waitingFor };
    states.play({ at, file: '77.json', content });
  };
  play(1_000_000, 'busy');
  const data = { agent: 'claude', session: 's1', via: 'transcript' };
  states.take({ type: 'execution_started', execution: 's1', data: { kind: 'agent', ...data } });
  states.take({ type: 'activity', execution: 's1', data: { kind: 'init', ...data } });
  states.take({ type: 'activity', execution: 's1', data: { kind: 'prompt', text: 'do it' } });
  play(1_010_000, 'waiting', 'permission prompt');
  states.until(1_015_000);
  t.match(states.session('s1'), { attention: { state: 'waiting', reason: 'permission prompt' } });
  play(1_020_000, 'idle');
  states.until(1_030_000);
  t.equal(states.session('s1').attention?.state, undefined, 'how the turn ended is in the file');
  t.end();
});
