/** A whole screen of lines, kept up to date: lines in, bytes out. Writes only the rows that differ. */
import { cellsOf, truncate } from '../width.js';

export interface FullScreenControls {
  /** Moves the cursor. Rows and columns count from 0. */
  position(row: number, column: number): string;
  eraseRight: string;
  eraseAll: string;
  wrapOff: string;
  wrapOn: string;
  syncBegin: string;
  syncEnd: string;
}

export class FullScreen {
  readonly #controls: FullScreenControls;
  #shown: readonly string[] | undefined;
  #columns = 0;

  constructor(controls: FullScreenControls) {
    this.#controls = controls;
  }

  /** Returns the bytes that turn what is shown into these lines; empty if nothing changes. */
  draw(lines: readonly string[], { columns, rows }: { columns: number; rows: number }): string {
    const controls = this.#controls;
    const next = Array.from({ length: rows }, (_, row) => truncate(lines[row] ?? '', columns));
    const isFresh = this.#shown?.length !== rows || this.#columns !== columns;
    const before = isFresh ? [] : (this.#shown ?? []);
    const changes = next.map((line, row) => {
      if (line === (before[row] ?? (isFresh ? '' : undefined))) return '';
      // behind a full row the cursor is still on its last cell
      const rest = cellsOf(line) < columns ? controls.eraseRight : '';
      return controls.position(row, 0) + line + rest;
    });
    this.#shown = next;
    this.#columns = columns;
    const bytes = (isFresh ? controls.eraseAll : '') + changes.join('');
    if (bytes === '') return '';
    return controls.syncBegin + controls.wrapOff + bytes + controls.wrapOn + controls.syncEnd;
  }

  /** Draws everything again the next time: what the terminal shows is unknown. */
  invalidate(): void {
    this.#shown = undefined;
  }
}
