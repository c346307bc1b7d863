/** Counts tokens and cost once, although streams repeat their totals. */
import type { EventData } from '../core/events/event.js';

/** Tokens by kind; `input` excludes `cacheRead` and `cacheWrite`. */
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

/** Returns the part of `total` that `before` does not include. */
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

/** Returns fields of `activity` events: `tokens`, `usage` and `costUsd`, each only if there is something to count. */
export class UsageCounter {
  #counted = NO_USAGE;
  #countedUsd = 0;

  /** Counts a total since the start of the session. @returns the part of it that was not counted yet */
  total(total: Usage, costUsd = 0): EventData {
    return this.#count(addedUsage(this.#counted, total), Math.max(0, costUsd - this.#countedUsd));
  }

  /** Counts usage that no earlier call included. */
  add(usage: Usage): EventData {
    return this.#count(usage, 0);
  }

  #count(usage: Usage, costUsd: number): EventData {
    this.#counted = addUsage(this.#counted, usage);
    this.#countedUsd += costUsd;
    const tokens = tokensOf(usage);
    return { ...(tokens > 0 && { tokens, usage }), ...(costUsd > 0 && { costUsd }) };
  }
}
