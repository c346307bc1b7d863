/** Compresses sealed segments in the background, one at a time. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ProgressError } from '../core/base/errors.js';
import { archiveSegment } from './archive.js';

/** With this many segments waiting (128 MiB by default), compression no longer waits for an idle journal. */
const BACKLOG = 8;
/** Interval of checks whether the journal is still busy. */
const BUSY_CHECK_MS = 200;

export interface ArchiverOptions {
  directory: string;
  /** Whether the journal is being written to. */
  isBusy: () => boolean;
  log: (message: string) => void;
  /** Called when the size of the segment on disk has changed. */
  archived: (first: number) => Promise<void>;
}

export class Archiver {
  readonly #options: ArchiverOptions;
  #queue: number[] = [];
  /** Segments whose compression failed, for lack of space for instance: retried with the next one. */
  #postponed: number[] = [];
  #job: { first: number; stop: AbortController; done: Promise<void> } | undefined;
  #running: Promise<void> = Promise.resolve();
  #isRunning = false;

  constructor(options: ArchiverOptions) {
    this.#options = options;
  }

  add(...segments: number[]): void {
    this.#queue.push(...this.#postponed.splice(0), ...segments);
    if (this.#isRunning || this.#queue.length === 0) return;
    this.#isRunning = true;
    this.#running = this.#run();
  }

  /** Resolves when the segment's files are no longer in use. */
  async drop(first: number): Promise<void> {
    this.#queue = this.#queue.filter((waiting) => waiting !== first);
    this.#postponed = this.#postponed.filter((waiting) => waiting !== first);
    if (this.#job?.first !== first) return;
    this.#job.stop.abort();
    await this.#job.done;
  }

  async close(): Promise<void> {
    this.#queue = [];
    this.#job?.stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    for (let first; (first = this.#queue.shift()) !== undefined;) await this.#archive(first);
    this.#isRunning = false;
  }

  async #archive(first: number): Promise<void> {
    const stop = new AbortController();
    const done = this.#attempt(first, stop.signal);
    this.#job = { first, stop, done };
    await done;
    this.#job = undefined;
  }

  async #attempt(first: number, signal: AbortSignal): Promise<void> {
    try {
      await archiveSegment(this.#options.directory, first, () => this.#pace(signal));
      await this.#options.archived(first);
    } catch (error) {
      if (!signal.aborted) this.#postpone(first, error);
    }
  }

  #postpone(first: number, error: unknown): void {
    this.#postponed.push(first);
    this.#options.log(`segment ${first} stays uncompressed for now: ${ProgressError.from(error).message}`);
  }

  async #pace(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    while (this.#options.isBusy() && this.#queue.length < BACKLOG) {
      await sleep(BUSY_CHECK_MS, undefined, { signal, ref: false });
    }
  }
}
