/** Token rates of executions, from the events that report tokens. */
import type { ExecutionEvent } from '../core/events/event.js';
import { numberOf } from '../core/events/event.js';
import { evictOldest } from '../core/base/evict.js';

/** Bound of remembered executions. */
const MAX_EXECUTIONS = 1_000;

interface Used {
  at: number;
  tokens: number;
}

/** Tokens that executions have used within a window. */
export class TokenRates {
  readonly #windowMs: number;
  readonly #used = new Map<string, Used[]>();

  /** @param windowMs - the longest window that is requested */
  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  /** Adds an event of an execution. */
  note({ execution, time, data }: ExecutionEvent): void {
    const tokens = numberOf(data, 'tokens') ?? 0;
    if (execution === undefined || this.#windowMs === 0 || tokens <= 0) return;
    const at = Date.parse(time);
    const recent = this.#used.get(execution)?.filter((one) => one.at > at - this.#windowMs) ?? [];
    this.#used.delete(execution);
    this.#used.set(execution, [...recent, { at, tokens }]);
    evictOldest(this.#used, MAX_EXECUTIONS);
  }

  /** @returns tokens per minute over the window that ends with this event */
  rate({ execution, time }: ExecutionEvent, windowMs: number): number {
    const since = Date.parse(time) - windowMs;
    const used = this.#used.get(execution ?? '') ?? [];
    const sum = used.reduce((total, { at, tokens }) => (at > since ? total + tokens : total), 0);
    return sum / (windowMs / 60_000);
  }

  forget(id: string): void {
    this.#used.delete(id);
  }
}
