/**
 * Folds events into the state. The daemon, the terminal and the viewer run this same code.
 *
 * The result depends on the arguments only: no clock, no I/O, no randomness. For speed `state` is updated in place; it
 * shares nothing with other states.
 */
import { foldAlert } from './state/alerts.js';
import type { EventType, ExecutionEvent } from './events/event.js';
import { executionEndOf, GLOBAL_TYPES, PASSIVE_TYPES, stepEndOf } from './events/event.js';
import type { Execution } from './execution.js';
import { isFinal } from './execution.js';
import { rememberId } from './events/fingerprint.js';
import { clearAttention, noteActivity, setAttention } from './fold/attention.js';
import { endWith, stateOutcome } from './fold/end.js';
import { foldNote } from './fold/note.js';
import { foldActivity, foldError, foldOutput, setProgress } from './fold/output.js';
import { noteProducers } from './fold/producers.js';
import { foldQueue } from './fold/queue.js';
import { setResources } from './fold/resources.js';
import { createImplicit, describeRun, noteTask, queueExecution, startExecution } from './fold/start.js';
import { countLines } from './events/log.js';
import type { State } from './state/state.js';
import { findExecution } from './state/state.js';
import { condenseSteps, foldStep } from './steps.js';

/** Applies one event. @returns The execution that the event belongs to, if any. */
export function fold(state: State, event: ExecutionEvent): Execution | undefined {
  state.seq = event.seq;
  if (event.type === 'journal_note') {
    foldNote(state, event);
    return undefined;
  }
  const execution = event.execution === undefined ? undefined : executionOf(state, event, event.execution);
  if (event.type === 'queue_changed') foldQueue(state, event.data, execution);
  noteProducers(state, event, execution);
  rememberId(state.ids, event);
  if (event.type === 'alert_triggered') foldAlert(state.alerts, event, execution);
  if (execution) foldInto(execution, event, state);
  return execution;
}

/** Returns the execution of an event. An unknown one is created, except by events of global types. */
function executionOf(state: State, event: ExecutionEvent, id: string): Execution | undefined {
  const known = findExecution(state, id);
  return known || GLOBAL_TYPES.has(event.type) ? known : createImplicit(state, event, id);
}

function foldInto(execution: Execution, event: ExecutionEvent, state: State): void {
  execution.lastSeq = event.seq;
  const lines = countLines(event);
  if (lines > 0) execution.lines = (execution.lines ?? 0) + lines;
  const isEnd = executionEndOf(event.type) !== undefined;
  if (execution.summarised && isFinal(execution.status) && !isEnd) return;
  const change = CHANGES[event.type];
  if (change) change(execution, event, state);
  else if (event.type.startsWith('step_')) foldStep(execution, event);
  // it has left the order of its queue
  if (execution.queueRank !== undefined && execution.status !== 'queued') delete execution.queueRank;
  // keep a summary small
  if (execution.summarised && stepEndOf(event.type) !== undefined) condenseSteps(execution);
  // the invocation of an agent is what the execution waited for
  if (event.type === 'step_started' && event.data['kind'] === 'invocation') clearAttention(execution);
  if (event.type === 'step_started') noteTask(execution, event, state);
  if (!PASSIVE_TYPES.has(event.type)) noteActivity(execution, event.time);
}

type Change = (execution: Execution, event: ExecutionEvent, state: State) => void;

/** Types that are folded elsewhere, or change nothing but the activity. */
type OtherType = `step_${string}` | 'control' | 'queue_changed' | 'alert_triggered' | 'journal_note';

/** Handlers by type. Without a prototype, since types are chosen by producers. */
const CHANGES: Readonly<Record<string, Change | undefined>> = Object.assign(
  Object.create(null) as Record<string, Change | undefined>,
  {
    execution_queued: queueExecution,
    execution_started: startExecution,
    execution_completed: endWith('completed'),
    execution_failed: endWith('failed'),
    execution_cancelled: endWith('cancelled'),
    execution_timeout: endWith('timeout'),
    execution_lost: endWith('lost'),
    execution_paused: pause,
    execution_resumed: resume,
    execution_orphaned: orphan,
    run_described: describeRun,
    outcome_stated: stateOutcome,
    progress: setProgress,
    output: foldOutput,
    log: foldError,
    activity: foldActivity,
    attention: setAttention,
    resource_update: setResources,
  } satisfies Record<Exclude<EventType, OtherType>, Change>,
);

/** Pauses remembered of one execution. */
const MAX_PAUSES = 20;

function pause(execution: Execution, { time }: ExecutionEvent): void {
  if (execution.status !== 'running') return;
  execution.status = 'paused';
  execution.pauses = [...(execution.pauses ?? []), { from: time }].slice(-MAX_PAUSES);
}

function resume(execution: Execution, { time }: ExecutionEvent): void {
  if (execution.status !== 'paused') return;
  execution.status = 'running';
  const pauses = execution.pauses ?? [];
  execution.pauses = pauses.map((one) => (one.to === undefined ? { ...one, to: time } : one));
}

function orphan(execution: Execution): void {
  if (!isFinal(execution.status)) execution.orphaned = true;
}
