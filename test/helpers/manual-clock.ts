/** A clock that a test advances. */
import type { Clock } from '../../src/core/base/clock.js';

export interface ManualClock extends Clock {
  advance(ms: number): void;
  /** Number of waiting timers. */
  timers(): number;
}

export function createManualClock(): ManualClock {
  let now = 0;
  const timers = new Set<{ at: number; run: () => void }>();
  return {
    now: () => now,
    after(ms, run) {
      const timer = { at: now + ms, run };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    advance(ms) {
      const until = now + ms;
      for (;;) {
        const [next] = [...timers].filter(({ at }) => at <= until).sort((a, b) => a.at - b.at);
        if (!next) break;
        now = Math.max(now, next.at);
        timers.delete(next);
        next.run();
      }
      now = until;
    },
    timers: () => timers.size,
  };
}
