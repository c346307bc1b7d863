/**
 * Compares methods of estimating the remaining time on the same builds: that of this program, the linear one of tqdm, and
 * that of Ninja, which knows what each step took when it ran last.
 */
import type { ReplayedEstimate } from '../../src/core/estimates/replay.js';
import { REPLAY_POINTS, replayEstimates } from '../../src/core/estimates/replay.js';
import type { Build } from './builds.js';
import { toExecutions } from './builds.js';

export type Method = 'progress' | 'tqdm' | 'ninja';

export interface MethodError {
  at: number;
  /** Median of the absolute errors as shares of the duration, by method. */
  errors: Record<Method, number>;
  /** Number of builds with an estimate, by method, and of all. */
  estimates: Record<Method, number>;
  builds: number;
  /** Share of our estimates whose range has the real remaining time; the range is meant to hold three of five. */
  inRange: number;
}

/** Earlier builds that each method knows. */
const KNOWN = 3;

/** Compares the methods on all builds but the first ones. */
export function compareMethods(name: string, builds: readonly Build[]): MethodError[] {
  const executions = toExecutions(name, builds);
  const judged = builds.slice(KNOWN).map((build, index) => {
    const replayed = replayEstimates(executions[index + KNOWN]!, executions);
    return { build, before: builds[index + KNOWN - 1]!, replayed };
  });
  return REPLAY_POINTS.map((at) => {
    const found = judged.map(({ build, before, replayed }): Record<Method, number | undefined> => {
      const own = replayed.find((one) => one.at === at)?.estimate;
      const now = at * build.durationMs;
      const predicted = { progress: own?.remainingMs, tqdm: linear(build, now), ninja: byEdges(build, before, now) };
      const errorOf = (ms: number | undefined) =>
        ms === undefined ? undefined : Math.abs(ms - (build.durationMs - now)) / build.durationMs;
      return { progress: errorOf(predicted.progress), tqdm: errorOf(predicted.tqdm), ninja: errorOf(predicted.ninja) };
    });
    const known = (method: Method) => found.map((one) => one[method]).filter((error) => error !== undefined);
    return {
      at,
      errors: { progress: median(known('progress')), tqdm: median(known('tqdm')), ninja: median(known('ninja')) },
      estimates: { progress: known('progress').length, tqdm: known('tqdm').length, ninja: known('ninja').length },
      builds: judged.length,
      inRange: shareInRange(judged.flatMap(({ replayed }) => replayed.filter((one) => one.at === at))),
    };
  });
}

function shareInRange(replayed: readonly ReplayedEstimate[]): number {
  const known = replayed.flatMap(({ estimate, actualMs }) => (estimate ? [{ ...estimate, actualMs }] : []));
  return known.filter(({ lowMs, highMs, actualMs }) => lowMs <= actualMs && actualMs <= highMs).length / known.length;
}

/** Elapsed time by the fraction of steps that are done. */
function linear({ steps }: Build, now: number): number | undefined {
  const done = steps.filter(({ startMs, durationMs }) => startMs + durationMs <= now).length;
  return done === 0 ? undefined : (now * (steps.length - done)) / done;
}

/** Ninja's guards: history is dropped if, after this time and share of steps, it differs by this ratio. */
const GUARD_MS = 15_000;
const GUARD_SHARE = 0.05;
const GUARD_RATIO = 10;

/**
 * Elapsed time by the fraction of the processor time: that of the finished steps, to which the steps that are not finished
 * add what they took last, and unknown ones the mean of the known.
 */
function byEdges({ steps }: Build, before: Build, now: number): number | undefined {
  const history = new Map(before.steps.map(({ name, durationMs }) => [name, durationMs]));
  const done = steps.filter(({ startMs, durationMs }) => startMs + durationMs <= now);
  const open = steps.filter((step) => !done.includes(step));
  const spent = sum(done.map(({ durationMs }) => durationMs));
  const past = steps.flatMap(({ name }) => history.get(name) ?? []);
  const ratio = spent / Math.max(1, done.length) / (sum(past) / Math.max(1, past.length));
  const isJudged = spent >= GUARD_MS && done.length >= GUARD_SHARE * steps.length;
  const isTrusted = !isJudged || (ratio < GUARD_RATIO && ratio > 1 / GUARD_RATIO);
  const foreseen = isTrusted ? open.flatMap(({ name }) => history.get(name) ?? []) : [];
  const known = done.length + foreseen.length;
  if (known === 0) return undefined;
  const mean = (spent + sum(foreseen)) / known;
  const remaining = sum(foreseen) + mean * (open.length - foreseen.length);
  const fraction = spent / (spent + remaining);
  return fraction === 0 ? undefined : now / fraction - now;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
