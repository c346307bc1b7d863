/** Rate limit: a token bucket, and exponential backoff with jitter. */
import type { Clock } from '../core/clock.js';

export interface Allowance {
  /** Takes a token. @returns whether there was one */
  take(): boolean;
  /** Number of tokens. */
  readonly left: number;
  set(perMinute: number): void;
}

export function createAllowance(perMinute: number, clock: Clock): Allowance {
  let most = perMinute;
  let left = perMinute;
  let countedAt = clock.now();

  const refill = () => {
    const now = clock.now();
    left = Math.min(most, left + ((now - countedAt) / 60_000) * most);
    countedAt = now;
  };

  return {
    take() {
      refill();
      if (left < 1) return false;
      left -= 1;
      return true;
    },
    get left() {
      refill();
      return Math.floor(left);
    },
    set(value) {
      refill();
      left = Math.min(value, left + Math.max(0, value - most));
      most = value;
    },
  };
}

const FIRST_MS = 1_000;
const MAX_MS = 5 * 60_000;
/** Maximum delay that a target can request. */
const MAX_REQUESTED_MS = 60 * 60_000;

/** Backoff in milliseconds after consecutive failures: random up to a bound that doubles with each. */
export function backOff(failures: number, asked = 0, random: () => number = Math.random): number {
  const most = Math.min(MAX_MS, FIRST_MS * 2 ** (failures - 1));
  return Math.max(random() * most, Math.min(asked, MAX_REQUESTED_MS));
}
