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
    const tokens = usage.input + usage.output + usage.cacheRead + usage.cacheWrite;
    return { ...(tokens > 0 && { tokens, usage }), ...(costUsd > 0 && { costUsd }) };
  };
  return {
    upTo(total, costUsd = 0) {
      const rest = (key: keyof Usage) => Math.max(0, total[key] - counted[key]);
      const usage = {
        input: rest('input'),
        output: rest('output'),
        cacheRead: rest('cacheRead'),
        cacheWrite: rest('cacheWrite'),
      };
      return tell(usage, Math.max(0, costUsd - countedUsd));
    },
    more: (usage) => tell(usage, 0),
  };
}
