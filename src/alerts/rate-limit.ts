/** Rate limit: a token bucket. */
import type { Clock } from '../core/base/clock.js';

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
