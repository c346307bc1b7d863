/**
 * Ingests events: routes and deduplicates each by (source, n), writes it to the journal, folds it, then publishes
 * it.
 */
import type { ExecutionEvent, NewEvent } from '../../core/events/event.js';
import { EXECUTION_ENDS } from '../../core/events/event.js';
import { fold } from '../../core/fold.js';
import type { Entrance, EventRouter } from '../../core/routing/route.js';
import { createEventRouter } from '../../core/routing/route.js';
import { needsFoldedState, placeEvent } from '../../core/routing/run-tasks.js';
import type { State } from '../../core/state/state.js';
import { ProgressError } from '../../core/base/errors.js';
import type { Journal } from '../../journal/journal.js';
import type { Batch } from '../../journal/lines.js';
import { encodeEvent } from '../../protocol/encode.js';
import { stampText } from '../../protocol/raw-line.js';
import type { Component } from '../component.js';

/** Origin of an event and receiver of its outcome. Outcomes come in order. */
export interface Origin {
  /** Identity for routing. */
  entrance?: Entrance;
  /** Called right before the write. @returns Why the event must not be written now. */
  refusal?(event: NewEvent): ProgressError | undefined;
  written(event: ExecutionEvent): void;
  /** The event is in the journal already: resending is idempotent by (source, n), or by its ID. */
  duplicate(event: NewEvent): void;
  refused(event: NewEvent, error: ProgressError): void;
}

export interface IngestOptions {
  journal: Journal;
  state: State;
  /** Receives each written batch, when its events are in the state. */
  publish: (batch: Batch) => void;
  /** Called when intake accepts events again (end of backpressure). */
  onDrain: () => void;
  now: () => number;
}

/** Bounds of one write: large enough for throughput, small enough that no event waits long. */
const BATCH_EVENTS = 4_096;
const BATCH_BYTES = 1024 * 1024;
/** Bound of submitted events that are not written yet. Beyond it producers must pause (backpressure). */
const MAX_PENDING_BYTES = 1024 * 1024;

interface Pending {
  event: NewEvent;
  /** Events that are written right before it, and together with it. */
  before?: readonly NewEvent[];
  /** Makes the events that are written in its place. */
  make?: () => readonly NewEvent[];
  bytes: number;
  origin: Origin | undefined;
  text: string | undefined;
}

export class Ingest implements Component {
  readonly #options: IngestOptions;
  readonly #router: EventRouter;
  #pending: Pending[] = [];
  #pendingBytes = 0;
  readonly #tasks: (() => Promise<void>)[] = [];
  #pumping: Promise<void> | undefined;
  #written = 0;
  #duplicates = 0;

  constructor(options: IngestOptions) {
    this.#options = options;
    this.#router = createEventRouter(options.state);
  }

  /**
   * Submits an event.
   *
   * @param bytes its approximate size
   * @param text a line that the journal may hold as it is, if it is reusable and has no time
   */
  submit(event: NewEvent, bytes: number, origin?: Origin, text?: string): void {
    this.#add({ event, bytes, origin, text });
  }

  /** Submits the parts of one event: they are written together or not at all, and the last one has the n of all. */
  submitParts(parts: readonly NewEvent[], bytes: number, origin?: Origin): void {
    const event = parts.at(-1);
    if (event) this.#add({ event, before: parts.slice(0, -1), bytes, origin, text: undefined });
  }

  /**
   * Submits an event that is replaced by those that `make` returns, on the state of everything before it. They are
   * written together, and the last one has its n. No replacement counts as a duplicate.
   */
  submitDeferred(event: NewEvent, make: () => readonly NewEvent[], bytes: number, origin?: Origin): void {
    this.#add({ event, make, bytes, origin, text: undefined });
  }

  /** Runs a task between two writes, when the state is that of the last event written. */
  async between(task: () => Promise<void> | void): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#tasks.push(async () => {
        try {
          await task();
          resolve();
        } catch (error) {
          reject(ProgressError.from(error));
        }
      });
      this.#startPump();
    });
  }

  /** Writes these at once. Call it inside `between` only. */
  async writeNow(events: NewEvent[]): Promise<void> {
    let failure: ProgressError | undefined;
    const origin: Origin = {
      written: () => undefined,
      duplicate: () => undefined,
      refused: (_event, error) => (failure = error),
    };
    await this.#commit(events.map((event) => ({ event, bytes: 0, origin, text: undefined })));
    if (failure) throw failure;
  }

  /** Whether producers must pause until `onDrain`. */
  get full(): boolean {
    return this.#pendingBytes >= MAX_PENDING_BYTES;
  }

  get written(): number {
    return this.#written;
  }

  get duplicates(): number {
    return this.#duplicates;
  }

  /** Resolves when everything submitted is written or refused. */
  async drained(): Promise<void> {
    while (this.#pumping) await this.#pumping;
  }

  async close(): Promise<void> {
    await this.drained();
  }

  #add(item: Pending): void {
    this.#pending.push(item);
    this.#pendingBytes += item.bytes;
    this.#startPump();
  }

  #hasWork(): boolean {
    return this.#pending.length > 0 || this.#tasks.length > 0;
  }

  #startPump(): void {
    // deferred, so that everything one read of a socket brings goes into one write
    this.#pumping ??= Promise.resolve()
      .then(() => this.#pump())
      .finally(() => {
        this.#pumping = undefined;
        // submitted after its last check
        if (this.#hasWork()) this.#startPump();
      });
  }

  async #pump(): Promise<void> {
    while (this.#hasWork()) {
      for (const task of this.#tasks.splice(0)) await task();
      const taken: Pending[] = [];
      for (const item of this.#take()) {
        const ready = this.#replace(item);
        if (ready) taken.push(this.#place(ready));
      }
      if (taken.length > 0) await this.#commit(taken);
    }
  }

  /** Takes the next batch from the queue. */
  #take(): Pending[] {
    const pending = this.#pending;
    let count = 0;
    let bytes = 0;
    const ended = new Set<string>();
    while (count < pending.length && count < BATCH_EVENTS && bytes < BATCH_BYTES) {
      const item = pending[count];
      // everything before it must be in the state
      const isAlone = item !== undefined && (item.make !== undefined || needsFoldedState(item.event));
      if (isAlone && count > 0) break;
      const { type, execution = '', inherited } = item?.event ?? { type: '' };
      if (inherited && ended.has(execution)) break;
      if (Object.hasOwn(EXECUTION_ENDS, type)) ended.add(execution);
      bytes += item?.bytes ?? 0;
      count++;
      if (isAlone) break;
    }
    const taken = count === pending.length ? pending : pending.slice(0, count);
    this.#pending = count === pending.length ? [] : pending.slice(count);
    const before = this.#pendingBytes;
    this.#pendingBytes = before - bytes;
    if (before >= MAX_PENDING_BYTES && before - bytes < MAX_PENDING_BYTES) this.#options.onDrain();
    return taken;
  }

  /** Makes the events in whose place a deferred one was submitted; undefined when there are none. */
  #replace(item: Pending): Pending | undefined {
    if (!item.make || this.#router.isTaken(item.event)) return item;
    const before = [...item.make()];
    const event = before.pop();
    if (event) return { ...item, event, before };
    item.origin?.duplicate(item.event);
    return undefined;
  }

  /** Places an event in the run that it belongs to. What is before it may be outside the state, see `needsFoldedState`. */
  #place(item: Pending): Pending {
    const { state } = this.#options;
    const event = placeEvent(state, item.event);
    const before = item.before?.map((part) => placeEvent(state, part));
    if (event !== item.event) return { ...item, event, before: before ?? [], text: undefined };
    return before ? { ...item, before } : item;
  }

  async #commit(taken: Pending[]): Promise<void> {
    const { journal, state, publish } = this.#options;
    const { accepted, repeated, batch } = this.#route(taken);
    try {
      if (accepted.length > 0) await journal.write(batch);
    } catch (error) {
      this.#router.settle();
      const reason = ProgressError.from(error);
      for (const { event, origin } of accepted) origin?.refused(event, reason);
      for (const { event, origin } of repeated) origin?.duplicate(event);
      return;
    }
    for (const event of batch.events) fold(state, event);
    this.#router.settle();
    this.#written += batch.events.length;
    this.#duplicates += repeated.length;
    if (accepted.length > 0) publish(batch);
    for (const { event, origin } of accepted) origin?.written(event as ExecutionEvent);
    for (const { event, origin } of repeated) origin?.duplicate(event);
  }

  /** Decides in order which events are written, and to which executions they belong. */
  #route(taken: Pending[]): { accepted: Pending[]; repeated: Pending[]; batch: Batch } {
    const router = this.#router;
    const accepted: Pending[] = [];
    const repeated: Pending[] = [];
    const batch: Batch = { events: [], lines: [] };
    const arrival = new Date(this.#options.now()).toISOString();
    let seq = this.#options.journal.nextSeq;
    for (const item of taken) {
      const refusal = item.origin?.refusal?.(item.event);
      if (refusal) {
        item.origin?.refused(item.event, refusal);
        continue;
      }
      if (router.isTaken(item.event)) {
        repeated.push(item);
        continue;
      }
      for (const event of [...(item.before ?? []), item.event]) {
        const text = event === item.event ? item.text : undefined;
        batch.lines.push(stamp(event, text, router.route(event, item.origin?.entrance), seq++, arrival));
        batch.events.push(event as ExecutionEvent);
      }
      accepted.push(item);
    }
    return { accepted, repeated, batch };
  }
}

/** Gives an event its position, time and execution, and returns its line. */
function stamp(
  event: NewEvent,
  text: string | undefined,
  execution: string | undefined,
  seq: number,
  arrival: string,
): string {
  const isReusable = text !== undefined && execution === event.execution;
  const stamped = event as ExecutionEvent;
  stamped.seq = seq;
  stamped.time = event.time ?? arrival;
  if (execution !== undefined) stamped.execution = execution;
  delete stamped.lookup;
  delete stamped.inherited;
  delete stamped.exact;
  return isReusable ? stampText(text, seq, stamped.time) : encodeEvent(stamped);
}
