/** Which lines of a log are shown, in which rows: those that pass the filter, without folded steps, with opened details. */
import type { LogLine } from '../../src/core/events/log.js';
import { Rows } from './ranges.js';
import type { LineRange, MatchPlace } from './ranges.js';

/** The lines that pass a filter. */
export interface LineFilter {
  /** Existing lines, as found by the daemon. */
  ranges: readonly LineRange[];
  /** Test for lines that arrive live. */
  test: (line: LogLine) => boolean;
}

export class ShownLines {
  #rows = new Rows();
  /** Lines that pass the filter, including those of folded steps. */
  #passing = new Rows();
  #filter: LineFilter | undefined;
  /** Lines of folded steps. */
  #hidden: readonly LineRange[] = [];
  /** Lines of opened details, by the line below which they are shown. */
  readonly #details = new Map<number, string[]>();

  get rows(): Rows {
    return this.#rows;
  }

  /** Appends lines that arrived live. @returns How many of them are shown. */
  append(lines: readonly LogLine[]): number {
    const before = this.#rows.lines;
    for (const line of lines) {
      if (this.#filter && !this.#filter.test(line)) continue;
      this.#passing.append(line.line, line.line);
      if (!this.#isHidden(line.line)) this.#rows.append(line.line, line.line);
    }
    return this.#rows.lines - before;
  }

  /** Whether the number of lines of the log, while unfiltered, is another one. */
  isOutdated(total: number): boolean {
    return !this.#filter && total !== this.#passing.lines;
  }

  /** Sets the number of lines of the log. */
  setTotal(total: number): void {
    if (!this.#filter) this.#passing = new Rows(total > 0 ? [[1, total]] : []);
    this.#rebuild();
  }

  /** @param total Number of lines of the log. */
  setFilter(filter: LineFilter | undefined, total: number): void {
    this.#filter = filter;
    if (filter) this.#passing = new Rows(filter.ranges);
    this.setTotal(total);
  }

  /** Hides the lines of folded steps. */
  setHidden(ranges: readonly LineRange[]): void {
    this.#hidden = ranges;
    this.#rebuild();
  }

  isOpen(line: number): boolean {
    return this.#details.has(line);
  }

  /** Shows a detail below its line. */
  open(line: number, detail: string): void {
    this.#details.set(line, detail.split('\n'));
    this.#rebuild();
  }

  close(line: number): void {
    this.#details.delete(line);
    this.#rebuild();
  }

  /** Returns the text of a row of a detail; undefined for the row of a line. */
  detailAt({ line, below }: MatchPlace): string | undefined {
    return below === 0 ? undefined : (this.#details.get(line)?.[below - 1] ?? '');
  }

  #isHidden(line: number): boolean {
    return this.#hidden.some(([from, to]) => line >= from && line <= to);
  }

  #rebuild(): void {
    this.#rows = this.#passing.without(this.#hidden);
    for (const [line, rows] of this.#details) this.#rows.open(line, rows.length);
  }
}
