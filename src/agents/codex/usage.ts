/**
 * Counts the tokens of a Codex thread from two kinds of records: `token_usage_record`, the usage of one response, and
 * `token_count`, the total of the thread. Older versions write totals only, and no total includes the response of a
 * compaction. A response is recorded before the total that includes it.
 */
import { evictOldest } from '../../core/base/evict.js';
import type { EventData } from '../../core/events/event.js';
import type { Usage } from '../usage.js';
import { addedUsage, addUsage, NO_USAGE, tokensOf, UsageCounter } from '../usage.js';

const MAX_RESPONSES = 10_000;

export class ThreadTokens {
  readonly #responses = new Set<string>();
  #lastTotal = NO_USAGE;
  /** Usage up to the newest total. */
  #counted = NO_USAGE;
  /** Usage of the responses since the newest total. */
  #recorded = NO_USAGE;
  /** Tokens of responses that no total has included yet. */
  #ahead = 0;
  #usage = new UsageCounter();

  /** Records the usage of one response; responses are deduplicated by ID. */
  response(id: string | undefined, used: Usage): void {
    if (id !== undefined && this.#responses.has(id)) return;
    if (id !== undefined) this.#responses.add(id);
    evictOldest(this.#responses, MAX_RESPONSES);
    this.#recorded = addUsage(this.#recorded, used);
  }

  /** Records the total of the thread. One below the last total comes from a new process, which counts from zero. */
  total(total: Usage): void {
    const summed = tokensOf(total) < tokensOf(this.#lastTotal) ? total : addedUsage(this.#lastTotal, total);
    const added = tokensOf(this.#recorded) >= tokensOf(summed) - this.#ahead ? this.#recorded : summed;
    this.#ahead = Math.max(0, this.#ahead + tokensOf(added) - tokensOf(summed));
    this.#counted = addUsage(this.#counted, added);
    this.#recorded = NO_USAGE;
    this.#lastTotal = total;
  }

  /** Discards what was recorded so far: another thread has used it. */
  disown(): void {
    this.#counted = NO_USAGE;
    this.#recorded = NO_USAGE;
    this.#ahead = 0;
    this.#usage = new UsageCounter();
  }

  /** @returns fields of an `activity` event for the usage since the last call */
  take(): EventData {
    return this.#usage.total(addUsage(this.#counted, this.#recorded));
  }
}
