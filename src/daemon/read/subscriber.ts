/**
 * One subscriber: a cursor over the journal. It takes the newest events from memory and older ones from the files, at
 * the pace of its sink.
 */
import type { Filter } from '../../core/events/filter.js';
import { keepNewest } from '../../core/events/newest.js';
import type { Batch } from '../../journal/lines.js';
import type { JournalSource } from '../../journal/reader.js';
import { readJournal } from '../../journal/reader.js';
import type { Gap, Reset } from '../../api/messages.js';
import { type RecentEvents, selectMatching } from './recent-events.js';

/** Receives a subscriber's messages. */
export interface SubscriberSink {
  /**
   * Writes one message.
   *
   * @param value JSON
   * @param cursor the position after this message
   * @returns false when the client does not keep up
   */
  write(kind: PushKind, value: string | Buffer, cursor: number): boolean;
  /** Writes each event of a batch as a message, in place of one message `events`. Returns as `write` does. */
  writeEvents?(batch: Batch): boolean;
  readonly blocked: boolean;
}

export type PushKind = 'events' | 'gap' | 'reset' | 'position';

export interface Subscription {
  filter: Filter;
  /** Everything up to here is delivered, or filtered out. */
  cursor: number;
  /** Upper bound of messages per second. */
  rate: number | undefined;
  /** Leave out what newer events in the same message supersede. */
  newest?: boolean | undefined;
  sink: SubscriberSink;
  /** The journal cannot be read. */
  onFailure: (error: unknown) => void;
}

export interface Subscriber {
  /** Everything up to here is delivered, or filtered out. */
  readonly cursor: number;
  /** Resolves when everything is delivered that was written at the time of the call. */
  level(): Promise<void>;
  /** Sends available events, as far as the sink takes them. Call it when the sink takes lines again. */
  resume(): void;
  close(): void;
}

/** What a subscriber receives first. */
export interface Opening {
  reset?: Reset;
  batch?: Batch & { gaps?: Gap[] };
}

/** What all subscribers share. */
export interface Feed {
  readonly source: JournalSource;
  readonly recent: RecentEvents;
  readonly encode: (batch: Batch) => Buffer;
  /** Monotonic, in milliseconds. */
  readonly now: () => number;
}

/** Approximate size of one pushed line; larger where a rate makes lines rare. */
const MESSAGE_BYTES = 128 * 1024;
const RATED_MESSAGE_BYTES = 1024 * 1024;
/** Interval of position messages while events come and the filter passes none. */
const POSITION_MS = 5_000;

/** Events read from files and not sent yet. */
interface Bundle {
  batch: Batch;
  bytes: number;
}

export class JournalCursor implements Subscriber {
  readonly filter: Filter;
  readonly #feed: Feed;
  readonly #sink: SubscriberSink;
  readonly #onFailure: (error: unknown) => void;
  readonly #onClose: (cursor: JournalCursor) => void;
  /** Least time between two messages. */
  readonly #intervalMs: number;
  readonly #messageBytes: number;
  /** Calls of `level` that wait for the cursor. */
  readonly #waiting: { seq: number; wake: () => void }[] = [];
  readonly #isNewestOnly: boolean;
  #cursor: number;
  #nextAt = 0;
  #sentAt: number;
  #timer: NodeJS.Timeout | undefined;
  #isReading = false;
  #isClosed = false;
  /** Resumes the reading of files. */
  #wake: (() => void) | undefined;

  constructor(subscription: Subscription, feed: Feed, onClose: (cursor: JournalCursor) => void) {
    const { filter, cursor, rate, newest = false, sink, onFailure } = subscription;
    this.filter = filter;
    this.#feed = feed;
    this.#sink = sink;
    this.#onFailure = onFailure;
    this.#onClose = onClose;
    this.#intervalMs = rate === undefined ? 0 : 1_000 / rate;
    this.#messageBytes = this.#intervalMs > 0 ? RATED_MESSAGE_BYTES : MESSAGE_BYTES;
    this.#isNewestOnly = newest;
    this.#cursor = cursor;
    this.#sentAt = feed.now();
  }

  get cursor(): number {
    return this.#cursor;
  }

  async level(): Promise<void> {
    const seq = this.#feed.recent.head;
    if (this.#cursor >= seq || this.#isClosed) return;
    await new Promise<void>((resolve) => this.#waiting.push({ seq, wake: resolve }));
  }

  open({ reset, batch }: Opening): void {
    if (reset) this.#send('reset', JSON.stringify(reset), reset.from);
    if (batch) this.#sendOpening(batch);
    this.resume();
  }

  resume(): void {
    this.#wake?.();
    const { recent, now } = this.#feed;
    while (!this.#isReading && this.#isFree() && this.#cursor < recent.head) {
      const taken = recent.take(this.#cursor, this.filter, this.#messageBytes);
      if (!taken) return this.#startReading();
      this.#cursor = taken.cursor;
      if (taken.batch.lines.length > 0) this.#sendEvents(taken.batch);
      else if (now() - this.#sentAt > POSITION_MS) this.#sendPosition(this.#cursor);
    }
    this.#wakeWaiting();
  }

  close(): void {
    this.#isClosed = true;
    this.#wakeWaiting();
    clearTimeout(this.#timer);
    this.#onClose(this);
    this.#wake?.();
  }

  #wakeWaiting(): void {
    const waiting = this.#waiting;
    while (waiting[0] && (this.#isClosed || waiting[0].seq <= this.#cursor)) waiting.shift()?.wake();
  }

  /** Whether a message may be sent now. If not, `resume` is called when it may. */
  #isFree(): boolean {
    if (this.#isClosed || this.#sink.blocked) return false;
    const wait = this.#nextAt - this.#feed.now();
    if (wait <= 0) return true;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.resume();
    }, wait);
    return false;
  }

  #noteSent(): void {
    this.#sentAt = this.#feed.now();
    this.#nextAt = this.#sentAt + this.#intervalMs;
  }

  #send(kind: PushKind, value: string | Buffer, position: number): void {
    this.#noteSent();
    this.#sink.write(kind, value, position);
  }

  #sendEvents(all: Batch): void {
    const batch = this.#isNewestOnly ? withoutSuperseded(all) : all;
    if (!this.#sink.writeEvents) {
      return this.#send('events', this.#feed.encode(batch), batch.events.at(-1)?.seq ?? this.#cursor);
    }
    this.#noteSent();
    this.#sink.writeEvents(batch);
  }

  #sendGap(gap: Gap): void {
    this.#send('gap', JSON.stringify(gap), gap.to);
  }

  #sendPosition(position: number): void {
    this.#send('position', String(position), position);
  }

  #sendOpening(batch: Batch & { gaps?: Gap[] }): void {
    const last = batch.events.at(-1)?.seq ?? 0;
    const gaps = batch.gaps ?? [];
    for (const gap of gaps) if (gap.from <= last) this.#sendGap(gap);
    if (batch.lines.length > 0) this.#sendEvents(batch);
    for (const gap of gaps) if (gap.from > last) this.#sendGap(gap);
  }

  #startReading(): void {
    this.#isReading = true;
    void this.#readFiles().then(
      () => {
        this.#isReading = false;
        if (!this.#isClosed) this.resume();
      },
      (error: unknown) => this.#onFailure(error),
    );
  }

  /** Reads from the files up to what is written now, at the sink's pace. */
  async #readFiles(): Promise<void> {
    const { source, recent } = this.#feed;
    const { execution } = this.filter;
    const through = recent.head;
    const bundle: Bundle = { batch: { events: [], lines: [] }, bytes: 0 };
    const range = { after: this.#cursor, through, ...(execution && { execution }) };
    for await (const chunk of readJournal(source, range)) {
      if (this.#isClosed) return;
      if ('gap' in chunk) {
        await this.#flush(bundle);
        this.#sendGap(chunk.gap);
        await this.#untilFree();
      } else await this.#addChunk(chunk, bundle);
    }
    await this.#flush(bundle);
    this.#cursor = through;
  }

  async #addChunk(chunk: Batch, bundle: Bundle): Promise<void> {
    const wanted = selectMatching(chunk, this.filter);
    bundle.batch.events.push(...wanted.events);
    bundle.batch.lines.push(...wanted.lines);
    bundle.bytes += wanted.lines.reduce((sum, line) => sum + line.length, 0);
    if (bundle.bytes >= this.#messageBytes / 2) return await this.#flush(bundle);
    if (bundle.batch.lines.length > 0 || this.#feed.now() - this.#sentAt <= POSITION_MS) return;
    this.#sendPosition(chunk.events.at(-1)?.seq ?? this.#cursor);
    await this.#untilFree();
  }

  async #flush(bundle: Bundle): Promise<void> {
    if (bundle.batch.lines.length === 0) return;
    this.#sendEvents(bundle.batch);
    bundle.batch = { events: [], lines: [] };
    bundle.bytes = 0;
    await this.#untilFree();
  }

  async #untilFree(): Promise<void> {
    while (!this.#isClosed && !this.#isFree()) await new Promise<void>((resolve) => (this.#wake = resolve));
    this.#wake = undefined;
  }
}

function withoutSuperseded({ events, lines }: Batch): Batch {
  const kept = keepNewest(events);
  return { events: events.filter((_, index) => kept[index]), lines: lines.filter((_, index) => kept[index]) };
}
