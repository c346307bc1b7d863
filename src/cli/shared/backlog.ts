/** Buffer of lines for events from before the command started; a terminal shows only the last of them. */

/** The number of events in a default subscription. */
const MAX_LINES = 100;
/** Older events are complete after this time without another one. */
const QUIET_MS = 100;

export class Backlog {
  #lines: string[] = [];
  #dropped = 0;
  #timer: NodeJS.Timeout | undefined;
  readonly #print: (lines: readonly string[], dropped: number) => Promise<void>;

  /** @param print - receives the last lines, oldest first, and the number of lines before them */
  constructor(print: (lines: readonly string[], dropped: number) => Promise<void>) {
    this.#print = print;
  }

  add(lines: readonly string[]): void {
    const all = [...this.#lines, ...lines];
    this.#lines = all.slice(-MAX_LINES);
    this.#dropped += all.length - this.#lines.length;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.flush(), QUIET_MS);
  }

  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    const [lines, dropped] = [this.#lines, this.#dropped];
    this.#lines = [];
    this.#dropped = 0;
    if (lines.length > 0) await this.#print(lines, dropped);
  }
}
