import { copyFileSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import type { Test } from 'tap';
import { CODEX_FILE, openSessions } from '../../helpers/sessions.js';
import { waitFor } from '../../helpers/wait.js';

type Sessions = Awaited<ReturnType<typeof openSessions>>;

const ID = '019a0000-0000-7000-8000-00000000000a';
const FILE = `${path.dirname(CODEX_FILE)}/rollout-2026-11-21T00-00-00-${ID}.jsonl`;
const ARCHIVED = path.join('../archived_sessions', path.basename(FILE));
const CLAUDE = '04000000-0000-4000-8000-000000000004';
const PROJECT = `-w/${CLAUDE}.jsonl`;

const textOf = (lines: readonly object[]) => lines.map((line) => `${JSON.stringify(line)}\n`).join('');
const at = (seconds: number) => new Date(Date.parse('2026-11-21T00:00:00.000Z') + seconds * 1_000).toISOString();

function codexTurn(seconds: number, words: string, total: number): string {
  const event = (type: string, more: object) => ({
    timestamp: at(seconds),
    type: 'event_msg',
    payload: { type, ...more },
  });
  return textOf([
    event('task_started', { turn_id: words }),
    event('user_message', { message: words }),
    event('token_count', { info: { total_token_usage: { input_tokens: total } } }),
    event('task_complete', { last_agent_message: 'ok' }),
  ]);
}
const codex =
  textOf([{ timestamp: at(0), type: 'session_meta', payload: { id: ID, cwd: '/w', source: 'cli' } }]) +
  codexTurn(1, 'one', 10);

function claudeTurn(seconds: number, words: string): string {
  const line = { sessionId: CLAUDE, cwd: '/w', timestamp: at(seconds) };
  const usage = { input_tokens: 9, output_tokens: 1 };
  const message = { id: `m-${words}`, content: [{ type: 'text', text: 'ok' }], stop_reason: 'end_turn', usage };
  return textOf([
    { ...line, type: 'user', uuid: `u-${words}`, message: { content: words } },
    { ...line, type: 'assistant', uuid: `a-${words}`, message },
  ]);
}

/** A Zstandard frame with uncompressed blocks. */
function compressed(bytes: Buffer): Buffer {
  const size = Buffer.alloc(4);
  size.writeUInt32LE(bytes.length);
  const header = Buffer.alloc(3);
  header.writeUIntLE((bytes.length << 3) | 1, 0, 3);
  return Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0xa0]), size, header, bytes]);
}

/** Applies what a tool does with a file, which ends up as `to`. */
function replaceBy({ at: pathOf }: Sessions, from: string, to: string, change = (bytes: Buffer) => bytes) {
  mkdirSync(path.dirname(pathOf(to)), { recursive: true });
  const bytes = readFileSync(pathOf(from));
  writeFileSync(pathOf(`${to}.new`), change(bytes));
  if (to !== from) rmSync(pathOf(from));
  renameSync(pathOf(`${to}.new`), pathOf(to));
}
const decompressed = (bytes: Buffer) => bytes.subarray(12);

/** Waits until everything written so far is noticed: a session that is written after it has been recorded. */
const untilNoticed = async (sessions: Sessions, fence: string) =>
  await waitFor('the later session', () => sessions.execution(fence)?.agent?.turns);
const LATER_CODEX = ID.replace(/a$/, 'b');
const LATER_CLAUDE = CLAUDE.replace(/4$/, '5');

const reach = async (sessions: Sessions, id: string, turns: number) =>
  await waitFor(`turn ${turns}`, () => {
    const found = sessions.execution(id);
    return found?.agent?.turns === turns && found.usage?.tokens === turns * 10 ? found : undefined;
  });

interface Case {
  agent: 'claude' | 'codex';
  file: string;
  /** Final path of the file. */
  to?: string;
  change: (sessions: Sessions) => void | Promise<void>;
}

const again = async (sessions: Sessions) => {
  await sessions.stop();
  sessions.start();
};

const CASES: Readonly<Record<string, Case>> = {
  'replaced by a copy': { agent: 'codex', file: FILE, change: (sessions) => replaceBy(sessions, FILE, FILE) },
  'compressed and decompressed': {
    agent: 'codex',
    file: FILE,
    async change(sessions) {
      replaceBy(sessions, FILE, `${FILE}.zst`, compressed);
      sessions.write(FILE.replace(ID, LATER_CODEX), codex.replaceAll(ID, LATER_CODEX));
      await untilNoticed(sessions, LATER_CODEX);
      replaceBy(sessions, `${FILE}.zst`, FILE, decompressed);
    },
  },
  'compressed while no daemon runs, and decompressed': {
    agent: 'codex',
    file: FILE,
    async change(sessions) {
      await sessions.stop();
      replaceBy(sessions, FILE, `${FILE}.zst`, compressed);
      sessions.write(FILE.replace(ID, LATER_CODEX), codex.replaceAll(ID, LATER_CODEX));
      sessions.start();
      await untilNoticed(sessions, LATER_CODEX);
      replaceBy(sessions, `${FILE}.zst`, FILE, decompressed);
    },
  },
  archived: {
    agent: 'codex',
    file: FILE,
    to: ARCHIVED,
    change: (sessions) => replaceBy(sessions, FILE, ARCHIVED),
  },
  'archived and taken back': {
    agent: 'codex',
    file: FILE,
    change(sessions) {
      replaceBy(sessions, FILE, ARCHIVED);
      replaceBy(sessions, ARCHIVED, FILE);
    },
  },
  'moved to the folder of another project': {
    agent: 'claude',
    file: PROJECT,
    to: PROJECT.replace('-w', '-other'),
    change: (sessions) => replaceBy(sessions, PROJECT, PROJECT.replace('-w', '-other')),
  },
  'copied to another project before the original is removed': {
    agent: 'claude',
    file: PROJECT,
    to: PROJECT.replace('-w', '-other'),
    async change(sessions) {
      mkdirSync(sessions.at('-other'), { recursive: true });
      copyFileSync(sessions.at(PROJECT), sessions.at(PROJECT.replace('-w', '-other')));
      const later = claudeTurn(1, 'later').replaceAll(CLAUDE, LATER_CLAUDE);
      sessions.write(PROJECT.replace('-w', '-other').replace(CLAUDE, LATER_CLAUDE), later);
      await untilNoticed(sessions, LATER_CLAUDE);
      rmSync(sessions.at(PROJECT));
    },
  },
  'written anew with other lines before it': {
    agent: 'claude',
    file: PROJECT,
    change: (sessions) =>
      replaceBy(sessions, PROJECT, PROJECT, (bytes) => Buffer.concat([Buffer.from('{"type":"summary"}\n'), bytes])),
  },
  'written anew while no daemon runs': {
    agent: 'claude',
    file: PROJECT,
    async change(sessions) {
      await sessions.stop();
      replaceBy(sessions, PROJECT, PROJECT, (bytes) => Buffer.concat([Buffer.from('{"type":"summary"}\n'), bytes]));
      sessions.start();
    },
  },
};

async function follow(t: Test, { agent, file, to = file, change }: Case) {
  const [id, first, turn] =
    agent === 'codex'
      ? [ID, codex, (number: number) => codexTurn(number, `turn ${number}`, number * 10)]
      : [CLAUDE, claudeTurn(1, 'one'), (number: number) => claudeTurn(number, `turn ${number}`)];
  const sessions = await openSessions(t, agent);
  sessions.write(file, first);
  sessions.start();
  await reach(sessions, id, 1);
  await change(sessions);
  sessions.append(to, turn(2));
  await reach(sessions, id, 2);
  await again(sessions);
  sessions.append(to, turn(3));
  return { sessions, found: await reach(sessions, id, 3) };
}

t.test('a session continues, and nothing is recorded twice, when its file is', { jobs: 3 }, async (t) => {
  for (const [name, one] of Object.entries(CASES)) {
    void t.test(name, async (t) => {
      const { sessions, found } = await follow(t, one);
      const id = one.agent === 'codex' ? ID : CLAUDE;
      t.equal(found.id, id);
      const events = sessions.events.filter(({ execution }) => execution === id);
      t.equal(events.filter(({ type }) => type === 'execution_started').length, 1);
      t.equal(events.filter(({ data }) => data['kind'] === 'prompt').length, 3);
    });
  }
});

t.test('a damaged compressed file is read once it is whole', async (t) => {
  const sessions = await openSessions(t, 'codex');
  const whole = compressed(Buffer.from(codex));
  sessions.write(`${FILE}.zst`, whole.subarray(0, 40).toString('latin1'));
  writeFileSync(sessions.at(`${FILE}.zst`), whole.subarray(0, 40));
  sessions.start();
  await waitFor('the complaint', () => sessions.logs.some((line) => line.includes('cannot be decompressed yet')));
  t.equal(sessions.execution(ID), undefined);
  writeFileSync(sessions.at(`${FILE}.zst`), whole);
  t.match(await reach(sessions, ID, 1), { agent: { session: ID } });
});
