/** Progress of tools that count fast: told now and then, the last word always. */
import type { EventData } from '../core/event.js';
import type { StreamEvent } from './parser.js';

export interface Pace {
  /** The newest count: the event to tell, if it is time for one. */
  next(data: EventData, now: number): StreamEvent[];
  /** What has not been told. */
  rest(): StreamEvent[];
}

/** Faces draw no faster. */
const INTERVAL_MS = 100;

export function createPace(): Pace {
  let waiting: EventData | undefined;
  let told: EventData | undefined;
  let toldAt = -Infinity;
  const tell = (data: EventData): StreamEvent[] => {
    waiting = undefined;
    told = data;
    return [{ type: 'progress', data }];
  };
  return {
    next(data, now) {
      if (isSame(told, data)) {
        waiting = undefined;
        return [];
      }
      waiting = data;
      // a clock that was set back must not silence it
      if (Math.abs(now - toldAt) < INTERVAL_MS) return [];
      toldAt = now;
      return tell(data);
    },
    rest: () => (waiting ? tell(waiting) : []),
  };
}

function isSame(a: EventData | undefined, b: EventData): boolean {
  return a?.['current'] === b['current'] && a?.['total'] === b['total'] && a?.['message'] === b['message'];
}
