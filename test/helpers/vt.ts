/**
 * A small terminal emulator in memory, deliberately strict: a sequence that the box must not send throws. Cells are
 * written by grapheme cluster; their widths are configured (`cells`).
 */
import { cellsOf } from '../../src/terminal/width.js';

interface Cell {
  text: string;
  style: string;
}

interface Line {
  cells: Cell[];
  /** The terminal wrapped it into the next row. */
  wrapped: boolean;
}

export interface VtOptions {
  columns: number;
  rows: number;
  /**
   * How lines change with the width: they are cut, as by xterm (the default), all rewrapped, as by VTE and tmux,
   * or rewrapped except the one with the cursor, as by xterm.js.
   */
  reflow?: Reflow;
  cells?: (cluster: string) => number;
  /** Receives the terminal's answers to queries; without it the terminal does not answer. */
  onAnswer?: (bytes: string) => void;
}

export type Reflow = 'none' | 'all' | 'except-cursor-line';

/** Secondary device attributes of a real xterm, of tmux and of xterm.js. */
export const ATTRIBUTES: Readonly<Record<Reflow, string>> = {
  none: '41;379;0',
  all: '84;0;0',
  'except-cursor-line': '0;276;0',
};
const BLANK: Cell = { text: ' ', style: '' };
/** The second cell of a wide glyph. */
const CONTINUATION = '';
const TOKEN = /\u001b\[([?>]?)([0-9;:]*)([A-Za-z])|[\r\n]|\u001b|[^\u001b\r\n]+/g;
const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });

export function createVt({ columns, rows, reflow = 'none', cells = cellsOf, onAnswer }: VtOptions) {
  let screen: Line[] = Array.from({ length: rows }, emptyLine);
  let scrollback: Line[] = [];
  let row = 0;
  let column = 0;
  let wrapPending = false;
  let style = '';
  const modes = new Map<number, boolean>([
    [7, true],
    [25, true],
    [2026, false],
  ]);
  let bytes = 0;

  const lineAt = (index: number): Line => screen[index] ?? emptyLine();

  function write(text: string): void {
    bytes += Buffer.byteLength(text);
    for (const [token, mark = '', parameters = '', final] of text.matchAll(TOKEN)) {
      if (final !== undefined) control(mark, parameters, final);
      else if (token === '\r') [column, wrapPending] = [0, false];
      else if (token === '\n') newline();
      else if (token.startsWith('\u001b'))
        throw new Error(`unexpected sequence in ${JSON.stringify(text.slice(0, 80))}`);
      else for (const { segment } of segmenter.segment(token)) print(segment);
    }
  }

  function control(mark: string, parameters: string, final: string): void {
    const first = parameters === '' ? undefined : Number(parameters);
    const sequence = `${mark}${final}`;
    if (sequence !== 'm') wrapPending &&= sequence === 'K' || sequence.startsWith('?');
    switch (sequence) {
      case 'm':
        style = parameters === '' || parameters === '0' ? '' : style + `;${parameters}`;
        return;
      case 'A':
        row = Math.max(0, row - (first ?? 1));
        return;
      case 'B':
        row = Math.min(rows - 1, row + (first ?? 1));
        return;
      case 'G':
        column = Math.min(columns, Math.max(1, first ?? 1)) - 1;
        return;
      case 'K':
        if (first !== undefined && first !== 0) break;
        eraseRight(row, column);
        return;
      case 'J':
        if (first !== undefined && first !== 0) break;
        // like tmux: a screen that is cleared as a whole is kept in the scrollback
        if (row === 0 && column === 0)
          scrollback.push(...screen.map(({ cells, wrapped }) => ({ cells: [...cells], wrapped })));
        eraseRight(row, column);
        for (let below = row + 1; below < rows; below += 1) screen[below] = emptyLine();
        return;
      case 'n':
        if (first !== 6) break;
        onAnswer?.(`\u001b[${row + 1};${column + 1}R`);
        return;
      case '>c':
        onAnswer?.(`\u001b[>${ATTRIBUTES[reflow]}c`);
        return;
      case '?h':
      case '?l':
        if (first === undefined || !modes.has(first)) break;
        modes.set(first, final === 'h');
        return;
    }
    throw new Error(`unexpected sequence CSI ${mark}${parameters}${final}`);
  }

  function eraseRight(index: number, from: number): void {
    const line = lineAt(index);
    line.cells.length = Math.min(line.cells.length, from);
    line.wrapped = false;
  }

  function newline(): void {
    wrapPending = false;
    row += 1;
    if (row < rows) return;
    row = rows - 1;
    const [top] = screen.splice(0, 1);
    if (top) scrollback.push(top);
    screen.push(emptyLine());
  }

  function print(cluster: string): void {
    const width = cells(cluster);
    if (width === 0) return;
    if (wrapPending || (column + width > columns && modes.get(7))) {
      lineAt(row).wrapped = true;
      newline();
      column = 0;
    }
    if (column + width > columns) column = columns - width;
    for (let offset = 0; offset < width; offset += 1) {
      put(row, column + offset, { text: offset === 0 ? cluster : CONTINUATION, style });
    }
    column += width;
    if (column < columns) return;
    column = columns - 1;
    wrapPending = modes.get(7) === true;
  }

  function put(index: number, at: number, cell: Cell): void {
    const line = lineAt(index);
    while (line.cells.length < at) line.cells.push(BLANK);
    line.cells[at] = cell;
  }

  function resize(size: { columns: number; rows: number }): void {
    wrapPending = false;
    if (reflow !== 'none' && size.columns !== columns) rewrap(size.columns);
    else for (const line of screen) line.cells.length = Math.min(line.cells.length, size.columns);
    while (screen.length > size.rows && row < screen.length - 1) screen.pop();
    while (screen.length > size.rows) {
      const [top] = screen.splice(0, 1);
      if (top) scrollback.push(top);
      row -= 1;
    }
    while (screen.length < size.rows) screen.push(emptyLine());
    ({ columns, rows } = size);
    row = Math.max(0, row);
    column = Math.min(column, columns - 1);
  }

  function rewrap(width: number): void {
    const all = [...scrollback, ...screen];
    const at = scrollback.length + row;
    const end =
      Math.max(
        at,
        all.findLastIndex((line) => textOf(line) !== ''),
      ) + 1;
    const wrapped: Line[] = [];
    let next = { at, column };
    for (let first = 0, last = 0; first < end; first = last) {
      last = first + 1;
      while (all[last - 1]?.wrapped === true && last < end) last += 1;
      const lines = all.slice(first, last);
      const hasCursor = at >= first && at < last;
      const whole = lines.flatMap((line) => line.cells);
      const isLeft = hasCursor && reflow === 'except-cursor-line';
      const made = isLeft
        ? lines.map((line) => ({ ...line, cells: line.cells.slice(0, width) }))
        : splitCells(whole, width);
      if (isLeft) next = { at: wrapped.length + at - first, column };
      else if (hasCursor) {
        const offset = lines.slice(0, at - first).reduce((sum, line) => sum + line.cells.length, column);
        next = placeIn(made, offset, wrapped.length);
      }
      wrapped.push(...made);
    }
    const top = Math.max(0, wrapped.length - rows);
    scrollback = wrapped.slice(0, top);
    screen = [...wrapped.slice(top), ...Array.from({ length: rows + top - wrapped.length }, emptyLine)];
    row = Math.max(0, next.at - top);
    column = next.column;
  }

  const textOf = (line: Line): string =>
    line.cells
      .map(({ text }) => text)
      .join('')
      .trimEnd();

  return {
    write,
    resize,
    /** The rows as text, without trailing blanks. */
    lines: () => screen.map(textOf),
    /** The same with the attributes of each cell. */
    styled: () => screen.map((line) => JSON.stringify(trimCells(line.cells))),
    history: () => [...scrollback, ...screen].map(textOf),
    /** The whole screen as one text, with wrapped lines joined. */
    transcript: () => [...scrollback, ...screen].map((line) => textOf(line) + (line.wrapped ? '' : '\n')).join(''),
    cursor: () => ({ row, column }),
    isOn: (mode: number) => modes.get(mode) === true,
    bytes: () => bytes,
  };
}

/** Position of a cell in lines that were one before; positions beyond their end are in the last one. */
function placeIn(lines: readonly Line[], offset: number, at: number): { at: number; column: number } {
  let rest = offset;
  let index = 0;
  for (; index < lines.length - 1; index += 1) {
    const length = lines[index]?.cells.length ?? 0;
    if (rest < length) break;
    rest -= length;
  }
  return { at: at + index, column: rest };
}

function emptyLine(): Line {
  return { cells: [], wrapped: false };
}

function trimCells(cells: readonly Cell[]): Cell[] {
  return cells.slice(0, cells.findLastIndex(({ text, style }) => text !== ' ' || style !== '') + 1);
}

function splitCells(cells: readonly Cell[], width: number): Line[] {
  const lines: Line[] = [{ cells: [], wrapped: false }];
  cells.forEach((cell, index) => {
    const wide = cells[index + 1]?.text === CONTINUATION;
    const last = lines.at(-1);
    if (!last) return;
    if (last.cells.length + (wide ? 2 : 1) > width && cell.text !== CONTINUATION) {
      last.wrapped = true;
      lines.push({ cells: [cell], wrapped: false });
    } else last.cells.push(cell);
  });
  return lines;
}
