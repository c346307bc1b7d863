/** How long the steps of an execution usually take, by earlier executions of the same name. Pure. */
import { MIN_RUNS, quantile } from '../../../core/estimates/forecast.js';
import type { Execution, Step } from '../../../core/execution.js';

export interface UsualDuration {
  /** Median, in milliseconds. */
  medianMs: number;
  /** Four of five were shorter. */
  highMs: number;
}

/** Returns a function that looks up the usual duration of a step; undefined where the history is too short. */
export function usualDurations({ expectation }: Execution): (step: Step) => UsualDuration | undefined {
  const known = new Map(expectation?.steps.map(({ name, durations }) => [name, durations]));
  return ({ name }) => {
    const durations = known.get(name) ?? [];
    if (durations.length < MIN_RUNS) return undefined;
    return { medianMs: quantile(durations, 0.5), highMs: quantile(durations, 0.8) };
  };
}
