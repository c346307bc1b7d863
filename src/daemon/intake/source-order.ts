/**
 * Keeps the order within a source: when an event cannot be written, later ones are refused until it is sent again.
 *
 * Resending from the last acknowledged n is therefore always right. Between sources the order is that of arrival,
 * with one exception: before the end of an execution is taken, the daemon takes what commands have written to the
 * spool by then (`Spool.catchUp`).
 */
import type { NewEvent } from '../../core/events/event.js';
import { ProgressError } from '../../core/base/errors.js';

export interface SourceOrder {
  /** Why this event may not be written yet: its n would acknowledge an earlier event that was refused. */
  refusal: (event: NewEvent) => ProgressError | undefined;
  /** Notes that an event was not written. */
  refused: (event: NewEvent, error: ProgressError) => void;
}

/** Sources of one connection with a refused event. */
const MAX_REFUSED = 1_000;

/**
 * Creates the order of one connection: on a new connection a producer begins with the missing event.
 *
 * @param onExcess called when more than MAX_REFUSED sources have a refused event
 */
export function createSourceOrder(onExcess: () => void): SourceOrder {
  /** By source: the first n that was refused. */
  const missing = new Map<string, { n: number; error: ProgressError }>();
  return {
    refusal({ source, n }) {
      if (missing.size === 0 || source === undefined || n === undefined) return undefined;
      const first = missing.get(source);
      if (!first || n < first.n) return undefined;
      if (n > first.n) return waitingFor(first);
      missing.delete(source);
      return undefined;
    },
    refused({ source, n }, error) {
      if (source === undefined || n === undefined || n >= (missing.get(source)?.n ?? Infinity)) return;
      missing.set(source, { n, error });
      if (missing.size > MAX_REFUSED) onExcess();
    },
  };
}

function waitingFor({ n, error }: { n: number; error: ProgressError }): ProgressError {
  const advice = `send n ${n} of this source again first`;
  return new ProgressError(error.code, `${advice}, it was refused: ${error.message}`, { cause: error });
}
