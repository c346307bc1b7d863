/** Folds step events into the steps of an execution. */
import { assignNumber, assignText, assignValue, clip, clipAll, NAME_CHARS, TEXT_CHARS } from './events/fields.js';
import type { ExecutionEvent, FinalStatus } from './events/event.js';
import { numberOf, stepEndOf, textOf, textsOf } from './events/event.js';
import type { Execution, Status, Step } from './execution.js';
import { isFailure, isFinal, isObservedFailure } from './execution.js';
import { criterionId } from './events/event-alias-table.js';

/** Steps of one execution in memory; beyond it ended ones are only counted. */
const MAX_STEPS = 10_000;
/** Number of steps to search for an ended one before the oldest is evicted, to bound the cost of each event. */
const MAX_SEARCHED = 100;
const MAX_CRITERIA = 200;
/** `needs` and `commits` of one step, each. */
const LIST_CHARS = 8_192;
/** `input` and `output` of one step, each. */
const VALUE_CHARS = 2_048;

/** Applies a `step_*` event. */
export function foldStep(execution: Execution, event: ExecutionEvent): void {
  const step = stepOf(execution, event);
  if (!step) return;
  describe(step, event);
  announce(execution, event);
  if (event.type === 'step_started') start(step, event);
  planCriteria(execution, step, event);
  const status = stepEndOf(event.type);
  if (status !== undefined) end(step, event, status, isFinal(execution.status) ? execution.endedAt : undefined);
}

/** Applies what an event of a step says of the whole execution. */
function announce(execution: Execution, { data }: ExecutionEvent): void {
  const percent = numberOf(data, 'percent');
  const total = numberOf(data, 'totalSteps');
  if (percent !== undefined) (execution.announced ??= {}).percent = percent;
  if (total !== undefined) (execution.announced ??= {}).total = total;
}

/** Plans the criteria that a step announces as texts, as parts of that step. */
function planCriteria(execution: Execution, parent: Step, event: ExecutionEvent): void {
  const texts = textsOf(event.data, 'criteria') ?? [];
  for (const [index, text] of texts.slice(0, MAX_CRITERIA).entries()) {
    const id = criterionId(parent.id, index);
    if (id === undefined) return;
    const { seq, time } = event;
    const data = { name: text, kind: 'criterion', parent: parent.id, index };
    const known = execution.steps.get(id);
    if (!known) foldStep(execution, { seq, time, type: 'step_planned', step: id, data });
    else if (known.name === known.id) known.name = clip(text, NAME_CHARS);
  }
}

/** Returns the step of an event, by its ID, else by its name; created if new. */
export function stepOf(execution: Execution, event: ExecutionEvent): Step | undefined {
  const id = event.step ?? textOf(event.data, 'name');
  if (id === undefined) return undefined;
  const known = execution.steps.get(id);
  if (known) return known;
  const step: Step = { id, name: clip(id, NAME_CHARS), kind: 'step', status: 'pending' };
  if (event.type === 'progress') start(step, event);
  if (isFinal(execution.status) && !isFinal(step.status)) closeStep(step, execution.status, execution.endedAt);
  execution.steps.set(id, step);
  if (execution.steps.size > MAX_STEPS) dropOne(execution);
  return step;
}

/** Closes open steps with their execution; planned ones become `skipped`. */
export function closeSteps(steps: Iterable<Step>, status: FinalStatus, endedAt: string): void {
  for (const step of steps) {
    if (!isFinal(step.status)) closeStep(step, status, endedAt);
  }
}

/** Counts steps by status, in addition to what is counted already. */
export function countByStatus(
  steps: readonly Step[],
  counted: ReadonlyMap<Status, number> = new Map(),
): Map<Status, number> {
  const counts = new Map(counted);
  for (const { status } of steps) counts.set(status, (counts.get(status) ?? 0) + 1);
  return counts;
}

/** Returns the steps whose last attempt failed, except those that may fail, or are inside of one that may. */
export function failedSteps({ steps }: Execution): Step[] {
  return [...steps.values()].filter((step) => isObservedFailure(step.status) && !mayFail(steps, step));
}

/** Returns the task that a step of a run belongs to; undefined for the task that describes the run. */
export function taskOfStep(run: Execution, { id }: Step): string | undefined {
  const [task = id] = id.split('/', 1);
  return run.steps.get(task)?.kind === 'task' && run.tasks?.includes(task) ? task : undefined;
}

function mayFail(steps: ReadonlyMap<string, Step>, step: Step): boolean {
  const seen = new Set<Step>();
  for (let at: Step | undefined = step; at && !seen.has(at); at = steps.get(at.parent ?? '')) {
    if (at.continueOnFailure) return true;
    seen.add(at);
  }
  return false;
}

function closeStep(step: Step, status: FinalStatus, endedAt: string | undefined): void {
  if (step.status === 'pending') step.status = 'skipped';
  else step.status = status === 'timeout' || status === 'lost' ? status : 'cancelled';
  if (endedAt !== undefined) step.endedAt = endedAt;
}

function describe(step: Step, event: ExecutionEvent): void {
  const { data } = event;
  assignText(step, data, ['name', 'kind', 'stepType', 'parent', 'role', 'provider', 'model'], NAME_CHARS);
  assignText(step, data, ['errorType'], NAME_CHARS);
  assignText(step, data, ['error'], TEXT_CHARS);
  assignValue(step, data, ['input', 'output'], VALUE_CHARS);
  assignNumber(step, data, ['index', 'total']);
  const needs = textsOf(data, 'needs');
  if (needs) step.needs = clipAll(needs, LIST_CHARS);
  const commits = textsOf(data, 'commits');
  if (commits) step.commits = clipAll(commits, LIST_CHARS);
  if (typeof data['retryable'] === 'boolean') step.retryable = data['retryable'];
  if (data['continueOnFailure'] === true) step.continueOnFailure = true;
}

/** Applies a start. A late one fills in missing fields; one at or after the end is another attempt. */
function start(step: Step, event: ExecutionEvent): void {
  const isKnown = step.startedAt !== undefined && !step.startDerived;
  const again = step.startedAt !== undefined && step.endedAt !== undefined && event.time >= step.endedAt;
  if (again) {
    step.attempts = (step.attempts ?? 1) + 1;
    delete step.endedAt;
    delete step.durationMs;
    clearError(step);
    step.status = 'running';
  } else if (isKnown) return;
  delete step.startDerived;
  step.startedAt = event.time;
  if (event.source !== undefined) step.source = event.source;
  if (!isFinal(step.status)) step.status = 'running';
  else setDuration(step, event);
}

/**
 * Applies an end.
 *
 * @param closedAt When the end of the execution closed open steps; the producer's own end of such a step wins.
 */
function end(step: Step, event: ExecutionEvent, status: FinalStatus, closedAt: string | undefined): void {
  if (isFinal(step.status) && step.endedAt !== undefined && step.endedAt !== closedAt) return;
  // the duration was measured up to the end of the execution
  if (isFinal(step.status)) delete step.durationMs;
  step.status = status;
  step.endedAt = event.time;
  // an error that was recovered from remains in the log
  if (status === 'completed' && event.data['error'] === undefined) clearError(step);
  setDuration(step, event);
  if (step.startedAt === undefined && step.durationMs !== undefined && status !== 'skipped') {
    step.startedAt = new Date(Date.parse(step.endedAt) - step.durationMs).toISOString();
    step.startDerived = true;
  }
}

function clearError(step: Step): void {
  delete step.error;
  delete step.errorType;
  delete step.retryable;
}

/** Sets the duration: the producer's value, else the difference of two times of the same clock. */
function setDuration(step: Step, event: ExecutionEvent): void {
  const given = numberOf(event.data, 'durationMs');
  if (given !== undefined) step.durationMs = Math.max(0, given);
  else if (step.startedAt !== undefined && step.endedAt !== undefined && step.source === event.source) {
    step.durationMs ??= Math.max(0, Date.parse(step.endedAt) - Date.parse(step.startedAt));
  }
}

function dropOne(execution: Execution): void {
  let searched = 0;
  let victim: Step | undefined;
  for (const step of execution.steps.values()) {
    victim ??= step;
    if (isFinal(step.status)) victim = step;
    if (isFinal(step.status) || ++searched === MAX_SEARCHED) break;
  }
  if (victim) dropStep(execution, victim);
}

function dropStep(execution: Execution, { id, status: last }: Step): void {
  execution.steps.delete(id);
  const status = isFinal(last) ? last : 'lost';
  execution.droppedSteps = { ...execution.droppedSteps, [status]: (execution.droppedSteps?.[status] ?? 0) + 1 };
}

/**
 * Keeps the steps that later events and the outcome of an open execution depend on: open and failed ones, the last
 * invocation, and the steps that enclose these. The others are counted.
 */
export function condenseSteps(execution: Execution): void {
  const { steps } = execution;
  const all = [...steps.values()];
  const kept = new Set<Step | undefined>([undefined, all.findLast(({ kind }) => kind === 'invocation')]);
  for (const { id, status } of all) {
    if (isFinal(status) && !isFailure(status)) continue;
    for (let at = steps.get(id); !kept.has(at); at = steps.get(at?.parent ?? '')) kept.add(at);
  }
  for (const step of all) {
    if (kept.has(step)) steps.set(step.id, condenseStep(step));
    else dropStep(execution, step);
  }
}

function condenseStep(step: Step): Step {
  const { input: _input, output: _output, commits: _commits, error, ...rest } = step;
  return { ...rest, ...(error !== undefined && { error: clip(error, NAME_CHARS) }) };
}
