/** How an attempt ends within a channel when it does not succeed: thrown, with the outcome that it has. */
import type { DeliveryOutcome } from '../channel.js';

type Failure = Exclude<DeliveryOutcome, { outcome: 'sent' }>;

export class Undeliverable extends Error {
  constructor(readonly outcome: Failure) {
    super(outcome.error);
  }
}

/** It will not go better another time. */
export function failed(error: string): Undeliverable {
  return new Undeliverable({ outcome: 'failed', error });
}

/** It may, and not sooner than in `after` milliseconds. */
export function retry(error: string, after?: number): Undeliverable {
  return new Undeliverable({ outcome: 'retry', error, ...(after !== undefined && { after }) });
}

/**
 * What `task` comes to, as long as `outer` is not aborted and within so many milliseconds: then its own signal is
 * aborted. `who` does not answer stands in the message.
 */
export async function withDeadline<T>(
  outer: AbortSignal,
  timeoutMs: number,
  who: string,
  task: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const inner = new AbortController();
  const abort = () => inner.abort();
  const timer = setTimeout(() => inner.abort(LATE), timeoutMs);
  outer.addEventListener('abort', abort);
  try {
    if (outer.aborted) abort();
    return await task(inner.signal);
  } catch (error) {
    if (outer.aborted) throw retry(`${who}: it was interrupted`);
    if (inner.signal.reason === LATE) throw retry(`${who}: no answer within ${timeoutMs / 1_000} seconds`);
    throw error;
  } finally {
    clearTimeout(timer);
    outer.removeEventListener('abort', abort);
  }
}

const LATE = Symbol('late');
