/** Error of a channel for an attempt that did not succeed, with its outcome. */
import type { DeliveryOutcome } from '../channel.js';

type Failure = Exclude<DeliveryOutcome, { outcome: 'sent' }>;

export class Undeliverable extends Error {
  constructor(readonly outcome: Failure) {
    super(outcome.error);
  }
}

/** Permanent failure. */
export function failed(error: string): Undeliverable {
  return new Undeliverable({ outcome: 'failed', error });
}

/** Temporary failure; `after`: minimum delay of the next attempt in milliseconds. */
export function retry(error: string, after?: number): Undeliverable {
  return new Undeliverable({ outcome: 'retry', error, ...(after !== undefined && { after }) });
}

/**
 * Runs a task with a timeout: its signal is aborted after that, or when `outer` is.
 * @param who - the server, for the error
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
