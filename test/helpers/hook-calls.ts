/** Calls of agents' hooks, recorded and others, as lines of the spool and folded. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { NewEvent } from '../../src/core/events/event.js';
import type { Execution } from '../../src/core/execution.js';
import { fold } from '../../src/core/fold.js';
import { createEventRouter } from '../../src/core/routing/route.js';
import type { State } from '../../src/core/state/state.js';
import { emptyState, findExecution } from '../../src/core/state/state.js';
import type { SessionsOptions } from '../../src/daemon/sessions/sessions.js';
import { createSessions } from '../../src/daemon/sessions/sessions.js';
import { HOOK_TYPE } from '../../src/agents/hook-call.js';
import { ROOT } from './daemon.js';
import { at } from './events.js';

export type Payload = Record<string, unknown> & { hook_event_name: string };

const RECORDINGS = path.join(ROOT, 'test/fixtures/recordings');
/** Texts of another project, which are not copied. */
const SHARED = path.join(ROOT, '../shared/recordings');

/** Returns the payloads of a recorded session in order; undefined if the recording is not available. */
export function recordedTexts(name: string): string[] | undefined {
  const directory = [RECORDINGS, SHARED].map((root) => path.join(root, name)).find((each) => existsSync(each));
  if (directory === undefined) return undefined;
  const files = readdirSync(directory).filter((file) => file.endsWith('.json') && !file.startsWith('notify'));
  return files.sort().map((file) => readFileSync(path.join(directory, file), 'utf8'));
}

export interface Replay {
  state: State;
  events: NewEvent[];
  /** Takes one call like the daemon. */
  call: (agent: string, payload: Payload, more?: Record<string, unknown>) => void;
  /** Takes an event of another producer. */
  event: (event: NewEvent) => void;
  session: (id: string) => Execution;
  close: () => void;
}

/** `checkMs`: interval of checks whether agents still run. */
export function createReplay({
  checkMs = 60_000,
  registries = new Map(),
}: Partial<Pick<SessionsOptions, 'checkMs' | 'registries'>> = {}): Replay {
  const state = emptyState();
  const events: NewEvent[] = [];
  const router = createEventRouter(state);
  const take = (event: NewEvent) => {
    const execution = router.route(event);
    events.push(event);
    const seq = events.length;
    fold(state, { time: at(seq), ...event, ...(execution !== undefined && { execution }), seq });
    router.settle();
  };
  const sessions = createSessions({ state, checkMs, record: take, log: () => undefined, now: Date.now, registries });
  return {
    state,
    events,
    call(agent, payload, more = {}) {
      for (const event of sessions.eventsOf({ type: HOOK_TYPE, data: { payload, agent, ...more } })) take(event);
    },
    event: take,
    close: () => sessions.close(),
    session(id) {
      const found = findExecution(state, id);
      if (!found) throw new Error(`no session ${id}`);
      return found;
    },
  };
}
