import { execFileSync, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chownSync, mkdirSync, renameSync, rmSync, symlinkSync, truncateSync, utimesSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import type { Test } from 'tap';
import { ProgressError } from '../../../src/core/base/errors.js';
import {
  CLAUDE_FILE,
  CLAUDE_ID,
  CLAUDE_SUBAGENT,
  CODEX_CHILD,
  CODEX_ID,
  openSessions,
  recorded,
} from '../../helpers/sessions.js';
import { isUnprivileged } from '../../helpers/needs.js';
import { waitFor } from '../../helpers/wait.js';

type Sessions = Awaited<ReturnType<typeof openSessions>>;

/** The session as it is if all of its files exist from the start. */
async function backfilled(t: Test, agent: 'claude' | 'codex', id: string) {
  const sessions = await openSessions(t, agent);
  for (const [file, text] of recorded(agent)) sessions.write(file, text);
  sessions.start();
  sessions.advance(10_000);
  await sessions.ended(id);
  return sessions;
}

/** The same line with new IDs, as if it was written later. */
const asNew = (line: string) =>
  line.replaceAll(/"(uuid|id|promptId|tool_use_id)":"[^"]*"/g, (_, key) => `"${String(key)}":"${randomUUID()}"`);
/** A recorded session as another one, which shares no line with it. */
const asSession = (text: string, id: string) =>
  text.replaceAll(CLAUDE_ID, id).replaceAll('"uuid":"', `"uuid":"${id.slice(-4)}-`);
const countOf = ({ events }: Sessions, type: string) => events.filter((event) => event.type === type).length;
/** A session in the middle of a turn that was last written to some seconds ago, without a process. */
function writeFence(sessions: Sessions, secondsAgo = 0): string {
  const id = '00000000-0000-4000-8000-0000000000ff';
  const file = CLAUDE_FILE.replace(CLAUDE_ID, id);
  sessions.write(file, turnLines(id, '/nowhere').slice(0, 2).join(''));
  const writtenAt = new Date(Date.now() - secondsAgo * 1_000);
  utimesSync(sessions.at(file), writtenAt, writtenAt);
  return id;
}
const untilTaken = async (sessions: Sessions, id = CLAUDE_ID) =>
  await waitFor('the session', () => sessions.execution(id)?.usage?.tokens);

t.test('reads a session of Claude Code', async (t) => {
  const sessions = await backfilled(t, 'claude', CLAUDE_ID);
  const found = sessions.outcome(CLAUDE_ID);
  t.match(found, {
    name: 'claude in demo3',
    status: 'completed',
    endedBy: 'record',
    tokens: 12_208,
    agent: 'claude',
    session: CLAUDE_ID,
    via: 'transcript',
  });
  t.strictSame(
    found?.steps.map(({ name, status, parent }) => [name, status, parent]),
    [
      ['Bash: ls -1', 'completed', undefined],
      ['Write: notes.md +1', 'completed', undefined],
      ['Bash: echo failing >&2; exit 3', 'failed', undefined],
      ['Agent: Count text files', 'completed', undefined],
      ['WebFetch: https://example.invalid/', 'failed', undefined],
      ['Bash: ls *.txt | wc -l', 'completed', 'toolu_mock0004'],
    ],
  );
  t.equal(countOf(sessions, 'execution_started'), 1);
  t.equal(sessions.execution(CLAUDE_ID)?.durationMs, 1_304, 'by the times in the file');
});

t.test('reads a session of Codex and its sub-agent', async (t) => {
  const sessions = await backfilled(t, 'codex', CODEX_ID);
  await sessions.ended(CODEX_CHILD);
  t.match(sessions.outcome(CODEX_ID), { name: 'codex in demo2', status: 'completed', tokens: 2_631 });
  t.match(sessions.outcome(CODEX_CHILD), { status: 'cancelled', parent: CODEX_ID, endedBy: 'record' });
});

t.test('reads the ID of a Gemini CLI session from its first line', async (t) => {
  const sessions = await openSessions(t, 'gemini');
  const [session, time] = ['a9143c1d-f5f5-4df1-bea5-95af44299866', '2026-11-21T00:02:46.000Z'];
  const call = { id: 'c1', name: 'read_file', args: { file_path: 'a.txt' }, status: 'success', resultDisplay: 'hello' };
  const lines = [
    { sessionId: session, projectHash: 'x', startTime: time, directories: ['/home/user/demo'] },
    { id: '1', timestamp: time, type: 'user', content: 'Read it' },
    { id: '2', timestamp: time, type: 'gemini', content: '', toolCalls: [call] },
    { id: '3', timestamp: time, type: 'gemini', content: 'Done.', tokens: { input: 9, output: 2, total: 11 } },
  ];
  const file = 'demo/chats/session-2026-11-21T00-02-a9143c1d.jsonl';
  sessions.write(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  sessions.start();
  await waitFor('the end of its turn', () => sessions.execution(session)?.attention?.state === 'waiting');
  sessions.advance(700_000);
  t.match(await sessions.ended(session), {
    name: 'gemini in demo',
    status: 'completed',
    outcome: { endedBy: 'silence' },
    usage: { tokens: 11 },
  });
  t.match(sessions.outcome(session)?.steps, [{ name: 'Read: a.txt', status: 'completed' }]);
});

for (const agent of ['claude', 'codex'] as const) {
  const id = agent === 'claude' ? CLAUDE_ID : CODEX_ID;
  t.test(`${agent}: reads files that grow line by line, across restarts of the daemon`, async (t) => {
    const expected = (await backfilled(t, agent, id)).outcome(id);
    const sessions = await openSessions(t, agent);
    // a session does not end while lines arrive
    const lines = [...recorded(agent)].flatMap(([file, text]) =>
      file.endsWith('.json') ? [[file, text] as const] : text.match(/.*\n/g)!.map((line) => [file, line] as const),
    );
    for (const [index, [file, line]] of lines.entries()) {
      if (index % 7 === 0) {
        await sessions.stop();
        sessions.start();
      }
      sessions.append(file, line.slice(0, 20));
      if (index % 5 === 0) await new Promise((resolve) => setImmediate(resolve));
      sessions.append(file, line.slice(20));
    }
    await untilTaken(sessions, id);
    sessions.advance(10_000);
    await sessions.ended(id);
    t.strictSame(sessions.outcome(id), expected);
    t.equal(
      sessions.events.filter(({ type, execution }) => type === 'execution_started' && execution === id).length,
      1,
    );
  });
}

t.test('byte by byte', async (t) => {
  const expected = (await backfilled(t, 'claude', CLAUDE_ID)).outcome(CLAUDE_ID);
  const sessions = await openSessions(t);
  sessions.start();
  for (const [file, text] of recorded('claude')) {
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; at++) {
      sessions.append(file, bytes.subarray(at, at + 1));
      if (at % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  }
  await untilTaken(sessions);
  sessions.advance(10_000);
  await sessions.ended(CLAUDE_ID);
  t.strictSame(sessions.outcome(CLAUDE_ID), expected);
});

t.test('finds directories of sessions and sub-agents that are created later', async (t) => {
  const sessions = await openSessions(t);
  sessions.start();
  const files = [...recorded('claude')];
  for (const [file, text] of files.slice(0, 1)) sessions.write(file, text);
  await untilTaken(sessions);
  for (const [file, text] of files.slice(1)) sessions.write(file, text);
  await waitFor('the sub-agent', () => sessions.outcome(CLAUDE_ID)?.steps.length === 6);
  t.ok(true);
});

t.test('two thousand old files are not opened; a file that is written to again is read whole', async (t) => {
  const sessions = await openSessions(t);
  const text = recorded('claude').get(CLAUDE_FILE)!;
  const idOf = (index: number) => `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`;
  const old = new Date(Date.now() - 7_200_000);
  for (let index = 0; index < 2_000; index++) {
    const file = `-home-user-demo${index % 20}/${idOf(index)}.jsonl`;
    sessions.write(file, asSession(text, idOf(index)));
    utimesSync(sessions.at(file), old, old);
  }
  const lines = text.match(/.*\n/g)!;
  sessions.write(CLAUDE_FILE, lines.slice(0, -1).join(''));
  const follower = sessions.start();
  await untilTaken(sessions);
  t.equal(follower.status().files, 1);
  const again = `-home-user-demo7/${idOf(7)}.jsonl`;
  await waitFor('the directories to be watched', () => {
    sessions.append(again, '\n');
    return sessions.execution(idOf(7));
  });
  await waitFor('all of it', () => sessions.outcome(idOf(7))?.steps.length === 5);
  t.equal(follower.status().files, 2);
});

t.test('a session ends by inactivity: lost during a turn, else with the outcome of its last turn', async (t) => {
  const sessions = await openSessions(t);
  const lines = recorded('claude').get(CLAUDE_FILE)!.replaceAll('sdk-cli', 'cli').match(/.*\n/g)!;
  sessions.append(CLAUDE_FILE, lines.slice(0, -3).join(''));
  const fence = writeFence(sessions, 30);
  sessions.start();
  await untilTaken(sessions);
  await untilTaken(sessions, fence);
  sessions.advance(590_000);
  await sessions.ended(fence);
  t.equal(sessions.execution(CLAUDE_ID)?.status, 'running');
  sessions.advance(11_000);
  t.match(await sessions.ended(CLAUDE_ID), {
    status: 'lost',
    outcome: { endedBy: 'silence', error: /^nothing was written for 10:0\d, and no process/ },
  });
  t.equal(sessions.outcome(CLAUDE_ID)?.steps.find(({ name }) => name.startsWith('WebFetch'))?.status, 'cancelled');

  sessions.advance(-601_000);
  sessions.append(CLAUDE_FILE, lines.slice(-3).join(''));
  const again = `${CLAUDE_ID}~2`;
  await waitFor('it goes on as another', () => sessions.execution(again)?.attention?.state === 'waiting');
  t.equal(sessions.execution(again)?.attention?.reason, 'its turn is over');
  sessions.append(CLAUDE_FILE, asNew(lines[2]!));
  await waitFor('the next prompt', () => sessions.execution(again)?.attention?.state === undefined);
  const before = sessions.events.length;
  sessions.append(CLAUDE_FILE, asNew(lines.at(-2)!));
  await waitFor('its answer', () => sessions.events.length > before);
  sessions.advance(700_000);
  t.match(await sessions.ended(again), { status: 'completed', outcome: { endedBy: 'silence' } });
});

t.test('a session that continues is followed to its end, however long it was inactive', async (t) => {
  const sessions = await openSessions(t);
  const lines = recorded('claude').get(CLAUDE_FILE)!.match(/.*\n/g)!;
  sessions.append(CLAUDE_FILE, lines.slice(0, -3).join(''));
  sessions.start();
  await untilTaken(sessions);
  await sessions.stop();
  sessions.advance(4_000_000);
  sessions.start();
  t.match(await sessions.ended(CLAUDE_ID), { status: 'lost', outcome: { endedBy: 'silence' } });
});

t.test('a session ends when the user leaves it', async (t) => {
  const sessions = await openSessions(t);
  const text = recorded('claude').get(CLAUDE_FILE)!.replaceAll('sdk-cli', 'cli');
  sessions.append(CLAUDE_FILE, text);
  sessions.start();
  await waitFor('the end of its turn', () => sessions.execution(CLAUDE_ID)?.attention?.state === 'waiting');
  const leaving = {
    type: 'user',
    sessionId: CLAUDE_ID,
    cwd: '/',
    message: { content: '<command-name>/exit</command-name>' },
  };
  sessions.append(CLAUDE_FILE, `${JSON.stringify(leaving)}\n`);
  sessions.advance(10_000);
  t.match(await sessions.ended(CLAUDE_ID), { status: 'completed', outcome: { endedBy: 'record' } });
});

t.test('a session ends with its process', async (t) => {
  const sessions = await openSessions(t);
  const cwd = path.join(sessions.root, 'work');
  mkdirSync(cwd, { recursive: true });
  const lines = recorded('claude').get(CLAUDE_FILE)!.replaceAll('/home/user/demo3', cwd).match(/.*\n/g)!;
  const agent = spawn('bash', ['-c', 'exec -a claude sleep 600'], { cwd, stdio: 'ignore' });
  t.teardown(() => agent.kill('SIGKILL'));
  sessions.append(CLAUDE_FILE, lines.slice(0, -4).join(''));
  const fence = writeFence(sessions);
  sessions.start();
  await untilTaken(sessions);
  await untilTaken(sessions, fence);
  sessions.advance(7_200_000 - 3_700_000);
  await sessions.ended(fence);
  t.equal(sessions.execution(CLAUDE_ID)?.status, 'running', 'silence says nothing while it is there');
  agent.kill('SIGKILL');
  t.match(await sessions.ended(CLAUDE_ID), {
    status: 'lost',
    outcome: { endedBy: 'process', error: 'its process has ended in the middle of a turn' },
  });
});

t.test('ignores what a better source reports', async (t) => {
  const sessions = await openSessions(t);
  const run = (type: string, data: object) =>
    sessions.ingest.submit({ type, execution: 'run1', data: { ...data } }, 10);
  run('execution_started', { kind: 'run' });
  run('activity', { kind: 'init', agent: 'claude', session: CLAUDE_ID });
  await sessions.ingest.drained();
  const lines = recorded('claude').get(CLAUDE_FILE)!.match(/.*\n/g)!;
  sessions.append(CLAUDE_FILE, lines.join(''));
  const follower = sessions.start();
  await waitFor('the file', () => follower.status().files === 1);
  await untilTaken(sessions, writeFence(sessions));
  t.equal(sessions.execution(CLAUDE_ID), undefined);
  t.equal(sessions.execution('run1')?.usage?.tokens, undefined);

  run('execution_completed', {});
  await sessions.ingest.drained();
  await sessions.stop();
  sessions.start();
  const later = asNew(lines.at(-2)!).replace(
    /"timestamp":"[^"]*"/,
    `"timestamp":"${new Date(Date.now() + 60_000).toISOString()}"`,
  );
  sessions.append(CLAUDE_FILE, later);
  await waitFor('what comes after the run', () => sessions.execution(CLAUDE_ID));
  const activities = sessions.events.filter(({ type, execution }) => type === 'activity' && execution === CLAUDE_ID);
  t.equal(activities.length, 1, 'and nothing of what came before');
});

t.test('lines that could not be written are submitted again', async (t) => {
  const expected = (await backfilled(t, 'claude', CLAUDE_ID)).outcome(CLAUDE_ID);
  const sessions = await openSessions(t);
  sessions.refuse(new ProgressError('disk_full', 'full'));
  for (const [file, text] of recorded('claude')) sessions.write(file, text);
  sessions.start();
  await waitFor('a refusal', () => sessions.logs.some((line) => line.includes('waits at byte 0')));
  sessions.refuse(undefined);
  await untilTaken(sessions);
  sessions.advance(10_000);
  await sessions.ended(CLAUDE_ID);
  t.strictSame(sessions.outcome(CLAUDE_ID), expected);
});

t.test('ignores files that are not session files', async (t) => {
  const sessions = await openSessions(t);
  const text = recorded('claude').get(CLAUDE_FILE)!;
  const project = '-home-user-demo3';
  const id = (last: string) => `00000000-0000-4000-8000-00000000000${last}`;
  sessions.write('elsewhere', text);
  mkdirSync(sessions.at(project));
  symlinkSync(sessions.at('elsewhere'), sessions.at(`${project}/${id('1')}.jsonl`));
  execFileSync('mkfifo', [sessions.at(`${project}/${id('2')}.jsonl`)]);
  mkdirSync(sessions.at(`${project}/${id('3')}.jsonl`));
  if (!isUnprivileged(t)) {
    sessions.write(`${project}/${id('4')}.jsonl`, text);
    chownSync(sessions.at(`${project}/${id('4')}.jsonl`), 12_345, 12_345);
  }
  sessions.write(CLAUDE_FILE, `${'x'.repeat(300_000)}\n{"type":"user"}\nnull\n[]\n${text}`);
  const follower = sessions.start();
  await untilTaken(sessions);
  t.equal(countOf(sessions, 'execution_started'), 1);
  for (const name of follower.status().skipped) t.match(name, id('4'));

  truncateSync(sessions.at(CLAUDE_FILE), 100);
  await waitFor('the truncation', () => sessions.logs.some((line) => line.includes('was truncated')));
  const before = sessions.events.length;
  sessions.write(`${CLAUDE_FILE}.new`, text + text);
  renameSync(sessions.at(`${CLAUDE_FILE}.new`), sessions.at(CLAUDE_FILE));
  const next = asNew(text.match(/.*\n/g)!.at(-2)!).replace(
    /"timestamp":"[^"]*"/,
    `"timestamp":"${new Date().toISOString()}"`,
  );
  sessions.append(CLAUDE_FILE, next);
  const activities = () => sessions.events.slice(before).filter(({ type }) => type === 'activity');
  await waitFor('what is new', () => activities().length > 0);
  t.equal(activities().length, 1);
});

/** A turn of Claude Code that runs a tool, in three lines; the last two are its end. */
function turnLines(session: string, cwd = '/w'): string[] {
  const line = (at: number, type: string, message: object) => {
    const time = new Date(Date.now() - 60_000 + at * 1_000).toISOString();
    return `${JSON.stringify({ sessionId: session, cwd, entrypoint: 'cli', timestamp: time, type, message })}\n`;
  };
  const reply = (id: string, content: object, stop: string) => ({
    ...{ id, role: 'assistant', content: [content], stop_reason: stop },
    usage: { input_tokens: 100, output_tokens: 10 },
  });
  const result = { type: 'tool_result', tool_use_id: 't1', content: 'built' };
  return [
    line(1, 'user', { content: 'build it' }),
    line(
      2,
      'assistant',
      reply('m1', { type: 'tool_use', id: 't1', name: 'Bash', input: { command: 'make' } }, 'tool_use'),
    ),
    line(3, 'user', { content: [result] }),
    line(4, 'assistant', reply('m2', { type: 'text', text: 'done' }, 'end_turn')),
  ];
}

for (const kept of [2, 1]) {
  const what = kept === 2 ? 'replaced by a copy' : 'cut';
  t.test(`a session whose file is ${what} during a turn continues`, async (t) => {
    const sessions = await openSessions(t);
    const lines = turnLines(CLAUDE_ID);
    sessions.write(CLAUDE_FILE, lines.slice(0, 2).join(''));
    sessions.start();
    await untilTaken(sessions);
    sessions.write('new', lines.slice(0, kept).join(''));
    renameSync(sessions.at('new'), sessions.at(CLAUDE_FILE));
    if (kept < 2) await waitFor('it is read again', () => sessions.logs.some((line) => line.includes('read again')));
    sessions.append(CLAUDE_FILE, lines.slice(2).join(''));
    await waitFor('the end of the turn', () => sessions.execution(CLAUDE_ID)?.attention?.state === 'waiting');
    t.match(sessions.execution(CLAUDE_ID), { status: 'running', usage: { tokens: 220 }, agent: { turns: 1 } });
    await sessions.stop();
    sessions.start();
    sessions.append(CLAUDE_FILE, turnLines(CLAUDE_ID)[0]!.replace('build it', 'again'));
    await waitFor('the next prompt, after a restart', () => sessions.execution(CLAUDE_ID)?.agent?.turns === 2);
    t.equal(countOf(sessions, 'execution_started'), 1);
    t.equal(sessions.execution(CLAUDE_ID)?.usage?.tokens, 220, 'nothing twice');
  });
}

t.test('a session that is resumed soon is not judged by its previous process', async (t) => {
  const sessions = await openSessions(t);
  const cwd = path.join(sessions.root, 'work');
  mkdirSync(cwd, { recursive: true });
  const start = () => {
    const agent = spawn('bash', ['-c', 'exec -a claude sleep 600'], { cwd, stdio: 'ignore' });
    t.teardown(() => agent.kill('SIGKILL'));
    return agent;
  };
  const first = start();
  const lines = turnLines(CLAUDE_ID, cwd);
  sessions.append(CLAUDE_FILE, lines.join(''));
  // between two checks of processes, another process takes the place of the first
  sessions.start({ processesMs: 3_000 });
  await untilTaken(sessions);
  await waitFor('the end of the turn', () => sessions.execution(CLAUDE_ID)?.attention?.state === 'waiting');
  first.kill('SIGKILL');
  await sessions.ended(CLAUDE_ID);
  start();
  const again = `${CLAUDE_ID}~2`;
  sessions.append(CLAUDE_FILE, lines.slice(0, 2).join('').replaceAll('m1', 'm3').replaceAll('t1', 't2'));
  await waitFor('it goes on', () => sessions.execution(again));
  await delay(2_500); // silence after which an absent process counts
  t.equal(sessions.execution(again)?.status, 'running');
});

t.test('a background sub-agent neither clears nor repeats the waiting state of its session', async (t) => {
  const sessions = await openSessions(t);
  const files = [...recorded('claude')].map(([file, text]) => [file, text.replaceAll('sdk-cli', 'cli')] as const);
  for (const [file, text] of files) sessions.write(file, text);
  sessions.start();
  await waitFor('the end of the turn', () => sessions.execution(CLAUDE_ID)?.attention?.state === 'waiting');
  const last = files.at(-1)![1].match(/.*\n/g)!.at(-1)!;
  const before = sessions.events.length;
  sessions.append(
    CLAUDE_SUBAGENT,
    asNew(last).replace(/"timestamp":"[^"]*"/, `"timestamp":"${new Date().toISOString()}"`),
  );
  await waitFor('its events', () => sessions.events.length > before);
  t.equal(sessions.execution(CLAUDE_ID)?.attention?.state, 'waiting');
  t.equal(countOf(sessions, 'attention'), 1);
});

t.test('an interruption is read from the file of a hooked session, since no hook reports it', async (t) => {
  const sessions = await openSessions(t);
  const record = (type: string, data: object, step?: string) =>
    sessions.ingest.submit({ type, execution: CLAUDE_ID, data: { ...data }, ...(step !== undefined && { step }) }, 10);
  record('execution_started', { kind: 'agent', agent: 'claude', session: CLAUDE_ID, via: 'hooks' });
  record('step_started', { name: 'Bash: make', kind: 'tool' }, 't1');
  await sessions.ingest.drained();
  const [prompt, call] = turnLines(CLAUDE_ID);
  const stopped = prompt!
    .replace('build it', '[Request interrupted by user for tool use]')
    .replace(/"timestamp":"[^"]*"/, `"timestamp":"${new Date(Date.now() + 1_000).toISOString()}"`);
  sessions.write(CLAUDE_FILE, `${prompt}${call}${stopped}`);
  sessions.start();
  await waitFor('it waits', () => sessions.execution(CLAUDE_ID)?.attention?.state === 'waiting');
  t.equal(sessions.execution(CLAUDE_ID)?.attention?.reason, 'its turn was interrupted');
  t.equal(sessions.outcome(CLAUDE_ID)?.steps[0]?.status, 'cancelled');
});

t.test('removing a file does not end its session', async (t) => {
  const sessions = await openSessions(t);
  for (const [file, text] of recorded('claude')) sessions.write(file, text.replaceAll('sdk-cli', 'cli'));
  sessions.start();
  await waitFor('the sub-agent', () => sessions.outcome(CLAUDE_ID)?.steps.length === 6);
  rmSync(sessions.at(CLAUDE_FILE));
  rmSync(sessions.at(CLAUDE_SUBAGENT));
  await waitFor('its turn is over', () => sessions.execution(CLAUDE_ID)?.attention?.state === 'waiting');
  sessions.advance(700_000);
  t.match(await sessions.ended(CLAUDE_ID), { status: 'completed', outcome: { endedBy: 'silence' } });
});

t.test('holds a new session until a run has claimed it, however much is written to it', async (t) => {
  const sessions = await openSessions(t);
  const other = '00000000-0000-4000-8000-000000000001';
  const text = recorded('claude').get(CLAUDE_FILE)!;
  const argv = ['claude', '-p', 'x', '--output-format', 'stream-json'];
  const run = (type: string, data: object) =>
    sessions.ingest.submit({ type, execution: 'run1', data: { ...data } }, 10);
  run('execution_started', { kind: 'agent', agent: 'claude', argv });
  await sessions.ingest.drained();
  const follower = sessions.start({ holdMs: 100 });
  sessions.write(CLAUDE_FILE, text);
  sessions.write(CLAUDE_FILE.replace(CLAUDE_ID, other), asSession(text, other));
  await waitFor('both files', () => follower.status().files === 2);
  for (let written = 0; written < 30; written++) {
    sessions.append(CLAUDE_FILE, '\n');
    await delay(10);
  }
  run('activity', { kind: 'init', agent: 'claude', session: CLAUDE_ID });
  await untilTaken(sessions, other);
  t.equal(sessions.execution(CLAUDE_ID), undefined);
});

t.test('holds a new session briefly, in case a better source reports it', async (t) => {
  const sessions = await openSessions(t);
  const follower = sessions.start({ holdMs: 500 });
  for (const [file, text] of recorded('claude')) sessions.write(file, text);
  await waitFor('the file', () => follower.status().files > 0);
  const data = { kind: 'agent', agent: 'claude', session: CLAUDE_ID, via: 'hooks' };
  sessions.ingest.submit({ type: 'execution_started', execution: CLAUDE_ID, data: {} }, 10);
  sessions.ingest.submit({ type: 'activity', execution: CLAUDE_ID, data: { ...data, kind: 'init' } }, 10);
  await sessions.ingest.drained();
  const fence = '00000000-0000-4000-8000-000000000002';
  sessions.write(CLAUDE_FILE.replace(CLAUDE_ID, fence), asSession(recorded('claude').get(CLAUDE_FILE)!, fence));
  await untilTaken(sessions, fence);
  t.equal(sessions.execution(CLAUDE_ID)?.usage?.tokens, undefined);
});

t.test('a session that names itself in its file is left to the source that already has it', async (t) => {
  const sessions = await openSessions(t, 'gemini');
  const time = '2026-11-21T00:02:46.000Z';
  const write = (session: string) => {
    const first = { sessionId: session, projectHash: 'x', startTime: time };
    const said = {
      id: '1',
      timestamp: time,
      type: 'gemini',
      content: 'Done.',
      tokens: { input: 9, output: 2, total: 11 },
    };
    sessions.write(`demo/chats/session-${session}.jsonl`, `${JSON.stringify(first)}\n${JSON.stringify(said)}\n`);
  };
  sessions.ingest.submit({ type: 'execution_started', execution: 'run1', data: {} }, 10);
  const init = { kind: 'init', agent: 'gemini', session: 'first-one' };
  sessions.ingest.submit({ type: 'activity', execution: 'run1', data: init }, 10);
  await sessions.ingest.drained();
  sessions.write('demo/.project_root', '/home/user/demo\n');
  write('first-one');
  const follower = sessions.start();
  await waitFor('it to be found', () => follower.status().files === 1);
  write('second-one');
  await untilTaken(sessions, 'second-one');
  t.equal(sessions.execution('first-one'), undefined);
  t.match(
    sessions.execution('second-one'),
    { name: 'gemini in demo', process: { cwd: '/home/user/demo' } },
    'by the file beside it',
  );
});

t.test('keeps only the newest files of ended sessions open', async (t) => {
  const sessions = await openSessions(t);
  const write = (index: number) => {
    const id = `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`;
    const line = { sessionId: id, cwd: '/w', entrypoint: 'sdk-cli', timestamp: '2026-11-21T00:00:00.000Z' };
    const message = { stop_reason: 'end_turn', content: [{ type: 'text', text: 'Done.' }] };
    const lines = [
      { ...line, type: 'assistant', message },
      { ...line, type: 'last-prompt' },
    ];
    sessions.write(`-w/${id}.jsonl`, lines.map((one) => `${JSON.stringify(one)}\n`).join(''));
  };
  const areOver = (count: number) =>
    waitFor(`${count} sessions to be over`, () => {
      sessions.advance(1_000);
      return sessions.events.filter(({ type }) => type === 'execution_completed').length === count;
    });
  for (let index = 0; index < 495; index++) write(index);
  const follower = sessions.start();
  await areOver(495);
  for (let index = 495; index < 505; index++) write(index);
  await areOver(505);
  t.equal(follower.status().files, 500);
});
