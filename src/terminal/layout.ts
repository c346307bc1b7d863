/** Lays out rows and frames in an exact number of cells. */
import type { Style } from './style.js';
import { ellipsisOf, paint } from './paint.js';
import { cellsOf, fit, truncate } from './width.js';

/** One line of content: the left side yields to the right side. */
export interface Row {
  left: string;
  right?: string;
}

const ROUND = {
  topLeft: '╭',
  topRight: '╮',
  bottomLeft: '╰',
  bottomRight: '╯',
  left: '├',
  right: '┤',
  line: '─',
  side: '│',
};
const ASCII = {
  topLeft: '+',
  topRight: '+',
  bottomLeft: '+',
  bottomRight: '+',
  left: '+',
  right: '+',
  line: '-',
  side: '|',
};

/** Pads or cuts to exactly `cells` cells. */
export function fitRow(row: Row, cells: number, style: Style): string {
  const right = truncate(row.right ?? '', cells, ellipsisOf(style));
  const room = cells - cellsOf(right);
  if (right === '') return fit(row.left, cells, ellipsisOf(style));
  return room < 2 ? fit(right, cells) : `${fit(row.left, room - 1, ellipsisOf(style))} ${right}`;
}

/** Draws sections inside a border, separated by dividers. The lines are `columns` wide. */
export function frameSections(
  title: string,
  sections: readonly (readonly Row[])[],
  footer: string,
  columns: number,
  style: Style,
): string[] {
  const border = style.ascii ? ASCII : ROUND;
  const inner = columns - 4;
  const side = paint(border.side, 'dim', style);
  const divider = paint(border.left + border.line.repeat(columns - 2) + border.right, 'dim', style);
  const body = sections
    .filter((rows) => rows.length > 0)
    .flatMap((rows, index) => [
      ...(index > 0 ? [divider] : []),
      ...rows.map((row) => `${side} ${fitRow(row, inner, style)} ${side}`),
    ]);
  const top = borderLine(border.topLeft, title, border.topRight, 'left', columns, style);
  const bottom = borderLine(border.bottomLeft, footer, border.bottomRight, 'right', columns, style);
  return [top, ...body, bottom];
}

/** A horizontal border with a text in it. */
function borderLine(
  begin: string,
  text: string,
  end: string,
  align: 'left' | 'right',
  columns: number,
  style: Style,
): string {
  const line = style.ascii ? ASCII.line : ROUND.line;
  const shown = truncate(text, columns - 6, ellipsisOf(style));
  const label = shown === '' ? '' : ` ${shown} `;
  const rest = line.repeat(columns - 3 - cellsOf(label));
  const [before, after] = align === 'left' ? [line, rest] : [rest, line];
  return paint(begin + before, 'dim', style) + label + paint(after + end, 'dim', style);
}

/** Draws sections without a border, for narrow terminals. */
export function stackSections(
  title: string,
  sections: readonly (readonly Row[])[],
  columns: number,
  style: Style,
): string[] {
  const rows = sections.flat().map((row) => fitRow(row, columns, style).trimEnd());
  return [truncate(title, columns, ellipsisOf(style)), ...rows];
}

/** Eighths of a cell, from one to seven. */
const PARTS = '▏▎▍▌▋▊▉';

/** A bar of `cells` cells, filled by share: in eighths of a cell with Unicode. */
export function drawBar(share: number, cells: number, style: Style): string {
  const clamped = Math.min(1, Math.max(0, share));
  if (style.ascii) {
    const filled = Math.floor(clamped * cells);
    return '#'.repeat(filled) + '-'.repeat(cells - filled);
  }
  const eighths = Math.floor(clamped * cells * 8);
  const full = Math.floor(eighths / 8);
  const part = eighths % 8 === 0 ? '' : (PARTS[(eighths % 8) - 1] ?? '');
  const empty = '░'.repeat(cells - full - part.length);
  return paint('█'.repeat(full) + part, 'active', style) + paint(empty, 'dim', style);
}
