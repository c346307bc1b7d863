/** Collects the newest events that pass a filter, from the newest block backwards. */
import type { Filter } from '../core/filter.js';
import { matches } from '../core/filter.js';
import type { Batch } from './lines.js';
import type { OpenSegment } from './source.js';

export class Tail {
  readonly #count: number;
  readonly #filter: Filter;
  /** Newest first. */
  readonly #chunks: Batch[] = [];
  #found = 0;
  /** Everything above is collected already. */
  #through: number;

  constructor(count: number, filter: Filter, through: number) {
    this.#count = count;
    this.#filter = filter;
    this.#through = through;
  }

  get full(): boolean {
    return this.#found >= this.#count;
  }

  async readSegment(segment: OpenSegment): Promise<void> {
    for (const block of segment.blocksOf(this.#filter.execution).reverse()) {
      if (this.full) return;
      if (segment.firstSeq(block) <= this.#through) await this.#readBlock(segment, block);
    }
  }

  async #readBlock(segment: OpenSegment, block: number): Promise<void> {
    const { execution } = this.#filter;
    const chunk: Batch = { events: [], lines: [] };
    const before = segment.firstSeq(block) - 1;
    const containing = execution === undefined ? undefined : JSON.stringify(execution);
    await segment.decodeBlock(
      block,
      { before, after: 0, through: this.#through, containing },
      {
        event: (event, line) => {
          if (!matches(this.#filter, event)) return;
          chunk.events.push(event);
          chunk.lines.push(line);
        },
      },
    );
    this.#chunks.push(chunk);
    this.#found += chunk.events.length;
    this.#through = Math.min(this.#through, before); // in older blocks these would be second copies
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
