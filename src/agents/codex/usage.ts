/**
 * Tokens of a Codex thread from the two records that tell them: `token_usage_record`, the usage of one response, and
 * `token_count`, the sum of the thread. Older versions write sums alone; the response that a compaction takes is in no
 * sum. A response is recorded before the sum that includes it.
 */
import { evictOldest } from '../../core/evict.js';
import type { EventData } from '../../core/event.js';
import type { Usage } from '../usage.js';
import { addedUsage, addUsage, createUsageCounter, NO_USAGE, tokensOf } from '../usage.js';

export interface ThreadTokens {
  /** Usage of one response; counted once by the ID of the response. */
  response(id: string | undefined, usage: Usage): void;
  /** The sum of the thread. A smaller one than before is that of a process that counts anew. */
  total(total: Usage): void;
  /** What was read so far was spent by another thread. */
  disown(): void;
  /** Fields of an `activity` event for what was not taken yet. */
  take(): EventData;
}

const MAX_RESPONSES = 10_000;

export function createThreadTokens(): ThreadTokens {
  const responses = new Set<string>();
  let lastTotal = NO_USAGE;
  /** Up to the newest sum. */
  let counted = NO_USAGE;
  /** Responses since the newest sum. */
  let recorded = NO_USAGE;
  /** Tokens of responses that no sum has included yet. */
  let ahead = 0;
  let usage = createUsageCounter();

  return {
    response(id, used) {
      if (id !== undefined && responses.has(id)) return;
      if (id !== undefined) responses.add(id);
      evictOldest(responses, MAX_RESPONSES);
      recorded = addUsage(recorded, used);
    },
    total(total) {
      const summed = tokensOf(total) < tokensOf(lastTotal) ? total : addedUsage(lastTotal, total);
      const added = tokensOf(recorded) >= tokensOf(summed) - ahead ? recorded : summed;
      ahead = Math.max(0, ahead + tokensOf(added) - tokensOf(summed));
      counted = addUsage(counted, added);
      recorded = NO_USAGE;
      lastTotal = total;
    },
    disown() {
      counted = NO_USAGE;
      recorded = NO_USAGE;
      ahead = 0;
      usage = createUsageCounter();
    },
    take: () => usage.upTo(addUsage(counted, recorded)),
  };
}
