/** Holds back the lines of events from before a command began, so that a terminal shows only the last of them. */

/** As many as there are events in a default subscription. */
const MAX_LINES = 100;
/** Without another event for so long, everything that was there has come. */
const QUIET_MS = 100;

export class Backlog {
  #lines: string[] = [];
  #dropped = 0;
  #timer: NodeJS.Timeout | undefined;
  readonly #print: (lines: readonly string[], dropped: number) => Promise<void>;

  /** @param print gets the last lines, oldest first, and the number of lines before them */
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
