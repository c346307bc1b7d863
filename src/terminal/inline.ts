/**
 * A block of lines at the bottom of what has been written, updated in place: lines in, bytes out. The cursor rests in
 * the last line of the block, in a column that shows after a change of width whether the terminal has wrapped the line
 * again; without a block it rests at the beginning of an empty row.
 */
import type { CursorReport } from './rewrap.js';
import { findRows, mayBeRewrapped, restColumn } from './rewrap.js';
import { cellsOf, isUncertain, piecesOf, truncate } from './width.js';

/** The sequences of the terminal. Rows and columns count from 0. */
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

/** The block as it was drawn before the size changed. */
interface Stale {
  lines: readonly string[];
  /** The smallest width since then. */
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
  /** The cursor is at the beginning of the row below the block. */
  #isBelow = false;

  constructor({ controls, size }: InlineOptions) {
    this.#controls = controls;
    this.#columns = size.columns;
    this.#rows = size.rows;
  }

  /** The size has changed so that the position of the cursor is needed to find the rows of the block: see `locate`. */
  get isDisplaced(): boolean {
    const stale = this.#stale;
    return stale !== undefined && !stale.isLocated && mayBeRewrapped(stale.lines, this.#columns);
  }

  /** Takes the answer of the terminal, or none: then the block is erased as far as it is certain to reach. */
  locate(report: CursorReport | undefined): void {
    if (this.#stale) this.#stale = { ...this.#stale, report, isLocated: true };
  }

  /** The size has changed: the next frame erases the block and draws it as a whole. */
  resize({ columns, rows }: { columns: number; rows: number }): void {
    const stale = this.#shown.length > 0 ? { lines: this.#shown, narrowest: this.#columns } : this.#stale;
    this.#shown = [];
    this.#columns = columns;
    this.#rows = rows;
    if (stale) {
      this.#stale = { lines: stale.lines, narrowest: Math.min(stale.narrowest, columns), isLocated: false };
    }
  }

  /** Turns the block into these lines, below `above`, which goes to the scrollback. Empty if nothing changes. */
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
    // a glyph wider than we think must not wrap: it would move everything below it
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

  /** Leaves the block as it is and moves the cursor to the beginning of the row below it. */
  stepBelow(): string {
    if (this.#isBelow || (this.#shown.length === 0 && !this.#stale)) return '';
    this.#isBelow = true;
    return '\r\n';
  }

  /** Gives the block up: the next one begins in the row of the cursor. */
  forget(): void {
    this.#shown = [];
    this.#stale = undefined;
    this.#isBelow = false;
  }
}

/** From one block to the next, writing only the lines that differ. Begins and ends where the cursor rests. */
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
      // below the block there may be no row yet: a newline makes one
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
 * Clears the last rows of the block, from that of the cursor. Not at one go: from the first cell of the screen that
 * would be clearing it, which tmux answers by moving what it showed into the scrollback.
 */
function clearRows(rows: number, controls: BoxControls): string {
  const first = `\r${controls.eraseRight}`;
  return rows === 1 ? first : `${first}${controls.down(1)}${controls.eraseBelow}${controls.up(1)}`;
}

/** Overwrites a row. The rest is erased, but not behind a full row: there the cursor still stands on its last cell. */
function rewriteLine(line: string, columns: number, controls: BoxControls): string {
  const rest = cellsOf(line) < columns ? controls.eraseRight : '';
  const placed = placeCells(line, controls);
  // where glyphs may be narrower than we think, cells in between would keep what they showed before
  return placed === line ? line + rest : controls.eraseRight + placed + rest;
}

/** Says where to go on after each glyph whose width terminals do not agree on, so that no drift spreads. */
function placeCells(line: string, controls: BoxControls): string {
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
