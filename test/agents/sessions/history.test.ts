import { rmSync, utimesSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { openSessions } from '../../helpers/sessions.js';
import { waitFor } from '../../helpers/wait.js';

const START = Date.parse('2026-11-21T00:00:00.000Z');
const at = (seconds: number) => new Date(START + seconds * 1_000).toISOString();
const textOf = (lines: readonly object[]) => lines.map((line) => `${JSON.stringify(line)}\n`).join('');

const A = '019a0000-0000-7000-8000-00000000000a';
const B = '019a0000-0000-7000-8000-00000000000b';
const rollout = (id: string) => `2026/11/21/rollout-2026-11-21T00-00-00-${id}.jsonl`;

const record = (seconds: number, type: string, payload: object) => ({ timestamp: at(seconds), type, payload });
const event = (seconds: number, type: string, more: object = {}) => record(seconds, 'event_msg', { type, ...more });
const meta = (seconds: number, id: string, more: object = {}) =>
  record(seconds, 'session_meta', { id, cwd: '/w', source: 'cli', ...more });
const turn = (seconds: number, words: string, total: number, turn_id = words) => [
  event(seconds, 'task_started', { turn_id }),
  event(seconds + 1, 'user_message', { message: words }),
  event(seconds + 2, 'agent_message', { message: 'ok' }),
  event(seconds + 3, 'token_count', { info: { total_token_usage: { input_tokens: total } } }),
  event(seconds + 4, 'task_complete', { turn_id, last_agent_message: 'ok' }),
];
const parent = [meta(0, A), ...turn(1, 'one', 100_000)];
const fork = { forked_from_id: A };
const spawn = { ...fork, source: { subagent: { thread_spawn: { parent_thread_id: A } } } };
const own = turn(310, 'two', 103_000);

t.test('a fork of Codex has its own prompts and tokens, and a link to its parent', async (t) => {
  const cases: Record<string, { lines: object[]; tokens?: number; turns?: number; hasNoParent?: true }> = {
    'copied with the time of the copy': {
      lines: [meta(300, B, fork), meta(300, A), ...turn(300, 'one', 100_000), ...own],
    },
    'copied with the time of the original': { lines: [meta(300, B, fork), ...parent, ...own] },
    'under other IDs of turns': { lines: [meta(300, B, fork), ...turn(300, 'one', 100_000, 'other'), ...own] },
    'a sub-agent that was given the history': { lines: [meta(300, B, spawn), ...parent, ...own] },
    'a fork in which nothing was said': { lines: [meta(300, B, fork), ...parent], tokens: 0, turns: 0 },
    'the parent had another turn with the same prompt': {
      lines: [meta(300, B, fork), ...parent, ...turn(310, 'three', 103_000, 'of the fork')],
    },
    'one that counts its own tokens': { lines: [meta(300, B, fork), ...parent, ...turn(310, 'two', 3_000)] },
    'a parent that is gone': {
      lines: [meta(300, B, fork), meta(300, A), ...parent.slice(1), ...own],
      hasNoParent: true,
    },
  };
  for (const [name, { lines, tokens = 3_000, turns = 1, hasNoParent }] of Object.entries(cases)) {
    const sessions = await openSessions(t, 'codex');
    if (!hasNoParent) sessions.write(rollout(A), textOf([...parent, ...turn(100, 'three', 105_000)]));
    sessions.write(rollout(B), textOf(lines));
    sessions.start();
    const found = await waitFor(name, () => {
      const execution = sessions.execution(B);
      return execution && (execution.agent?.turns ?? 0) === turns && (execution.usage?.tokens ?? 0) === tokens
        ? execution
        : undefined;
    });
    t.match(found, { id: B, agent: { session: B }, parent: A }, name);
    if (!hasNoParent) {
      await waitFor('the parent', () => sessions.execution(A)?.usage?.tokens === 105_000);
      t.equal(sessions.execution(A)?.agent?.turns, 2, name);
    }
    await sessions.stop();
    sessions.start();
    await sessions.ingest.drained();
    t.equal(sessions.execution(B)?.agent?.turns ?? 0, turns, `${name}, read again`);
  }
});

t.test('finds the parent of a fork in the archive', async (t) => {
  const sessions = await openSessions(t, 'codex');
  sessions.write(path.join('../archived_sessions', path.basename(rollout(A))), textOf(parent));
  sessions.write(rollout(B), textOf([meta(300, B, fork), ...turn(300, 'one', 100_000, 'other'), ...own]));
  sessions.start();
  await waitFor('its tokens', () => sessions.execution(B)?.usage?.tokens);
  t.match(sessions.execution(B), { usage: { tokens: 3_000 }, agent: { turns: 1 } });
});

const [S1, S2, S3] = ['1', '2', '3'].map((last) => `05000000-0000-4000-8000-00000000000${last}`) as [
  string,
  string,
  string,
];
const transcript = (session: string) => `-w/${session}.jsonl`;
const said = (seconds: number, session: string, words: string) => [
  { ...line(seconds, session, `u-${words}`), type: 'user', message: { content: words } },
  {
    ...line(seconds + 1, session, `a-${words}`),
    type: 'assistant',
    message: {
      id: `m-${words}`,
      content: [{ type: 'text', text: `${words}!` }],
      stop_reason: 'end_turn',
      usage: { input_tokens: 10, output_tokens: 5 },
    },
  },
];
function line(seconds: number, sessionId: string, uuid: string) {
  return { sessionId, uuid, cwd: '/w', timestamp: at(seconds) };
}
const old = said(0, S1, 'old');
const asOf = (session: string, lines: readonly object[]) => lines.map((one) => ({ ...one, sessionId: session }));
const marked = (lines: readonly object[]) =>
  asOf(S2, lines).map((one) => ({ ...one, forkedFrom: { sessionId: S1, messageUuid: 'x' } }));

t.test('a fork of Claude Code begins with the first line that it does not share', async (t) => {
  const cases: Record<string, { copies: object[]; isParentGone?: true; isParentOld?: true }> = {
    'copies with the ID of the fork': { copies: asOf(S2, old) },
    'beside a parent that is too old to be followed': { copies: asOf(S2, old), isParentOld: true },
    'copies with the ID of the parent': { copies: old, isParentGone: true },
    'copies that say where they are from': { copies: marked(old), isParentGone: true },
  };
  for (const [name, { copies, isParentGone, isParentOld }] of Object.entries(cases)) {
    const sessions = await openSessions(t);
    sessions.write(transcript(S1), textOf(old));
    if (isParentOld) utimesSync(sessions.at(transcript(S1)), new Date(0), new Date(0));
    if (isParentGone) rmSync(sessions.at(transcript(S1)));
    sessions.write(transcript(S2), textOf([...copies, ...said(100, S2, 'new')]));
    sessions.start();
    await waitFor(name, () => sessions.execution(S2)?.usage?.tokens);
    t.match(
      sessions.execution(S2),
      { agent: { session: S2, turns: 1 }, parent: S1, usage: { tokens: 15 }, startedAt: at(100) },
      name,
    );
    if (isParentGone || isParentOld) continue;
    await waitFor('the parent', () => sessions.execution(S1)?.usage?.tokens);
    t.match(sessions.execution(S1), { agent: { turns: 1 }, usage: { tokens: 15 }, parent: undefined }, name);
  }
});

t.test('a fork of a fork is linked to the session that wrote the last shared line', async (t) => {
  const sessions = await openSessions(t);
  const middle = said(50, S2, 'middle');
  sessions.write(transcript(S1), textOf(old));
  sessions.write(transcript(S2), textOf([...asOf(S2, old), ...middle]));
  sessions.write(transcript(S3), textOf(asOf(S3, [...old, ...middle, ...said(100, S3, 'new')])));
  sessions.start();
  await waitFor('all three', () => [S1, S2, S3].every((id) => sessions.execution(id)?.usage?.tokens === 15));
  t.equal(sessions.execution(S3)?.parent, S2);
  t.equal(sessions.execution(S2)?.parent, S1);
});
