/**
 * Subscribers: each is a cursor over the journal. The newest events come from memory, older ones from the files; one
 * that falls behind reads at its own pace and costs no memory.
 *
 * A subscriber is a cursor over the journal. Those that keep up share the newest lines in memory; those that do not
 * are served from files at their own pace. A socket that its client does not read costs its buffer and nothing else.
 */
import type { ExecutionEvent } from '../../core/event.js';
import type { Filter, Matchable } from '../../core/filter.js';
import { isOpen, matches } from '../../core/filter.js';
import type { Batch } from '../../journal/lines.js';
import type { JournalSource } from '../../journal/reader.js';
import { readJournal } from '../../journal/reader.js';
import type { Gap, Reset } from '../../api/messages.js';

/** Where a subscriber's messages go. */
export interface SubscriberSink {
  /** Writes one message: `value` is JSON, and `cursor` the position behind it. False when the reader is behind. */
  write(kind: PushKind, value: string | Buffer, cursor: number): boolean;
  /** Writes each event of a batch on its own, in place of one message `events`. False when the reader is behind. */
  writeEvents?(batch: Batch): boolean;
  readonly blocked: boolean;
}

export type PushKind = 'events' | 'gap' | 'reset' | 'at';

export interface Subscription {
  filter: Filter;
  /** Everything up to here is delivered, or filtered out. */
  cursor: number;
  /** Messages a second at the most. */
  rate: number | undefined;
  sink: SubscriberSink;
  /** The journal cannot be read. */
  onFailure: (error: unknown) => void;
}

export interface Subscribers {
  add(subscription: Subscription, opening?: { reset?: Reset; batch?: Batch & { gaps?: Gap[] } }): Subscriber;
  publish(batch: Batch): void;
  /** Events of these are no longer told out of memory. */
  forget(executions: ReadonlySet<string>): void;
  /** Is somebody sent events like this one? */
  isAwaited(event: Matchable): boolean;
  readonly size: number;
}

export interface Subscriber {
  /** Everything up to here is delivered, or filtered out. */
  readonly cursor: number;
  /** Resolves when everything is delivered that was written when it was asked. */
  level(): Promise<void>;
  /** The sink takes lines again. */
  resume(): void;
  close(): void;
}

/** The newest lines in memory: enough that whoever keeps up never touches a file. */
const RING_BYTES = 1024 * 1024;
/** One pushed line holds about this much; where a rate makes lines rare, more. */
const MESSAGE_BYTES = 128 * 1024;
const RATED_MESSAGE_BYTES = 1024 * 1024;
/** A filter that lets nothing through: say where it stands this often, while events come. */
const POSITION_MS = 5_000;

interface Block {
  lines: string[];
  /** Parsed again from the lines if somebody asks: objects that live on cost the ingest more than anything else. */
  events: ExecutionEvent[] | undefined;
  first: number;
  last: number;
  bytes: number;
}

/** `head`: the newest seq that is written. `onJoin`: somebody has come. */
export function createSubscribers(
  source: JournalSource,
  head: number,
  now: () => number,
  onJoin: () => void = () => undefined,
): Subscribers {
  let published = head;
  const ring: Block[] = [];
  let ringBytes = 0;
  const all = new Set<{ advance: () => void; filter: Filter }>();
  const encode = createSharedEncoder();

  /** Blocks with events behind `cursor`, or undefined if some of these have left memory. */
  const inMemory = (cursor: number): Block[] | undefined => {
    if (cursor >= published) return [];
    let index = ring.length;
    while (index > 0 && (ring[index - 1]?.last ?? 0) > cursor) index--;
    const reachesBack = index > 0 || (ring[0]?.first ?? Infinity) <= cursor + 1;
    return reachesBack ? ring.slice(index) : undefined;
  };

  const add: Subscribers['add'] = (subscription, opening = {}) => {
    const { filter, sink, onFailure } = subscription;
    const interval = subscription.rate === undefined ? 0 : 1_000 / subscription.rate;
    const messageBytes = interval > 0 ? RATED_MESSAGE_BYTES : MESSAGE_BYTES;
    let { cursor } = subscription;
    let nextAt = 0;
    let saidAt = now();
    let timer: NodeJS.Timeout | undefined;
    let reading = false;
    let closed = false;
    let wake: (() => void) | undefined;

    /** Who waits for the cursor to get there. */
    const waiting: { seq: number; wake: () => void }[] = [];
    const wakeWaiting = () => {
      while (waiting[0] && (closed || waiting[0].seq <= cursor)) waiting.shift()?.wake();
    };

    const noteSaid = () => {
      saidAt = now();
      nextAt = saidAt + interval;
    };
    const say = (kind: PushKind, value: string | Buffer, position: number) => {
      noteSaid();
      return sink.write(kind, value, position);
    };
    const sayEvents = (batch: Batch) => {
      if (!sink.writeEvents) return say('events', encode(batch), batch.events.at(-1)?.seq ?? cursor);
      noteSaid();
      return sink.writeEvents(batch);
    };
    const sayOpening = (batch: Batch & { gaps?: Gap[] }) => {
      const last = batch.events.at(-1)?.seq ?? 0;
      const sayGap = (gap: Gap) => say('gap', JSON.stringify(gap), gap.to);
      batch.gaps?.filter(({ from }) => from <= last).forEach(sayGap);
      if (batch.lines.length > 0) sayEvents(batch);
      batch.gaps?.filter(({ from }) => from > last).forEach(sayGap);
    };
    const sayPosition = (position: number) => say('at', String(position), position);

    /** May something be said now? If not, `advance` is called again when it may. */
    const isFree = (): boolean => {
      if (closed || sink.blocked) return false;
      const wait = nextAt - now();
      if (wait <= 0) return true;
      timer ??= setTimeout(() => {
        timer = undefined;
        advance();
      }, wait);
      return false;
    };

    const advance = () => {
      wake?.();
      while (!reading && isFree() && cursor < published) {
        const blocks = inMemory(cursor);
        if (!blocks) {
          reading = true;
          void readFiles().then(
            () => {
              reading = false;
              if (!closed) advance();
            },
            (error: unknown) => onFailure(error),
          );
          return;
        }
        const taken = takeBlocks(blocks, cursor, filter, messageBytes);
        cursor = taken.cursor;
        if (taken.batch.lines.length > 0) sayEvents(taken.batch);
        else if (now() - saidAt > POSITION_MS) sayPosition(cursor);
      }
      wakeWaiting();
    };

    const untilFree = async () => {
      while (!closed && !isFree()) await new Promise<void>((resolve) => (wake = resolve));
      wake = undefined;
    };

    /** From the files up to what is written now, at the reader's pace. */
    const readFiles = async () => {
      const { execution } = filter;
      const through = published;
      let bundle: Batch = { events: [], lines: [] };
      let bytes = 0;
      const flush = async () => {
        if (bundle.lines.length === 0) return;
        sayEvents(bundle);
        bundle = { events: [], lines: [] };
        bytes = 0;
        await untilFree();
      };
      for await (const chunk of readJournal(source, { after: cursor, through, ...(execution && { execution }) })) {
        if (closed) return;
        if ('gap' in chunk) {
          await flush();
          say('gap', JSON.stringify(chunk.gap satisfies Gap), chunk.gap.to);
          await untilFree();
        } else {
          const wanted = select(chunk, filter);
          bundle.events.push(...wanted.events);
          bundle.lines.push(...wanted.lines);
          bytes += wanted.lines.reduce((sum, line) => sum + line.length, 0);
          if (bytes >= messageBytes / 2) await flush();
          else if (bundle.lines.length === 0 && now() - saidAt > POSITION_MS) {
            sayPosition(chunk.events.at(-1)?.seq ?? cursor);
            await untilFree();
          }
        }
      }
      await flush();
      cursor = through;
    };

    const member = { advance, filter };
    all.add(member);
    onJoin();
    if (opening.reset) say('reset', JSON.stringify(opening.reset), opening.reset.from);
    if (opening.batch) sayOpening(opening.batch);
    advance();
    return {
      get cursor() {
        return cursor;
      },
      async level() {
        const seq = published;
        if (cursor < seq && !closed) {
          const level = new Promise<void>((resolve) => waiting.push({ seq, wake: resolve }));
          await level;
        }
      },
      resume: advance,
      close() {
        closed = true;
        wakeWaiting();
        clearTimeout(timer);
        all.delete(member);
        wake?.();
      },
    };
  };

  return {
    add,
    publish({ events, lines }) {
      const first = events[0]?.seq ?? 0;
      published = events.at(-1)?.seq ?? published;
      const bytes = lines.reduce((sum, line) => sum + line.length + 1, 0);
      ring.push({ lines, events: all.size > 0 ? events : undefined, first, last: published, bytes });
      ringBytes += bytes;
      while (ringBytes > RING_BYTES && ring.length > 1) ringBytes -= ring.shift()?.bytes ?? 0;
      for (const member of all) member.advance();
    },
    forget(executions) {
      for (const block of ring) {
        const { events, lines } = batchOf(block);
        const isKept = ({ execution }: ExecutionEvent) => execution === undefined || !executions.has(execution);
        if (events.every(isKept)) continue;
        block.lines = events.flatMap((event, index) => (isKept(event) ? (lines[index] ?? []) : []));
        block.events = events.filter(isKept);
      }
    },
    isAwaited: (event) => [...all].some(({ filter }) => matches(filter, event)),
    get size() {
      return all.size;
    },
  };
}

function select(batch: Batch, filter: Filter): Batch {
  if (isOpen(filter)) return batch;
  const selected: Batch = { events: [], lines: [] };
  for (const [index, event] of batch.events.entries()) add(selected, event, batch.lines[index] ?? '', filter);
  return selected;
}

function add(batch: Batch, event: ExecutionEvent, line: string, filter: Filter): void {
  if (!matches(filter, event)) return;
  batch.events.push(event);
  batch.lines.push(line);
}

/** What passes the filter behind `cursor`, about `maxBytes` of it, and the cursor behind that. */
function takeBlocks(
  blocks: Block[],
  cursor: number,
  filter: Filter,
  maxBytes: number,
): { batch: Batch; cursor: number } {
  const [first] = blocks;
  // the common case shares one batch, and so one encoding, between all who are level
  if (first && blocks.length === 1 && first.first > cursor && isOpen(filter)) {
    return { batch: batchOf(first), cursor: first.last };
  }
  const batch: Batch = { events: [], lines: [] };
  let reached = cursor;
  let bytes = 0;
  for (const block of blocks) {
    for (const [index, event] of batchOf(block).events.entries()) {
      if (event.seq <= reached) continue;
      const line = block.lines[index] ?? '';
      add(batch, event, line, filter);
      bytes += line.length;
      reached = event.seq;
      if (bytes >= maxBytes) return { batch, cursor: reached };
    }
  }
  return { batch, cursor: reached };
}

function batchOf(block: Block): Batch {
  block.events ??= block.lines.map((line) => JSON.parse(line) as ExecutionEvent);
  return { events: block.events, lines: block.lines };
}

/** The same lines for many subscribers are encoded once. */
function createSharedEncoder(): (batch: Batch) => Buffer {
  let last: { lines: string[]; encoded: Buffer } | undefined;
  return ({ lines }) => {
    if (last?.lines !== lines) last = { lines, encoded: Buffer.from(`[${lines.join(',')}]`) };
    return last.encoded;
  };
}
