/** How long things usually take: the middle of what the newest completed ones of the same name took. */
import { elapsedOf } from './estimate.js';
import type { Execution } from './execution.js';

/** Milliseconds. */
export interface TypicalDuration {
  /** Of the whole. */
  ms: number;
  /** From how many former ones. */
  runs: number;
  /** Of its steps, by name. */
  steps: [name: string, ms: number][];
}

/** Fewer say nothing. */
const MIN_RUNS = 3;
/** Older ones may have been another thing of that name. */
const MAX_RUNS = 20;

/**
 * What it usually takes to do what this execution does, by those of the others that began before it. What failed or was
 * stopped says nothing of how long it takes. Undefined where there are too few to say.
 */
export function typicalDurationOf(execution: Execution, others: Iterable<Execution>): TypicalDuration | undefined {
  const former = [...others]
    .filter((one) => one.status === 'completed' && one.firstSeq < execution.firstSeq && isSameThing(one, execution))
    .sort((a, b) => b.firstSeq - a.firstSeq)
    .slice(0, MAX_RUNS);
  const ms = middle(former.flatMap((one) => elapsedOf(one, 0) ?? []));
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
      const usual = middle(times);
      return usual === undefined ? [] : [[name, usual]];
    }),
  };
}

/** Another directory's `make` is another thing. */
function isSameThing(a: Execution, b: Execution): boolean {
  return a.name === b.name && a.kind === b.kind && a.cwd === b.cwd;
}

function middle(values: readonly number[]): number | undefined {
  if (values.length < MIN_RUNS) return undefined;
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  const upper = sorted[half] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[half - 1] ?? upper) + upper) / 2;
}
