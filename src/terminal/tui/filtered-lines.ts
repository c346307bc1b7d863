/** The lines of a log that pass its filter: found by searches, which continue as the log grows. */
import { ProgressError } from '../../core/base/errors.js';
import type { ActionContext } from './actions.js';
import { LineSet } from './line-set.js';
import type { TuiLogSearch } from './page.js';

/** Throttle of searches while the log grows. */
const SEARCH_MS = 500;

export interface FilteredLinesOptions {
  context: Pick<ActionContext, 'source' | 'report'>;
  id: string;
  onChange: () => void;
}

/** A filter, and how far the log has been searched for it. */
interface Filtered {
  key: string;
  lines: LineSet;
  through: number;
  searchedAt: number;
  isRunning: boolean;
}

export class FilteredLines {
  readonly #options: FilteredLinesOptions;
  #filtered: Filtered | undefined;

  constructor(options: FilteredLinesOptions) {
    this.#options = options;
  }

  /** @returns the lines known so far; `onChange` is called when a search has found more */
  refresh(total: number, filter: TuiLogSearch | undefined): LineSet {
    if (!filter) {
      this.#filtered = undefined;
      return LineSet.through(total);
    }
    const key = JSON.stringify(filter);
    if (this.#filtered?.key !== key) {
      this.#filtered = { key, lines: new LineSet(), through: 0, searchedAt: 0, isRunning: false };
    }
    void this.#search(this.#filtered, filter, total);
    return this.#filtered.lines;
  }

  async #search(filtered: Filtered, filter: TuiLogSearch, total: number): Promise<void> {
    const { context, id, onChange } = this.#options;
    const now = Date.now();
    if (filtered.isRunning || filtered.through >= total || now - filtered.searchedAt < SEARCH_MS) return;
    filtered.isRunning = true;
    filtered.searchedAt = now;
    try {
      const { ranges } = await context.source.search(id, { ...filter, from: filtered.through + 1 });
      for (const range of ranges) filtered.lines.add(range);
    } catch (error) {
      context.report(ProgressError.from(error).message, true);
    }
    filtered.through = total;
    filtered.isRunning = false;
    onChange();
  }
}
