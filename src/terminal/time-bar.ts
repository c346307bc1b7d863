/** Draws a span of time as a bar on an axis. */
import { paint } from './paint.js';
import type { Tone } from './paint.js';
import type { Style } from './style.js';

/** From `from` to `to`, in Unix milliseconds; by its usual duration it ends at `usualTo`. */
export interface TimeBar {
  from: number;
  to: number;
  usualTo?: number;
  /** It takes a cell, however short; otherwise a ghost does. */
  hasRun: boolean;
}

/** The times of the first and the last of its cells. */
export interface TimeAxis {
  from: number;
  to: number;
  cells: number;
}

/** Returns the cells before the bar, the bar, and a ghost up to its usual end. */
export function timeBarText(bar: TimeBar, axis: TimeAxis, tone: Tone | undefined, style: Style): string {
  const cell = (time: number): number => ((time - axis.from) / (axis.to - axis.from)) * axis.cells;
  const first = Math.min(axis.cells - 1, Math.max(0, Math.floor(cell(bar.from))));
  const last = bar.hasRun ? Math.min(axis.cells, Math.max(first + 1, Math.round(cell(bar.to)))) : first;
  const ghost = bar.usualTo === undefined ? last : Math.min(axis.cells, Math.round(cell(bar.usualTo)));
  return (
    ' '.repeat(first) +
    paint((style.ascii ? '=' : '▇').repeat(last - first), tone, style) +
    paint((style.ascii ? '.' : '┈').repeat(Math.max(bar.hasRun ? 0 : 1, ghost - last)), 'dim', style)
  );
}
