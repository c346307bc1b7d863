/** How much may be told: so many at once, and so many a minute from then on. */
import type { Clock } from '../core/clock.js';

export interface Allowance {
  /** Takes one, if there is one. */
  take(): boolean;
  /** How many there are. */
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
const LONGEST_MS = 5 * 60_000;
/** What a target may ask for. */
const LONGEST_ASKED_MS = 60 * 60_000;

/** Milliseconds before the next attempt, after so many in a row have failed: any time up to a bound that doubles. */
export function backOff(failures: number, asked = 0, random: () => number = Math.random): number {
  const most = Math.min(LONGEST_MS, FIRST_MS * 2 ** (failures - 1));
  return Math.max(random() * most, Math.min(asked, LONGEST_ASKED_MS));
}
