/**
 * Forecasts how long a plan of steps still takes, from what each step took before: the critical path over `needs`, with
 * as many steps at a time as there were before, scaled by the speed so far. Pure; all times are milliseconds.
 */

/** What earlier completed executions of the same thing took. */
export interface Expectation {
  /** Number of executions. */
  runs: number;
  /** Durations of the executions, ascending. */
  durations: readonly number[];
  /** Steps that most of them had, in the usual order. */
  steps: readonly ExpectedStep[];
  /** Steps that ran at the same time, not only for a short time. */
  parallelism: number;
  /** Usual time before the first step and after the last one. */
  leadMs: number;
  tailMs: number;
  /** Share of the time between first and last step in which a step ran, from 0 to 1. */
  coverage: number;
}

export interface ExpectedStep {
  name: string;
  /** Ascending. */
  durations: readonly number[];
  /** Names of the steps that it needs. */
  needs?: readonly string[];
}

/** Step of the present execution. */
export interface PlannedStep {
  name: string;
  state: 'done' | 'running' | 'pending';
  /** Time that it took or has taken so far. */
  elapsedMs: number;
  /** Completed share, from 0 to 1, where the producer counts. */
  share?: number;
  /** Names of the steps that it needs. */
  needs?: readonly string[];
}

/** Remaining time: the median, and the bounds of the range in which it falls in three of five cases. */
export interface Forecast {
  remainingMs: number;
  lowMs: number;
  highMs: number;
}

/** What an estimate rests on: earlier executions, a count, or the producer's own estimate. */
export type EstimateBasis = 'history' | 'counter' | 'given';

/** Remaining time, and the range in which it is in three of five cases. All in milliseconds. */
export interface RemainingTime extends Forecast {
  basis: EstimateBasis;
  /** Time by which the expected end has passed; the others are 0 then. */
  overdueMs?: number;
}

/** Minimum number of earlier executions. */
export const MIN_RUNS = 3;
/** Earlier executions are ignored if this one is more than this many times faster or slower (the guard of Ninja). */
const MAX_SPEED_RATIO = 10;
/** Minimum time before such a difference counts. */
const MIN_GUARD_MS = 15_000;
/** Bounds of the scale that the speed so far gives to what remains. */
const SCALE_BOUNDS = [0.5, 2] as const;
const MIN_COVERAGE = 0.2;
const LOW = 0.2;
const HIGH = 0.8;

/**
 * Forecasts the remaining time.
 *
 * @param elapsedMs Time since the start of the execution, without pauses.
 * @returns undefined if the earlier executions do not predict this one.
 */
export function forecastPlan(
  steps: readonly PlannedStep[],
  expectation: Expectation,
  elapsedMs: number,
): Forecast | undefined {
  if (expectation.runs < MIN_RUNS) return undefined;
  if (expectation.steps.length === 0 && steps.length === 0) return residual(expectation.durations, elapsedMs);
  const expected = new Map(expectation.steps.map((step) => [step.name, step]));
  const scale = scaleOf(steps, expected);
  if (scale === undefined) return undefined;
  const plan = [...steps, ...stepsToCome(steps, expectation)];
  const typicalMs = quantile([...expected.values()].map(medianOf).sort(ascending), 0.5);
  const tasks = plan.map((step) => toTask(step, expected.get(step.name), scale, typicalMs));
  const { remainingMs, path } = schedule(tasks, parallelismOf(steps, expectation));
  const coverage = Math.max(MIN_COVERAGE, expectation.coverage);
  const isBegun = steps.some(({ state }) => state !== 'pending');
  const extraMs = expectation.tailMs + (isBegun ? 0 : Math.max(0, expectation.leadMs - elapsedMs));
  const middle = remainingMs / coverage + extraMs;
  return {
    remainingMs: middle,
    lowMs: Math.max(0, middle - spreadOf(path, ({ low, median }) => median - low)),
    highMs: middle + spreadOf(path, ({ median, high }) => high - median),
  };
}

/** Returns what remains of a duration that earlier ones predict; undefined if all of them were shorter. */
export function residual(durations: readonly number[], elapsedMs: number): Forecast | undefined {
  const rest = durations.filter((duration) => duration > elapsedMs).map((duration) => duration - elapsedMs);
  if (rest.length === 0) return undefined;
  return { remainingMs: quantile(rest, 0.5), lowMs: quantile(rest, LOW), highMs: quantile(rest, HIGH) };
}

/** Returns a quantile of values in ascending order, interpolated; 0 of none. */
export function quantile(sorted: readonly number[], share: number): number {
  const position = (sorted.length - 1) * share;
  const below = sorted[Math.floor(position)] ?? 0;
  const above = sorted[Math.ceil(position)] ?? below;
  return below + (above - below) * (position - Math.floor(position));
}

/** Remaining time of a step as quantiles. */
interface Task {
  name: string;
  needs: readonly string[];
  isRunning: boolean;
  low: number;
  median: number;
  high: number;
}

function toTask(step: PlannedStep, known: ExpectedStep | undefined, scale: number, typicalMs: number): Task {
  const { name, state, elapsedMs, share } = step;
  const needs = step.needs ?? known?.needs ?? [];
  const isRunning = state === 'running';
  if (state === 'done') return { name, needs, isRunning, low: 0, median: 0, high: 0 };
  const durations = known?.durations.map((duration) => duration * scale) ?? [typicalMs / 2, typicalMs, typicalMs * 2];
  const rest = residual(durations, elapsedMs) ?? { remainingMs: 0, lowMs: 0, highMs: 0 };
  const task = { name, needs, isRunning, low: rest.lowMs, median: rest.remainingMs, high: rest.highMs };
  return isRunning && share !== undefined && share > 0 ? blend(task, share, elapsedMs) : task;
}

/** Shifts from what it took before to its own rate, the more of it is done. */
function blend(task: Task, share: number, elapsedMs: number): Task {
  const own = (elapsedMs * (1 - share)) / share;
  const mix = (before: number) => before * (1 - share) + own * share;
  return { ...task, low: mix(task.low), median: mix(task.median), high: mix(task.high) };
}

/**
 * Returns how much slower this execution is than before, by its finished steps: the more of the plan they are, the more
 * it counts. Undefined if the difference is so large that it does something else.
 */
function scaleOf(steps: readonly PlannedStep[], expected: ReadonlyMap<string, ExpectedStep>): number | undefined {
  const finished = steps.flatMap(({ name, state, elapsedMs }) => {
    const known = state === 'done' ? expected.get(name) : undefined;
    return known ? [{ actual: elapsedMs, usual: medianOf(known) }] : [];
  });
  const all = sumOf(finished);
  if (all.actual >= MIN_GUARD_MS && !isSimilar(all)) return undefined;
  // one that took no time, because its result was cached, says nothing of the speed
  const { actual, usual } = sumOf(finished.filter(isSimilar));
  if (usual === 0) return 1;
  const total = [...expected.values()].reduce((sum, step) => sum + medianOf(step), 0);
  const [min, max] = SCALE_BOUNDS;
  return Math.min(max, Math.max(min, (actual / usual) ** Math.min(1, usual / total)));
}

/** Time that finished steps took, and what they took before. */
interface Comparison {
  actual: number;
  usual: number;
}

function sumOf(compared: readonly Comparison[]): Comparison {
  return compared.reduce((sum, one) => ({ actual: sum.actual + one.actual, usual: sum.usual + one.usual }), {
    actual: 0,
    usual: 0,
  });
}

function isSimilar({ actual, usual }: Comparison): boolean {
  return actual < usual * MAX_SPEED_RATIO && actual > usual / MAX_SPEED_RATIO;
}

/** Returns the steps that earlier executions had and this one has not reached. */
export function stepsToCome(steps: readonly PlannedStep[], { steps: expected }: Expectation): PlannedStep[] {
  const present = new Set(steps.map(({ name }) => name));
  const reached = expected.findLastIndex(({ name }) => present.has(name));
  return expected
    .slice(reached + 1)
    .map(({ name, needs }) => ({ name, state: 'pending', elapsedMs: 0, ...(needs && { needs }) }));
}

function parallelismOf(steps: readonly PlannedStep[], { parallelism }: Expectation): number {
  return Math.max(1, parallelism, steps.filter(({ state }) => state === 'running').length);
}

/** Schedules the tasks in their order, each when what it needs is done and a slot is free. @returns the critical path */
function schedule(tasks: readonly Task[], slots: number): { remainingMs: number; path: Task[] } {
  const names = new Set(tasks.map(({ name }) => name));
  const ends = new Map<string, number>();
  const free = Array.from({ length: slots }, () => 0);
  const scheduled: Scheduled[] = [];
  const waiting = [...tasks].sort((a, b) => Number(b.isRunning) - Number(a.isRunning));
  while (waiting.length > 0) {
    // needs that form a cycle or name no step are ignored
    const ready = waiting.findIndex(({ needs }) => needs.every((need) => ends.has(need) || !names.has(need)));
    const [task] = waiting.splice(Math.max(0, ready), 1);
    if (!task) break;
    const slot = free.indexOf(Math.min(...free));
    const needed = Math.max(0, ...task.needs.map((need) => ends.get(need) ?? 0));
    const start = task.median === 0 ? needed : Math.max(needed, free[slot] ?? 0);
    const end = start + task.median;
    if (task.median > 0) free[slot] = end;
    ends.set(task.name, Math.max(end, ends.get(task.name) ?? 0));
    scheduled.push({ task, start, end });
  }
  const remainingMs = Math.max(0, ...scheduled.map(({ end }) => end));
  return { remainingMs, path: pathTo(remainingMs, scheduled) };
}

interface Scheduled {
  task: Task;
  start: number;
  end: number;
}

/** Returns the chain of tasks of which each starts when the next one in the list ends, from the one that ends last. */
function pathTo(endMs: number, scheduled: readonly Scheduled[]): Task[] {
  const path: Task[] = [];
  let until = endMs;
  let among = scheduled;
  while (until > 0) {
    const index = among.findIndex(({ end }) => end === until);
    const found = among[index];
    if (!found) break;
    path.push(found.task);
    until = found.start;
    // what a task waited for was scheduled before it
    among = scheduled.slice(0, scheduled.indexOf(found));
  }
  return path;
}

/**
 * Deviations of steps that are independent add up as squares; those of a slow machine, which all steps share, add up as
 * they are. Builds have both, so the mean of the two is used.
 */
function spreadOf(path: readonly Task[], deviation: (task: Task) => number): number {
  const deviations = path.map(deviation);
  const shared = deviations.reduce((sum, one) => sum + one, 0);
  return (Math.hypot(...deviations) + shared) / 2;
}

function medianOf({ durations }: ExpectedStep): number {
  return quantile(durations, 0.5);
}

/** Compares numbers for sorting. */
export function ascending(a: number, b: number): number {
  return a - b;
}
