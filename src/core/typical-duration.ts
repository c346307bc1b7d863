/** Computes the typical duration of an execution: the median of the newest completed ones of the same name. */
import { elapsedOf } from './estimate.js';
import type { Execution } from './execution.js';

/** Median durations in milliseconds. */
export interface TypicalDuration {
  /** Of the execution. */
  ms: number;
  /** Number of former executions. */
  runs: number;
  /** Of its steps, by name. */
  steps: [name: string, ms: number][];
}

/** Minimum sample size. */
const MIN_RUNS = 3;
/** Maximum sample size: older executions of that name may have done something else. */
const MAX_RUNS = 20;

/**
 * Returns the typical duration of an execution, by the completed ones of `others` that began before it; undefined if
 * there are too few. Failed and cancelled ones are not representative.
 */
export function typicalDurationOf(execution: Execution, others: Iterable<Execution>): TypicalDuration | undefined {
  const former = [...others]
    .filter((one) => one.status === 'completed' && one.firstSeq < execution.firstSeq && isSameThing(one, execution))
    .sort((a, b) => b.firstSeq - a.firstSeq)
    .slice(0, MAX_RUNS);
  const ms = median(former.flatMap((one) => elapsedOf(one, 0) ?? []));
  if (ms === undefined) return undefined;
  const steps = new Map<string, number[]>();
  for (const step of former.flatMap((one) => [...one.steps.values()])) {
    const took = step.status === 'completed' ? elapsedOf(step, 0) : undefined;
    if (took === undefined) continue;
    const times = steps.get(step.name);
    if (times) times.push(took);
    else steps.set(step.name, [took]);
  }
  return {
    ms,
    runs: former.length,
    steps: [...steps].flatMap(([name, times]): [string, number][] => {
      const usual = median(times);
      return usual === undefined ? [] : [[name, usual]];
    }),
  };
}

/** Whether two executions do the same thing: `make` in another directory does not. */
function isSameThing(a: Execution, b: Execution): boolean {
  return a.name === b.name && a.kind === b.kind && a.process?.cwd === b.process?.cwd;
}

function median(values: readonly number[]): number | undefined {
  if (values.length < MIN_RUNS) return undefined;
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  const upper = sorted[half] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[half - 1] ?? upper) + upper) / 2;
}
