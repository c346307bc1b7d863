/**
 * A block of lines at the bottom of the output, updated in place: lines in, bytes out. The cursor rests in the last
 * line of the block, in a column that shows after a change of width whether the terminal has rewrapped the line;
 * without a block it rests at the beginning of an empty row.
 */
import type { CursorReport } from './rewrap.js';
import { findRows, mayBeRewrapped, restColumn } from './rewrap.js';
import { cellsOf, isNarrow, isUncertain, piecesOf, truncate } from './width.js';

/** Control sequences. Rows and columns count from 0. */
export interface BoxControls {
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
  controls: BoxControls;
  size: { columns: number; rows: number };
}

/** Block as drawn before the size changed. */
interface Stale {
  lines: readonly string[];
  /** Smallest width since then. */
  narrowest: number;
  report?: CursorReport | undefined;
  isLocated: boolean;
}

export class Inline {
  readonly #controls: BoxControls;
  #columns: number;
  #rows: number;
  #shown: readonly string[] = [];
  #stale: Stale | undefined;
  /** Whether the cursor is at the beginning of the row below the block. */
  #isBelow = false;

  constructor({ controls, size }: InlineOptions) {
    this.#controls = controls;
    this.#columns = size.columns;
    this.#rows = size.rows;
  }

  /**
   * Whether the position of the cursor is needed to find the rows of the block after a change of size: see `locate`.
   */
  get isDisplaced(): boolean {
    const stale = this.#stale;
    return stale !== undefined && !stale.isLocated && mayBeRewrapped(stale.lines, this.#columns);
  }

  /** Takes the reply of the terminal; without one, only rows that certainly belong to the block are erased. */
  locate(report: CursorReport | undefined): void {
    if (this.#stale) this.#stale = { ...this.#stale, report, isLocated: true };
  }

  /** Called after a change of size: the next frame redraws the whole block. */
  resize({ columns, rows }: { columns: number; rows: number }): void {
    const stale = this.#shown.length > 0 ? { lines: this.#shown, narrowest: this.#columns } : this.#stale;
    this.#shown = [];
    this.#columns = columns;
    this.#rows = rows;
    if (stale) {
      this.#stale = { lines: stale.lines, narrowest: Math.min(stale.narrowest, columns), isLocated: false };
    }
  }

  /** Updates the block to these lines, below `above`, which goes to the scrollback. Empty if nothing changes. */
  draw(lines: readonly string[], above: readonly string[] = []): string {
    const controls = this.#controls;
    const returned = this.#isBelow && this.#shown.length > 0 ? controls.up(1) : '';
    const erased = above.length > 0 || this.#stale ? this.erase() : '';
    const scrolled = erased + above.map((line) => `${line}\r\n`).join('');
    const next = lines.slice(0, Math.max(0, this.#rows - 1)).map((line) => truncate(line, this.#columns));
    const changes = changeLines(this.#shown, next, this.#columns, controls);
    if (scrolled + changes === '') return '';
    this.#shown = next;
    this.#isBelow = false;
    // a glyph that is wider than expected must not wrap, which would move everything below it
    const block = changes === '' ? '' : controls.wrapOff + changes + controls.wrapOn;
    return controls.syncBegin + (erased === '' ? returned : '') + scrolled + block + controls.syncEnd;
  }

  /** Removes the block: the cursor is where its first line began. */
  erase(): string {
    const columns = this.#columns;
    const { lines, narrowest, report } = this.#stale ?? { lines: this.#shown, narrowest: columns };
    this.#stale = undefined;
    this.#shown = [];
    if (lines.length === 0) return '';
    const { above, total } = findRows(lines, { columns, narrowest }, report);
    const below = this.#isBelow ? 1 : 0;
    this.#isBelow = false;
    return moveUp(Math.min(above + below, this.#rows - 1), this.#controls) + clearRows(total + below, this.#controls);
  }

  /** Leaves the block, and moves the cursor to the beginning of the row below it. */
  stepBelow(): string {
    if (this.#isBelow || (this.#shown.length === 0 && !this.#stale)) return '';
    this.#isBelow = true;
    return '\r\n';
  }

  /** Abandons the block: the next one begins in the row of the cursor. */
  forget(): void {
    this.#shown = [];
    this.#stale = undefined;
    this.#isBelow = false;
  }
}

/** Updates the block by writing only the lines that differ. Begins and ends at the resting position of the cursor. */
function changeLines(
  before: readonly string[],
  after: readonly string[],
  columns: number,
  controls: BoxControls,
): string {
  let bytes = '';
  let row = Math.max(0, before.length - 1);
  const moveTo = (target: number): void => {
    if (target < row) bytes += controls.up(row - target);
    if (target > row) bytes += controls.down(target - row);
    row = target;
  };
  after.forEach((line, index) => {
    if (line === before[index]) return;
    if (index < before.length || index === 0) moveTo(index);
    else {
      moveTo(index - 1);
      // there may be no row below the block yet: a newline makes one
      bytes += '\r\n';
      row = index;
    }
    bytes += `\r${rewriteLine(line, columns, controls)}`;
  });
  if (after.length < before.length) {
    moveTo(after.length);
    bytes += clearRows(before.length - after.length, controls);
  }
  const last = after.at(-1);
  if (bytes === '' || last === undefined) return bytes;
  moveTo(after.length - 1);
  return bytes + controls.column(restColumn(last));
}

function moveUp(rows: number, controls: BoxControls): string {
  return rows === 0 ? '' : controls.up(rows);
}

/**
 * Clears the last rows of the block, from that of the cursor. Row by row: clearing from the first cell of the screen at
 * once makes tmux move the screen into the scrollback.
 */
function clearRows(rows: number, controls: BoxControls): string {
  const first = `\r${controls.eraseRight}`;
  return rows === 1 ? first : `${first}${controls.down(1)}${controls.eraseBelow}${controls.up(1)}`;
}

/** Overwrites a row and erases its rest, but not after a full row: there the cursor is still on the last cell. */
function rewriteLine(line: string, columns: number, controls: BoxControls): string {
  const rest = cellsOf(line) < columns ? controls.eraseRight : '';
  const placed = placeCells(line, controls);
  // where glyphs may be narrower than expected, cells in between would keep their old content
  return placed === line ? line + rest : controls.eraseRight + placed + rest;
}

/** Positions the cursor after each glyph whose width differs between terminals, so that no offset accumulates. */
function placeCells(line: string, controls: BoxControls): string {
  if (isNarrow(line)) return line;
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
