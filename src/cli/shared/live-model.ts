/** Live replica of executions: a snapshot, then the stream of events; snapshots while the stream is interrupted. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '../../client/client.js';
import { connect } from '../../client/connect.js';
import type { JournalPosition } from '../../client/follow.js';
import { follow } from '../../client/follow.js';
import type { ExecutionEvent } from '../../core/event.js';
import type { Execution, ExecutionJson } from '../../core/execution.js';
import { executionFromJson, isFinal } from '../../core/execution.js';
import { fold } from '../../core/fold.js';
import { findExecution, emptyState, installExecution } from '../../core/state.js';
import { ProgressError } from '../../core/errors.js';
import type { Paths } from '../../platform/paths.js';
import type { ConnectionState } from '../../terminal/view.js';
import { findJson, listAll } from './lookup.js';

export interface LiveModelOptions {
  paths: Paths;
  /** One execution, by its full ID; otherwise all live executions. */
  execution?: string;
  /** Position before its first event, if it has not started and cannot be requested yet. */
  from?: JournalPosition;
  /** Messages per second. */
  rate: number;
  /** Called after a change: with its events, or with none when anything may have changed. */
  onChange: (events: readonly ExecutionEvent[]) => void;
  signal: AbortSignal;
}

export interface LiveModel {
  readonly connection: ConnectionState;
  executions(): Execution[];
  find(id: string): Execution | undefined;
  /** Resolves when the signal has aborted. */
  readonly done: Promise<void>;
}

/** Interval of snapshots while the stream is interrupted. */
const SNAPSHOT_MS = 2_000;

/** Opens the model. Only the first snapshot can fail; later errors are part of `connection`. */
export async function openLiveModel({
  paths,
  execution,
  from,
  rate,
  onChange,
  signal,
}: LiveModelOptions): Promise<LiveModel> {
  let state = emptyState();
  let connection: ConnectionState = { state: 'live' };

  const snapshot = async (start: boolean): Promise<JournalPosition> => {
    const client = await connect({ paths, start });
    try {
      const page = await ask(client, execution);
      const next = emptyState();
      for (const one of page.executions.map(executionFromJson)) installExecution(next, one, isFinal(one.status));
      next.seq = page.seq;
      state = next;
      return { after: page.seq, journal: page.journal };
    } finally {
      await client.close();
    }
  };

  /** A snapshot may be ahead of the stream. */
  const isNewer = ({ execution: id, seq }: ExecutionEvent) =>
    seq > (id === undefined ? state.seq : (findExecution(state, id)?.lastSeq ?? 0));

  const resume = from ?? (await snapshot(true));
  state.seq = resume.after;

  const take = async () => {
    const subscribe = { rate, ...(execution !== undefined && { execution }) };
    let isStale = false;
    for await (const followed of follow({ paths, start: false, subscribe, resume, signal })) {
      if (followed.kind === 'events') {
        for (const event of followed.events) if (isNewer(event)) fold(state, event);
        onChange(followed.events);
        continue;
      }
      if (followed.kind === 'lost') {
        const since = connection.state === 'live' ? Date.now() : connection.since;
        connection = {
          state: connection.state === 'snapshots' ? 'snapshots' : 'lost',
          since,
          attempt: followed.attempt + 1,
        };
      } else {
        connection = { state: 'live' };
        // missed events cannot be folded, so the state is requested
        isStale ||= followed.kind !== 'connected';
        if (isStale) isStale = !(await succeeds(snapshot(false)));
      }
      onChange([]);
    }
  };

  const isLive = () => connection.state === 'live';
  const pollWhileLost = async () => {
    const isLeft = () => signal.aborted;
    while (!isLeft()) {
      await delay(SNAPSHOT_MS, undefined, { signal }).catch(() => undefined);
      if (connection.state === 'live' || isLeft()) continue;
      const { since, attempt = 1 } = connection;
      const asked = await succeeds(snapshot(false));
      // the stream may be live again, and then it decides
      if (isLive()) continue;
      connection = { state: asked ? 'snapshots' : 'lost', since, attempt };
      onChange([]);
    }
  };

  return {
    done: Promise.all([take(), pollWhileLost()]).then(() => undefined),
    get connection() {
      return connection;
    },
    executions() {
      if (execution === undefined) return [...state.alive.values()];
      const found = findExecution(state, execution);
      return found ? [found] : [];
    },
    find: (id) => findExecution(state, id),
  };
}

async function succeeds(task: Promise<unknown>): Promise<boolean> {
  return await task.then(
    () => true,
    () => false,
  );
}

interface Page {
  executions: ExecutionJson[];
  seq: number;
  journal: string;
}

async function ask(client: Client, execution: string | undefined): Promise<Page> {
  const { seq, journal } = await client.hello();
  if (execution === undefined) {
    // includes those that just ended, which a late event would show as alive otherwise
    const recent = await client.call('list', { all: true });
    const alive = await listAll(client, false);
    return { executions: [...recent.executions, ...alive.executions], seq, journal };
  }
  try {
    return { executions: [await findJson(client, execution)], seq, journal };
  } catch (error) {
    if (ProgressError.from(error).code !== 'not_found') throw error;
    return { executions: [], seq, journal };
  }
}
