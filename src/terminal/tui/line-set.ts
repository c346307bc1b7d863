/** The lines of a log that are shown, as ascending inclusive ranges of line numbers. */
export class LineSet {
  readonly #ranges: [first: number, last: number][] = [];
  /** Number of lines before each range. */
  readonly #before: number[] = [];
  #size = 0;

  /** All lines up to a number. */
  static through(total: number): LineSet {
    const set = new LineSet();
    if (total > 0) set.add([1, total]);
    return set;
  }

  get size(): number {
    return this.#size;
  }

  /** Number of the last line; 0 of none. */
  get last(): number {
    return this.#ranges.at(-1)?.[1] ?? 0;
  }

  /** Appends a range that begins after the last line. */
  add([first, last]: readonly [number, number]): void {
    if (last < first) return;
    this.#before.push(this.#size);
    this.#ranges.push([first, last]);
    this.#size += last - first + 1;
  }

  /** @returns the number of the line at an index from 0 on */
  at(index: number): number | undefined {
    const range = this.#ranges[this.#find((position) => (this.#before[position] ?? 0) <= index)];
    if (!range || index < 0 || index >= this.#size) return undefined;
    return range[0] + index - (this.#before[this.#ranges.indexOf(range)] ?? 0);
  }

  /** @returns the index of a line, or of the next one that is in the set; the size if there is none */
  indexOf(line: number): number {
    const position = this.#find((candidate) => (this.#ranges[candidate]?.[0] ?? 0) <= line);
    const range = this.#ranges[position];
    if (!range) return 0;
    const before = this.#before[position] ?? 0;
    return line > range[1] ? before + range[1] - range[0] + 1 : before + line - range[0];
  }

  /** Returns the last position for which a monotonic condition holds; -1 if it never does. */
  #find(holds: (position: number) => boolean): number {
    let low = -1;
    let high = this.#ranges.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (holds(middle)) low = middle;
      else high = middle;
    }
    return low;
  }
}
