/** A model that stays true while somebody looks: a snapshot, then the stream; snapshots while the stream is cut. */
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
import { listAll } from '../commands/ps.js';

export interface LiveModelOptions {
  paths: Paths;
  /** One execution, by its full id; all that is alive otherwise. */
  execution?: string;
  /** A position before its first event, if it has not begun: there is nothing to ask for yet. */
  from?: JournalPosition;
  /** Messages a second. */
  rate: number;
  /** Something is different: these events, or without any the whole. */
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

/** How often values are asked for while the stream is cut. */
const SNAPSHOT_MS = 2_000;

/** The first snapshot may fail with its error; from then on trouble is shown, not thrown. */
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
  const isNews = ({ execution: id, seq }: ExecutionEvent) =>
    seq > (id === undefined ? state.seq : (findExecution(state, id)?.lastSeq ?? 0));

  const resume = from ?? (await snapshot(true));
  state.seq = resume.after;

  const take = async () => {
    const subscribe = { rate, ...(execution !== undefined && { execution }) };
    let isStale = false;
    for await (const followed of follow({ paths, start: false, subscribe, resume, signal })) {
      if (followed.kind === 'events') {
        for (const event of followed.events) if (isNews(event)) fold(state, event);
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
        // what was missed cannot be folded: ask how things stand
        isStale ||= followed.kind !== 'connected';
        if (isStale) isStale = !(await succeeds(snapshot(false)));
      }
      onChange([]);
    }
  };

  const isLive = () => connection.state === 'live';
  const askWhileCut = async () => {
    const isLeft = () => signal.aborted;
    while (!isLeft()) {
      await delay(SNAPSHOT_MS, undefined, { signal }).catch(() => undefined);
      if (connection.state === 'live' || isLeft()) continue;
      const { since, attempt = 1 } = connection;
      const asked = await succeeds(snapshot(false));
      // the stream may have come back meanwhile: then its word counts
      if (isLive()) continue;
      connection = { state: asked ? 'snapshots' : 'lost', since, attempt };
      onChange([]);
    }
  };

  return {
    done: Promise.all([take(), askWhileCut()]).then(() => undefined),
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
    // those that ended a moment ago as well, or a late word of theirs would make them look alive
    const recent = await client.call('list', { all: true });
    const alive = await listAll(client, false);
    return { executions: [...recent.executions, ...alive.executions], seq, journal };
  }
  try {
    const found = await client.call('get', { execution });
    return { executions: [found.execution], seq, journal };
  } catch (error) {
    if (ProgressError.from(error).code !== 'not_found') throw error;
    return { executions: [], seq, journal };
  }
}
