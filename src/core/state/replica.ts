/**
 * Keeps a client's copy of executions current: a snapshot of the daemon's state, and the events that follow it, folded by
 * the daemon's own fold.
 *
 * A snapshot and the stream arrive separately, so either may be ahead. Events that the snapshot contains are
 * dropped, and those that arrive while one is being requested are buffered and folded into it. The transport must deliver
 * the events in the order of the journal and without gaps, from the time of the request on or earlier; when it has lost
 * some, it calls `invalidate` and loads another snapshot.
 */
import type { ExecutionEvent } from '../events/event.js';
import type { Execution, ExecutionJson } from '../execution.js';
import { executionFromJson, isFinal } from '../execution.js';
import { fold } from '../fold.js';
import { emptyState, findExecution, installExecution, newestFirst } from './state.js';

/** Executions as the daemon reports them. */
export interface Snapshot {
  executions: readonly ExecutionJson[];
  /** The executions contain every event up to this seq, and may contain later ones. */
  seq: number;
  /** Only these executions are of interest: events do not add others. */
  isPartial?: boolean;
}

/** A snapshot that was installed, and the buffered events that it did not contain. */
export interface Loaded<S extends Snapshot> {
  snapshot: S;
  folded: ExecutionEvent[];
}

export class Replica {
  #state = emptyState();
  #isPartial = false;
  #isStale = true;
  /** Events since the newest snapshot was requested; absent if none is. */
  #buffered: ExecutionEvent[] | undefined;

  /** Whether events are missing: before the first snapshot, and after `invalidate`. */
  get isStale(): boolean {
    return this.#isStale;
  }

  /** Returns all executions, the newest first. */
  executions(): Execution[] {
    return newestFirst(this.#state);
  }

  /** Returns the executions that have not ended. */
  open(): Execution[] {
    return [...this.#state.alive.values()];
  }

  /** Finds an execution by its full ID. */
  find(id: string): Execution | undefined {
    return findExecution(this.#state, id);
  }

  /** Replaces everything by a snapshot. Snapshots that are being requested are discarded. */
  install({ executions, seq, isPartial = false }: Snapshot): void {
    this.#state = emptyState();
    this.#state.seq = seq;
    this.#isPartial = isPartial;
    this.#isStale = false;
    this.#buffered = undefined;
    executions.forEach((one) => this.#put(one));
  }

  /**
   * Requests a snapshot and installs it. Of concurrent calls the last one counts.
   *
   * @returns What was installed; undefined if a later snapshot took its place.
   * @throws What `request` throws, unless a later snapshot took its place.
   */
  async load<S extends Snapshot>(request: () => Promise<S>): Promise<Loaded<S> | undefined> {
    const buffered: ExecutionEvent[] = [];
    const isReplaced = () => this.#buffered !== buffered;
    this.#buffered = buffered;
    try {
      const snapshot = await request();
      if (isReplaced()) return undefined;
      this.install(snapshot);
      return { snapshot, folded: this.apply(buffered) };
    } catch (error) {
      if (isReplaced()) return undefined;
      this.#buffered = undefined;
      throw error;
    }
  }

  /** Adds executions to those of the snapshot, for instance an older page of a list. Known ones stay as they are. */
  add(executions: readonly ExecutionJson[]): void {
    for (const one of executions) if (!this.find(one.id)) this.#put(one);
  }

  /** Adds what earlier executions took to those that began after the snapshot. */
  addExpectations(executions: readonly ExecutionJson[]): void {
    for (const { id, expectation } of executions) {
      const known = expectation && this.find(id);
      if (known) known.expectation ??= expectation;
    }
  }

  /** Records that events are missing: nothing is folded until the next `load`. Earlier ones are discarded. */
  invalidate(): void {
    this.#isStale = true;
    this.#buffered = undefined;
  }

  /** Applies events from the stream. @returns Those that changed the replica. */
  apply(events: readonly ExecutionEvent[]): ExecutionEvent[] {
    this.#buffered?.push(...events);
    if (this.#isStale) return [];
    return events.filter((event) => {
      if (!this.#isNew(event)) return false;
      fold(this.#state, event);
      return true;
    });
  }

  #isNew({ execution: id, seq }: ExecutionEvent): boolean {
    const execution = id === undefined ? undefined : this.find(id);
    if (!execution && this.#isPartial) return false;
    // an execution may be ahead of the snapshot; an unknown one had ended before it, or begins with this event
    return seq > (execution?.lastSeq ?? this.#state.seq);
  }

  #put(json: ExecutionJson): void {
    const execution = executionFromJson(json);
    installExecution(this.#state, execution, isFinal(execution.status));
  }
}
