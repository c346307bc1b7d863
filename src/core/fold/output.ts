/** Folds what an execution prints, does and reports while it runs: its tail, progress, errors and usage. */
import { activityTail } from '../events/activity.js';
import type { EventData, ExecutionEvent } from '../events/event.js';
import { numberOf, textOf } from '../events/event.js';
import type { Execution, WorkProgress } from '../execution.js';
import { isFinal } from '../execution.js';
import { assignNumber, assignText, clip, NAME_CHARS, TEXT_CHARS } from '../events/fields.js';
import { stepOf } from '../steps.js';
import { applySessionInit } from './start.js';

/** Maximum number of enclosing steps that are considered for the depth of an activity. */
const MAX_STEP_DEPTH = 6;
/** Lines of output kept in memory for clients that connect later; the journal has them all. */
const TAIL_LINES = 12;
const TAIL_CHARS = 400;

/** Applies progress to the step that the event names, else to the execution. */
export function setProgress(execution: Execution, event: ExecutionEvent): void {
  const owner = event.step === undefined ? execution : (stepOf(execution, event) ?? execution);
  const progress: WorkProgress = { ...owner.progress, ...progressOf(event.data) };
  // the rate of a step is not estimated
  const points = owner === execution ? pointsOf(progress, Date.parse(event.time), owner.startedAt) : undefined;
  if (points) progress.points = points;
  owner.progress = progress;
}

/** Counts remembered, and the share of the time so far between two of them: together they span half of that time. */
const MAX_POINTS = 16;
const POINT_SHARE = 1 / 32;
const MIN_POINT_MS = 1_000;

/** Adds a point, if the last one is long enough ago; a count that has decreased begins anew. */
function pointsOf({ current, points = [] }: WorkProgress, at: number, startedAt: string | undefined) {
  if (current === undefined || Number.isNaN(at)) return undefined;
  const last = points.at(-1);
  if (last && current < last[1]) return [[at, current] as [number, number]];
  if (last && at - last[0] < MIN_POINT_MS) return points;
  const interval = (at - Date.parse(startedAt ?? '')) * POINT_SHARE || 0;
  if (last && at - last[0] < interval) return points;
  return [...points, [at, current] as [number, number]].slice(-MAX_POINTS);
}

function progressOf(data: EventData): WorkProgress {
  const progress: WorkProgress = {};
  assignNumber(progress, data, ['current', 'total']);
  assignText(progress, data, ['unit', 'message'], NAME_CHARS);
  return progress;
}

export function foldOutput(execution: Execution, { data }: ExecutionEvent): void {
  const text = textOf(data, 'text');
  // debug output is not shown in the tail
  if (text !== undefined && data['stream'] !== 'debug') appendTail(execution, text);
}

/** Applies an error message. One with an error type becomes the error of the step or execution, others are log lines only. */
export function foldError(execution: Execution, event: ExecutionEvent): void {
  const { data } = event;
  const error = textOf(data, 'message');
  if (data['level'] !== 'error' || error === undefined || isFinal(execution.status)) return;
  if (textOf(data, 'errorType') === undefined && data['as'] !== 'error_occurred') return;
  const named = event.step === undefined ? undefined : execution.steps.get(event.step);
  const step = named && !isFinal(named.status) ? named : undefined;
  const owner = step ?? (execution.outcome ??= {});
  delete owner.errorType;
  owner.error = clip(error, TEXT_CHARS);
  assignText(owner, data, ['errorType'], NAME_CHARS);
  if (named && typeof data['retryable'] === 'boolean') named.retryable = data['retryable'];
}

export function foldActivity(execution: Execution, event: ExecutionEvent): void {
  const { data } = event;
  if (data['kind'] === 'init') applySessionInit(execution, data);
  if (data['kind'] === 'prompt' && event.step === undefined) {
    const agent = (execution.agent ??= {});
    agent.turns = (agent.turns ?? 0) + 1;
  }
  const text = activityTail(data, subagentDepth(execution, event.step));
  if (text !== undefined) appendTail(execution, text);
  countUsage(execution, data);
}

/** Returns the number of sub-agents that enclose a step. */
export function subagentDepth({ steps }: Execution, step: string | undefined): number {
  let depth = 0;
  // bounded, since parents may form a cycle
  for (let level = 0; step !== undefined && level < MAX_STEP_DEPTH; level++) {
    const { kind, parent } = steps.get(step) ?? {};
    if (kind === 'subagent') depth += 1;
    step = parent;
  }
  return depth;
}

function countUsage(execution: Execution, data: EventData): void {
  const tokens = numberOf(data, 'tokens');
  const costUsd = numberOf(data, 'costUsd');
  if (tokens === undefined && costUsd === undefined) return;
  const usage = (execution.usage ??= {});
  if (tokens !== undefined) usage.tokens = (usage.tokens ?? 0) + tokens;
  if (costUsd !== undefined) usage.costUsd = (usage.costUsd ?? 0) + costUsd;
}

function appendTail({ status, tail, summarised }: Execution, text: string): void {
  if (isFinal(status) || summarised) return;
  const lines = text.includes('\n') ? lastLines(text) : [text];
  for (const line of lines) tail.push(clip(line, TAIL_CHARS));
  while (tail.length > TAIL_LINES) tail.shift();
}

/** Returns the last lines of a text, scanning from its end. */
function lastLines(text: string): string[] {
  const lines: string[] = [];
  let end = text.endsWith('\n') ? text.length - 1 : text.length;
  while (lines.length < TAIL_LINES && end >= 0) {
    const begin = end === 0 ? -1 : text.lastIndexOf('\n', end - 1);
    lines.push(text.slice(begin + 1, end));
    end = begin;
  }
  return lines.reverse();
}
