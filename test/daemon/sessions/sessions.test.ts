import { spawn } from 'node:child_process';
import { once } from 'node:events';
import t from 'tap';
import type { Test } from 'tap';
import { readProcess } from '../../../src/platform/processes.js';
import { createReplay } from '../../helpers/hook-calls.js';
import { waitFor } from '../../helpers/wait.js';

/** A process that has started another one called `name`; both run until the test ends. */
async function startTwo(
  t: Test,
  name = 'codex',
): Promise<{ starter: number; started: number; kill: () => Promise<void> }> {
  const child = spawn('bash', ['-c', `(exec -a ${name} sleep 600) & echo $!; wait`], {
    stdio: ['ignore', 'pipe', 'ignore'],
    detached: true,
  });
  const starter = child.pid ?? 0;
  const gone = once(child, 'exit');
  const kill = async () => {
    if (child.exitCode === null && child.signalCode === null) process.kill(-starter, 'SIGKILL');
    await gone;
  };
  t.teardown(kill);
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const started = Number(line.toString());
  // until then it is a shell, which does not count as an agent
  await waitFor('the program', () => readProcess(started)?.name === 'sleep');
  return { starter, started, kill };
}

const call = (session: string, event: string, more: object = {}) => ({
  ...{ session_id: session, cwd: '/w', hook_event_name: event, timestamp: new Date().toISOString() },
  ...more,
});

t.test('the parent of a session is found by its process if nothing reports it', async (t) => {
  const { starter, started } = await startTwo(t);
  const { event, call: tell, session } = createReplay();
  event({ type: 'execution_started', execution: 'r1', data: { kind: 'run', argv: ['./nightly.sh'], pid: starter } });
  tell('codex', call('s1', 'SessionStart'), { pid: started });
  t.equal(session('s1').parent, 'r1');
  t.equal(session('s1').process?.pid, started);
});

t.test('a run of an agent is recorded from its output, although its hook is called too', async (t) => {
  const { started } = await startTwo(t);
  const { event, call: tell, events } = createReplay();
  const argv = ['gemini', '-p', 'x', '--output-format', 'stream-json'];
  event({ type: 'execution_started', execution: 'r1', data: { kind: 'agent', argv, pid: started } });
  tell('gemini', call('s1', 'SessionStart'), { pid: started });
  t.equal(events.length, 1);
});

t.test('two sessions of one process are not parent and child', async (t) => {
  const { started } = await startTwo(t);
  const { call: tell, session } = createReplay();
  tell('codex', call('s1', 'SessionStart'), { pid: started });
  tell('codex', call('s2', 'SessionStart'), { pid: started });
  t.equal(session('s2').parent, undefined);
});

t.test('a process that works on another session has left the previous one, used or not', async (t) => {
  const { started } = await startTwo(t, 'claude');
  const { call: tell, session } = createReplay();
  const start = (id: string, source: string) => tell('claude', call(id, 'SessionStart', { source }), { pid: started });
  start('phantom', 'startup');
  start('resumed', 'resume');
  t.match(session('phantom'), {
    status: 'completed',
    outcome: { summary: 'its process went on with session resumed' },
  });
  tell('claude', call('resumed', 'UserPromptSubmit', { prompt: 'go on' }), { pid: started });
  start('resumed', 'compact');
  t.equal(session('resumed').status, 'running');
  start('cleared', 'clear');
  t.equal(session('resumed').status, 'cancelled', 'in the middle of a turn');
  t.equal(session('cleared').status, 'running');
});

t.test('a run of an agent keeps its session, whichever its process works on', async (t) => {
  const { started } = await startTwo(t, 'claude');
  const { event, call: tell, session, state } = createReplay();
  const data = { kind: 'run', argv: ['claude', '--continue'], pid: started };
  event({ type: 'execution_started', execution: 'r1', data });
  for (const [id, source] of [
    ['phantom', 'startup'],
    ['resumed', 'resume'],
  ] as const) {
    tell('claude', call(id, 'SessionStart', { source }), { pid: started, within: 'r1' });
  }
  tell('claude', call('resumed', 'UserPromptSubmit', { prompt: 'go on' }), { pid: started, within: 'r1' });
  t.match(session('r1'), { agent: { session: 'resumed', turns: 1 }, status: 'running' });
  t.equal(state.alive.size, 1);
});

t.test('a program between an agent and its hook is not taken for the agent', async (t) => {
  const { call: tell, session, close } = createReplay({ checkMs: 20 });
  t.teardown(close);
  const wrapper = await startTwo(t, 'wrapper');
  tell('claude', call('wrapped', 'SessionStart'), { pid: wrapper.started });
  tell('claude', call('wrapped', 'UserPromptSubmit', { prompt: 'do it' }), { pid: 1 });
  t.equal(session('wrapped').process?.pid, undefined);
  const agent = await startTwo(t, 'renamed');
  tell('claude', call('renamed', 'SessionStart'), { pid: agent.started });
  t.equal(session('renamed').process?.pid, undefined, 'it may be a wrapper');
  tell('claude', call('renamed', 'UserPromptSubmit', { prompt: 'do it' }), { pid: agent.started });
  t.equal(session('renamed').process?.pid, agent.started, 'a second call comes from it');
  await wrapper.kill();
  await agent.kill();
  await waitFor('the end', () => session('renamed').status === 'lost');
  t.equal(session('wrapped').status, 'running');
});

t.test('a session whose agent has vanished is lost, or has the outcome of its last turn', async (t) => {
  const { started, kill } = await startTwo(t);
  const { call: tell, session, close } = createReplay({ checkMs: 20 });
  t.teardown(close);
  for (const id of ['mid', 'idle', 'failed']) {
    tell('codex', call(id, 'SessionStart'), { pid: started });
    tell('codex', call(id, 'UserPromptSubmit', { prompt: 'do it' }), { pid: started });
  }
  tell('codex', call('idle', 'Stop', { last_assistant_message: 'Done.' }), { pid: started });
  tell('codex', call('failed', 'StopFailure', { error: 'no' }), { pid: started });
  await kill();
  await waitFor('the ends', () => ['mid', 'idle', 'failed'].every((id) => session(id).status !== 'running'));
  t.match(session('mid'), {
    status: 'lost',
    outcome: { error: 'the agent process ended without reporting the end of the session' },
  });
  t.equal(session('idle').status, 'completed');
  t.match(session('failed'), { status: 'failed', outcome: { error: 'no' } });
});

t.test('a session continues as long as its process exists', async (t) => {
  const [there, gone] = [await startTwo(t), await startTwo(t)];
  const { call: tell, session, close } = createReplay({ checkMs: 20 });
  t.teardown(close);
  tell('codex', call('s1', 'SessionStart'), { pid: there.started });
  tell('codex', call('s2', 'SessionStart'), { pid: gone.started });
  await gone.kill();
  await waitFor('the next check', () => session('s2').status !== 'running');
  t.equal(session('s1').status, 'running');
});
