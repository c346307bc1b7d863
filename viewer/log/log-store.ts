/** The lines of one log: pages that are fetched when they come into view, and live lines at the end. Bounded. */
import type { ExecutionEvent } from '../../src/core/events/event.js';
import type { LogLine } from '../../src/core/events/log.js';
import { cutLine, linesOf } from '../../src/core/events/log.js';
import type { Api } from '../api.js';
import { LineCache, PAGE_LINES, pageOf } from './line-cache.js';

/** Lines loaded at first. */
const TAIL_LINES = 200;
/** Lines of one request for copying. */
const READ_LINES = 1_000;

export class LogStore {
  readonly #api: Api;
  readonly #id: string;
  readonly #onChange: () => void;
  readonly #cache = new LineCache();
  /** Pages that are being fetched. */
  readonly #fetching = new Set<number>();
  #total = 0;
  /** seq of the newest event whose lines are counted in `total`. */
  #seq = 0;
  #isLoaded = false;
  /** Counts calls of `load`: answers to requests made before the last one are discarded. */
  #loads = 0;
  /** Events that arrived before the answer to `load`. */
  #early: ExecutionEvent[] = [];

  /** @param onChange Called when fetched lines are there. */
  constructor(api: Api, id: string, onChange: () => void) {
    this.#api = api;
    this.#id = id;
    this.#onChange = onChange;
  }

  /** Number of the last line. */
  get total(): number {
    return this.#total;
  }

  get isLoaded(): boolean {
    return this.#isLoaded;
  }

  /** Whether the log has no line. */
  get isEmpty(): boolean {
    return this.#isLoaded && this.#total === 0;
  }

  /** Returns a line, truncated for display; undefined if it is not cached. */
  line(number: number): LogLine | undefined {
    return this.#cache.get(number);
  }

  /** Fetches the pages of these lines that are not cached. */
  want(from: number, to: number): void {
    const last = pageOf(Math.min(this.#total, to));
    for (let at = pageOf(Math.max(1, from)); at <= last; at++) {
      this.#cache.touch(at);
      const isWanted = !this.#fetching.has(at) && !this.#cache.isComplete(at, this.#total);
      if (isWanted) this.#fetchPage(at).catch(() => undefined);
    }
  }

  /** Returns these lines, untruncated, except those that the journal no longer has. */
  async read(from: number, to: number): Promise<LogLine[]> {
    const lines: LogLine[] = [];
    for (let next = from; next <= to;) {
      const known = this.line(next);
      if (known && known.cut === undefined) {
        lines.push(known);
        next++;
        continue;
      }
      const limit = Math.min(READ_LINES, to - next + 1);
      const page = await this.#api.log(this.#id, { from: next, limit, untruncated: true });
      if (page.lines.length === 0) break;
      lines.push(...page.lines);
      next = (page.lines.at(-1)?.line ?? to) + 1;
    }
    return lines;
  }

  /** Appends the lines of events from the stream. @returns The new lines. */
  apply(events: readonly ExecutionEvent[]): LogLine[] {
    if (!this.#isLoaded) {
      this.#early.push(...events);
      return [];
    }
    const added: LogLine[] = [];
    for (const event of events) {
      if (event.execution !== this.#id || event.seq <= this.#seq) continue;
      this.#seq = event.seq;
      for (const line of linesOf(event, this.#total + 1)) {
        this.#total = line.line;
        const shown = cutLine(line);
        this.#cache.put(shown);
        added.push(shown);
      }
    }
    return added;
  }

  /** Discards everything and loads the newest lines. */
  async load(): Promise<void> {
    const load = ++this.#loads;
    this.#isLoaded = false;
    const { lines, total, seq } = await this.#api.log(this.#id, { last: TAIL_LINES });
    if (load !== this.#loads) return;
    this.#cache.clear();
    this.#total = total;
    this.#seq = seq;
    for (const line of lines) this.#cache.put(line);
    this.#isLoaded = true;
    this.apply(this.#early);
    this.#early = [];
    this.#onChange();
  }

  async #fetchPage(at: number): Promise<void> {
    const load = this.#loads;
    this.#fetching.add(at);
    try {
      const end = Math.min(this.#total, (at + 1) * PAGE_LINES);
      for (let from = at * PAGE_LINES + 1; from <= end && load === this.#loads;) {
        const { lines } = await this.#api.log(this.#id, { from, limit: end - from + 1 });
        if (load !== this.#loads) return;
        for (const line of lines) this.#cache.put(line);
        // the journal no longer has the lines of an empty answer
        from = (lines.at(-1)?.line ?? end) + 1;
      }
      this.#onChange();
    } finally {
      this.#fetching.delete(at);
    }
  }
}
