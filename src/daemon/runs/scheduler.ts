/**
 * Starts what is queued, as soon as it may.
 *
 * Queues are a view of the state: settings are `queue_changed` events, and running and waiting executions are ordered
 * by their first events. `core/queues.ts` decides, purely; this file asks it after each event that may matter, and
 * again later for what has not happened. So nothing is stored beside the journal, and a slot is free whatever ends its
 * run. Whether a run can be started here is checked last, since that reads files.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionEvent, NewEvent } from '../../core/event.js';
import { EXECUTION_ENDS } from '../../core/event.js';
import type { Execution, Status } from '../../core/execution.js';
import { isInQueue, verdicts } from '../../core/queues.js';
import type { State } from '../../core/state.js';

export interface Scheduler {
  /** Before, what may begin is only noted: a runner that is started needs the daemon's socket. */
  start(): void;
  /** These were written, and are in the state. */
  onBatch(events: readonly ExecutionEvent[]): void;
  check(): void;
  close(): void;
}

export interface SchedulerOptions {
  state: State;
  record: (event: NewEvent) => void;
  /** Others queue what they start themselves. */
  isRun: (id: string) => boolean;
  /** May be called again for one that has not been seen to start. */
  begin: (execution: Execution) => void;
  /** In the journal, by full id. */
  find: (id: string) => Promise<Execution | undefined>;
  retryMs?: number;
  arrivalMs?: number;
}

/** What was decided and has not come about is decided again: a full disk may have swallowed the event that tells it. */
const RETRY_MS = 30_000;
/** For an execution that others wait for and nobody knows: its events may lie in a file that is read later. */
const ARRIVAL_MS = 10_000;

export function createScheduler(options: SchedulerOptions): Scheduler {
  const { state, record, isRun, begin, find, retryMs = RETRY_MS, arrivalMs = ARRIVAL_MS } = options;
  /** When it was decided about those that are still seen as queued. */
  const begun = new Map<string, number>();
  /** What the journal says of those that are waited for and not in memory; undefined while it is asked. */
  const recalled = new Map<string, Status | 'unknown' | undefined>();
  /** Those that wait or are in a queue: of many open executions these are few. */
  const candidates = new Set<string>();
  for (const { id } of [...state.alive.values()].filter(isInQueue)) candidates.add(id);
  let timer: NodeJS.Timeout | undefined;
  let isRunning = false;

  const ask = async (id: string) => {
    try {
      const found = await find(id);
      if (!found) await delay(arrivalMs, undefined, { ref: false });
      recalled.set(id, found?.status ?? 'unknown');
      look();
    } catch {
      // a disk that cannot be read now: asked again with the next look
      recalled.delete(id);
    }
  };

  const look = () => {
    if (!isRunning) return;
    const now = performance.now();
    for (const [id, since] of begun) {
      if (state.alive.get(id)?.status !== 'queued' || now - since >= retryMs) begun.delete(id);
    }
    const wanted = new Set<string>();
    const recall = (id: string) => {
      wanted.add(id);
      if (recalled.has(id)) return recalled.get(id);
      recalled.set(id, undefined);
      void ask(id);
      return undefined;
    };
    for (const { execution, refusal } of verdicts(state, { candidates, begun, isRun, recall })) {
      begun.set(execution.id, now);
      if (refusal === undefined) begin(execution);
      else record({ type: 'execution_cancelled', execution: execution.id, data: { error: refusal } });
    }
    for (const id of recalled.keys()) if (!wanted.has(id)) recalled.delete(id);
    clearTimeout(timer);
    timer = begun.size === 0 ? undefined : setTimeout(look, retryMs).unref();
  };

  return {
    start() {
      isRunning = true;
      look();
    },
    check: look,
    onBatch(events) {
      const causes = events.filter(({ type }) => CAUSES.has(type));
      for (const { execution: id } of causes) {
        const execution = id === undefined ? undefined : state.alive.get(id);
        if (execution && isInQueue(execution)) candidates.add(execution.id);
        else if (id !== undefined) candidates.delete(id);
      }
      if (causes.length > 0) look();
    },
    close() {
      isRunning = false;
      clearTimeout(timer);
    },
  };
}

const CAUSES: ReadonlySet<string> = new Set([
  ...['execution_queued', 'execution_started', 'queue_changed'],
  ...Object.keys(EXECUTION_ENDS),
]);
