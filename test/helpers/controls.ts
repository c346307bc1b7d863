/** Control sequences of the box, as `screen.ts` makes them. */
import type { BoxControls } from '../../src/terminal/inline.js';

export const CONTROLS: BoxControls = {
  up: (rows) => `\u001b[${rows}A`,
  down: (rows) => `\u001b[${rows}B`,
  column: (column) => `\u001b[${column + 1}G`,
  eraseRight: '\u001b[K',
  eraseBelow: '\u001b[J',
  wrapOff: '\u001b[?7l',
  wrapOn: '\u001b[?7h',
  syncBegin: '\u001b[?2026h',
  syncEnd: '\u001b[?2026l',
};
