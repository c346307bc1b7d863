/** Decides when an execution is silent, from the usual gaps between activities of executions of the same name. */
import { evictOldest } from '../base/evict.js';
import type { Execution } from '../execution.js';

/** The section `silence` of the configuration. */
export interface SilenceSettings {
  /** Minimum milliseconds without activity. */
  readonly after: number;
  /** Multiple of the usual gap. */
  readonly factor: number;
}

/** Percentile of the gaps that counts as usual. */
const USUAL = 0.95;
/** Gaps kept per name. */
const GAPS = 200;
/** Names kept; the least recently used are evicted. */
const NAMES = 1_000;

/** Returns the usual gap between two activities in milliseconds; 0 if there are none. */
export function usualGap(gapsMs: readonly number[]): number {
  const sorted = [...gapsMs].sort((a, b) => a - b);
  return sorted[Math.ceil(USUAL * sorted.length) - 1] ?? 0;
}

/**
 * Whether an execution can become silent: not while it is paused or waits for a person. Nor a command typed at a prompt,
 * which reports only its start and its end.
 */
export function canBeSilent({ status, attention, kind }: Execution): boolean {
  return status === 'running' && attention === undefined && kind !== 'command';
}

export interface Gaps {
  add(name: string, gapMs: number): void;
  /** Returns the milliseconds without activity after which an execution of this name is silent. */
  limit(name: string, settings: SilenceSettings): number;
}

/** Creates a record of the newest gaps of the most recently seen names. */
export function createGaps(): Gaps {
  const gaps = new Map<string, { newest: number[]; next: number; usual: number | undefined }>();
  return {
    add(name, gapMs) {
      const known = gaps.get(name) ?? { newest: [], next: 0, usual: undefined };
      known.newest[known.next] = gapMs;
      known.next = (known.next + 1) % GAPS;
      known.usual = undefined;
      gaps.delete(name);
      gaps.set(name, known);
      evictOldest(gaps, NAMES);
    },
    limit(name, { after, factor }) {
      const known = gaps.get(name);
      return Math.max(after, factor * (known ? (known.usual ??= usualGap(known.newest)) : 0));
    },
  };
}
