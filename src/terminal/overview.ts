/** Several executions in the box: one row each, and counts of those that have no room. */
import type { Execution } from '../core/execution.js';
import { formatCount, statusWord } from '../core/text/format.js';
import type { Space } from './detail.js';
import { executionRows } from './execution-row.js';
import type { Row } from './layout.js';
import { paint, separatorOf } from './paint.js';
import type { Style } from './style.js';

/** `4 running · 1 waiting · 2 failed`. */
export function countsByStatus(executions: readonly Execution[], style: Style): string {
  const counts = new Map<string, number>();
  for (const { status, attention } of executions) {
    const word = statusWord(status, attention?.state);
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return [...counts].map(([word, count]) => `${formatCount(count)} ${word}`).join(separatorOf(style));
}

/** Shows as many sorted executions as there are rows; one row counts the others. */
export function overviewRows(sorted: readonly Execution[], now: number, space: Space, style: Style): Row[] {
  const isCut = sorted.length > space.rows;
  const shown = isCut ? sorted.slice(0, Math.max(1, space.rows - 1)) : sorted;
  const entries = shown.map((execution) => ({ execution }));
  const rows = executionRows(entries, now, space.cells, style).map((left): Row => ({ left }));
  if (!isCut || rows.length >= space.rows) return rows;
  const hidden = countsByStatus(sorted.slice(shown.length), style);
  return [...rows, { left: paint(`and ${hidden}`, 'dim', style) }];
}
