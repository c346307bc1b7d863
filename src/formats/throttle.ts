/** Throttles progress events, always emitting the last one. */
import type { EventData } from '../core/events/event.js';
import type { StreamEvent } from './parser.js';

export interface Throttle {
  /** Sets the newest progress. @param make Computes the data if it is emitted. @returns The event, if one is due. */
  next(make: () => EventData, now: number): StreamEvent[];
  /** Returns the event that is held back, if any. */
  rest(): StreamEvent[];
}

/** Minimum interval; user interfaces do not redraw faster. */
const INTERVAL_MS = 100;

/** Creates a throttle. */
export function createThrottle(): Throttle {
  let waiting: (() => EventData) | undefined;
  let emitted: EventData | undefined;
  let emittedAt = -Infinity;
  const rest = (): StreamEvent[] => {
    const data = waiting?.();
    waiting = undefined;
    if (!data || isSame(emitted, data)) return [];
    emitted = data;
    return [{ type: 'progress', data }];
  };
  return {
    next(make, now) {
      waiting = make;
      // absolute, so that a clock that is set back does not suppress events
      if (Math.abs(now - emittedAt) < INTERVAL_MS) return [];
      const events = rest();
      if (events.length > 0) emittedAt = now;
      return events;
    },
    rest,
  };
}

function isSame(a: EventData | undefined, b: EventData): boolean {
  return a?.['current'] === b['current'] && a?.['total'] === b['total'] && a?.['message'] === b['message'];
}
