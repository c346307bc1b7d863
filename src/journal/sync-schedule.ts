/** When to sync: at once, or a while after the first byte that is not synced. Nothing ticks while nothing is written. */

/** After the first byte that is not synced. */
const DELAY_MS = 1_000;

export class SyncSchedule {
  readonly #pass: () => Promise<void>;
  #current: Promise<void> | undefined;
  #following: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** `pass` syncs what has been written when it begins, and keeps its own record of failures. */
  constructor(pass: () => Promise<void>) {
    this.#pass = pass;
  }

  /** Resolves when everything written so far is synced. All who ask while a pass runs share the one after it. */
  request(): Promise<void> {
    if (this.#current === undefined) return this.#start();
    const start = () => {
      this.#following = undefined;
      return this.#start();
    };
    return (this.#following ??= this.#current.then(start, start));
  }

  now(): void {
    this.request().catch(() => undefined); // the next write is told
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
