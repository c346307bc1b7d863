/** A watcher of one agent, with a real journal, a private directory and a clock that can be advanced. */
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Test } from 'tap';
import type { ExecutionEvent, NewEvent } from '../../src/core/events/event.js';
import { executionToJson } from '../../src/core/execution.js';
import { emptyState, findExecution } from '../../src/core/state/state.js';
import { Ingest } from '../../src/daemon/intake/ingest.js';
import type { Sessions } from '../../src/daemon/sessions/sessions.js';
import { createSessions } from '../../src/daemon/sessions/sessions.js';
import { ProgressError } from '../../src/core/base/errors.js';
import type { Agent } from '../../src/core/agents.js';
import type { SessionWatcherOptions } from '../../src/agents/sessions/session-watcher.js';
import { SessionWatcher } from '../../src/agents/sessions/session-watcher.js';
import type { LineReceipt } from '../../src/tailing/tail.js';
import { HOOK_TYPE } from '../../src/agents/hook-call.js';
import { openJournal } from './journal.js';
import { waitFor } from './wait.js';

const RECORDINGS = path.resolve(import.meta.dirname, '../fixtures/recordings');

export const CLAUDE_ID = '96a87607-2ddf-4fbe-9efb-a81d888081c2';
export const CLAUDE_FILE = `-home-user-demo3/${CLAUDE_ID}.jsonl`;
export const CLAUDE_SUBAGENT = `-home-user-demo3/${CLAUDE_ID}/subagents/agent-ac3b2e1dd180023ba.jsonl`;
export const CODEX_ID = '01a1fb6b-b35e-7e40-afab-03187ff2c14d';
export const CODEX_CHILD = '01a1fb6b-b40e-7501-9422-c3504fbb7592';
const CODEX_DAY = '2026/11/21/rollout-2026-11-21T00-05';
export const CODEX_FILE = `${CODEX_DAY}-01-${CODEX_ID}.jsonl`;
export const CODEX_CHILD_FILE = `${CODEX_DAY}-02-${CODEX_CHILD}.jsonl`;

/** Recorded files of these sessions, by the path at which the agent keeps them. */
export function recorded(agent: 'claude' | 'codex'): Map<string, string> {
  const read = (name: string) => readFileSync(path.join(RECORDINGS, name), 'utf8');
  if (agent === 'codex') {
    return new Map([
      [CODEX_FILE, read('codex-rollouts/rec-0.169.0-agent-parent.jsonl')],
      [CODEX_CHILD_FILE, read('codex-rollouts/rec-0.169.0-agent-subagent.jsonl')],
    ]);
  }
  const from = (file: string) => read(`claude-transcripts/rec-2.1.197-full/${file.slice('-home-user-demo3/'.length)}`);
  const meta = CLAUDE_SUBAGENT.replace('.jsonl', '.meta.json');
  return new Map([CLAUDE_FILE, meta, CLAUDE_SUBAGENT].map((file) => [file, from(file)]));
}

const originOf = (receipt: LineReceipt | undefined) => ({
  written: () => receipt?.written(),
  duplicate: () => receipt?.duplicate(),
  refused: (_event: NewEvent, error: ProgressError) => receipt?.refused(error),
});

export async function openSessions(t: Test, agent: Agent = 'claude') {
  const directory = mkdtempSync(path.join(tmpdir(), 'progress-test-'));
  const root = path.join(directory, 'agent', 'sessions');
  const { journal } = await openJournal(t);
  const state = emptyState();
  const events: ExecutionEvent[] = [];
  const logs: string[] = [];
  let ahead = 0;
  let refusing: ProgressError | undefined;
  let follower: SessionWatcher | undefined;
  const now = () => Date.now() + ahead;
  const write = journal.write.bind(journal);
  journal.write = async (batch) => {
    if (refusing) throw refusing;
    await write(batch);
  };
  const ingest = new Ingest({
    journal,
    state,
    now,
    onDrain: () => follower?.resume(),
    publish: (batch) => events.push(...batch.events),
  });

  let hooks: Sessions | undefined;
  const openHooks = () =>
    createSessions({
      state,
      now,
      registries: new Map(),
      log: (message) => logs.push(message),
      record: (event) => ingest.submit(event, 0),
      onTranscript: (_agent, file, session) => void ingest.between(() => follower?.name(file, session)),
    });

  const stop = async () => {
    hooks?.close();
    hooks = undefined;
    await follower?.close();
    await ingest.drained();
  };
  t.teardown(async () => {
    await stop();
    rmSync(directory, { recursive: true, force: true });
  });
  const at = (file: string) => path.join(root, file);

  return {
    root,
    state,
    events,
    logs,
    ingest,
    at,
    start(options: Partial<SessionWatcherOptions> = {}) {
      follower = new SessionWatcher({
        agent,
        root,
        state,
        log: (message) => logs.push(message),
        now,
        backfillMs: 3_600_000,
        inactivityMs: 600_000,
        sweepMs: 60_000,
        checkMs: 50,
        holdMs: 20,
        processesMs: 50,
        ...options,
        takenOf: (source) => state.sources.get(source)?.n,
        isFull: () => ingest.full,
        submit: (parts: NewEvent[], bytes, receipt) => ingest.submitParts(parts, bytes, originOf(receipt)),
        submitDeferred: (make, receipt) =>
          ingest.submitDeferred({ type: 'attention', data: {} }, make, 0, originOf(receipt)),
      });
      return follower;
    },
    stop,
    /** Calls a hook, as the daemon takes it from the spool. */
    hook(payload: Record<string, unknown>, time: string) {
      const line: NewEvent = { type: HOOK_TYPE, time, data: { agent, payload } };
      const opened = (hooks ??= openHooks());
      ingest.submitDeferred(line, () => opened.eventsOf(line), 100);
    },
    refuse: (error: ProgressError | undefined) => (refusing = error),
    advance: (ms: number) => (ahead += ms),
    /** Creates the directories, too. */
    write(file: string, text: string) {
      mkdirSync(path.dirname(at(file)), { recursive: true });
      writeFileSync(at(file), text);
    },
    append(file: string, text: string | Buffer) {
      mkdirSync(path.dirname(at(file)), { recursive: true });
      appendFileSync(at(file), text);
    },
    execution: (id: string) => findExecution(state, id),
    /** The part of an execution that does not depend on when and in how many parts its lines arrived. */
    outcome(id: string) {
      const found = findExecution(state, id);
      if (!found) return undefined;
      const {
        name,
        status,
        outcome: { endedBy } = {},
        usage: { tokens } = {},
        steps,
        parent,
        agent: { name: of, session, via } = {},
      } = executionToJson(found);
      const sorted = steps.map((step) => ({ ...step, source: undefined })).sort((a, b) => (a.id < b.id ? -1 : 1));
      return { name, status, endedBy, tokens, steps: sorted, parent, agent: of, session, via };
    },
    ended: async (id: string) =>
      await waitFor(`the end of ${id}`, () => {
        const found = findExecution(state, id);
        return found?.endedAt === undefined ? undefined : found;
      }),
  };
}
