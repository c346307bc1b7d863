/**
 * Aligns texts in columns below headings. No line is wider than the terminal: texts are shortened or cut to a readable
 * width, then columns are omitted by rank, then texts are cut further.
 */
import type { Tone } from './paint.js';
import { cleanText, ellipsisOf, paint } from './paint.js';
import type { Style } from './style.js';
import { cellsOf, levelWidths, truncate } from './width.js';

export interface GridColumn {
  heading: string;
  /** Heading above shortened texts. */
  short?: string;
  /** Aligned right. */
  isNumeric?: boolean;
  /** Order in which columns are omitted, the lowest first. Columns without a rank stay. */
  rank?: number;
  /** Cells of texts that are cut: before columns are omitted, and at least. Without it texts are cut last. */
  cut?: { readable: number; least: number };
  /** The column stays if all its texts are empty. */
  isFixed?: boolean;
}

/** Texts are cleaned here. */
export interface GridCell {
  text: string;
  /** Text for a narrow terminal. */
  short?: string;
  tone?: Tone | undefined;
}

export interface GridOptions {
  /** Width that no line exceeds; Infinity in a pipe or a file. */
  columns: number;
  style: Style;
}

const GAP = '  ';

/** A line of headings, unless all are empty, and a line for each row. */
export function gridLines(
  columns: readonly GridColumn[],
  rows: readonly (readonly (GridCell | string)[])[],
  options: GridOptions,
): string[] {
  const head = columns.map(({ heading, short }): GridCell => ({
    text: heading,
    ...(short !== undefined && { short }),
    tone: 'dim',
  }));
  const cells = [head, ...rows].map((row) => row.map(toCell));
  const layout = layOut(columns, cells, options.columns);
  const lines = cells.map((row) => joinRow(columns, row, layout, options));
  return columns.every(({ heading }) => heading === '') ? lines.slice(1) : lines;
}

function toCell(given: GridCell | string): GridCell {
  const cell = typeof given === 'string' ? { text: given } : given;
  return { ...cell, text: cleanText(cell.text), ...(cell.short !== undefined && { short: cleanText(cell.short) }) };
}

interface Layout {
  isShort: boolean;
  /** Cells by column; 0 for those that are omitted. */
  widths: readonly number[];
}

type Rows = readonly (readonly GridCell[])[];

/** The first of these layouts that fits; the last one if none does. */
function layOut(columns: readonly GridColumn[], rows: Rows, width: number): Layout {
  const ranks = columns.flatMap(({ rank }) => (rank === undefined ? [] : [rank])).sort((a, b) => a - b);
  const attempts = [
    { isShort: false, omitted: -Infinity },
    { isShort: true, omitted: -Infinity },
    ...ranks.map((omitted) => ({ isShort: true, omitted })),
  ];
  let last: Layout = { isShort: true, widths: [] };
  for (const { isShort, omitted } of attempts) {
    const natural = columns.map((column, at) =>
      column.rank !== undefined && column.rank <= omitted ? 0 : naturalWidth(column, rows, at, isShort),
    );
    last = { isShort, widths: natural };
    const widths = fitWidths(natural, readableFloors(columns, natural), width);
    if (widths) return { isShort, widths };
  }
  const least = columns.map(({ cut }, at) => cut?.least ?? last.widths[at] ?? 0);
  const none = columns.map(() => 1);
  const widths = fitWidths(last.widths, least, width) ?? fitWidths(last.widths, none, width);
  return { isShort: true, widths: widths ?? last.widths.map((cells) => Math.min(1, cells)) };
}

/** Width of the widest text; 0 if there is none. */
function naturalWidth({ isFixed }: GridColumn, [head = [], ...rows]: Rows, at: number, isShort: boolean): number {
  const widest = Math.max(0, ...rows.map((row) => cellsOf(textOf(row[at], isShort))));
  return widest === 0 && !isFixed ? 0 : Math.max(widest, cellsOf(textOf(head[at], isShort)));
}

function readableFloors(columns: readonly GridColumn[], natural: readonly number[]): number[] {
  return columns.map(({ cut }, at) => cut?.readable ?? natural[at] ?? 0);
}

/** @returns undefined if the columns are too wide at their floors */
function fitWidths(natural: readonly number[], floors: readonly number[], width: number): number[] | undefined {
  const gaps = GAP.length * Math.max(0, natural.filter((cells) => cells > 0).length - 1);
  const widths = levelWidths(natural, floors, width - gaps);
  return widths.reduce((sum, cells) => sum + cells, gaps) <= width ? widths : undefined;
}

function textOf(cell: GridCell | undefined, isShort: boolean): string {
  return (isShort ? cell?.short : undefined) ?? cell?.text ?? '';
}

function joinRow(
  columns: readonly GridColumn[],
  row: readonly GridCell[],
  { isShort, widths }: Layout,
  { columns: width, style }: GridOptions,
): string {
  const ellipsis = ellipsisOf(style);
  const shown = columns.flatMap((_, at) => ((widths[at] ?? 0) > 0 ? [at] : []));
  const texts = shown.map((at) => {
    const cells = widths[at] ?? 0;
    const cut = truncate(textOf(row[at], isShort), cells, ellipsis);
    const padding = ' '.repeat(Math.max(0, cells - cellsOf(cut)));
    const painted = paint(cut, row[at]?.tone, style);
    return columns[at]?.isNumeric ? padding + painted : painted + padding;
  });
  return truncate(texts.join(GAP).trimEnd(), width, ellipsis);
}
