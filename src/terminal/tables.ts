/** Formats executions as a table, in groups if requested, for `progress ps`. */
import { estimate } from '../core/estimates/estimate.js';
import { workOf } from '../core/estimates/work.js';
import { elapsedOf, parseInstant } from '../core/estimates/durations.js';
import { stateWord } from '../core/text/state-text.js';
import type { Execution, Step } from '../core/execution.js';
import { isFinal } from '../core/execution.js';
import {
  formatAge,
  formatBytes,
  formatCpu,
  formatDuration,
  formatPercent,
  formatWork,
  shortenIds,
  statusIcon,
  remainingText,
} from '../core/text/format.js';
import type { ExecutionGroup, Grouping } from '../core/lists/groups.js';
import { countText } from './detail.js';
import { visibleStepsOf, stepTitle } from '../core/lists/visible-steps.js';
import { cleanText, ellipsisOf, paint, separatorOf, toneOf } from './paint.js';
import type { Style } from './style.js';
import { alignRight, cellsOf, fit, truncate } from './width.js';

export interface ListOptions {
  now: number;
  columns: number;
  style: Style;
  /** Include ended executions. */
  all: boolean;
  /** Width of IDs: unique among all known ones, else among those given. */
  prefixes?: ReadonlyMap<string, string>;
  /** Position in the queue by ID. */
  positions?: ReadonlyMap<string, number>;
}

interface Cell {
  text: string;
  tone?: Parameters<typeof paint>[1];
  /** Numeric columns, aligned right. */
  right?: true;
}

const HEADINGS = ['ID', 'STATUS', 'NAME', 'PROGRESS', 'STEP', 'CPU', 'MEMORY', 'TIME', 'LEFT', 'EXIT'];
const NUMERIC: ReadonlySet<string> = new Set(['CPU', 'MEMORY', 'TIME', 'LEFT', 'EXIT']);
/** Columns that are cut on a narrow terminal. */
const FLEXIBLE = ['STEP', 'NAME'].map((heading) => HEADINGS.indexOf(heading));
/** Columns that are omitted before others are cut below their minimum. */
const DISPENSABLE = ['MEMORY', 'CPU', 'LEFT'].map((heading) => HEADINGS.indexOf(heading));
const GAP = '  ';
/** Narrower tables show the percentage alone. */
const MIN_COLUMNS_FOR_COUNTS = 80;
/** Minimum width of a name or a step. */
const MIN_FLEXIBLE_CELLS = 8;
const READABLE_CELLS = 12;

/** A heading, and one line for each execution in the given order. */
export function listLines(executions: readonly Execution[], options: ListOptions): string[] {
  const shown = options.all ? executions : executions.filter(({ status }) => !isFinal(status));
  if (shown.length === 0) return [nothingText(options)];
  return tableLines(shown, options);
}

/** The same with a line above each group: `build · 1 running · 2 queued`. */
export function groupedLines(
  groups: readonly ExecutionGroup<Execution>[],
  { by }: Grouping,
  options: ListOptions,
): string[] {
  if (groups.length === 0) return [nothingText(options)];
  // one table, so that columns are aligned throughout
  const [heading = '', ...rows] = tableLines(
    groups.flatMap(({ executions }) => executions),
    options,
  );
  const lines = [heading];
  for (const group of groups) {
    if (lines.length > 1) lines.push('');
    lines.push(groupTitle(group, by, options), ...rows.splice(0, group.executions.length));
  }
  return lines;
}

function groupTitle(
  { name, running, queued, executions }: ExecutionGroup<Execution>,
  by: Grouping['by'],
  { columns, style }: ListOptions,
): string {
  const title = paint(cleanText(name ?? `no ${by}`), name === undefined ? 'dim' : 'strong', style);
  const counts = Object.entries({ running, queued, ended: executions.length - running - queued });
  const words = counts.filter(([, count]) => count > 0).map(([word, count]) => `${count} ${word}`);
  return truncate([title, ...words].join(separatorOf(style)), columns, ellipsisOf(style));
}

function nothingText({ all }: ListOptions): string {
  return all ? 'Nothing has run yet.' : 'Nothing is running. progress ps --all shows what has ended.';
}

/** Heading, and a line for each. */
function tableLines(executions: readonly Execution[], options: ListOptions): string[] {
  const ids = options.prefixes ?? shortenIds(executions.map(({ id }) => id));
  const rows = [
    HEADINGS.map((text): Cell => ({ text, tone: 'dim', ...(NUMERIC.has(text) && { right: true }) })),
    ...executions.map((execution) => listRow(execution, ids.get(execution.id) ?? execution.id, options)),
  ];
  const widths = columnWidths(rows, options.columns);
  return rows.map((row) => joinCells(row, widths, options.style));
}

function listRow(execution: Execution, id: string, { now, columns, style, positions }: ListOptions): Cell[] {
  const { id: fullId, status, resources = {} } = execution;
  const attention = execution.attention?.state;
  const position = positions?.get(fullId);
  const exit = execution.outcome?.signal ?? execution.outcome?.exitCode;
  const step = visibleStepsOf(execution).current.at(-1)?.step;
  return [
    { text: cleanText(id) },
    {
      text: `${statusIcon(status, style.ascii, attention)} ${stateWord(execution, now)}${position === undefined ? '' : ` #${position}`}`,
      tone: toneOf(status, attention),
    },
    { text: cleanText(execution.name), tone: 'strong' },
    { text: progressText(execution, now, columns < MIN_COLUMNS_FOR_COUNTS) },
    { text: stepText(execution, step) },
    { text: resources.cpu === undefined ? '' : formatCpu(resources.cpu), right: true },
    memoryCell(execution),
    { text: ageText(execution, now), right: true },
    { text: remainingText(estimate(execution, now)), right: true, tone: 'dim' },
    { text: exit === undefined ? '' : cleanText(String(exit)), right: true },
  ];
}

/** `52% 18/35 tests`. `separator`: between passed and failed tests, which are omitted without it. */
export function progressText(execution: Execution, now: number, short = false, separator?: string): string {
  const work = workOf(execution);
  if (work === undefined || execution.summarised) return '';
  const { share } = estimate(execution, now);
  const isLong = separator !== undefined && work.outcomes !== undefined;
  const count = isLong ? cleanText(formatWork(work, separator)) : countText(work.done, work.total, work.unit);
  if (short && share !== undefined) return formatPercent(share);
  return share === undefined || isFinal(execution.status) ? count : `${formatPercent(share)} ${count}`;
}

function stepText(execution: Execution, step: Step | undefined): string {
  const { status, attention, outcome } = execution;
  if (!isFinal(status) && attention?.state === 'waiting') return cleanText(attention.reason ?? '');
  if (isFinal(status)) return cleanText(status === 'completed' ? '' : (outcome?.error ?? ''));
  return cleanText(step === undefined ? '' : stepTitle(step));
}

/** Current value of a running execution, peak of an ended one. */
function memoryCell({ status, resources = {} }: Execution): Cell {
  const bytes = isFinal(status) ? resources.peakRss : resources.rss;
  return { text: bytes === undefined ? '' : formatBytes(bytes), right: true, ...(isFinal(status) && { tone: 'dim' }) };
}

/** Elapsed time of a running execution, duration of an ended one. */
function ageText(execution: Execution, now: number): string {
  const elapsed = elapsedOf(execution, now);
  if (elapsed !== undefined) return formatDuration(elapsed);
  const queued = parseInstant(execution.queuedAt);
  return queued === undefined ? '' : formatAge(now - queued);
}

/** Width of the widest cell; name and step share the rest. Empty columns take nothing. */
function columnWidths(rows: readonly (readonly Cell[])[], columns: number): number[] {
  const widths = HEADINGS.map((heading, column) => {
    const longest = Math.max(...rows.slice(1).map((row) => cellsOf(row[column]?.text ?? '')));
    return longest === 0 ? 0 : Math.max(longest, heading.length);
  });
  const excess = (): number => {
    const used = widths.filter((width) => width > 0).length;
    return widths.reduce((sum, width) => sum + width, 0) + GAP.length * (used - 1) - columns;
  };
  const spare = (column: number, least: number): number => Math.max(0, (widths[column] ?? 0) - least);
  for (const column of DISPENSABLE) {
    const room = FLEXIBLE.reduce((sum, flexible) => sum + spare(flexible, READABLE_CELLS), 0);
    if (excess() > room) widths[column] = 0;
  }
  for (const column of FLEXIBLE) {
    const cut = Math.max(0, Math.min(excess(), spare(column, MIN_FLEXIBLE_CELLS)));
    widths[column] = (widths[column] ?? 0) - cut;
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
