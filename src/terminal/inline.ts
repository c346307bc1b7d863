/**
 * A block of lines at the bottom of what has been written, kept up to date in place: lines in, bytes out. The cursor
 * rests at the beginning of the row below the block.
 */
import { cellsOf, isUncertain, piecesOf, rowsAt, truncate } from './width.js';

/** The sequences of the terminal. Rows and columns count from 0. */
export interface Controls {
  up(rows: number): string;
  down(rows: number): string;
  column(column: number): string;
  eraseRight: string;
  eraseBelow: string;
  wrapOff: string;
  wrapOn: string;
  syncBegin: string;
  syncEnd: string;
}

export interface InlineOptions {
  controls: Controls;
  size: { columns: number; rows: number };
  /** Does the terminal wrap lines anew when its width changes? */
  reflow: boolean;
}

export interface Inline {
  /** What turns the block into these lines, below `above`, which goes to the scrollback. Empty if nothing changes. */
  draw(lines: readonly string[], above?: readonly string[]): string;
  /** Takes the block away: the cursor is where its first line began. */
  erase(): string;
  /** The size has changed, which may have wrapped the lines of the block: the next frame begins with an `erase`. */
  resize(size: { columns: number; rows: number }): void;
  /** The block is not ours any more: the next one begins where the cursor is. */
  forget(): void;
}

export function createInline({ controls, size, reflow }: InlineOptions): Inline {
  let { columns, rows } = size;
  let shown: string[] = [];
  /** Lines that were drawn at another size and still have to be taken away. */
  let stale: readonly string[] = [];

  const eraseStale = (): string => {
    const count = reflow ? stale.reduce((sum, line) => sum + rowsAt(line, columns), 0) : stale.length;
    stale = [];
    return count === 0 ? '' : `${controls.up(Math.min(count, rows - 1))}${clearRows(controls)}`;
  };

  const erase = (): string => {
    if (shown.length > 0) stale = shown;
    shown = [];
    return eraseStale();
  };

  return {
    draw(lines, above = []) {
      const scrolled = above.length === 0 ? eraseStale() : erase() + above.map((line) => `${line}\r\n`).join('');
      const next = lines.slice(0, Math.max(0, rows - 1)).map((line) => truncate(line, columns));
      const changes = changeLines(shown, next, columns, controls);
      shown = next;
      if (scrolled + changes === '') return '';
      // a glyph wider than we think must not wrap: it would move everything below it
      const block = changes === '' ? '' : controls.wrapOff + changes + controls.wrapOn;
      return controls.syncBegin + scrolled + block + controls.syncEnd;
    },
    erase,
    resize(next) {
      ({ columns, rows } = next);
      if (shown.length > 0) stale = shown;
      shown = [];
    },
    forget() {
      shown = [];
      stale = [];
    },
  };
}

/** From one block to the next, touching only the lines that differ. Begins and ends on the row below the block. */
function changeLines(before: readonly string[], after: readonly string[], columns: number, controls: Controls): string {
  let bytes = '';
  let row = before.length;
  const moveTo = (target: number): void => {
    if (target < row) bytes += controls.up(row - target);
    if (target > row) bytes += controls.down(target - row);
    row = target;
  };
  after.forEach((line, index) => {
    if (line === before[index]) return;
    if (index < before.length) moveTo(index);
    else if (row < before.length) moveTo(before.length);
    bytes += `\r${rewriteLine(line, columns, controls)}`;
    if (index < before.length) return;
    // below the block there may be no row yet: a newline makes one
    bytes += '\r\n';
    row += 1;
  });
  if (after.length < before.length) {
    moveTo(after.length);
    bytes += clearRows(controls);
  }
  if (bytes === '') return '';
  moveTo(after.length);
  return row === before.length && bytes.endsWith('\n') ? bytes : `${bytes}\r`;
}

/**
 * Clears the row of the cursor and those below it, of which there is one at least. Not at one go: from the first cell
 * of the screen that would be clearing it, which tmux answers by moving what it showed into the scrollback.
 */
function clearRows(controls: Controls): string {
  return `\r${controls.eraseRight}${controls.down(1)}${controls.eraseBelow}${controls.up(1)}`;
}

/** Overwrites a row. The rest is erased, but not behind a full row: there the cursor still stands on its last cell. */
function rewriteLine(line: string, columns: number, controls: Controls): string {
  const rest = cellsOf(line) < columns ? controls.eraseRight : '';
  const placed = placeCells(line, controls);
  // where glyphs may be narrower than we think, cells in between would keep what they showed before
  return placed === line ? line + rest : controls.eraseRight + placed + rest;
}

/** Says where to go on after each glyph whose width terminals do not agree on, so that no drift spreads. */
function placeCells(line: string, controls: Controls): string {
  let bytes = '';
  let column = 0;
  let drifted = false;
  for (const piece of piecesOf(line)) {
    const uncertain = isUncertain(piece);
    if (drifted && !uncertain) bytes += controls.column(column);
    drifted = uncertain;
    bytes += piece.text;
    column += piece.cells;
  }
  return drifted ? bytes + controls.column(column) : bytes;
}
