/** Caches lines of a log in pages; evicts the least recently used pages. */
import { evictOldest } from '../../src/core/base/evict.js';
import type { LogLine } from '../../src/core/events/log.js';

/** Lines of a page: line `n` belongs to page `floor((n - 1) / PAGE_LINES)`. */
export const PAGE_LINES = 500;
/** About 50,000 lines. */
const MAX_PAGES = 100;

export function pageOf(line: number): number {
  return Math.floor((line - 1) / PAGE_LINES);
}

export class LineCache {
  /** Pages are sparse; the most recently used is the last. */
  readonly #pages = new Map<number, (LogLine | undefined)[]>();

  get(line: number): LogLine | undefined {
    return this.#pages.get(pageOf(line))?.[(line - 1) % PAGE_LINES];
  }

  put(line: LogLine): void {
    const at = pageOf(line.line);
    let page = this.#pages.get(at);
    if (!page) {
      page = [];
      this.#pages.set(at, page);
      evictOldest(this.#pages, MAX_PAGES);
    }
    page[(line.line - 1) % PAGE_LINES] = line;
  }

  /** Marks a page as used. */
  touch(at: number): void {
    const page = this.#pages.get(at);
    if (!page) return;
    this.#pages.delete(at);
    this.#pages.set(at, page);
  }

  /** Returns whether all lines of a page are cached, in a log of `total` lines. */
  isComplete(at: number, total: number): boolean {
    const first = at * PAGE_LINES + 1;
    const end = Math.min(first + PAGE_LINES, total + 1);
    for (let line = first; line < end; line++) if (!this.get(line)) return false;
    return true;
  }

  clear(): void {
    this.#pages.clear();
  }
}
