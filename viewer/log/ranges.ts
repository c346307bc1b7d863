/** Maps the rows of a log view to lines: ranges of line numbers, and rows opened below some lines. Pure. */

export type LineRange = readonly [from: number, to: number];

/** What a row shows: a line, or a row of the detail below it. */
export interface MatchPlace {
  line: number;
  /** 0 for the line itself, otherwise the row of the detail, counted from 1. */
  below: number;
}

export class Rows {
  readonly #ranges: [from: number, to: number][] = [];
  /** Number of lines before each range. */
  readonly #before: number[] = [];
  #lines = 0;
  /** Opened rows, sorted by line. */
  #opened: { line: number; rows: number }[] = [];

  constructor(ranges: readonly LineRange[] = []) {
    for (const [from, to] of ranges) this.append(from, to);
  }

  /** Number of rows. */
  get count(): number {
    return this.#lines + this.#opened.reduce((sum, { rows }) => sum + rows, 0);
  }

  /** Number of lines. */
  get lines(): number {
    return this.#lines;
  }

  /** Appends lines after all others. */
  append(from: number, to: number): void {
    if (to < from) return;
    const last = this.#ranges.at(-1);
    if (last?.[1] === from - 1) last[1] = to;
    else {
      this.#ranges.push([from, to]);
      this.#before.push(this.#lines);
    }
    this.#lines += to - from + 1;
  }

  has(line: number): boolean {
    const range = this.#ranges[this.#rangeAt(line)];
    return range !== undefined && line <= range[1] && line >= range[0];
  }

  /** Returns the lines in a range, inclusive. */
  within(from: number, to: number): LineRange[] {
    const ranges: LineRange[] = [];
    for (let at = Math.max(0, this.#rangeAt(from)); at < this.#ranges.length; at++) {
      const [first, last] = this.#ranges[at] ?? [Infinity, Infinity];
      if (first > to) break;
      if (last >= from) ranges.push([Math.max(first, from), Math.min(last, to)]);
    }
    return ranges;
  }

  /** Sets the number of rows below a line; 0 closes it. */
  open(line: number, rows: number): void {
    this.#opened = this.#opened.filter((one) => one.line !== line);
    if (rows > 0 && this.has(line)) this.#opened.push({ line, rows });
    this.#opened.sort((a, b) => a.line - b.line);
  }

  /** Returns the number of rows below a line. */
  opened(line: number): number {
    return this.#opened.find((one) => one.line === line)?.rows ?? 0;
  }

  /** Returns what a row shows, counted from 0. */
  at(row: number): MatchPlace | undefined {
    let shift = 0;
    for (const { line, rows } of this.#opened) {
      const own = this.#rowOfLine(line) + shift;
      if (row <= own) break;
      if (row <= own + rows) return { line, below: row - own };
      shift += rows;
    }
    return this.#lineAtRow(row - shift);
  }

  /** Returns the row of a line, or of the next line that is shown. */
  rowOf(line: number): number {
    const opened = this.#opened.reduce((sum, one) => (one.line < line ? sum + one.rows : sum), 0);
    return this.#rowOfLine(line) + opened;
  }

  /** Returns the lines without these ranges, inclusive. */
  without(hidden: readonly LineRange[]): Rows {
    let ranges: LineRange[] = this.#ranges;
    for (const [from, to] of hidden) {
      ranges = ranges.flatMap(([first, last]): LineRange[] => {
        if (last < from || first > to) return [[first, last]];
        return [
          [first, from - 1],
          [to + 1, last],
        ];
      });
    }
    return new Rows(ranges.filter(([from, to]) => from <= to));
  }

  #lineAtRow(row: number): MatchPlace | undefined {
    if (row < 0 || row >= this.#lines) return undefined;
    let low = 0;
    let high = this.#ranges.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((this.#before[middle] ?? 0) <= row) low = middle;
      else high = middle - 1;
    }
    return { line: (this.#ranges[low]?.[0] ?? 1) + row - (this.#before[low] ?? 0), below: 0 };
  }

  #rowOfLine(line: number): number {
    const at = this.#rangeAt(line);
    const range = this.#ranges[at];
    if (!range) return 0;
    return (this.#before[at] ?? 0) + Math.min(line, range[1] + 1) - range[0];
  }

  /** Returns the index of the last range that begins at the line or before it, -1 if none does. Binary search. */
  #rangeAt(line: number): number {
    let low = 0;
    let high = this.#ranges.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#ranges[middle]?.[0] ?? Infinity) <= line) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}
