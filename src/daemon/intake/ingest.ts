/** The one way through: an event is routed, written to the journal, folded into the state, then published. */
import type { ExecutionEvent, NewEvent } from '../../core/event.js';
import { EXECUTION_ENDS } from '../../core/event.js';
import { fold } from '../../core/fold.js';
import type { Entrance } from '../../core/route.js';
import { createEventRouter } from '../../core/route.js';
import { needsFoldedState, placeEvent } from '../../core/run-tasks.js';
import type { State } from '../../core/state.js';
import { ProgressError } from '../../core/errors.js';
import type { Journal } from '../../journal/journal.js';
import type { Batch } from '../../journal/lines.js';
import { encodeEvent } from '../../protocol/encode.js';
import { stampText } from '../../protocol/raw-line.js';

/** Who handed an event in, and hears what became of it, in order. */
export interface Origin {
  /** For routing. */
  entrance?: Entrance;
  /** Asked when its turn has come: why the event must not be written now. */
  refusal?(event: NewEvent): ProgressError | undefined;
  written(event: ExecutionEvent): void;
  /** (source, n) had been taken before. */
  duplicate(event: NewEvent): void;
  refused(event: NewEvent, error: ProgressError): void;
}

export interface Ingest {
  /**
   * Takes an event of about `bytes` bytes, whatever happens later. `text`: a line that may stand in the journal for
   * it, if it is reusable and has no time.
   */
  submit(event: NewEvent, bytes: number, origin?: Origin, text?: string): void;
  /** Takes an event in parts: they are written together or not at all, and the last one, with its n, stands for all. */
  submitParts(parts: readonly NewEvent[], bytes: number, origin?: Origin): void;
  /**
   * Takes an event that stands for others: those that `make` returns when its turn has come, on the state of everything
   * before it. They are written together, the last one with its n; none is as if it had been taken before.
   */
  submitDeferred(event: NewEvent, make: () => readonly NewEvent[], bytes: number, origin?: Origin): void;
  /** Does something between two writes, when the state is that of the last event written. */
  between(task: () => Promise<void> | void): Promise<void>;
  /** Writes these at once; for use inside `between` only. */
  writeNow(events: NewEvent[]): Promise<void>;
  /** Nobody should hand in more before `onRoom`. */
  readonly full: boolean;
  readonly written: number;
  readonly duplicates: number;
  /** Everything handed in so far is written or refused. */
  drained(): Promise<void>;
}

export interface IngestOptions {
  journal: Journal;
  state: State;
  publish: (batch: Batch) => void;
  onDrain: () => void;
  now: () => number;
}

/** One write: large enough for throughput, small enough that an event never waits long behind others. */
const BATCH_EVENTS = 4_096;
const BATCH_BYTES = 1024 * 1024;
/** Handed in and not written yet. Beyond it sockets are not read. */
const MAX_PENDING_BYTES = 1024 * 1024;

interface Pending {
  event: NewEvent;
  /** What stands before it and is taken with it. */
  before?: readonly NewEvent[];
  /** What it stands for. */
  make?: () => readonly NewEvent[];
  bytes: number;
  origin: Origin | undefined;
  text: string | undefined;
}

export function createIngest({ journal, state, publish, onDrain: onRoom, now }: IngestOptions): Ingest {
  const router = createEventRouter(state);
  let pending: Pending[] = [];
  let pendingBytes = 0;
  const tasks: (() => Promise<void>)[] = [];
  let pumping: Promise<void> | undefined;
  let written = 0;
  let duplicates = 0;

  const start = () => {
    // on the next turn, so that everything one read of a socket brings goes into one write
    pumping ??= Promise.resolve()
      .then(pump)
      .finally(() => {
        pumping = undefined;
        // handed in after its last look
        if (pending.length > 0 || tasks.length > 0) start();
      });
  };

  const pump = async () => {
    while (pending.length > 0 || tasks.length > 0) {
      for (const task of tasks.splice(0)) await task();
      const taken = take().flatMap(ripen).map(place);
      if (taken.length > 0) await commit(taken);
    }
  };

  const ripen = (item: Pending): Pending[] => {
    if (!item.make || router.isTaken(item.event)) return [item];
    const before = [...item.make()];
    const event = before.pop();
    if (!event) item.origin?.duplicate(item.event);
    return event ? [{ ...item, event, before }] : [];
  };

  /** Everything before it may not be folded yet, except where `needsFoldedState` says so. */
  const place = (item: Pending): Pending => {
    const event = placeEvent(state, item.event);
    const before = item.before?.map((part) => placeEvent(state, part));
    return event === item.event
      ? { ...item, ...(before && { before }) }
      : { ...item, event, before: before ?? [], text: undefined };
  };

  const take = (): Pending[] => {
    let count = 0;
    let bytes = 0;
    const ended = new Set<string>();
    while (count < pending.length && count < BATCH_EVENTS && bytes < BATCH_BYTES) {
      const item = pending[count];
      // everything before it is to be folded then
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
    pending = count === pending.length ? [] : pending.slice(count);
    const wasFull = pendingBytes >= MAX_PENDING_BYTES;
    pendingBytes -= bytes;
    if (wasFull && pendingBytes < MAX_PENDING_BYTES) onRoom();
    return taken;
  };

  /** Gives an event its place, and returns its line. */
  const stamp = (
    { event, text }: Pick<Pending, 'event' | 'text'>,
    execution: string | undefined,
    seq: number,
    arrival: string,
  ): string => {
    const reusable = text !== undefined && execution === event.execution;
    const stamped = event as ExecutionEvent;
    stamped.seq = seq;
    stamped.time = event.time ?? arrival;
    if (execution !== undefined) stamped.execution = execution;
    delete stamped.lookup;
    delete stamped.inherited;
    delete stamped.exact;
    return reusable ? stampText(text, seq, stamped.time) : encodeEvent(stamped);
  };

  const commit = async (taken: Pending[]) => {
    const accepted: Pending[] = [];
    const repeated: Pending[] = [];
    const batch: Batch = { events: [], lines: [] };
    const arrival = new Date(now()).toISOString();
    let seq = journal.nextSeq;
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
        batch.lines.push(stamp({ event, text }, router.route(event, item.origin?.entrance), seq++, arrival));
        batch.events.push(event as ExecutionEvent);
      }
      accepted.push(item);
    }
    try {
      if (accepted.length > 0) await journal.write(batch);
    } catch (error) {
      router.settle();
      const reason = ProgressError.from(error);
      for (const { event, origin } of accepted) origin?.refused(event, reason);
      for (const { event, origin } of repeated) origin?.duplicate(event);
      return;
    }
    for (const event of batch.events) fold(state, event);
    router.settle();
    written += batch.events.length;
    duplicates += repeated.length;
    if (accepted.length > 0) publish(batch);
    for (const { event, origin } of accepted) origin?.written(event as ExecutionEvent);
    for (const { event, origin } of repeated) origin?.duplicate(event);
  };

  const add = (item: Pending) => {
    pending.push(item);
    pendingBytes += item.bytes;
    start();
  };

  return {
    submit: (event, bytes, origin, text) => add({ event, bytes, origin, text }),
    submitParts(parts, bytes, origin) {
      const event = parts.at(-1);
      if (event) add({ event, before: parts.slice(0, -1), bytes, origin, text: undefined });
    },
    submitDeferred: (event, make, bytes, origin) => add({ event, make, bytes, origin, text: undefined }),
    async between(task) {
      await new Promise<void>((resolve, reject) => {
        tasks.push(async () => {
          try {
            await task();
            resolve();
          } catch (error) {
            reject(ProgressError.from(error));
          }
        });
        start();
      });
    },
    async writeNow(events) {
      let failure: ProgressError | undefined;
      const origin: Origin = {
        written: () => undefined,
        duplicate: () => undefined,
        refused: (_event, error) => (failure = error),
      };
      await commit(events.map((event) => ({ event, bytes: 0, origin, text: undefined })));
      if (failure) throw failure;
    },
    get full() {
      return pendingBytes >= MAX_PENDING_BYTES;
    },
    get written() {
      return written;
    },
    get duplicates() {
      return duplicates;
    },
    async drained() {
      while (pumping) await pumping;
    },
  };
}
