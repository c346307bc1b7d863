/** Live replica over the socket: subscribes to events, and loads snapshots while the stream is interrupted. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '../../client/client.js';
import { connect, withClient } from '../../client/connect.js';
import type { Followed, JournalPosition } from '../../client/follow.js';
import { follow } from '../../client/follow.js';
import type { ExecutionEvent } from '../../core/events/event.js';
import { executionEndOf } from '../../core/events/event.js';
import type { Execution } from '../../core/execution.js';
import { isFailure } from '../../core/execution.js';
import { ProgressError } from '../../core/base/errors.js';
import { ExpectationRequests } from '../../core/state/expectation-requests.js';
import type { Snapshot } from '../../core/state/replica.js';
import { Replica } from '../../core/state/replica.js';
import { sectionOf } from '../../core/lists/sections.js';
import type { Paths } from '../../platform/paths.js';
import type { ConnectionState } from '../../terminal/view.js';
import type { TailLine } from '../../terminal/log-tail.js';
import { findJson, listAll } from './lookup.js';
import { RecentLog } from './recent-log.js';

export interface LiveModelOptions {
  paths: Paths;
  /** One execution, by its full ID; otherwise all live executions. */
  execution?: string;
  /** Include ended executions. */
  all?: boolean;
  /** Leave out output, messages and progress that newer ones supersede: lists show the newest. */
  isBrief?: boolean;
  /** Keep the newest lines of the log of the execution. */
  hasLog?: boolean;
  /** Position before its first event, if it has not started and cannot be requested yet. */
  from?: JournalPosition;
  /** Start the daemon again if it dies. */
  restart?: boolean;
  /** Updates per second of the display. */
  rate: number;
  /** Called after a change: with its events, or with none when anything may have changed. */
  onChange: (events: readonly ExecutionEvent[]) => void;
  signal: AbortSignal;
}

/**
 * Pushes per second, at most. The display waits up to one of its intervals after a push; with twice as many pushes as
 * frames, an event waits at most half an interval more.
 */
const MAX_RATE = 60;
/** Interval of snapshots while the stream is interrupted. */
const SNAPSHOT_MS = 2_000;

/** Opens the model. Only the first snapshot can fail; later errors are part of `connection`. */
export async function openLiveModel(options: LiveModelOptions): Promise<LiveModel> {
  const { from } = options;
  const replica = new Replica();
  if (from) {
    replica.install({ executions: [], seq: from.after });
    return new LiveModel(options, replica, from);
  }
  const snapshot = await requestSnapshot(options, true);
  replica.install(snapshot);
  return new LiveModel(options, replica, { after: snapshot.seq, journal: snapshot.journal });
}

export class LiveModel {
  readonly #options: LiveModelOptions;
  readonly #replica: Replica;
  #connection: ConnectionState = { state: 'live' };
  readonly #expectations: ExpectationRequests;
  /** IDs of executions that failed a short time ago. */
  readonly #failed = new Set<string>();
  readonly #log: RecentLog | undefined;
  /** Resolves when the signal has aborted. */
  readonly done: Promise<void>;

  /** @param resume Position of the replica, at which the stream begins. */
  constructor(options: LiveModelOptions, replica: Replica, resume: JournalPosition) {
    const { paths, execution, hasLog } = options;
    this.#options = options;
    this.#replica = replica;
    this.#log =
      execution !== undefined && hasLog ? new RecentLog(paths, execution, () => this.find(execution)) : undefined;
    void this.#loadLog();
    this.#expectations = new ExpectationRequests(replica, {
      wait: async (ms) => await passes(ms, options.signal),
      request: async () => await requestExpectations(options),
      onAdded: () => options.onChange([]),
    });
    this.done = Promise.all([this.#follow(resume), this.#poll()]).then(() => undefined);
  }

  get connection(): ConnectionState {
    return this.#connection;
  }

  /** Newest lines of the log, if they are kept. */
  get log(): readonly TailLine[] | undefined {
    return this.#log?.lines;
  }

  executions(): Execution[] {
    const { execution: id, all } = this.#options;
    if (all) return this.#replica.executions();
    if (id === undefined) return [...this.#replica.open(), ...this.#recentFailures()];
    const found = this.find(id);
    return found ? [found] : [];
  }

  find(id: string): Execution | undefined {
    return this.#replica.find(id);
  }

  async #follow(resume: JournalPosition): Promise<void> {
    const { paths, rate, execution, isBrief, restart = false, signal, onChange } = this.#options;
    const subscribe = {
      rate: Math.min(2 * rate, MAX_RATE),
      ...(execution !== undefined && { execution }),
      ...(isBrief && { newest: true }),
    };
    for await (const followed of follow({ paths, start: false, subscribe, resume, restart, signal })) {
      if (followed.kind === 'events') this.#apply(followed.events);
      else await this.#setConnection(followed);
      onChange(followed.kind === 'events' ? followed.events : []);
    }
  }

  #apply(events: readonly ExecutionEvent[]): void {
    const applied = this.#replica.apply(events);
    this.#log?.take(events);
    for (const { type, execution } of applied) {
      const end = executionEndOf(type);
      if (execution !== undefined && end !== undefined && isFailure(end)) this.#failed.add(execution);
    }
    this.#expectations.onFolded(applied);
  }

  /** Returns executions that have failed just now, which are shown for a while. */
  #recentFailures(): Execution[] {
    return [...this.#failed].flatMap((id) => {
      const execution = this.find(id);
      if (execution && sectionOf(execution, Date.now()) === 'failed') return [execution];
      this.#failed.delete(id);
      return [];
    });
  }

  async #setConnection(followed: Exclude<Followed, { kind: 'events' }>): Promise<void> {
    const before = this.#connection;
    if (followed.kind === 'lost') {
      this.#connection = {
        state: before.state === 'snapshots' ? 'snapshots' : 'lost',
        since: before.state === 'live' ? Date.now() : before.since,
        reason: withCommand(followed.error.message),
      };
      return;
    }
    this.#connection = { state: 'live' };
    if (followed.kind !== 'connected') this.#replica.invalidate();
    if (this.#replica.isStale) await this.#load();
    if (followed.kind !== 'connected') void this.#loadLog();
  }

  async #loadLog(): Promise<void> {
    if (!this.#log) return;
    await this.#log.load();
    this.#options.onChange([]);
  }

  /** Loads snapshots while the stream is interrupted, or until one succeeds after a gap. */
  async #poll(): Promise<void> {
    const { signal, onChange } = this.#options;
    while (await passes(SNAPSHOT_MS, signal)) {
      if (this.#connection.state === 'live' && !this.#replica.isStale) continue;
      const isLoaded = await this.#load();
      const now = this.#connection;
      // the stream may be live again, and then it decides
      if (now.state !== 'live') this.#connection = { ...now, state: isLoaded ? 'snapshots' : 'lost' };
      onChange([]);
    }
  }

  /** @returns Whether a snapshot was installed. */
  async #load(): Promise<boolean> {
    try {
      return (await this.#replica.load(() => requestSnapshot(this.#options, false))) !== undefined;
    } catch {
      return false;
    }
  }
}

/** Adds a command to a message that names none. */
function withCommand(message: string): string {
  return message.includes('`') ? message : `${message}; see \`progress doctor\``;
}

/** Waits. @returns Whether the time has passed; false when the signal aborts. */
async function passes(ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    return await delay(ms, true, { signal });
  } catch {
    return false;
  }
}

interface JournalSnapshot extends Snapshot {
  journal: string;
}

async function requestSnapshot({ paths, execution }: LiveModelOptions, start: boolean): Promise<JournalSnapshot> {
  const client = await connect({ paths, start });
  try {
    const { seq, journal } = await client.hello();
    const executions = execution === undefined ? await listOpen(client) : await findKnown(client, execution);
    return { executions, seq, journal };
  } finally {
    await client.close();
  }
}

type Executions = Snapshot['executions'];

async function requestExpectations({ paths, execution }: LiveModelOptions): Promise<Executions> {
  return await withClient({ paths, start: false }, async (client) =>
    execution === undefined ? (await client.call('list', {})).executions : await findKnown(client, execution),
  );
}

/** Returns the open executions, and those that just ended, which are in the replica when late events arrive. */
async function listOpen(client: Client): Promise<Executions> {
  const recent = await client.call('list', { all: true });
  const open = await listAll(client, false);
  return [...recent.executions, ...open.executions];
}

async function findKnown(client: Client, id: string): Promise<Executions> {
  try {
    return [await findJson(client, id)];
  } catch (error) {
    if (ProgressError.from(error).code !== 'not_found') throw error;
    return [];
  }
}
