/**
 * Measures how good estimates were: repeats for completed executions what the estimator said at points of their duration,
 * from the executions that had ended when each of them began. Pure. What a producer counted on the way is not kept, so
 * estimates by counters are not repeated.
 */
import { parseInstant } from './durations.js';
import { pausedWithin, remainingTime } from './estimate.js';
import { ascending, quantile } from './forecast.js';
import type { Expectation, RemainingTime } from './forecast.js';
import { earlierRuns, expectationOf, workedOf } from './history.js';
import type { Execution, Pause, Step } from '../execution.js';
import { isFinal } from '../execution.js';

/** Shares of the duration at which estimates are compared with what really remained. */
export const REPLAY_POINTS = [0.25, 0.5, 0.75] as const;
/** Executions that are replayed, the newest ones: they bound the work, and say how good estimates are now. */
const MAX_REPLAYED = 30;
/** Steps of one execution; that of a longer one would take too long for a request. */
const MAX_STEPS = 500;

/** How good estimates were at one point of the duration. */
export interface EstimateAccuracy {
  /** Point of the duration, from 0 to 1. */
  at: number;
  /** Number of executions with an estimate at that point. */
  runs: number;
  /** Median of the absolute errors of the remaining time, in milliseconds. */
  medianErrorMs: number;
  /** Median of the absolute errors as shares of the duration. */
  medianError: number;
  /** Number of executions whose remaining time was in the range of the estimate. */
  inRange: number;
}

/** One estimate beside what really remained; `estimate` is absent if there was none. */
export interface ReplayedEstimate {
  at: number;
  durationMs: number;
  actualMs: number;
  estimate?: RemainingTime;
}

/** Summarises the estimates of the newest completed ones of these executions, by point of the duration. */
export function accuracyOf(executions: readonly Execution[]): EstimateAccuracy[] {
  // live estimates do not use summaries either
  const whole = executions.filter(({ status, summarised }) => status === 'completed' && !summarised);
  const replayed = whole
    .sort((a, b) => b.firstSeq - a.firstSeq)
    .slice(0, MAX_REPLAYED)
    .flatMap((run) => replayEstimates(run, whole));
  return REPLAY_POINTS.flatMap((at) => {
    const accuracy = summarise(
      at,
      replayed.filter((one) => one.at === at),
    );
    return accuracy ? [accuracy] : [];
  });
}

function summarise(at: number, replayed: readonly ReplayedEstimate[]): EstimateAccuracy | undefined {
  const known = replayed.flatMap(({ estimate, ...rest }) => (estimate ? [{ ...rest, estimate }] : []));
  if (known.length === 0) return undefined;
  const errors = known.map(({ actualMs, estimate, durationMs }) => {
    const errorMs = Math.abs(estimate.remainingMs - actualMs);
    return { errorMs, share: errorMs / durationMs };
  });
  return {
    at,
    runs: known.length,
    medianErrorMs: medianOf(errors.map(({ errorMs }) => errorMs)),
    medianError: medianOf(errors.map(({ share }) => share)),
    inRange: known.filter(({ actualMs, estimate: { lowMs, highMs } }) => lowMs <= actualMs && actualMs <= highMs)
      .length,
  };
}

/** Repeats the estimates of one completed execution; of `others`, those that had ended when it began are known. */
export function replayEstimates(run: Execution, others: readonly Execution[]): ReplayedEstimate[] {
  const durationMs = workedOf(run);
  const started = parseInstant(run.startedAt);
  if (durationMs === undefined || durationMs === 0 || started === undefined || run.steps.size > MAX_STEPS) return [];
  const known = others.filter((one) => (parseInstant(one.endedAt) ?? Infinity) <= started);
  const expectation = expectationOf(earlierRuns(run, known));
  return REPLAY_POINTS.map((at) => {
    const nowMs = instantOf(run, started, at * durationMs);
    const estimate = remainingTime(executionAt(run, nowMs, expectation), nowMs);
    const isRepeated = estimate && estimate.basis !== 'counter';
    return { at, durationMs, actualMs: (1 - at) * durationMs, ...(isRepeated && { estimate }) };
  });
}

/** Returns when an execution had worked for this time, without its pauses. */
function instantOf({ pauses = [] }: Execution, started: number, workedMs: number): number {
  let nowMs = started + workedMs;
  for (const { from, to } of pauses) {
    const [begin, end] = [Date.parse(from), Date.parse(to ?? from)];
    if (begin < nowMs) nowMs += pausedWithin([{ from, to: to ?? from }], started, end);
  }
  return nowMs;
}

/**
 * Returns an execution as it was known at a time: without its end, and with the steps that had begun. Whether others were
 * announced by then is unknown.
 */
export function executionAt(run: Execution, nowMs: number, expectation?: Expectation): Execution {
  const { endedAt: _endedAt, durationMs: _durationMs, outcome: _outcome, progress: _progress, ...rest } = run;
  const { droppedSteps: _dropped, announced: { percent: _percent, ...announced } = {}, ...known } = rest;
  return {
    ...known,
    status: 'running',
    announced,
    pauses: (run.pauses ?? []).filter(({ from }) => Date.parse(from) < nowMs).map((pause) => cutPause(pause, nowMs)),
    steps: new Map([...run.steps.values()].flatMap((step) => stepAt(step, nowMs)).map((step) => [step.id, step])),
    ...(expectation && { expectation }),
  };
}

function cutPause({ from, to }: Pause, nowMs: number): Pause {
  return { from, to: to !== undefined && Date.parse(to) <= nowMs ? to : new Date(nowMs).toISOString() };
}

function stepAt(step: Step, nowMs: number): Step[] {
  const started = parseInstant(step.startedAt);
  if (started === undefined || started > nowMs) return [];
  const ended = parseInstant(step.endedAt);
  if (isFinal(step.status) && ended !== undefined && ended <= nowMs) return [step];
  const { endedAt: _endedAt, durationMs: _durationMs, progress: _progress, error: _error, ...open } = step;
  return [{ ...open, status: 'running' }];
}

function medianOf(values: readonly number[]): number {
  return quantile([...values].sort(ascending), 0.5);
}
