/** Folds the ends of executions. */
import { countOutcome } from '../state/alerts.js';
import type { ExecutionEvent, FinalStatus } from '../events/event.js';
import { FINAL_STATUSES, numberOf } from '../events/event.js';
import type { Execution } from '../execution.js';
import { isFinal, updateGroup } from '../execution.js';
import { assignNumber, assignText, assignValue, TEXT_CHARS } from '../events/fields.js';
import type { State } from '../state/state.js';
import { retire } from '../state/state.js';
import { closeSteps, taskOfStep } from '../steps.js';
import { clearAttention } from './attention.js';
import { closeAtProducers } from './producers.js';
import { endResources } from './resources.js';

/** Returns the change of an event that ends an execution with this status. */
export function endWith(status: FinalStatus) {
  return (execution: Execution, event: ExecutionEvent, state: State): void => {
    const before = isFinal(execution.status) ? execution.status : undefined;
    if (before !== undefined && !isReplaced(execution, event, status)) return;
    execution.status = status;
    execution.endedAt = event.time;
    setOutcome(execution, event, status, before !== undefined);
    setDuration(execution, event, event.time);
    endResources(execution, event.data);
    clearAttention(execution);
    delete execution.orphaned;
    closeSteps(execution.steps.values(), status, event.time);
    countOutcome(state.alerts, execution, event.seq, before);
    if (before !== undefined) return;
    retire(state, execution);
    closeAtProducers(state, execution, event);
  };
}

/** Whether a later end replaces the known one: the producer's observation wins over `lost` and over a dismissal. */
function isReplaced({ status, outcome }: Execution, { data }: ExecutionEvent, by: FinalStatus): boolean {
  return by !== 'lost' && (outcome?.dismissed ? data['dismissed'] !== true : status === 'lost');
}

function setOutcome(execution: Execution, { data }: ExecutionEvent, status: FinalStatus, replaces: boolean): void {
  updateGroup(execution, 'outcome', (outcome) => {
    if (data['dismissed'] === true) outcome.dismissed = true;
    else delete outcome.dismissed;
    // an error that was recovered from remains in the log
    if (replaces || status === 'completed') delete outcome.error;
    if (status === 'completed' || data['error'] !== undefined) delete outcome.errorType;
    assignNumber(outcome, data, ['exitCode']);
    assignText(outcome, data, ['signal', 'error', 'errorType', 'summary', 'endedBy'], TEXT_CHARS);
  });
  updateGroup(execution, 'payload', (payload) => {
    assignValue(payload, data, ['output'], TEXT_CHARS);
  });
}

/** Sets the duration: the producer's value, else the difference of two times of the same clock. */
export function setDuration(execution: Execution, event: ExecutionEvent, endedAt: string | undefined): void {
  const { implicit, startedAt, producer } = execution;
  const given = numberOf(event.data, 'durationMs');
  if (given !== undefined) execution.durationMs = Math.max(0, given);
  else if (implicit) return;
  else if (startedAt !== undefined && endedAt !== undefined && producer?.source === event.source) {
    execution.durationMs ??= Math.max(0, Date.parse(endedAt) - Date.parse(startedAt));
  }
}

/** Applies the outcome of the task that describes a run: closes its steps, not the run. */
export function stateOutcome(execution: Execution, { data, time }: ExecutionEvent): void {
  const status = FINAL_STATUSES.find((one) => one === data['status']);
  if (status === undefined) return;
  execution.taskOutcome = { status };
  assignText(execution.taskOutcome, data, ['error'], TEXT_CHARS);
  const own = [...execution.steps.values()].filter((step) => taskOfStep(execution, step) === undefined);
  closeSteps(own, status, time);
}
