/** How much of an execution is done, how long it has taken, and how long it may still take. */
import type { Execution, Step } from './execution.js';
import { isFinal } from './execution.js';

export interface Work {
  done: number;
  /** Absent while nobody has said how much there is. */
  total?: number;
  /** What is counted: the producer's unit, else `stories` or `steps`. */
  unit?: string;
}

/** What is absent is unknown. */
export interface Estimate {
  /** From 0 to 1. */
  share?: number;
  elapsedMs?: number;
  remainingMs?: number;
}

/** Before this much is done, or this much time has gone by, the rate says nothing. */
const MIN_SHARE = 0.05;
const MIN_ELAPSED_MS = 5_000;

/** Parts of a step rather than steps of a plan. */
const DETAIL_KINDS: ReadonlySet<string> = new Set(['criterion', 'tool', 'invocation', 'subagent']);

export function estimate(execution: Execution, nowMs: number): Estimate {
  const share = shareOf(execution);
  const elapsedMs = elapsedOf(execution, nowMs);
  const remainingMs = elapsedMs === undefined ? undefined : remainingOf(execution, share, elapsedMs);
  return {
    ...(share !== undefined && { share }),
    ...(elapsedMs !== undefined && { elapsedMs }),
    ...(remainingMs !== undefined && { remainingMs }),
  };
}

/** What the producer counts, else its stories, else its steps. */
export function workOf(execution: Execution): Work | undefined {
  const { progress } = execution;
  if (progress?.current !== undefined || progress?.total !== undefined) {
    const work: Work = { done: Math.max(0, progress.current ?? 0) };
    if (progress.total !== undefined && progress.total > 0) work.total = progress.total;
    if (progress.unit !== undefined) work.unit = progress.unit;
    return work;
  }
  return stepWork(execution);
}

function stepWork(execution: Execution): Work | undefined {
  const steps = countedSteps(execution);
  const dropped = Object.values(execution.droppedSteps ?? {}).reduce((sum, count) => sum + count, 0);
  const known = steps.length + dropped;
  const total = Math.max(known, execution.total ?? 0);
  if (total === 0) return undefined;
  const done = steps.filter((step) => isFinal(step.status)).length + dropped;
  return { done, total, unit: steps[0]?.kind === 'story' ? 'stories' : 'steps' };
}

/** The steps that make up the plan: the stories if it has any, else the outermost steps. */
export function countedSteps(execution: Execution): Step[] {
  const stories: Step[] = [];
  const steps: Step[] = [];
  for (const step of execution.steps.values()) {
    if (step.kind === 'story') stories.push(step);
    else if (isOutermost(execution, step)) steps.push(step);
  }
  return stories.length > 0 ? stories : steps;
}

function isOutermost(execution: Execution, step: Step): boolean {
  return !DETAIL_KINDS.has(step.kind) && (step.parent === undefined || !execution.steps.has(step.parent));
}

function shareOf(execution: Execution): number | undefined {
  if (execution.status === 'completed') return 1;
  const work = workOf(execution);
  if (work?.total === undefined) return undefined;
  return Math.min(1, work.done / work.total);
}

/** Of an execution or a step. The clock of one that is over stands still, whatever the time. */
export function elapsedOf(item: Execution | Step, nowMs: number): number | undefined {
  if (isFinal(item.status) && item.durationMs !== undefined) return Math.max(0, item.durationMs);
  const started = parseTime(item.startedAt);
  if (started === undefined) return undefined;
  const until = stoppedAt(item) ?? nowMs;
  return Math.max(0, until - started);
}

/** When its clock stopped: at its end, or with the last sign of life of what is paused. */
function stoppedAt(item: Execution | Step): number | undefined {
  if (isFinal(item.status)) return parseTime(item.endedAt) ?? parseTime(item.startedAt);
  return item.status === 'paused' && 'lastActivity' in item ? parseTime(item.lastActivity) : undefined;
}

/** The producer's own estimate while it holds, else by the rate so far. */
function remainingOf(execution: Execution, share: number | undefined, elapsedMs: number): number | undefined {
  if (isFinal(execution.status)) return undefined;
  const { estimatedMs } = execution;
  if (estimatedMs !== undefined && estimatedMs > elapsedMs) return estimatedMs - elapsedMs;
  if (share === undefined || share < MIN_SHARE || share >= 1 || elapsedMs < MIN_ELAPSED_MS) return undefined;
  return (elapsedMs * (1 - share)) / share;
}

/** Milliseconds of an RFC 3339 time, or undefined if it is absent or no time. */
export function parseTime(time: string | undefined): number | undefined {
  const ms = time === undefined ? NaN : Date.parse(time);
  return Number.isNaN(ms) ? undefined : ms;
}
