/**
 * Starts queued runs as soon as their queue allows it.
 *
 * Queues are computed from the state: their settings are `queue_changed` events, and executions are ordered by their first
 * events. So nothing is stored beside the journal, and any end of a run frees its slot. `core/state/queues.ts` decides which runs
 * start; this file asks it after each event that may change the decision, and repeats a decision that had no effect.
 * Whether the daemon can start a run is checked last, since that reads files.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionEvent, NewEvent } from '../../core/events/event.js';
import { EXECUTION_ENDS } from '../../core/events/event.js';
import type { Execution, Status } from '../../core/execution.js';
import { isInQueue, verdicts } from '../../core/state/queues.js';
import type { State } from '../../core/state/state.js';
import type { Component } from '../component.js';

export interface SchedulerOptions {
  state: State;
  record: (event: NewEvent) => void;
  /** Whether the daemon can start it; other programs queue what they start themselves. */
  isRun: (id: string) => boolean;
  /** Starts a run. Called again for one that does not appear as started. */
  begin: (execution: Execution) => void;
  /** Finds an execution in the journal by its full ID. */
  find: (id: string) => Promise<Execution | undefined>;
  retryMs?: number;
  arrivalMs?: number;
}

/** Time after which a decision without effect is repeated: on a full disk, its event may not have been written. */
const RETRY_MS = 30_000;
/** Time to wait for the first event of an unknown execution that others depend on: it may be in a file that is read later. */
const ARRIVAL_MS = 10_000;

const CAUSES: ReadonlySet<string> = new Set([
  ...['execution_queued', 'execution_started', 'queue_changed'],
  ...Object.keys(EXECUTION_ENDS),
]);

export class Scheduler implements Component {
  readonly #options: SchedulerOptions;
  /** By run that was started but is still queued in the state: time of the start. */
  readonly #begun = new Map<string, number>();
  /** By execution that others depend on and that is not in memory: its status in the journal; undefined while it is read. */
  readonly #recalled = new Map<string, Status | 'unknown' | undefined>();
  /** IDs of open executions that are queued or hold a slot, so that a check need not go through all. */
  readonly #candidates: Set<string>;
  #timer: NodeJS.Timeout | undefined;
  #isRunning = false;

  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.#candidates = new Set([...options.state.alive.values()].filter(isInQueue).map(({ id }) => id));
  }

  /** Starts scheduling. Before, candidates are only noted: a runner that is started needs the daemon's socket. */
  start(): void {
    this.#isRunning = true;
    this.check();
  }

  onBatch(events: readonly ExecutionEvent[]): void {
    const causes = events.filter(({ type }) => CAUSES.has(type));
    for (const { execution: id } of causes) {
      const execution = id === undefined ? undefined : this.#options.state.alive.get(id);
      if (execution && isInQueue(execution)) this.#candidates.add(execution.id);
      else if (id !== undefined) this.#candidates.delete(id);
    }
    if (causes.length > 0) this.check();
  }

  close(): void {
    this.#isRunning = false;
    clearTimeout(this.#timer);
  }

  /** Starts what may start now, and cancels what never may. */
  check(): void {
    if (!this.#isRunning) return;
    const { state, record, isRun, begin, retryMs = RETRY_MS } = this.#options;
    const now = performance.now();
    for (const [id, since] of this.#begun) {
      if (state.alive.get(id)?.status !== 'queued' || now - since >= retryMs) this.#begun.delete(id);
    }
    const wanted = new Set<string>();
    const recall = (id: string) => {
      wanted.add(id);
      return this.#recall(id);
    };
    const context = { candidates: this.#candidates, begun: this.#begun, isRun, recall };
    for (const { execution, refusal } of verdicts(state, context)) {
      this.#begun.set(execution.id, now);
      if (refusal === undefined) begin(execution);
      else record({ type: 'execution_cancelled', execution: execution.id, data: { error: refusal } });
    }
    for (const id of this.#recalled.keys()) if (!wanted.has(id)) this.#recalled.delete(id);
    clearTimeout(this.#timer);
    this.#timer = this.#begun.size === 0 ? undefined : setTimeout(() => this.check(), retryMs).unref();
  }

  #recall(id: string): Status | 'unknown' | undefined {
    if (this.#recalled.has(id)) return this.#recalled.get(id);
    this.#recalled.set(id, undefined);
    void this.#read(id);
    return undefined;
  }

  async #read(id: string): Promise<void> {
    const { find, arrivalMs = ARRIVAL_MS } = this.#options;
    try {
      const found = await find(id);
      if (!found) await delay(arrivalMs, undefined, { ref: false });
      this.#recalled.set(id, found?.status ?? 'unknown');
      this.check();
    } catch {
      // a disk that cannot be read now: the next check tries again
      this.#recalled.delete(id);
    }
  }
}
