/** Computes the typical duration of an execution: the median of the newest completed ones of the same name. */
import { elapsedOf } from './durations.js';
import type { Execution } from '../execution.js';
import { ascending, MIN_RUNS, quantile } from './forecast.js';
import { earlierRuns } from './history.js';

/** Median durations in milliseconds. */
export interface TypicalDuration {
  /** Of the execution. */
  ms: number;
  /** Number of former executions. */
  runs: number;
  /** Of its steps, by name. */
  steps: [name: string, ms: number][];
}

/** Returns the typical duration by the completed ones of `others` that began before it; undefined if there are too few. */
export function typicalDurationOf(execution: Execution, others: Iterable<Execution>): TypicalDuration | undefined {
  const former = earlierRuns(execution, others);
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

function median(values: readonly number[]): number | undefined {
  return values.length < MIN_RUNS ? undefined : quantile([...values].sort(ascending), 0.5);
}
