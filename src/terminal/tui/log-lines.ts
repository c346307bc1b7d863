/** Lines of a log in memory: reads those that are asked for and not known yet, one request at a time. */
import { ProgressError } from '../../core/base/errors.js';
import type { LogLine } from '../../core/events/log.js';
import type { TuiSource } from './page.js';

/** Lines of one request, most of them before or after the one that is missing. */
const PAGE_LINES = 500;
/** Beyond it all but the newest page is evicted. */
const MAX_LINES = 20_000;

export class LogLines {
  readonly #source: Pick<TuiSource, 'log' | 'recentLines'>;
  readonly #id: string;
  readonly #onChange: () => void;
  readonly #lines = new Map<number, LogLine>();
  #isReading = false;
  #failure: string | undefined;

  constructor(source: Pick<TuiSource, 'log' | 'recentLines'>, id: string, onChange: () => void) {
    this.#source = source;
    this.#id = id;
    this.#onChange = onChange;
  }

  /** Why lines cannot be read at present. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** @returns the line, or undefined until it has been read; then `onChange` is called */
  get(number: number): LogLine | undefined {
    const known = this.#lines.get(number) ?? this.#recent(number);
    if (!known) void this.#read(number);
    return known;
  }

  /** Reads one line. */
  async load(number: number): Promise<LogLine | undefined> {
    const known = this.#lines.get(number);
    if (known) return known;
    const { lines } = await this.#source.log(this.#id, number, 1);
    return lines[0];
  }

  #recent(number: number): LogLine | undefined {
    const recent = this.#source.recentLines(this.#id);
    return recent[number - (recent[0]?.line ?? 0)];
  }

  async #read(number: number): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    try {
      const from = this.#lines.has(number - 1) ? number : Math.max(1, number - PAGE_LINES / 10);
      const { lines } = await this.#source.log(this.#id, from, PAGE_LINES);
      if (this.#lines.size > MAX_LINES) this.#lines.clear();
      for (const line of lines) this.#lines.set(line.line, line);
      this.#failure = undefined;
      // a page of long lines is short
      if (lines.length > 0 && !this.#lines.has(number)) this.#lines.set(number, unavailable(number));
    } catch (error) {
      this.#failure = ProgressError.from(error).message;
    } finally {
      this.#isReading = false;
    }
    this.#onChange();
  }
}

/** Placeholder of a line that the journal no longer has. */
function unavailable(line: number): LogLine {
  return { line, seq: 0, time: '', type: 'journal_note', text: '' };
}
