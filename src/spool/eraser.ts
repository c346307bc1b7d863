/**
 * Blanks lines of spool files that hold secrets, or that belong to pruned executions, once the journal has synced them.
 *
 * Lines whose event the daemon masks or ignores are overwritten with spaces in the spool file when the journal has the
 * event and has synced it. The file keeps its length, inode and time, since its writer may append and a line is known
 * by its offset; readers skip blank lines. At its start a daemon checks the newest part of what its predecessor
 * read. Pruning blanks everything in spool files that the journal has.
 */
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { errnoOf, ProgressError } from '../core/base/errors.js';
import { SerialQueue } from '../core/base/serial-queue.js';
import { blankRanges, findLines, type Range } from './blank.js';
import { parseSpoolName } from './names.js';
import { type SpoolFile, toSpoolEvent } from './spool-file.js';
import type { NewEvent } from '../core/events/event.js';

export interface EraserOptions {
  directory: string;
  files: () => Iterable<SpoolFile>;
  /** The newest event of the journal, and the newest that survives power loss. */
  position: () => { seq: number; synced: number };
  /** Decides whether an event holds a secret, for the events of one file in their order. */
  createSecretTest: () => (event: NewEvent) => boolean;
  log: (message: string) => void;
}

/** Delay between attempts while lines wait for the journal to be synced. */
const RETRY_MS = 500;
/** Bound of the check for lines that an earlier daemon read and did not blank; these are the newest ones. */
const MAX_SCANNED_BYTES = 16 * 1024 * 1024;

/** Blanks everything that a synced journal has (`takenOf`: the offset of a source), when no daemon runs. */
export async function blankTaken(directory: string, takenOf: (source: string) => number | undefined): Promise<void> {
  for (const name of existsSync(directory) ? readdirSync(directory) : []) {
    const taken = takenOf(parseSpoolName(name)?.source ?? '') ?? 0;
    if (taken > 0) await blankRanges(path.join(directory, name), [[0, taken]]);
  }
}

export class Eraser {
  readonly #options: EraserOptions;
  #timer: NodeJS.Timeout | undefined;
  readonly #work = new SerialQueue();
  #isClosed = false;

  constructor(options: EraserOptions) {
    this.#options = options;
  }

  /** Schedules an attempt to blank secrets. */
  schedule(): void {
    if (this.#isClosed) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.eraseSecrets().then((isDone) => isDone || this.schedule());
    }, RETRY_MS);
  }

  /** @returns whether no secrets wait to be blanked */
  async eraseSecrets(): Promise<boolean> {
    return await this.#queue(async () => {
      let isDone = true;
      for (const file of [...this.#options.files()]) {
        const { seq, synced } = this.#options.position();
        if (file.unscanned > 0) file.addSecrets(await this.#scan(file));
        const ranges = file.takeSecrets(seq, synced);
        await blankRanges(this.#pathOf(file), ranges);
        isDone &&= !file.hasSecrets;
      }
      return isDone;
    }, true);
  }

  /** Blanks everything that the journal holds of every file. */
  async eraseTaken(sync: () => Promise<void>): Promise<void> {
    await this.#queue(async () => {
      const files = [...this.#options.files()].filter(({ skipped }) => skipped === undefined);
      const taken = files.map((file): [string, Range] => [this.#pathOf(file), [0, file.settled]]);
      await sync();
      for (const [file, range] of taken) await blankRanges(file, [range]);
    }, undefined);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#work.idle();
  }

  /** Finds secrets in lines that an earlier daemon read. */
  async #scan(file: SpoolFile): Promise<Range[]> {
    const through = file.unscanned;
    const isSecret = this.#options.createSecretTest();
    file.unscanned = 0;
    return await findLines(this.#pathOf(file), [Math.max(0, through - MAX_SCANNED_BYTES), through], (text) => {
      const event = toSpoolEvent(text);
      return event !== undefined && isSecret(event);
    });
  }

  #pathOf({ name }: SpoolFile): string {
    return path.join(this.#options.directory, name);
  }

  /** Runs tasks one at a time. A failure is logged, and the next daemon tries again. */
  async #queue<T>(task: () => Promise<T>, otherwise: T): Promise<T> {
    return await this.#work.run(task).catch((error: unknown) => {
      if (errnoOf(error) !== 'ENOENT')
        this.#options.log(`spool: cannot blank lines: ${ProgressError.from(error).message}`);
      return otherwise;
    });
  }
}
