/** State of a journal that cannot be written: counts refused writes, and limits retries. */
import { constants } from 'node:os';
import type { NewEvent } from '../core/events/event.js';
import { ProgressError } from '../core/base/errors.js';

/** Minimum interval between attempts to write. */
const RETRY_MS = 1_000;

/** By number, because node has no name for EDQUOT. */
const { ENOSPC, EDQUOT, EFBIG } = constants.errno;
const FULL_DISK: ReadonlySet<unknown> = new Set([-ENOSPC, -EDQUOT, -EFBIG]);

interface Down {
  error: ProgressError;
  since: number;
  triedAt: number;
  refused: number;
}

export class WriteFailure {
  readonly #uptime: () => number;
  #down: Down | undefined;

  constructor(uptime: () => number) {
    this.#uptime = uptime;
  }

  get error(): ProgressError | undefined {
    return this.#down?.error;
  }

  /** @throws while it is too early for another attempt */
  check(): void {
    if (this.#down === undefined || this.#uptime() - this.#down.triedAt >= RETRY_MS) return;
    this.#down.refused++;
    throw this.#down.error;
  }

  /** Records a failure. @returns the error to throw */
  set(thrown: unknown): ProgressError {
    const error = toJournalError(thrown);
    const now = this.#uptime();
    const { since = now, refused = 0 } = this.#down ?? {};
    this.#down = { error, since, triedAt: now, refused: refused + 1 };
    return error;
  }

  /** Records a success. @returns a note for the journal if writing had been failing */
  clear(): NewEvent | undefined {
    const down = this.#down;
    if (down === undefined) return undefined;
    this.#down = undefined;
    const { code, message } = down.error;
    const downMs = Math.round(this.#uptime() - down.since);
    const { refused } = down;
    const data = {
      kind: 'recovered',
      message: `written again after: ${message}`,
      code,
      downMs,
      refusedWrites: refused,
    };
    return { type: 'journal_note', data };
  }
}

function toJournalError(thrown: unknown): ProgressError {
  if (thrown instanceof ProgressError) return thrown;
  const reason = thrown instanceof Error ? thrown.message : String(thrown);
  if (thrown instanceof Error && 'errno' in thrown && FULL_DISK.has(thrown.errno)) {
    const advice = 'free some space; writing resumes automatically';
    return new ProgressError('disk_full', `no space for the journal (${reason}): ${advice}`, { cause: thrown });
  }
  return new ProgressError('journal_failed', `the journal cannot be written: ${reason}`, { cause: thrown });
}
