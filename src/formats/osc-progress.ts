/** Parses taskbar progress (OSC 9;4): `ESC ] 9 ; 4 ; state ; percent`, terminated by BEL or `ESC \`. */
import type { Parser } from './parser.js';
import { createThrottle } from './throttle.js';

/** The sequence without its terminator, which `createPieces` removes. Without the `4` it is a notification of iTerm2. */
const SEQUENCE = /\u001b\]9;4;([0-4])(?:;(\d{1,3}))?$/;
/** Messages by state. 0 (removed) and 3 (indeterminate) have no progress. */
const MESSAGES: Readonly<Record<string, string | undefined>> = { '1': '', '2': 'error', '4': 'warning' };

/** Creates a parser for OSC 9;4. */
export function createOscProgress(): Parser {
  const throttle = createThrottle();
  let isSure = false;
  return {
    line(text, now) {
      if (!text.includes('\u001b]9;4;')) return [];
      const [found, state = '', percent] = SEQUENCE.exec(text) ?? [];
      if (found === undefined) return [];
      isSure = true;
      const message = MESSAGES[state];
      if (message === undefined || percent === undefined) return [];
      return throttle.next(() => ({ current: Math.min(100, Number(percent)), total: 100, unit: '%', message }), now);
    },
    end: () => throttle.rest(),
    get isSure() {
      return isSure;
    },
  };
}
