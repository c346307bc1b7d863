/** How many tokens an execution uses per minute, from the events that report them. */
import type { ExecutionEvent } from '../core/event.js';
import { numberOf } from '../core/event.js';
import { evictOldest } from '../core/evict.js';

/** Executions whose use is kept. */
const MAX_EXECUTIONS = 1_000;

interface Used {
  at: number;
  tokens: number;
}

/** Keeps what each execution has used within a time. */
export class TokenRates {
  readonly #windowMs: number;
  readonly #used = new Map<string, Used[]>();

  /** @param windowMs The longest window that is asked for. */
  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  /** Takes an event of an execution. */
  note({ execution, time, data }: ExecutionEvent): void {
    const tokens = numberOf(data, 'tokens') ?? 0;
    if (execution === undefined || this.#windowMs === 0 || tokens <= 0) return;
    const at = Date.parse(time);
    const recent = this.#used.get(execution)?.filter((one) => one.at > at - this.#windowMs) ?? [];
    this.#used.delete(execution);
    this.#used.set(execution, [...recent, { at, tokens }]);
    evictOldest(this.#used, MAX_EXECUTIONS);
  }

  /** Tokens a minute over the window that ends with this event. */
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
