/** Starts what is queued, as soon as it may. */
import type { ExecutionEvent, NewEvent } from '../core/event.js';
import { EXECUTION_ENDS } from '../core/event.js';
import type { Execution } from '../core/execution.js';
import { verdicts } from '../core/queues.js';
import type { State } from '../core/state.js';

export interface Scheduler {
  /** These were written, and are in the state. */
  wrote(events: readonly ExecutionEvent[]): void;
  look(): void;
}

export interface SchedulerOptions {
  state: State;
  record: (event: NewEvent) => void;
  /** Others queue what they start themselves. */
  isRun: (id: string) => boolean;
  begin: (execution: Execution) => void;
}

export function createScheduler({ state, record, isRun, begin }: SchedulerOptions): Scheduler {
  /** Were told to begin, and have not been seen to. */
  const begun = new Set<string>();

  const look = () => {
    for (const id of begun) if (state.alive.get(id)?.status !== 'queued') begun.delete(id);
    for (const { execution, refusal } of verdicts(state, begun, isRun)) {
      begun.add(execution.id);
      if (refusal === undefined) begin(execution);
      else record({ type: 'execution_cancelled', execution: execution.id, data: { error: refusal } });
    }
  };

  return {
    look,
    wrote(events) {
      if (events.some(({ type }) => CAUSES.has(type))) look();
    },
  };
}

const CAUSES: ReadonlySet<string> = new Set([
  ...['execution_queued', 'execution_started', 'queue_changed'],
  ...Object.keys(EXECUTION_ENDS),
]);
