/** Ring buffer of the newest events and their lines: a subscriber that keeps up never reads a file. */
import type { ExecutionEvent } from '../../core/events/event.js';
import type { Filter } from '../../core/events/filter.js';
import { isOpen, matches } from '../../core/events/filter.js';
import type { Batch } from '../../journal/lines.js';

const RING_BYTES = 1024 * 1024;

interface Block {
  lines: string[];
  /** Parsed again from the lines when needed: objects that live long cost ingest more than anything else. */
  events: ExecutionEvent[] | undefined;
  first: number;
  last: number;
  bytes: number;
}

export class RecentEvents {
  readonly #blocks: Block[] = [];
  #bytes = 0;
  #head: number;

  /** @param head the newest seq that is written */
  constructor(head: number) {
    this.#head = head;
  }

  get head(): number {
    return this.#head;
  }

  /** @param keepsEvents whether a subscriber reads them soon */
  push(events: ExecutionEvent[], lines: string[], keepsEvents: boolean): void {
    const first = events[0]?.seq ?? 0;
    this.#head = events.at(-1)?.seq ?? this.#head;
    const bytes = lines.reduce((sum, line) => sum + line.length + 1, 0);
    this.#blocks.push({ lines, events: keepsEvents ? events : undefined, first, last: this.#head, bytes });
    this.#bytes += bytes;
    while (this.#bytes > RING_BYTES && this.#blocks.length > 1) this.#bytes -= this.#blocks.shift()?.bytes ?? 0;
  }

  /**
   * Takes what passes the filter after `cursor`, about `maxBytes` of it.
   *
   * @returns the batch and the cursor after it; undefined when events after `cursor` were evicted
   */
  take(cursor: number, filter: Filter, maxBytes: number): { batch: Batch; cursor: number } | undefined {
    const blocks = this.#after(cursor);
    return blocks && takeBlocks(blocks, cursor, filter, maxBytes);
  }

  /** Removes the events of these executions. */
  forget(executions: ReadonlySet<string>): void {
    const isKept = ({ execution }: ExecutionEvent) => execution === undefined || !executions.has(execution);
    for (const block of this.#blocks) {
      const { events, lines } = batchOf(block);
      if (events.every(isKept)) continue;
      block.lines = events.flatMap((event, index) => (isKept(event) ? (lines[index] ?? []) : []));
      block.events = events.filter(isKept);
    }
  }

  /** Blocks with events after `cursor`; undefined when some of these were evicted. */
  #after(cursor: number): Block[] | undefined {
    const blocks = this.#blocks;
    if (cursor >= this.#head) return [];
    let index = blocks.length;
    while (index > 0 && (blocks[index - 1]?.last ?? 0) > cursor) index--;
    const reachesBack = index > 0 || (blocks[0]?.first ?? Infinity) <= cursor + 1;
    return reachesBack ? blocks.slice(index) : undefined;
  }
}

function takeBlocks(
  blocks: Block[],
  cursor: number,
  filter: Filter,
  maxBytes: number,
): { batch: Batch; cursor: number } {
  const [first] = blocks;
  // the common case shares one batch, and so one encoding, between all subscribers that keep up
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
      addMatching(batch, event, line, filter);
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

/** Returns the events of a batch that pass the filter. */
export function selectMatching(batch: Batch, filter: Filter): Batch {
  if (isOpen(filter)) return batch;
  const selected: Batch = { events: [], lines: [] };
  for (const [index, event] of batch.events.entries()) addMatching(selected, event, batch.lines[index] ?? '', filter);
  return selected;
}

function addMatching(batch: Batch, event: ExecutionEvent, line: string, filter: Filter): void {
  if (!matches(filter, event)) return;
  batch.events.push(event);
  batch.lines.push(line);
}
