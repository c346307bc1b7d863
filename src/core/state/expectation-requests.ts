/** Keeps a replica supplied with what earlier executions took: a stream of events does not say it. */
import type { ExecutionEvent } from '../events/event.js';
import type { ExecutionJson } from '../execution.js';
import type { Replica } from './replica.js';

/** Throttle: many executions may start at once. */
const INTERVAL_MS = 1_000;

interface ExpectationSource {
  /** Waits. @returns Whether the replica is still open. */
  wait(ms: number): Promise<boolean>;
  /** Requests the open executions as they are in replies. */
  request(): Promise<readonly ExecutionJson[]>;
  /** Called when expectations were added. */
  onAdded(): void;
}

export class ExpectationRequests {
  readonly #replica: Replica;
  readonly #source: ExpectationSource;
  #isPending = false;

  constructor(replica: Replica, source: ExpectationSource) {
    this.#replica = replica;
    this.#source = source;
  }

  /** Requests expectations if one of these events, which the replica has folded, started an execution. */
  onFolded(events: readonly ExecutionEvent[]): void {
    if (this.#isPending || !events.some(({ type }) => type === 'execution_started')) return;
    this.#isPending = true;
    // after an error, the next execution that starts requests them again
    void this.#load().catch(() => undefined);
  }

  async #load(): Promise<void> {
    const isOpen = await this.#source.wait(INTERVAL_MS);
    this.#isPending = false;
    if (!isOpen) return;
    this.#replica.addExpectations(await this.#source.request());
    this.#source.onAdded();
  }
}
