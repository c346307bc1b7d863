/**
 * Rewrites events of tasks inside runs, and ends without an outcome, before they are routed. Pure.
 *
 * The first task of a run describes it, later ones are steps of it, and only the runner ends it.
 */
import type { EventData, FinalStatus, NewEvent } from '../events/event.js';
import { executionEndOf, numberOf, textOf } from '../events/event.js';
import type { Execution, Step } from '../execution.js';
import { isRunner } from '../execution.js';
import { STARTS } from '../events/event.js';
import type { State } from '../state/state.js';
import { findExecution, runOfTask } from '../state/state.js';
import { failedSteps, taskOfStep } from '../steps.js';

/** Where an event of a task belongs. Without `step` the task describes the run. */
interface Place {
  run: Execution;
  task: string | undefined;
  step?: string;
}

/** Fields of other event formats that contain a task ID. */
const TASK_FIELDS = ['task_id', 'taskId'];

/** Whether all earlier events must be folded before `placeEvent` is called with this one. */
export function needsFoldedState({ type, source, data }: NewEvent): boolean {
  if (STARTS.has(type)) return data['parent'] !== undefined || data['kind'] === 'task';
  return type === 'execution_completed' && (data['inferred'] === true || source?.startsWith('run-') === true);
}

/** Returns the event to route and write; the same object if nothing changes. */
export function placeEvent(state: State, given: NewEvent): NewEvent {
  const event = given.inherited ? withoutEnded(state, given) : given;
  if (STARTS.has(event.type)) return placeStart(state, event);
  const place = placeOf(state, event);
  const status = executionEndOf(event.type);
  if (place) return status === undefined ? placeInside(place, event) : placeEnd(place, event, status);
  if (status !== 'completed' || event.execution === undefined) return event;
  const execution = findExecution(state, event.execution);
  return execution ? settleEnd(execution, event) : event;
}

/**
 * Drops an inherited execution ID of a run that has ended: a tmux server that was started in a run passes the environment
 * of that run on to every process that it starts later.
 */
function withoutEnded(state: State, event: NewEvent): NewEvent {
  const { execution, inherited: _inherited, ...rest } = event;
  const run = execution === undefined ? undefined : findExecution(state, execution);
  return run && hasRunner(run) && isAfter(event, run) ? rest : event;
}

function placeStart(state: State, event: NewEvent): NewEvent {
  const known = placeOf(state, event);
  if (known)
    return known.step === undefined ? describesRun(known, event) : startsStep({ ...known, step: known.step }, event);
  const given = textOf(event.data, 'parent');
  const parent = given === undefined ? undefined : (runOfTask(state, given) ?? findExecution(state, given));
  if (!parent || event.execution === undefined) return event;
  if (parent.process?.pid !== undefined && isAfter(event, parent)) return withoutParent(event);
  const isTask = event.data['kind'] === 'task' && hasRunner(parent) && !findExecution(state, event.execution);
  if (isTask) {
    const place = { run: parent, task: event.execution };
    // a task that an agent starts is a step of its session
    const isFirst = parent.tasks === undefined && parent.kind === 'run';
    return isFirst ? describesRun(place, event) : startsStep({ ...place, step: event.execution }, event);
  }
  return parent.id === given ? event : { ...event, data: { ...event.data, parent: parent.id } };
}

/** Whether a runner started it. A `run` of any other producer ends like any other execution. */
function hasRunner(run: Execution): boolean {
  return isRunner(run.producer?.source, run.id);
}

/** Drops the parent: a process that has ended starts nothing, so the producer has only inherited its environment. */
function withoutParent(event: NewEvent): NewEvent {
  const { parent: _parent, parentStep: _parentStep, ...data } = event.data;
  return { ...event, data };
}

/** Whether an event happened after the end of a run, and so comes from a process left in the background. */
function isAfter({ time }: NewEvent, { endedAt }: Execution): boolean {
  return endedAt !== undefined && (time === undefined || time > endedAt);
}

/** Finds the run of an event: by the ID of a task in a run, or by the ID of the run if the event is not by its runner. */
function placeOf(state: State, { type, execution, source, data }: NewEvent): Place | undefined {
  if (execution === undefined) return undefined;
  const owner = runOfTask(state, execution);
  if (owner) return placeIn(owner, execution);
  const run = findExecution(state, execution);
  if (!run || !hasRunner(run) || isRunner(source, run.id)) return undefined;
  const task = TASK_FIELDS.map((field) => textOf(data, field)).find((id) => id !== undefined);
  if (task !== undefined && (run.tasks?.includes(task) || (STARTS.has(type) && run.tasks !== undefined))) {
    return placeIn(run, task);
  }
  const isForeign = source !== undefined || data['as'] !== undefined;
  const isOfTask =
    type === 'execution_completed' || (isForeign && (STARTS.has(type) || executionEndOf(type) !== undefined));
  return isOfTask ? { run, task } : undefined;
}

function placeIn(run: Execution, task: string): Place {
  const describes = run.kind === 'run' && run.tasks?.[0] === task;
  return { run, task, ...(!describes && { step: task }) };
}

function describesRun({ run, task }: Place, event: NewEvent): NewEvent {
  const { parent: _parent, kind: _kind, ...data } = event.data;
  return { ...event, type: 'run_described', execution: run.id, data: { ...data, ...(task !== undefined && { task }) } };
}

function startsStep({ run, task, step }: Place & { step: string }, event: NewEvent): NewEvent {
  const { parent: _parent, parentStep: _parentStep, ...data } = event.data;
  const given = textOf(event.data, 'parent');
  const around = given === undefined || given === run.id ? undefined : placeIn(run, given).step;
  const parent = stepIn(around, textOf(event.data, 'parentStep')) ?? around;
  const isInside = parent !== undefined && parent !== step && run.steps.has(parent);
  return {
    ...event,
    type: 'step_started',
    execution: run.id,
    step,
    data: { ...data, ...(isInside && { parent }), task },
  };
}

/** Returns the ID that a step of a task has in the run. */
function stepIn(task: string | undefined, step: string | undefined): string | undefined {
  return step === undefined || task === undefined ? step : `${task}/${step}`;
}

function placeInside(place: Place, event: NewEvent): NewEvent {
  const { run, step: task } = place;
  // a task does not pause or resume the run that it is in
  const type = event.type.replace(/^execution_/, 'task_');
  const step = stepIn(task, event.step) ?? task;
  const placed: NewEvent = { ...event, type, execution: run.id };
  if (step !== undefined) placed.step = step;
  if (task === undefined || !type.startsWith('step_')) return placed;
  const needs = event.data['needs'];
  const data: EventData = { ...event.data, parent: stepIn(task, textOf(event.data, 'parent')) ?? task };
  if (Array.isArray(needs))
    data['needs'] = needs.map((id) => (typeof id === 'string' ? stepIn(task, id) : (id as unknown)));
  return { ...placed, data };
}

function placeEnd(place: Place, event: NewEvent, stated: FinalStatus): NewEvent {
  const { run, task, step } = place;
  const failure = event.data['inferred'] === true && stated === 'completed' ? failureIn(place) : undefined;
  const status = failure === undefined ? stated : 'failed';
  const data: EventData = {
    ...event.data,
    ...(failure !== undefined && { error: failure }),
    ...(task !== undefined && { task }),
  };
  if (step === undefined) return { ...event, type: 'outcome_stated', execution: run.id, data: { ...data, status } };
  // the runner observes its steps, so none is ever lost
  const type = `step_${status === 'lost' ? 'cancelled' : status}`;
  const exitCode = numberOf(data, 'exitCode');
  if (status === 'failed' && exitCode !== undefined) data['error'] ??= `exit status ${exitCode}`;
  return { ...event, type, execution: run.id, step, data };
}

/** Returns the end with the worse of its stated outcome and the outcome that the steps are evidence of. */
function settleEnd(execution: Execution, event: NewEvent): NewEvent {
  const { taskOutcome } = execution;
  if (taskOutcome && taskOutcome.status !== 'completed' && isRunner(event.source, execution.id)) {
    const { status, error } = taskOutcome;
    return { ...event, type: `execution_${status}`, data: { ...(error !== undefined && { error }), ...event.data } };
  }
  if (event.data['inferred'] !== true) return event;
  const failure = describeFailures(failedSteps(execution));
  return failure === undefined
    ? event
    : { ...event, type: 'execution_failed', data: { ...event.data, error: failure } };
}

function failureIn({ run, step: task }: Place): string | undefined {
  return describeFailures(failedSteps(run).filter((step) => taskOfStep(run, step) === task));
}

function describeFailures(steps: readonly Step[]): string | undefined {
  return steps.length === 0 ? undefined : `failed: ${steps.map(({ id }) => id).join(', ')}`;
}
