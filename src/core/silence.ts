/** When an execution counts as silent: pure, from what others of its name have been like. */
import type { Execution } from './execution.js';

/** Nothing is silent sooner. */
const MIN_SILENCE_MS = 30_000;
/** How much longer than the longest usual gap. */
const FACTOR = 3;
const USUAL = 0.95;
/** Of one name; with each more the oldest is forgotten. */
const GAPS = 200;
/** The name that was not seen longest goes. */
const NAMES = 1_000;

/** Milliseconds without activity after which an execution is silent, by the gaps seen so far: at least 30 s. */
export function silenceLimit(gapsMs: readonly number[]): number {
  if (gapsMs.length === 0) return MIN_SILENCE_MS;
  const sorted = [...gapsMs].sort((a, b) => a - b);
  const usual = sorted[Math.ceil(USUAL * sorted.length) - 1] ?? 0;
  return Math.max(MIN_SILENCE_MS, FACTOR * usual);
}

/**
 * Can it be silent at all? Not while somebody has stopped it or is asked something; and a command typed at a prompt
 * tells its beginning and its end alone.
 */
export function canBeSilent({ status, attention, kind }: Execution): boolean {
  return status === 'running' && attention === undefined && kind !== 'command';
}

export interface Gaps {
  add(name: string, gapMs: number): void;
  /** Of this name. */
  limit(name: string): number;
}

/** Remembers the gaps of the newest names, the newest of each. */
export function createGaps(): Gaps {
  const gaps = new Map<string, { newest: number[]; next: number; limit: number | undefined }>();
  return {
    add(name, gapMs) {
      const known = gaps.get(name) ?? { newest: [], next: 0, limit: undefined };
      known.newest[known.next] = gapMs;
      known.next = (known.next + 1) % GAPS;
      known.limit = undefined;
      gaps.delete(name);
      gaps.set(name, known);
      const [oldest] = gaps.keys();
      if (gaps.size > NAMES && oldest !== undefined) gaps.delete(oldest);
    },
    limit(name) {
      const known = gaps.get(name);
      return known ? (known.limit ??= silenceLimit(known.newest)) : MIN_SILENCE_MS;
    },
  };
}
