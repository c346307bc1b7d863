/** `progress ps`: executions as a table. */
import { elapsedOf, estimate, parseTime, workOf } from '../core/estimate.js';
import type { Execution, Step } from '../core/execution.js';
import { isFinal } from '../core/execution.js';
import { formatAge, formatDuration, formatPercent, shortenIds, statusIcon, statusWord } from '../core/format.js';
import { countText } from './detail.js';
import { outlineOf } from '../core/outline.js';
import { cleanText, ellipsisOf, paint, toneOf } from './paint.js';
import type { Style } from './style.js';
import { alignRight, cellsOf, fit, truncate } from './width.js';

export interface ListOptions {
  now: number;
  columns: number;
  style: Style;
  /** Those that are over too. */
  all: boolean;
  /** Of ids, as far as somebody knows more of them than are given; else as short as they can be among those. */
  prefixes?: ReadonlyMap<string, string>;
}

interface Cell {
  text: string;
  tone?: Parameters<typeof paint>[1];
  /** Numbers stand on the right. */
  right?: true;
}

const HEADINGS = ['ID', 'STATUS', 'NAME', 'PROGRESS', 'STEP', 'TIME', 'EXIT'];
const NAME_COLUMN = 2;
const STEP_COLUMN = 4;
const GAP = '  ';
/** Narrower tables show the percentage alone. */
const MIN_COLUMNS_FOR_COUNTS = 80;
/** What a name or a step keeps when the terminal is narrow. */
const MIN_FLEXIBLE_CELLS = 8;

/** A heading and one line for each execution, in the order given. */
export function listLines(executions: readonly Execution[], options: ListOptions): string[] {
  const { style, all } = options;
  const shown = all ? executions : executions.filter(({ status }) => !isFinal(status));
  if (shown.length === 0)
    return [all ? 'Nothing has run yet.' : 'Nothing is running. progress ps --all shows what has ended.'];
  const ids = options.prefixes ?? shortenIds(executions.map(({ id }) => id));
  const rows = [
    HEADINGS.map((text, column): Cell => ({ text, tone: 'dim', ...(isNumeric(column) && { right: true }) })),
    ...shown.map((execution) => listRow(execution, ids.get(execution.id) ?? execution.id, options)),
  ];
  const widths = columnWidths(rows, options.columns);
  return rows.map((row) => joinCells(row, widths, style));
}

function isNumeric(column: number): boolean {
  return HEADINGS[column] === 'TIME' || HEADINGS[column] === 'EXIT';
}

function listRow(execution: Execution, id: string, { now, columns, style }: ListOptions): Cell[] {
  const { status, attention } = execution;
  const exit = execution.signal ?? execution.exitCode;
  const step = outlineOf(execution).current.at(-1)?.step;
  return [
    { text: cleanText(id) },
    {
      text: `${statusIcon(status, style.ascii, attention)} ${statusWord(status, attention)}`,
      tone: toneOf(status, attention),
    },
    { text: cleanText(execution.name), tone: 'strong' },
    { text: progressText(execution, now, columns < MIN_COLUMNS_FOR_COUNTS) },
    { text: stepText(execution, step) },
    { text: ageText(execution, now), right: true },
    { text: exit === undefined ? '' : cleanText(String(exit)), right: true },
  ];
}

/** `52% 18/35 tests`. */
export function progressText(execution: Execution, now: number, short = false): string {
  const work = workOf(execution);
  if (work === undefined || execution.summarised) return '';
  const { share } = estimate(execution, now);
  const count = countText(work.done, work.total, work.unit);
  if (short && share !== undefined) return formatPercent(share);
  return share === undefined || isFinal(execution.status) ? count : `${formatPercent(share)} ${count}`;
}

function stepText({ status, attention, attentionReason, error }: Execution, step: Step | undefined): string {
  if (!isFinal(status) && attention !== undefined) return cleanText(attentionReason ?? '');
  if (isFinal(status)) return cleanText(status === 'completed' ? '' : (error ?? ''));
  return cleanText(step?.name ?? '');
}

/** What runs: for how long; what is over: how long it took. */
function ageText(execution: Execution, now: number): string {
  const elapsed = elapsedOf(execution, now);
  if (elapsed !== undefined) return formatDuration(elapsed);
  const queued = parseTime(execution.queuedAt);
  return queued === undefined ? '' : formatAge(now - queued);
}

/** As wide as the widest cell; name and step share what the others leave. Empty columns take nothing. */
function columnWidths(rows: readonly (readonly Cell[])[], columns: number): number[] {
  const widths = HEADINGS.map((heading, column) => {
    const longest = Math.max(...rows.slice(1).map((row) => cellsOf(row[column]?.text ?? '')));
    return longest === 0 ? 0 : Math.max(longest, heading.length);
  });
  const used = widths.filter((width) => width > 0).length;
  let excess = widths.reduce((sum, width) => sum + width, 0) + GAP.length * (used - 1) - columns;
  for (const column of [STEP_COLUMN, NAME_COLUMN]) {
    const width = widths[column] ?? 0;
    const cut = Math.max(0, Math.min(excess, width - MIN_FLEXIBLE_CELLS));
    widths[column] = width - cut;
    excess -= cut;
  }
  return widths;
}

function joinCells(row: readonly Cell[], widths: readonly number[], style: Style): string {
  const cells = row.flatMap(({ text, tone, right }, column) => {
    const width = widths[column] ?? 0;
    if (width === 0) return [];
    const cut = truncate(text, width, ellipsisOf(style));
    return [paint(right ? alignRight(cut, width) : fit(cut, width), tone, style)];
  });
  return cells.join(GAP).trimEnd();
}
