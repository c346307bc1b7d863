/**
 * Random histories of sessions, 10,000 of them in the long form: state, prompts, tokens and attention of each session
 * equal those of a simple model. TEST_SEED repeats one round, TEST_HISTORIES sets the number.
 */
import t from 'tap';
import type { Test } from 'tap';
import { shortOrLong } from '../helpers/long.js';
import type { Random } from '../helpers/random.js';
import { createRandom } from '../helpers/random.js';
import type { Life, Subject } from '../helpers/session-model.js';
import { act, begin, createSubject, fork, settle } from '../helpers/session-model.js';
import { openSessions } from '../helpers/sessions.js';
import { waitFor } from '../helpers/wait.js';

/** Sessions that are followed at the same time, without their forks. */
const AT_ONCE = 20;
const HISTORIES = Number(process.env['TEST_HISTORIES'] ?? shortOrLong(80, 10_000));
const SEED = process.env['TEST_SEED'];
const ACTIONS = 12;
/** Exceeded only by a hang or a difference. */
const DEADLINE_MS = 60_000;

type Sessions = Awaited<ReturnType<typeof openSessions>>;

interface Kind {
  agent: Subject['agent'];
  isHooked: boolean;
  /** Only files that hooks name are read. */
  isNamed: boolean;
}
const KINDS: Readonly<Record<string, Kind>> = {
  'Claude Code by its hooks': { agent: 'claude', isHooked: true, isNamed: true },
  'Claude Code by its hooks and files': { agent: 'claude', isHooked: true, isNamed: false },
  'Claude Code by its files': { agent: 'claude', isHooked: false, isNamed: false },
  'Codex by its files': { agent: 'codex', isHooked: false, isNamed: false },
};

/** Prompts of each execution, read incrementally from the events. */
const asked = new WeakMap<object, { read: number; prompts: Map<string, unknown[]> }>();
function promptsOf({ events }: Sessions, id: string): unknown[] {
  const known = asked.get(events) ?? { read: 0, prompts: new Map<string, unknown[]>() };
  asked.set(events, known);
  for (const { execution = '', data } of events.slice(known.read)) {
    if (data['kind'] !== 'prompt') continue;
    known.prompts.set(execution, [...(known.prompts.get(execution) ?? []), data['text']]);
  }
  known.read = events.length;
  return known.prompts.get(id) ?? [];
}

function seen(sessions: Sessions, { id }: Subject, index: number) {
  const name = index === 0 ? id : `${id}~${index + 1}`;
  const found = sessions.execution(name);
  const prompts = promptsOf(sessions, name);
  const {
    status,
    usage: { tokens = 0 } = {},
    agent: { turns = 0 } = {},
    parent,
    attention: { reason } = {},
  } = found ?? {};
  return {
    id: name,
    status,
    tokens,
    turns,
    prompts,
    reason: found?.attention?.state === 'waiting' ? reason : undefined,
    parent,
  };
}

function expected({ id }: Subject, { status, tokens, prompts, reason, parent }: Life, index: number) {
  const name = index === 0 ? id : `${id}~${index + 1}`;
  return { id: name, status, tokens, turns: prompts.length, prompts, reason, parent };
}

function differences(sessions: Sessions, subjects: readonly Subject[]) {
  return subjects.flatMap((subject) =>
    subject.lives
      .map((life, index) => ({ found: seen(sessions, subject, index), wanted: expected(subject, life, index) }))
      .filter(({ found, wanted }) => JSON.stringify(found) !== JSON.stringify(wanted)),
  );
}

async function play(t: Test, { agent, isHooked, isNamed }: Kind, random: Random): Promise<number> {
  const sessions = await openSessions(t, agent);
  const options = { holdMs: isHooked ? 500 : 1, sweepMs: 250, lookMs: 250, isNamed };
  const subjects = Array.from({ length: AT_ONCE }, (_, index) => createSubject(agent, isHooked, index, random));
  sessions.start(options);
  for (const subject of subjects) begin(sessions, subject, random);
  await sessions.ingest.drained();
  for (let action = 0; action < ACTIONS; action++) {
    for (const subject of [...subjects]) {
      const child = random(12) === 0 ? fork(sessions, subject, subjects.length, random) : undefined;
      if (child) subjects.push(child);
      act(sessions, subject, random);
    }
    if (random(3) === 0) {
      await sessions.stop();
      sessions.start(options);
    } else await sessions.ingest.drained();
  }
  for (const subject of subjects) settle(sessions, subject, random);
  sessions.advance(10_000);
  await waitFor('the model', () => differences(sessions, subjects).length === 0, DEADLINE_MS).catch(() => undefined);
  const wrong = differences(sessions, subjects);
  t.strictSame(
    wrong.map(({ found }) => found),
    wrong.map(({ wanted }) => wanted),
  );
  return subjects.length;
}

for (const [name, kind] of Object.entries(KINDS)) {
  t.test(`random histories of ${name} match the model`, async (t) => {
    const perKind = HISTORIES / Object.keys(KINDS).length;
    for (let played = 0, seed = Number(SEED ?? 0); played < perKind; seed++) {
      await t.test(`seed ${seed}`, async (t) => {
        played += await play(t, kind, createRandom(seed));
      });
      if (SEED !== undefined) break;
    }
  });
}
