/** Renders a table that is updated in place: as many of its lines as there is room for, dimmed without a connection. */
import { isFinal } from '../core/execution.js';
import { formatCount } from '../core/text/format.js';
import { fitRow } from './layout.js';
import { paint, repaint } from './paint.js';
import type { Style } from './style.js';
import type { Render, View } from './view.js';
import { clockOf, connectionNotice } from './view.js';

const SECOND_MS = 1_000;

/** @param lines - the lines of the table at a time and a width */
export function renderTable(lines: (now: number, columns: number, style: Style) => readonly string[]): Render {
  return (view, size, style) => {
    const isLost = view.connection.state === 'lost';
    // no line touches the last column, and the cursor keeps a row
    const columns = Math.max(1, size.columns - 1);
    const notice = connectionNotice(view, columns, style);
    const table = lines(clockOf(view), columns, isLost ? { ...style, color: false } : style);
    const shown = cutLines(table, size.rows - 1 - (notice ? 1 : 0), columns, style);
    const body = isLost ? shown.map((line) => repaint(line, 'dim', style)) : shown;
    return notice ? [fitRow(notice, columns, style).trimEnd(), ...body] : body;
  };
}

/** The last line counts those that have no room. */
function cutLines(lines: readonly string[], rows: number, columns: number, style: Style): string[] {
  if (lines.length <= rows || rows < 1) return lines.slice(0, Math.max(0, rows));
  const hidden = `and ${formatCount(lines.length - rows + 1)} more`;
  return [...lines.slice(0, rows - 1), paint(hidden.slice(0, columns), 'dim', style)];
}

/** Clocks of everything that has not ended move, by the second; not without a connection. */
export function untilTableTick({ connection, executions }: View): number | undefined {
  if (connection.state === 'lost') return undefined;
  return executions.some(({ status }) => !isFinal(status)) ? SECOND_MS : undefined;
}
