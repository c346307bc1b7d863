/** Aligns texts in columns below headings; the last column is cut to the width. */
import { ellipsisOf, paint, cleanText } from './paint.js';
import type { Style } from './style.js';
import { alignRight, cellsOf, fit, truncate } from './width.js';

const GAP = '  ';

/** `right`: headings of numeric columns. */
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
