/** Tokens and cost: each counted once, however often a stream repeats its sums. */
import type { EventData } from '../core/event.js';

/** Tokens by what they were; `input` holds none that are in `cacheRead` or `cacheWrite`. */
export interface Usage {
  input: number;
  output: number;
  cacheRead: number;
  cacheWrite: number;
}

export const NO_USAGE: Usage = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 };

export function addUsage(a: Usage, b: Usage): Usage {
  return {
    input: a.input + b.input,
    output: a.output + b.output,
    cacheRead: a.cacheRead + b.cacheRead,
    cacheWrite: a.cacheWrite + b.cacheWrite,
  };
}

/** What is in `total` beyond `before`. */
export function addedUsage(before: Usage, total: Usage): Usage {
  return {
    input: Math.max(0, total.input - before.input),
    output: Math.max(0, total.output - before.output),
    cacheRead: Math.max(0, total.cacheRead - before.cacheRead),
    cacheWrite: Math.max(0, total.cacheWrite - before.cacheWrite),
  };
}

export function tokensOf({ input, output, cacheRead, cacheWrite }: Usage): number {
  return input + output + cacheRead + cacheWrite;
}

export interface UsageCounter {
  /** From sums since the beginning, what is new in them. */
  upTo(total: Usage, costUsd?: number): EventData;
  /** From what was used since the last time. */
  more(usage: Usage): EventData;
}

/** Its answers are fields of an `activity` event: `tokens`, `usage` and `costUsd`, as far as there is anything to count. */
export function createUsageCounter(): UsageCounter {
  let counted = NO_USAGE;
  let countedUsd = 0;
  const tell = (usage: Usage, costUsd: number): EventData => {
    counted = addUsage(counted, usage);
    countedUsd += costUsd;
    const tokens = tokensOf(usage);
    return { ...(tokens > 0 && { tokens, usage }), ...(costUsd > 0 && { costUsd }) };
  };
  return {
    upTo(total, costUsd = 0) {
      return tell(addedUsage(counted, total), Math.max(0, costUsd - countedUsd));
    },
    more: (usage) => tell(usage, 0),
  };
}
