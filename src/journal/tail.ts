/** Collects the newest events that are wanted, from the newest block backwards. */
import type { ExecutionEvent } from '../core/events/event.js';
import type { Batch } from './lines.js';
import { containing } from './search.js';
import type { OpenSegment } from './source.js';

export class NewestEvents {
  readonly #count: number;
  readonly #isWanted: (event: ExecutionEvent) => boolean;
  readonly #execution: string | undefined;
  /** Newest first. */
  readonly #chunks: Batch[] = [];
  #found = 0;
  /** Events above this seq are collected already. */
  #through: number;

  /** @param execution - if given, no other is wanted */
  constructor(
    count: number,
    isWanted: (event: ExecutionEvent) => boolean,
    execution: string | undefined,
    through: number,
  ) {
    this.#count = count;
    this.#isWanted = isWanted;
    this.#execution = execution;
    this.#through = through;
  }

  get isFull(): boolean {
    return this.#found >= this.#count;
  }

  async readSegment(segment: OpenSegment): Promise<void> {
    for (const block of segment.blocksOf(this.#execution).reverse()) {
      if (this.isFull) return;
      if (segment.firstSeq(block) <= this.#through) await this.#readBlock(segment, block);
    }
  }

  async #readBlock(segment: OpenSegment, block: number): Promise<void> {
    const chunk: Batch = { events: [], lines: [] };
    const before = segment.firstSeq(block) - 1;
    const search = this.#execution === undefined ? undefined : containing(JSON.stringify(this.#execution));
    await segment.decodeBlock(
      block,
      { before, after: 0, through: this.#through, search },
      {
        event: (event, line) => {
          if (!this.#isWanted(event)) return;
          chunk.events.push(event);
          chunk.lines.push(line);
        },
      },
    );
    this.#chunks.push(chunk);
    this.#found += chunk.events.length;
    this.#through = Math.min(this.#through, before); // in older blocks these are copies
  }

  /** Oldest first. */
  batch(): Batch {
    const chunks = this.#chunks.toReversed();
    const excess = Math.max(0, this.#found - this.#count);
    return {
      events: chunks.flatMap((chunk) => chunk.events).slice(excess),
      lines: chunks.flatMap((chunk) => chunk.lines).slice(excess),
    };
  }
}
