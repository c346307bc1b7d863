/** Progress of tools that count fast: told now and then, the last word always. */
import type { EventData } from '../core/event.js';
import type { StreamEvent } from './parser.js';

export interface Throttle {
  /** The newest count, made if it is told: the event, if it is time for one. */
  next(make: () => EventData, now: number): StreamEvent[];
  /** What has not been told. */
  rest(): StreamEvent[];
}

/** Faces draw no faster. */
const INTERVAL_MS = 100;

export function createThrottle(): Throttle {
  let waiting: (() => EventData) | undefined;
  let told: EventData | undefined;
  let toldAt = -Infinity;
  const rest = (): StreamEvent[] => {
    const data = waiting?.();
    waiting = undefined;
    if (!data || isSame(told, data)) return [];
    told = data;
    return [{ type: 'progress', data }];
  };
  return {
    next(make, now) {
      waiting = make;
      // a clock that was set back must not silence it
      if (Math.abs(now - toldAt) < INTERVAL_MS) return [];
      const events = rest();
      if (events.length > 0) toldAt = now;
      return events;
    },
    rest,
  };
}

function isSame(a: EventData | undefined, b: EventData): boolean {
  return a?.['current'] === b['current'] && a?.['total'] === b['total'] && a?.['message'] === b['message'];
}
