/** Finds the earlier executions of the same thing, and summarises what they took. Pure. */
import { countedSteps } from './work.js';
import { elapsedOf, parseInstant, spanOf } from './durations.js';
import { pausedWithin, workedMsOf } from './estimate.js';
import type { Execution, Step } from '../execution.js';
import type { Expectation, ExpectedStep } from './forecast.js';
import { ascending, MIN_RUNS, quantile } from './forecast.js';

/** Maximum sample size: older executions of that name may have done something else. */
const MAX_RUNS = 20;
/** Steps of one execution that are considered. */
const MAX_STEPS = 500;
/** Share of the time in which steps must run at the same time: the end of one may be reported after the next has begun. */
const MIN_PARALLEL_SHARE = 0.1;
/** Share of the executions that must have had a step for it to be expected. */
const MIN_STEP_SHARE = 0.5;

/**
 * Returns the completed ones of `others` that do the same thing and began before `execution`, the newest first. Failed
 * and cancelled ones do not represent what it takes.
 */
export function earlierRuns(execution: Execution, others: Iterable<Execution>): Execution[] {
  return [...others]
    .filter((one) => one.status === 'completed' && one.firstSeq < execution.firstSeq && isSameThing(one, execution))
    .sort((a, b) => b.firstSeq - a.firstSeq)
    .slice(0, MAX_RUNS);
}

/** Whether two executions do the same thing: `make` in another directory does not. */
function isSameThing(a: Execution, b: Execution): boolean {
  return a.name === b.name && a.kind === b.kind && a.process?.cwd === b.process?.cwd;
}

/** Summarises earlier runs of one thing; undefined if they are too few. */
export function expectationOf(runs: readonly Execution[]): Expectation | undefined {
  const durations = runs.flatMap((run) => workedOf(run) ?? []).sort(ascending);
  if (durations.length < MIN_RUNS) return undefined;
  // an evicted execution has no steps in memory
  const layouts = runs.flatMap((run) => layoutOf(run) ?? []);
  return {
    runs: durations.length,
    durations,
    steps: expectedSteps(layouts),
    parallelism: Math.round(
      medianOf(
        layouts.map(({ parallelism }) => parallelism),
        1,
      ),
    ),
    leadMs: medianOf(
      layouts.map(({ leadMs }) => leadMs),
      0,
    ),
    tailMs: medianOf(
      layouts.map(({ tailMs }) => tailMs),
      0,
    ),
    coverage: medianOf(
      layouts.map(({ coverage }) => coverage),
      1,
    ),
  };
}

/** Returns the duration of an ended execution without its pauses. */
export function workedOf(run: Execution): number | undefined {
  const elapsedMs = elapsedOf(run, 0);
  const from = parseInstant(run.startedAt) ?? 0;
  return elapsedMs === undefined ? undefined : elapsedMs - pausedWithin(run.pauses, from, from + elapsedMs);
}

/** When the steps of one execution ran, in their order. */
interface Layout {
  steps: { step: Step; from: number; to: number; workedMs: number }[];
  names: ReadonlyMap<string, string>;
  parallelism: number;
  leadMs: number;
  tailMs: number;
  coverage: number;
}

function layoutOf(run: Execution): Layout | undefined {
  const steps = countedSteps(run)
    .slice(0, MAX_STEPS)
    .flatMap((step) => {
      const span = step.status === 'completed' ? spanOf(step, 0) : undefined;
      return span ? [{ step, ...span, workedMs: workedMsOf(run, step, 0) }] : [];
    })
    .sort((a, b) => a.from - b.from);
  const [first] = steps;
  if (!first) return undefined;
  const started = Date.parse(run.startedAt ?? '');
  const lastEnd = Math.max(...steps.map(({ to }) => to));
  const { busyMs, parallelism } = occupancyOf(steps);
  const ended = started + (elapsedOf(run, 0) ?? 0);
  return {
    steps,
    names: new Map([...run.steps.values()].map(({ id, name }) => [id, name])),
    parallelism,
    leadMs: positive(first.from - started),
    tailMs: positive(ended - lastEnd),
    coverage: lastEnd > first.from ? busyMs / (lastEnd - first.from) : 1,
  };
}

/** Returns the time in which a step ran, and the number of steps that ran at the same time for a part of it that counts. */
function occupancyOf(spans: readonly { from: number; to: number }[]): { busyMs: number; parallelism: number } {
  const edges = spans
    .flatMap(({ from, to }): [number, number][] => [
      [from, 1],
      [to, -1],
    ])
    // one that ends when another begins does not run beside it
    .sort(([a, deltaA], [b, deltaB]) => a - b || deltaA - deltaB);
  let busyMs = 0;
  let running = 0;
  let before = 0;
  /** Time in which at least this number of steps ran. */
  const timeMs: number[] = [];
  for (const [at, delta] of edges) {
    if (running > 0) busyMs += at - before;
    for (let count = 1; count <= running; count++) timeMs[count] = (timeMs[count] ?? 0) + at - before;
    before = at;
    running += delta;
  }
  const parallelism = timeMs.findLastIndex((ms) => ms >= MIN_PARALLEL_SHARE * busyMs);
  return { busyMs, parallelism: Math.max(1, parallelism) };
}

function expectedSteps(layouts: readonly Layout[]): ExpectedStep[] {
  const known = new Map<string, { durations: number[]; positions: number[]; needs?: string[] }>();
  for (const { steps, names } of layouts) {
    for (const [position, { step, workedMs }] of steps.entries()) {
      const entry = known.get(step.name) ?? { durations: [], positions: [] };
      entry.durations.push(workedMs);
      entry.positions.push(position / steps.length);
      // the newest execution is the first
      if (step.needs) entry.needs ??= step.needs.map((id) => names.get(id) ?? id);
      known.set(step.name, entry);
    }
  }
  return [...known]
    .filter(([, { durations }]) => durations.length >= Math.max(MIN_RUNS, MIN_STEP_SHARE * layouts.length))
    .sort(([, a], [, b]) => medianOf(a.positions, 0) - medianOf(b.positions, 0))
    .map(([name, { durations, needs }]) => ({
      name,
      durations: durations.sort(ascending).slice(0, MAX_RUNS),
      ...(needs && { needs }),
    }));
}

function medianOf(values: readonly number[], otherwise: number): number {
  return values.length === 0 ? otherwise : quantile([...values].sort(ascending), 0.5);
}

function positive(ms: number): number {
  return Number.isFinite(ms) ? Math.max(0, ms) : 0;
}
