/** Builds whose remaining time can be estimated: recorded ones of this repository, and synthetic ones; all are completed. */
import type { Execution } from '../../src/core/execution.js';
import recorded from '../fixtures/builds.json' with { type: 'json' };
import { makeExecution, makeStep, timeAt } from './models.js';
import type { Random } from './random.js';

export interface Build {
  durationMs: number;
  steps: BuildStep[];
}

export interface BuildStep {
  name: string;
  startMs: number;
  durationMs: number;
  needs?: readonly string[];
}

/** Time between the starts of two builds. */
const INTERVAL_MS = 3_600_000;

/** Converts builds of one name to executions, each of which begins after the end of the one before. */
export function toExecutions(name: string, builds: readonly Build[]): Execution[] {
  return builds.map(({ durationMs, steps }, index) => {
    const from = index * INTERVAL_MS;
    return makeExecution({
      ...{ id: `${name}-${index}`, name, kind: 'run', status: 'completed', firstSeq: index + 1, lastSeq: index + 1 },
      ...{ startedAt: timeAt(from), endedAt: timeAt(from + durationMs), durationMs },
      steps: steps.map(({ name: id, startMs, durationMs: took, needs }) =>
        makeStep({
          ...{ id, status: 'completed', durationMs: took },
          ...{ startedAt: timeAt(from + startMs), endedAt: timeAt(from + startMs + took) },
          ...(needs && { needs: [...needs] }),
        }),
      ),
    });
  });
}

/** Returns the recorded builds by name: `verify` has one step after the other, `check` two at a time. */
export function recordedBuilds(): Map<string, Build[]> {
  return new Map(
    Object.entries(recorded).map(([name, { steps, runs }]) => [
      name,
      runs.map(([durationMs = 0, ...times]) => ({
        durationMs,
        steps: steps
          .map((step, at) => ({ name: step, startMs: times[2 * at] ?? 0, durationMs: times[2 * at + 1] ?? 0 }))
          .sort((a, b) => a.startMs - b.startMs),
      })),
    ]),
  );
}

/** Step of a synthetic plan: its usual duration, and the steps that it needs. */
export type Plan = Readonly<Record<string, readonly [usualMs: number, ...needs: string[]]>>;

export const SERIAL_PLAN: Plan = { prepare: [2_000], compile: [6_000, 'prepare'], pack: [2_000, 'compile'] };

/** A library and two programs, each compiled in parts, tested, then packed. */
export const PARALLEL_PLAN: Plan = {
  fetch: [3_000],
  generate: [2_000, 'fetch'],
  library: [8_000, 'generate'],
  docs: [5_000, 'fetch'],
  server: [6_000, 'library'],
  client: [4_000, 'library'],
  lint: [4_000, 'generate'],
  'test server': [9_000, 'server'],
  'test client': [3_000, 'client'],
  pack: [2_000, 'test server', 'test client', 'docs'],
};

/**
 * Runs a plan a number of times, with as many steps at a time as there are slots.
 *
 * @param jitter Relative deviation of each step, and half as much again for a whole build: machines have slow hours.
 */
export function syntheticBuilds(plan: Plan, slots: number, runs: number, jitter: number, random: Random): Build[] {
  return Array.from({ length: runs }, () => {
    const machine = 1 + (jitter / 2) * normal(random);
    return runPlan(plan, slots, (usualMs) => Math.max(50, usualMs * machine * (1 + jitter * normal(random))));
  });
}

function runPlan(plan: Plan, slots: number, durationOf: (usualMs: number) => number): Build {
  const ends = new Map<string, number>();
  const free = Array.from({ length: slots }, () => 0);
  const waiting = Object.entries(plan);
  const steps: BuildStep[] = [];
  while (waiting.length > 0) {
    const slot = free.indexOf(Math.min(...free));
    const at = free[slot] ?? 0;
    const ready = waiting.findIndex(([, [, ...needs]]) => needs.every((need) => (ends.get(need) ?? Infinity) <= at));
    if (ready === -1) {
      // the slot is idle until the next step ends
      free[slot] = Math.min(...[...ends.values()].filter((end) => end > at));
      continue;
    }
    const [[name, [usualMs, ...needs]]] = waiting.splice(ready, 1) as [(typeof waiting)[number]];
    const durationMs = Math.round(durationOf(usualMs));
    steps.push({ name, startMs: at, durationMs, ...(needs.length > 0 && { needs }) });
    ends.set(name, at + durationMs);
    free[slot] = at + durationMs;
  }
  return { durationMs: Math.max(...ends.values()), steps };
}

/** A normally distributed number, within two deviations. */
function normal(random: Random): number {
  const value = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return Math.min(2, Math.max(-2, value));
}
