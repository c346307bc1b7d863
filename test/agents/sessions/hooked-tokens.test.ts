import { rmSync, symlinkSync } from 'node:fs';
import t from 'tap';
import type { Test } from 'tap';
import type { NewEvent } from '../../../src/core/events/event.js';
import type { SessionWatcherOptions } from '../../../src/agents/sessions/session-watcher.js';
import { CLAUDE_FILE, CLAUDE_ID, CLAUDE_SUBAGENT, openSessions, recorded } from '../../helpers/sessions.js';
import { waitFor } from '../../helpers/wait.js';

type Sessions = Awaited<ReturnType<typeof openSessions>>;

const START = '2026-11-21T00:00:00.000Z';
const at = (seconds: number) => new Date(Date.parse(START) + seconds * 1_000).toISOString();

/** The session as hooks report it. */
async function tellByHooks({ ingest }: Sessions, execution: string, time: string, more: Partial<NewEvent>[] = []) {
  const data = { kind: 'agent', agent: 'claude', session: CLAUDE_ID, via: 'hooks' };
  ingest.submit({ type: 'execution_started', execution, time, data }, 10);
  for (const event of more) ingest.submit({ type: 'activity', execution, time, data: {}, ...event }, 10);
  await ingest.drained();
}

function answer(seconds: number, id: string, tokens: number): string {
  const line = { sessionId: CLAUDE_ID, cwd: '/w', uuid: id, timestamp: at(seconds), type: 'assistant' };
  const message = {
    id,
    content: [{ type: 'text', text: id }],
    stop_reason: 'end_turn',
    usage: { input_tokens: tokens, output_tokens: 0 },
  };
  return `${JSON.stringify({ ...line, message })}\n`;
}

for (const isNamed of [true, false]) {
  const how = isNamed ? 'whose sessions are not followed' : 'whose sessions are followed';
  t.test(`hooks of an agent ${how}: only tokens are read from the file that they name`, async (t) => {
    const sessions = await openSessions(t);
    for (const [file, text] of recorded('claude')) sessions.write(file, text);
    await tellByHooks(sessions, CLAUDE_ID, '2026-01-01T00:00:00.000Z');
    for (let times = 0; times < 2; times++) {
      const follower = sessions.start({ isNamed });
      for (const file of [CLAUDE_FILE, CLAUDE_SUBAGENT]) follower.name(sessions.at(file), CLAUDE_ID);
      await waitFor('the tokens', () => sessions.execution(CLAUDE_ID)?.usage?.tokens === 12_208);
      sessions.append(CLAUDE_FILE, answer(10 * 86_400, 'more', 0));
      await sessions.stop();
    }
    const found = sessions.execution(CLAUDE_ID);
    t.match(found, { usage: { tokens: 12_208 }, agent: { turns: undefined }, status: 'running' });
    const kinds = new Set(sessions.events.filter(({ type }) => type === 'activity').map(({ data }) => data['kind']));
    t.strictSame([...kinds], ['usage']);
  });
}

t.test('each execution of a session has the tokens of its own period', async (t) => {
  const sessions = await openSessions(t);
  sessions.write(CLAUDE_FILE, answer(-60, 'before', 1) + answer(10, 'first', 10));
  await tellByHooks(sessions, CLAUDE_ID, at(0), [{ type: 'execution_completed', time: at(11) }]);
  const follower = sessions.start({ isNamed: true });
  follower.name(sessions.at(CLAUDE_FILE), CLAUDE_ID);
  await waitFor('the first', () => sessions.execution(CLAUDE_ID)?.usage?.tokens);
  await tellByHooks(sessions, CLAUDE_ID, at(100));
  sessions.append(CLAUDE_FILE, answer(110, 'second', 100));
  follower.name(sessions.at(CLAUDE_FILE), CLAUDE_ID);
  await waitFor('the second', () => sessions.execution(`${CLAUDE_ID}~2`)?.usage?.tokens);
  t.equal(sessions.execution(CLAUDE_ID)?.usage?.tokens, 10);
  t.equal(sessions.execution(`${CLAUDE_ID}~2`)?.usage?.tokens, 100);
});

t.test('tokens that are read late count for the execution that spent them', async (t) => {
  const sessions = await openSessions(t);
  sessions.write(CLAUDE_FILE, answer(10, 'first', 10) + answer(60, 'of none', 1) + answer(110, 'second', 100));
  await tellByHooks(sessions, CLAUDE_ID, at(0), [{ type: 'execution_completed', time: at(11) }]);
  await tellByHooks(sessions, CLAUDE_ID, at(100));
  sessions.start({ isNamed: true }).name(sessions.at(CLAUDE_FILE), CLAUDE_ID);
  await waitFor('the second', () => sessions.execution(`${CLAUDE_ID}~2`)?.usage?.tokens);
  t.equal(sessions.execution(CLAUDE_ID)?.usage?.tokens, 10);
  t.equal(sessions.execution(`${CLAUDE_ID}~2`)?.usage?.tokens, 100);
  t.notOk(sessions.events.some((event) => 'exact' in event));
});

t.test('a session known by hooks from an earlier daemon has its tokens before the next hook call', async (t) => {
  const sessions = await openSessions(t);
  await tellByHooks(sessions, CLAUDE_ID, at(0));
  sessions.write(CLAUDE_FILE, answer(10, 'first', 10));
  sessions.write(CLAUDE_SUBAGENT, answer(11, 'sub-agent', 5));
  sessions.write(CLAUDE_FILE.replace('demo3', 'other').replaceAll('96a87607', '06a87607'), answer(10, 'other', 1));
  const follower = sessions.start({ isNamed: true });
  await waitFor('the tokens', () => sessions.execution(CLAUDE_ID)?.usage?.tokens === 15);
  t.equal(follower.status().files, 2);
});

t.test('tokens written after the last hook call count', async (t) => {
  const sessions = await openSessions(t);
  sessions.write(CLAUDE_FILE, answer(10, 'first', 10));
  await tellByHooks(sessions, CLAUDE_ID, at(0));
  const follower = sessions.start({ isNamed: true });
  follower.name(sessions.at(CLAUDE_FILE), CLAUDE_ID);
  await waitFor('the first', () => sessions.execution(CLAUDE_ID)?.usage?.tokens === 10);
  sessions.ingest.submit({ type: 'execution_completed', execution: CLAUDE_ID, time: at(11), data: {} }, 10);
  await sessions.ingest.drained();
  sessions.append(CLAUDE_FILE, answer(12, 'last', 5));
  await waitFor('the last', () => sessions.execution(CLAUDE_ID)?.usage?.tokens === 15);
  t.equal(sessions.execution(`${CLAUDE_ID}~2`), undefined);
});

t.test('a session whose output is parsed has its tokens from the output', async (t) => {
  const sessions = await openSessions(t);
  sessions.write(CLAUDE_FILE, answer(10, 'first', 10));
  const init = { kind: 'init', agent: 'claude', session: CLAUDE_ID };
  sessions.ingest.submit({ type: 'execution_started', execution: 'run1', time: at(0), data: { kind: 'run' } }, 10);
  sessions.ingest.submit({ type: 'activity', execution: 'run1', time: at(0), data: init }, 10);
  await tellByHooks(sessions, CLAUDE_ID, at(0));
  const follower = sessions.start({ isNamed: true });
  follower.name(sessions.at(CLAUDE_FILE), CLAUDE_ID);
  const fence = '00000000-0000-4000-8000-000000000001';
  const file = CLAUDE_FILE.replace(CLAUDE_ID, fence);
  sessions.write(file, answer(10, 'fence', 10).replace(CLAUDE_ID, fence));
  const data = { agent: 'claude', session: fence, via: 'hooks' };
  sessions.ingest.submit({ type: 'execution_started', execution: fence, time: at(0), data }, 10);
  await sessions.ingest.drained();
  follower.name(sessions.at(file), fence);
  await waitFor('another file, which is read after it', () => sessions.execution(fence)?.usage?.tokens === 10);
  t.equal(sessions.execution(CLAUDE_ID)?.usage?.tokens, undefined);
});

/** A session reported by hooks, during a tool call; the file that they name need not exist yet. */
async function inCall(t: Test, options: Partial<SessionWatcherOptions> = {}) {
  const sessions = await openSessions(t);
  await tellByHooks(sessions, CLAUDE_ID, at(0), [
    { type: 'step_started', step: 't1', data: { name: 'Bash: make', kind: 'tool' } },
  ]);
  const follower = sessions.start({ isNamed: true, ...options });
  follower.name(sessions.at(CLAUDE_FILE), CLAUDE_ID);
  const prompt = (seconds: number, content: string) => {
    const line = { sessionId: CLAUDE_ID, cwd: '/w', uuid: content, timestamp: at(seconds), type: 'user' };
    return `${JSON.stringify({ ...line, message: { content } })}\n`;
  };
  return { sessions, follower, prompt, session: () => sessions.execution(CLAUDE_ID) };
}
const STOPPED = '[Request interrupted by user for tool use]';

t.test('an interruption, which hooks do not report, is read from the file that they name, however late', async (t) => {
  const { sessions, prompt, session } = await inCall(t);
  sessions.advance(3_600_000);
  sessions.write(CLAUDE_FILE, prompt(1, 'wait') + prompt(2, STOPPED));
  await waitFor('it waits', () => session()?.attention?.state === 'waiting');
  t.equal(session()?.attention?.reason, 'its turn was interrupted');
  t.equal(session()?.steps.get('t1')?.status, 'cancelled');
  const prompted = { execution: CLAUDE_ID, time: at(5) };
  sessions.ingest.submit({ type: 'attention', ...prompted, data: { state: 'none' } }, 10);
  sessions.ingest.submit({ type: 'activity', ...prompted, data: { kind: 'prompt', text: 'next' } }, 10);
  await sessions.ingest.drained();
  sessions.append(CLAUDE_FILE, answer(6, 'next', 10));
  await waitFor('the next answer', () => session()?.usage?.tokens === 10);
  t.equal(session()?.attention?.state, undefined, 'an older interruption is no news');
  t.equal(sessions.events.filter(({ type }) => type === 'attention').length, 2);
});

t.test('an interruption of a session in the registry is left to the registry', async (t) => {
  const entry = { pid: 1, start: 1, session: CLAUDE_ID, changedAt: 0 };
  let asked = 0;
  const entryOf = () => (asked++, entry);
  const { sessions, prompt, session } = await inCall(t, { registry: { living: () => [entry], entryOf } });
  sessions.write(CLAUDE_FILE, answer(1, 'first', 10) + prompt(2, STOPPED));
  await waitFor('the file', () => session()?.usage?.tokens === 10);
  const before = asked;
  await waitFor('it is looked at', () => asked > before + 1);
  t.equal(session()?.attention?.state, undefined);
});

t.test('an unreadable file is logged once', async (t) => {
  const { sessions, follower } = await inCall(t);
  sessions.write(CLAUDE_FILE, answer(1, 'first', 10));
  await waitFor('the file', () => sessions.execution(CLAUDE_ID)?.usage?.tokens === 10);
  rmSync(sessions.at(CLAUDE_FILE));
  symlinkSync('elsewhere', sessions.at(CLAUDE_FILE));
  await waitFor('it is left alone', () => follower.status().skipped.length === 1);
  follower.name(sessions.at(CLAUDE_FILE), CLAUDE_ID);
  t.equal(sessions.logs.length, 1);
});

t.test('files of other sessions are not opened', async (t) => {
  const sessions = await openSessions(t);
  sessions.write('elsewhere.txt', 'x\n');
  sessions.write(CLAUDE_FILE, answer(10, 'first', 10));
  const follower = sessions.start({ isNamed: true });
  follower.name(sessions.at('elsewhere.txt'), CLAUDE_ID);
  follower.name(sessions.at(CLAUDE_FILE), '00000000-0000-4000-8000-000000000001');
  follower.name('/dev/zero', CLAUDE_ID);
  t.equal(follower.status().files, 0);
});
