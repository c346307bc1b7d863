import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import t from 'tap';
import type { Test } from 'tap';
import { createTurnFiles } from '../../src/daemon/turn-files.js';
import type { HookCall } from '../../src/streams/hook-call.js';
import { createReplay } from '../helpers/hook-calls.js';

const SESSION = 'session-1';

function open(t: Test) {
  const directory = mkdtempSync(path.join(tmpdir(), 'progress-test-'));
  const file = path.join(directory, `${SESSION}.jsonl`);
  const logs: string[] = [];
  let isRegistered = false;
  const entry = { pid: 1, start: 1, session: SESSION, changedAt: 0 };
  const registry = { entryOf: () => (isRegistered ? entry : undefined) };
  const replay = createReplay();
  const files = createTurnFiles({
    state: replay.state,
    registry,
    record: replay.event,
    log: (message) => logs.push(message),
    lookMs: 3_600_000,
  });
  t.teardown(() => {
    files.close();
    replay.close();
    rmSync(directory, { recursive: true, force: true });
  });
  const tell = (event: string, more: object = {}) => {
    const fields = { session_id: SESSION, transcript_path: file, cwd: '/w', hook_event_name: event, ...more };
    const call: HookCall = { agent: 'claude', session: SESSION, event, fields };
    files.note(call);
    replay.call('claude', fields);
  };
  const line = (seconds: number, content: string) => {
    const timestamp = new Date(Date.UTC(2030, 0, 1, 0, 0, seconds)).toISOString();
    const message = { role: 'user', content };
    return `${JSON.stringify({ type: 'user', sessionId: SESSION, cwd: '/w', timestamp, message })}\n`;
  };
  tell('SessionStart', { source: 'startup' });
  tell('UserPromptSubmit', { prompt: 'wait' });
  tell('PreToolUse', { tool_name: 'Bash', tool_input: { command: 'make' }, tool_use_id: 't1' });
  return {
    file,
    files,
    line,
    tell,
    logs,
    session: () => replay.session(SESSION),
    register: () => (isRegistered = true),
  };
}

const STOPPED = '[Request interrupted by user for tool use]';

t.test('an interruption is read in the file that the hooks name, which need not exist yet', (t) => {
  const { file, files, line, tell, session } = open(t);
  files.look();
  writeFileSync(file, line(1, 'wait'));
  files.look();
  t.equal(session().attention, undefined);
  const stopped = line(2, STOPPED);
  appendFileSync(file, stopped.slice(0, 40));
  files.look();
  appendFileSync(file, stopped.slice(40));
  files.look();
  t.match(session(), { attention: 'waiting', attentionReason: 'its turn was interrupted' });
  t.equal(session().steps.get('t1')?.status, 'cancelled');
  tell('UserPromptSubmit', { prompt: 'again', timestamp: '2030-01-01T00:00:05.000Z' });
  files.look();
  t.equal(session().attention, undefined, 'an older interruption is no news');
  t.end();
});

t.test('one that the registry knows is left to it', (t) => {
  const { file, files, line, register, session } = open(t);
  writeFileSync(file, line(2, STOPPED));
  register();
  files.look();
  t.equal(session().attention, undefined);
  t.end();
});

t.test('what cannot be read says so once', (t) => {
  const { file, files, logs, session } = open(t);
  rmSync(path.dirname(file), { recursive: true });
  writeFileSync(path.dirname(file), '');
  files.look();
  files.look();
  t.equal(logs.length, 1);
  t.equal(session().status, 'running');
  t.end();
});
