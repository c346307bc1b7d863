/** The terminal emulator xterm.js without a display: what a real terminal makes of the bytes of this program. */
import xterm from '@xterm/headless';
import type { Reflow } from './vt.js';

export interface XtermCell {
  text: string;
  /** Cells: 0 for the second one of a wide glyph. */
  width: number;
  /** Foreground colour and attributes. */
  style: string;
}

export interface Xterm {
  write(bytes: string): Promise<void>;
  resize(columns: number, rows: number): void;
  /** The rows on the screen, without trailing blanks. */
  lines(): string[];
  /** The cells of the rows on the screen. */
  cells(): XtermCell[][];
  /** The rows on the screen and above it, wrapped ones joined. */
  transcript(): string;
  cursor(): { row: number; column: number };
  isWrapping(): boolean;
}

/** @param reflow it wraps lines again; a terminal that cuts them is in `vt.ts` */
export function createXterm(
  columns: number,
  rows: number,
  reflow: Exclude<Reflow, 'none'> = 'except-cursor-line',
): Xterm {
  const terminal = new xterm.Terminal({
    cols: columns,
    rows,
    scrollback: 2_000,
    allowProposedApi: true,
    reflowCursorLine: reflow === 'all',
  });
  const buffer = terminal.buffer.active;
  const lineAt = (index: number) => buffer.getLine(index);
  const onScreen = <T>(read: (index: number) => T): T[] =>
    Array.from({ length: terminal.rows }, (_, row) => read(buffer.baseY + row));
  return {
    write: (bytes) => new Promise((resolve) => terminal.write(bytes, resolve)),
    resize: (newColumns, newRows) => terminal.resize(newColumns, newRows),
    lines: () => onScreen((index) => lineAt(index)?.translateToString(true) ?? ''),
    cells: () => onScreen((index) => cellsAt(lineAt(index), terminal.cols)),
    transcript() {
      let text = '';
      for (let index = 0; index < buffer.length; index += 1) {
        text += (lineAt(index)?.isWrapped ? '' : '\n') + (lineAt(index)?.translateToString(true) ?? '');
      }
      return text.slice(1);
    },
    cursor: () => ({ row: buffer.cursorY, column: buffer.cursorX }),
    isWrapping: () => terminal.modes.wraparoundMode,
  };
}

function cellsAt(line: xterm.IBufferLine | undefined, columns: number): XtermCell[] {
  return Array.from({ length: columns }, (_, column) => {
    const cell = line?.getCell(column);
    const style = [
      cell?.getFgColorMode(),
      cell?.getFgColor(),
      cell?.isBold(),
      cell?.isDim(),
      cell?.isInverse(),
      cell?.isUnderline(),
    ];
    return { text: cell?.getChars().replace(/^$/, ' ') ?? ' ', width: cell?.getWidth() ?? 1, style: style.join() };
  });
}
