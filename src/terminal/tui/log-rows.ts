/** Draws lines of a log as rows of the screen. */
import { parseInstant } from '../../core/estimates/durations.js';
import { formatClock } from '../../core/text/format.js';
import type { LogLine } from '../../core/events/log.js';
import { cleanOutput, paint } from '../paint.js';
import type { Tone } from '../paint.js';
import type { Style } from '../style.js';
import { piecesOf, wrap } from '../width.js';

/** Rows of one line that is wrapped. */
const MAX_WRAPPED_ROWS = 50;

const LEVEL_TONES: ReadonlyMap<string, Tone> = new Map([
  ['error', 'bad'],
  ['warning', 'warn'],
  ['debug', 'dim'],
]);

/** Draws a line without its time, as rows of at most `cells` cells. */
export function renderLogLine(line: LogLine, cells: number, style: Style, isWrapped: boolean): string[] {
  const tone = LEVEL_TONES.get(line.level ?? '');
  const text = cleanOutput(line.text, tone === undefined ? style : { ...style, color: false });
  const label = line.level === undefined ? '' : `${line.level.toUpperCase()} `;
  const whole = paint(label + text, tone, style);
  if (!isWrapped) return [whole];
  const plain = label + cleanOutput(line.text, { ...style, color: false });
  return wrap(plain, cells, MAX_WRAPPED_ROWS).map((row) => paint(row, tone, style));
}

/** Returns the time of day of a line. */
export function lineClock({ time }: LogLine): string {
  const at = parseInstant(time);
  return at === undefined ? '--:--:--' : formatClock(at);
}

/** Drops cells on the left; escape sequences, which take no cells, stay. */
export function dropCells(text: string, cells: number): string {
  let column = 0;
  let rest = '';
  for (const piece of piecesOf(text)) {
    if (column >= cells || piece.cells === 0) rest += piece.text;
    column += piece.cells;
  }
  return rest;
}
