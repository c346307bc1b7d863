import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { readProcess } from '../../src/platform/processes.js';
import { createHome, ROOT } from '../helpers/daemon.js';
import { recordedTexts } from '../helpers/hook-calls.js';
import { waitFor } from '../helpers/wait.js';

const HOOK = path.join(ROOT, 'hooks/claude-plugin/agent-hook');

t.test('a session is shown as working, waiting and done, live, from its hooks alone', async (t) => {
  const home = createHome(t);
  const session = 'f753fb96-3d25-4246-bd5c-f07965c502f9';
  const call = (input: string) => {
    const { status, stdout, stderr } = spawnSync('sh', [HOOK, 'claude'], { input, env: home.env, encoding: 'utf8' });
    t.strictSame({ status, stdout, stderr }, { status: 0, stdout: '', stderr: '' });
  };
  const shows = (what: string, pattern: RegExp) =>
    waitFor(what, () => pattern.test(home.progress(['ps', '--all']).stdout) || undefined);
  // its tokens are in the file that the hooks name, wherever that is
  const transcript = path.join(home.directory, 'elsewhere', `${session}.jsonl`);
  mkdirSync(path.dirname(transcript));
  writeFileSync(transcript, '');
  const answer = {
    ...{ type: 'assistant', sessionId: session, uuid: 'a', cwd: '/w' },
    message: { id: 'm', content: [], stop_reason: 'end_turn', usage: { input_tokens: 1_200, output_tokens: 34 } },
  };
  const recorded = (recordedTexts('claude-hooks/rec-2.1.197-full') ?? []).map((text) =>
    text.replace(/"transcript_path":"[^"]*"/, `"transcript_path":${JSON.stringify(transcript)}`),
  );
  const [stop, end] = [recorded.length - 2, recorded.length - 1];
  const ask = {
    session_id: session,
    hook_event_name: 'PermissionRequest',
    tool_name: 'Bash',
    tool_input: { command: 'ls' },
  };

  // before there is a daemon
  for (const text of recorded.slice(0, 4)) call(text);
  await home.startDaemon();
  await shows('it to work', /claude in demo3.*running|running.*claude in demo3/);
  call(JSON.stringify(ask));
  await shows('it to wait', /may it use Bash: ls\?/);
  for (const text of recorded.slice(4, stop)) call(text);
  await waitFor('it to work again', () => !home.progress(['ps']).stdout.includes('may it use') || undefined);
  appendFileSync(transcript, `${JSON.stringify({ ...answer, timestamp: new Date().toISOString() })}\n`);
  call(recorded[stop] ?? '');
  await shows('its turn to be over', /its turn is over/);
  call(recorded[end] ?? '');
  await shows('it to be done', /completed/);
  await waitFor('its tokens', () => home.progress(['show', session]).stdout.includes('1,234') || undefined);
  const { stdout } = home.progress(['show', session]);
  t.match(stdout, 'Agent: Count text files');
});

t.test("an interrupted turn is known from the agent's registry alone", async (t) => {
  const home = createHome(t);
  const config = path.join(home.paths.state, '..', 'claude');
  const registry = path.join(config, 'sessions');
  const call = (event: string, more: object = {}) => {
    const input = JSON.stringify({ session_id: 'session-1', cwd: '/w', hook_event_name: event, ...more });
    spawnSync('sh', [HOOK, 'claude'], { input, env: home.env });
  };
  // any running process: this one
  const { pid } = process;
  const report = (status: string) => {
    const entry = { pid, sessionId: 'session-1', procStart: String(readProcess(pid)?.start), status };
    writeFileSync(path.join(registry, `${pid}.json`), JSON.stringify({ ...entry, statusUpdatedAt: Date.now() }));
  };
  await home.startDaemon({ env: { ...home.env, CLAUDE_CONFIG_DIR: config } });
  mkdirSync(registry, { recursive: true });
  report('busy');
  call('SessionStart', { source: 'startup' });
  call('UserPromptSubmit', { prompt: 'wait' });
  call('PreToolUse', { tool_name: 'Bash', tool_input: { command: 'sleep 600' }, tool_use_id: 't1' });
  const shows = (pattern: RegExp) =>
    waitFor(String(pattern), () => pattern.test(home.progress(['show', 'session-1']).stdout) || undefined);
  await shows(/Bash: sleep 600/);
  report('idle');
  await shows(/its turn was interrupted/);
  t.match(home.progress(['show', 'session-1']).stdout, /Bash: sleep 600 +cancelled/);
});
