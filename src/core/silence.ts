/** When an execution counts as silent: pure, from how long others of its name were usually inactive. */
import type { Execution } from './execution.js';

/** The group `silence` of the configuration. */
export interface SilenceSettings {
  /** Milliseconds without activity before which nothing is silent. */
  readonly after: number;
  /** How many times longer than usual an execution must be inactive. */
  readonly factor: number;
}

/** The share of the gaps that are not longer than the usual one. */
const USUAL = 0.95;
/** Gaps that are kept of one name. */
const GAPS = 200;
/** Names that are kept. */
const NAMES = 1_000;

/** The usual gap between two activities, in milliseconds; 0 where none was seen. */
export function usualGap(gapsMs: readonly number[]): number {
  const sorted = [...gapsMs].sort((a, b) => a - b);
  return sorted[Math.ceil(USUAL * sorted.length) - 1] ?? 0;
}

/**
 * Whether an execution can be silent at all: not while it is paused or waits for a person. A command typed at a prompt
 * reports only its start and its end.
 */
export function canBeSilent({ status, attention, kind }: Execution): boolean {
  return status === 'running' && attention === undefined && kind !== 'command';
}

export interface Gaps {
  add(name: string, gapMs: number): void;
  /** Milliseconds without activity after which an execution of this name is silent. */
  limit(name: string, settings: SilenceSettings): number;
}

/** Keeps the newest gaps of the names that were seen last. */
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
      const [oldest] = gaps.keys();
      if (gaps.size > NAMES && oldest !== undefined) gaps.delete(oldest);
    },
    limit(name, { after, factor }) {
      const known = gaps.get(name);
      return Math.max(after, factor * (known ? (known.usual ??= usualGap(known.newest)) : 0));
    },
  };
}
