/** The part of the fold that knows steps. */
import { assignNumber, assignText, clip, clipAll, NAME_CHARS, TEXT_CHARS } from './data.js';
import type { ExecutionEvent, FinalStatus } from './event.js';
import { STEP_ENDS, numberOf, textOf, textsOf } from './event.js';
import type { Execution, Step } from './execution.js';
import { isFinal } from './execution.js';

/** Of one execution in memory; beyond it ended ones are only counted. */
const MAX_STEPS = 10_000;
/** How far to look for an ended one before the oldest goes whatever it is, so that each event costs little. */
const LOOK_FOR_ENDED = 100;
/** `needs` and `commits` of one step, each. */
const LIST_CHARS = 8_192;

/** Applies a `step_*` event. */
export function foldStep(execution: Execution, event: ExecutionEvent): void {
  const step = stepOf(execution, event);
  if (!step) return;
  describe(step, event);
  if (event.type === 'step_started') start(step, event);
  const status = Object.hasOwn(STEP_ENDS, event.type) ? STEP_ENDS[event.type] : undefined;
  if (status !== undefined) end(step, event, status);
}

/** The step that an event names, created if it is new. Without an id its name serves. */
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

/** What is open ends with its execution; what was only planned never ran. */
export function closeSteps(execution: Execution, status: FinalStatus, endedAt: string): void {
  for (const step of execution.steps.values()) {
    if (!isFinal(step.status)) closeStep(step, status, endedAt);
  }
}

function closeStep(step: Step, status: FinalStatus, endedAt: string | undefined): void {
  if (step.status === 'pending') step.status = 'skipped';
  else step.status = status === 'timeout' || status === 'lost' ? status : 'cancelled';
  if (endedAt !== undefined) step.endedAt = endedAt;
}

function describe(step: Step, event: ExecutionEvent): void {
  const { data } = event;
  assignText(step, data, ['name', 'kind', 'parent', 'role', 'provider', 'model'], NAME_CHARS);
  assignText(step, data, ['error'], TEXT_CHARS);
  assignNumber(step, data, ['index']);
  const needs = textsOf(data, 'needs');
  if (needs) step.needs = clipAll(needs, LIST_CHARS);
  const commits = textsOf(data, 'commits');
  if (commits) step.commits = clipAll(commits, LIST_CHARS);
  if (typeof data['retryable'] === 'boolean') step.retryable = data['retryable'];
}

/** A late start fills in what is missing; one after the end is another attempt. */
function start(step: Step, event: ExecutionEvent): void {
  const again = step.startedAt !== undefined && step.endedAt !== undefined && event.time > step.endedAt;
  if (again) {
    step.attempts = (step.attempts ?? 1) + 1;
    delete step.endedAt;
    delete step.durationMs;
    delete step.error;
    delete step.retryable;
    step.status = 'running';
  } else if (step.startedAt !== undefined) return;
  step.startedAt = event.time;
  if (event.source !== undefined) step.source = event.source;
  if (!isFinal(step.status)) step.status = 'running';
  else setDuration(step, event);
}

function end(step: Step, event: ExecutionEvent, status: FinalStatus): void {
  if (isFinal(step.status) && step.endedAt !== undefined) return;
  step.status = status;
  step.endedAt = event.time;
  setDuration(step, event);
}

/** The producer's own figure, else the difference of two times of one clock. */
function setDuration(step: Step, event: ExecutionEvent): void {
  const given = numberOf(event.data, 'durationMs');
  if (given !== undefined) step.durationMs = Math.max(0, given);
  else if (step.startedAt !== undefined && step.endedAt !== undefined && step.source === event.source) {
    step.durationMs ??= Math.max(0, Date.parse(step.endedAt) - Date.parse(step.startedAt));
  }
}

function dropOne(execution: Execution): void {
  let looked = 0;
  let victim: Step | undefined;
  for (const step of execution.steps.values()) {
    victim ??= step;
    if (isFinal(step.status)) victim = step;
    if (isFinal(step.status) || ++looked === LOOK_FOR_ENDED) break;
  }
  if (!victim) return;
  execution.steps.delete(victim.id);
  const status = isFinal(victim.status) ? victim.status : 'lost';
  execution.droppedSteps = { ...execution.droppedSteps, [status]: (execution.droppedSteps?.[status] ?? 0) + 1 };
}
