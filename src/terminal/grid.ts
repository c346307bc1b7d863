/** Columns of texts below headings; what does not fit on a line is cut off the last one. */
import { ellipsisOf, paint, cleanText } from './paint.js';
import type { Style } from './style.js';
import { alignRight, cellsOf, fit, truncate } from './width.js';

const GAP = '  ';

/** `right`: the headings of columns of numbers. */
export function gridLines(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  { columns, style, right = [] }: { columns: number; style: Style; right?: readonly string[] },
): string[] {
  const all = [headings, ...rows].map((row) => row.map(cleanText));
  const widths = headings.map((_, at) => Math.max(...all.map((row) => cellsOf(row[at] ?? ''))));
  return all.map((row, index) => {
    const cells = row.map((text, at) => {
      const width = widths[at] ?? 0;
      return right.includes(headings[at] ?? '') ? alignRight(text, width) : fit(text, width);
    });
    const line = truncate(cells.join(GAP).trimEnd(), columns, ellipsisOf(style));
    return index === 0 ? paint(line, 'dim', style) : line;
  });
}
