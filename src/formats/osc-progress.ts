/** Progress for the terminal's taskbar: `ESC ] 9 ; 4 ; state ; percent`, ended by BEL or `ESC \`. */
import type { Parser } from './parser.js';
import { createThrottle } from './throttle.js';

/** The end has been cut off by whoever makes the pieces. Without the `4` it is a notification of iTerm2. */
const SEQUENCE = /\u001b\]9;4;([0-4])(?:;(\d{1,3}))?$/;
/** 0 takes the bar away, 3 says that nothing is known. */
const MESSAGES: Readonly<Record<string, string | undefined>> = { '1': '', '2': 'error', '4': 'warning' };

export function createOscProgress(): Parser {
  const pace = createThrottle();
  let isSure = false;
  return {
    line(text, now) {
      if (!text.includes('\u001b]9;4;')) return [];
      const [found, state = '', percent] = SEQUENCE.exec(text) ?? [];
      if (found === undefined) return [];
      isSure = true;
      const message = MESSAGES[state];
      if (message === undefined || percent === undefined) return [];
      return pace.next(() => ({ current: Math.min(100, Number(percent)), total: 100, unit: '%', message }), now);
    },
    end: () => pace.rest(),
    get isSure() {
      return isSure;
    },
  };
}
