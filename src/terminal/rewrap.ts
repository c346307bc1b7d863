/**
 * Decides how many rows a block of lines takes after the width of the terminal has changed.
 *
 * Some terminals wrap lines again, others cut them, and no variable says which. The cursor rests in the last line of the
 * block: where lines are wrapped it moves with its text, where they are cut it moves to the last column.
 * `cursor-query.ts` queries the position; xterm.js and Konsole do not wrap the line of the cursor and are recognised by
 * their device attributes. Without proof of wrapping only as many rows are erased as were drawn, since erasing more
 * would erase lines that other programs have printed above the block.
 */
import { cellsOf, placeAt, rowsAt } from './width.js';

/** Report of the terminal. Rows and columns count from 0. */
export interface CursorReport {
  row: number;
  column: number;
  /** Parameters of the secondary device attributes, if reported. */
  attributes?: string;
}

export interface BlockRows {
  /** Rows of the block above the row of the cursor. */
  above: number;
  /** Rows of the block. */
  total: number;
}

/**
 * Cells between the resting cursor and the end of the last line. With this distance, a window that is split in half
 * leaves the cursor in different columns on the two kinds of terminals, whether its width was even or odd.
 */
const REST_DISTANCE = 3;

/**
 * Terminals that wrap all lines again except the one that the cursor is in, so that the cursor does not show it:
 * xterm.js and Konsole, by their secondary device attributes.
 */
const LEAVES_CURSOR_LINE = /^(?:0;276;0|[01];115;0)$/;

/** Column in which the cursor rests while the last line of the block is this one. */
export function restColumn(lastLine: string): number {
  return Math.max(0, cellsOf(lastLine) - REST_DISTANCE);
}

/** Whether the block would take more rows on a terminal that wraps lines again. */
export function mayBeRewrapped(lines: readonly string[], columns: number): boolean {
  return lines.some((line) => rowsAt(line, columns) > 1);
}

/**
 * @param lines the block as it was drawn
 * @param columns the width now
 * @param narrowest the smallest width since the block was drawn
 * @param report undefined where the terminal has not answered
 */
export function findRows(
  lines: readonly string[],
  { columns, narrowest }: { columns: number; narrowest: number },
  report: CursorReport | undefined,
): BlockRows {
  const cut = { above: lines.length - 1, total: lines.length };
  const last = lines.at(-1);
  if (last === undefined || report === undefined) return cut;
  const before = lines.slice(0, -1).reduce((sum, line) => sum + rowsAt(line, columns), 0);
  if (LEAVES_CURSOR_LINE.test(report.attributes ?? '')) return { above: before, total: before + 1 };
  const rest = placeAt(last, restColumn(last), columns);
  // where lines are cut, the cursor stays in its row and moves to the last remaining column
  const isProof = rest.row > 0 && report.column === rest.column && report.column !== narrowest - 1;
  return isProof ? { above: before + rest.row, total: before + rowsAt(last, columns) } : cut;
}
