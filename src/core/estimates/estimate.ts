/**
 * Estimates the remaining time of an execution: by what earlier executions of the same thing took, else by what its producer
 * announced, until that has passed, else by the rate of what it counts. No estimate is better than a misleading one.
 */
import { elapsedOf, parseInstant } from './durations.js';
import type { Execution, Pause, Step } from '../execution.js';
import { isFinal } from '../execution.js';
import type { EstimateBasis, PlannedStep, RemainingTime } from './forecast.js';
import { forecastPlan, stepsToCome } from './forecast.js';
import { countedSteps, partsOf, shareOf, stepPart } from './work.js';

/** Estimate; absent fields are unknown. */
export interface Estimate {
  /** Completed share, from 0 to 1. */
  share?: number;
  elapsedMs?: number;
  remainingMs?: number;
  /** Bounds of the remaining time, where it is known how much it varies. */
  lowMs?: number;
  highMs?: number;
  overdueMs?: number;
  basis?: EstimateBasis;
}

/** Minimum share and elapsed time before the rate so far is used as an estimate. */
const MIN_SHARE = 0.05;
const MIN_ELAPSED_MS = 5_000;
/** A range around an estimate by a rate, as shares of it; it narrows as the work is done. */
const RATE_RANGE = 0.5;

export function estimate(execution: Execution, nowMs: number): Estimate {
  const share = shareOf(execution);
  const elapsedMs = elapsedOf(execution, nowMs);
  const remaining = remainingTime(execution, nowMs);
  return {
    ...(share !== undefined && { share }),
    ...(elapsedMs !== undefined && { elapsedMs }),
    ...remaining,
  };
}

/** Estimates the remaining time of a running execution; undefined unless there is evidence for one. */
export function remainingTime(execution: Execution, nowMs: number): RemainingTime | undefined {
  const elapsedMs = elapsedOf(execution, nowMs);
  if (elapsedMs === undefined || !isPredictable(execution)) return undefined;
  const workedMs = elapsedMs - pausedWithin(execution.pauses, parseInstant(execution.startedAt) ?? nowMs, nowMs);
  const history = byHistory(execution, workedMs, nowMs);
  const share = shareOf(execution);
  if (share !== undefined && share >= 1) return isBetweenSteps(execution, nowMs) ? history : undefined;
  const counted = share === undefined ? undefined : byCounter(execution, share, workedMs, nowMs);
  if (history && counted && share !== undefined && execution.progress) return combine(history, counted, share);
  return history ?? byAnnouncement(execution, workedMs) ?? counted ?? overdueAnnouncement(execution, workedMs);
}

/** Whether time alone brings the end nearer: not while it is paused or silent, nor after a story has failed. */
function isPredictable(execution: Execution): boolean {
  if (execution.status !== 'running' || execution.attention !== undefined) return false;
  // a failed story may end the execution or be repeated
  return !countedSteps(execution).some(({ kind, status }) => kind === 'story' && status === 'failed');
}

/** Whether all steps so far have ended, but there will be others: nothing was announced, and earlier executions had more. */
function isBetweenSteps(execution: Execution, nowMs: number): boolean {
  const { expectation } = execution;
  if (!expectation || isWholeStated(execution)) return false;
  return stepsToCome(planOf(execution, nowMs), expectation).length > 0;
}

/** Shifts from what earlier executions took to the rate of the counter, the more is counted. */
function combine(history: RemainingTime, counted: RemainingTime, share: number): RemainingTime {
  if (history.overdueMs !== undefined) return counted;
  const mix = (key: 'remainingMs' | 'lowMs' | 'highMs') => history[key] * (1 - share) + counted[key] * share;
  return { remainingMs: mix('remainingMs'), lowMs: mix('lowMs'), highMs: mix('highMs'), basis: 'history' };
}

function byHistory(execution: Execution, workedMs: number, nowMs: number): RemainingTime | undefined {
  const { expectation } = execution;
  if (!expectation) return undefined;
  const expected = forecastPlan(planOf(execution, nowMs), expectation, workedMs);
  const longest = expectation.durations.at(-1) ?? 0;
  // late, if every step has taken longer than ever; otherwise those to come are waited for
  const isLate = workedMs > longest && (expected?.remainingMs ?? 0) <= expectation.tailMs;
  if (isLate) return overdue(workedMs - longest, 'history');
  return expected && expected.remainingMs > 0 ? { ...expected, basis: 'history' } : undefined;
}

/** Counters by their recent rate, planned steps by the rate up to the last one that has ended. */
function byCounter(execution: Execution, share: number, workedMs: number, nowMs: number): RemainingTime | undefined {
  if (share < MIN_SHARE || workedMs < MIN_ELAPSED_MS || !isPlanned(execution)) return undefined;
  const { progress: { current = 0, total = 0 } = {}, progress } = execution;
  const rate = progress && recentRate(progress, nowMs);
  // the share stands still while a step runs, so that the rate would fall, and the estimate rise
  const idleMs = progress ? 0 : Math.min(workedMs, idleOf(execution, nowMs));
  const remainingMs =
    rate === undefined ? ((workedMs - idleMs) * (1 - share)) / share - idleMs : (total - current) / rate;
  if (remainingMs <= 0) return undefined;
  const range = RATE_RANGE * (1 - share);
  return {
    remainingMs,
    lowMs: remainingMs * (1 - range),
    highMs: remainingMs * (1 + range),
    basis: 'counter',
  };
}

/** Whether the share is one of a known whole: of steps that appear as they start, most may be yet to come. */
function isPlanned(execution: Execution): boolean {
  return isWholeStated(execution) || countedSteps(execution).some(({ status }) => status === 'pending');
}

/** Whether the producer has said how much there is to do. */
function isWholeStated({ progress, announced: { total, percent } = {} }: Execution): boolean {
  return [progress, total, percent].some((stated) => stated !== undefined);
}

/** Returns the time since the share of the steps last grew, if that is known: not of steps that count. */
function idleOf(execution: Execution, nowMs: number): number {
  const steps = [...execution.steps.values()];
  if (execution.announced?.percent !== undefined || steps.some(isCounting)) return 0;
  const ends = steps.flatMap(({ status, endedAt }) => (isFinal(status) ? (parseInstant(endedAt) ?? []) : []));
  const last = Math.max(...ends);
  return Number.isFinite(last) ? Math.max(0, nowMs - last - pausedWithin(execution.pauses, last, nowMs)) : 0;
}

function isCounting({ status, progress }: Step): boolean {
  return !isFinal(status) && progress !== undefined;
}

/** Returns the units per millisecond since the oldest remembered point; undefined if too few are known. */
function recentRate({ points = [], current, total }: NonNullable<Execution['progress']>, nowMs: number) {
  const [oldest] = points;
  if (!oldest || current === undefined || total === undefined) return undefined;
  const [at, count] = oldest;
  return nowMs - at >= MIN_ELAPSED_MS && current > count ? (current - count) / (nowMs - at) : undefined;
}

function byAnnouncement({ announced: { estimatedMs } = {} }: Execution, workedMs: number): RemainingTime | undefined {
  const remainingMs = (estimatedMs ?? 0) - workedMs;
  if (remainingMs <= 0) return undefined;
  return { remainingMs, lowMs: remainingMs, highMs: remainingMs, basis: 'given' };
}

function overdueAnnouncement({ announced: { estimatedMs } = {} }: Execution, workedMs: number) {
  return estimatedMs === undefined ? undefined : overdue(workedMs - estimatedMs, 'given');
}

function overdue(overdueMs: number, basis: EstimateBasis): RemainingTime {
  return { remainingMs: 0, lowMs: 0, highMs: 0, overdueMs, basis };
}

/** Returns the steps of the plan as the forecast needs them. */
function planOf(execution: Execution, nowMs: number): PlannedStep[] {
  const parts = partsOf(execution);
  return countedSteps(execution).flatMap((step) => {
    const state = stateOf(step);
    if (state === undefined) return [];
    const share = state === 'running' ? stepPart(step, parts, 0) : 0;
    const needs = step.needs?.map((id) => execution.steps.get(id)?.name ?? id);
    return [
      {
        name: step.name,
        state,
        elapsedMs: workedMsOf(execution, step, nowMs),
        ...(share > 0 && share < 1 && { share }),
        ...(needs && { needs }),
      },
    ];
  });
}

function stateOf({ status }: Step): PlannedStep['state'] | undefined {
  // a skipped step took no time, and takes none
  if (status === 'skipped') return undefined;
  if (isFinal(status)) return 'done';
  return status === 'running' || status === 'paused' ? 'running' : 'pending';
}

/** Returns how long a step has run, without the pauses of its execution. */
export function workedMsOf({ pauses }: Execution, step: Step, nowMs: number): number {
  const elapsedMs = elapsedOf(step, nowMs) ?? 0;
  const from = parseInstant(step.startedAt);
  return from === undefined ? elapsedMs : Math.max(0, elapsedMs - pausedWithin(pauses, from, from + elapsedMs));
}

/** Returns the time of pauses within a span. */
export function pausedWithin(pauses: readonly Pause[] = [], fromMs: number, toMs: number): number {
  return pauses.reduce((sum, { from, to }) => {
    const end = to === undefined ? toMs : Date.parse(to);
    return sum + Math.max(0, Math.min(end, toMs) - Math.max(Date.parse(from), fromMs));
  }, 0);
}
