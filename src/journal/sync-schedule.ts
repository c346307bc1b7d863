/** Schedules syncs: at once, or with a delay after the first unsynced byte. No timer runs while nothing is written. */

/** Delay after the first unsynced byte. */
const DELAY_MS = 1_000;

export class SyncSchedule {
  readonly #pass: () => Promise<void>;
  #current: Promise<void> | undefined;
  #following: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** @param pass - syncs what is written when it starts, and records failures itself */
  constructor(pass: () => Promise<void>) {
    this.#pass = pass;
  }

  /** Resolves when everything written so far is synced. Requests during a pass share the next one. */
  request(): Promise<void> {
    if (this.#current === undefined) return this.#start();
    const start = () => {
      this.#following = undefined;
      return this.#start();
    };
    return (this.#following ??= this.#current.then(start, start));
  }

  now(): void {
    this.request().catch(() => undefined); // the next write throws it
  }

  soon(): void {
    this.#timer ??= setTimeout(() => this.now(), DELAY_MS).unref();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #start(): Promise<void> {
    this.stop();
    this.#current = this.#pass().finally(() => (this.#current = undefined));
    return this.#current;
  }
}
