/** Formats executions as a table, in groups if requested, for `progress ps`. */
import type { Estimate } from '../core/estimates/estimate.js';
import { estimate } from '../core/estimates/estimate.js';
import { workOf } from '../core/estimates/work.js';
import { parseInstant } from '../core/estimates/durations.js';
import { stateWord } from '../core/text/state-text.js';
import type { Execution } from '../core/execution.js';
import { isFinal } from '../core/execution.js';
import {
  formatAge,
  formatBytes,
  formatCpu,
  formatDateTime,
  formatDuration,
  formatPercent,
  formatWork,
  shortenIds,
  statusIcon,
  remainingText,
} from '../core/text/format.js';
import type { ExecutionGroup, Grouping } from '../core/lists/groups.js';
import { countText } from './detail.js';
import { errorOf, visibleStepsOf, stepTitle } from '../core/lists/visible-steps.js';
import type { GridCell, GridColumn } from './grid.js';
import { gridLines } from './grid.js';
import { cleanText, ellipsisOf, paint, separatorOf, toneOf } from './paint.js';
import type { Style } from './style.js';
import { cellsOf, truncate } from './width.js';

export interface ListOptions {
  now: number;
  /** Width that no line exceeds; Infinity in a pipe or a file. */
  columns: number;
  style: Style;
  /** Include ended executions. */
  all: boolean;
  /** Width of IDs: unique among all known ones, else among those given. */
  prefixes?: ReadonlyMap<string, string>;
  /** Position in the queue by ID. */
  positions?: ReadonlyMap<string, number>;
  /** Columns to show, also if they are empty. @default those of `DEFAULT_COLUMNS` that are not */
  shown?: readonly ListColumn[];
}

/** An execution, and what several of its cells need. */
interface Line {
  execution: Execution;
  estimate: Estimate;
  id: string;
  options: ListOptions;
}

interface ColumnSpec extends GridColumn {
  cell: (line: Line) => GridCell | string;
}

const SPECS = {
  id: { heading: 'ID', cell: ({ id }) => id },
  status: { heading: 'STATUS', cell: statusCell },
  name: {
    heading: 'NAME',
    cut: { readable: 16, least: 8 },
    cell: ({ execution }) => ({ text: execution.name, tone: 'strong' }),
  },
  progress: {
    heading: 'PROGRESS',
    short: 'DONE',
    rank: 5,
    cell: ({ execution, estimate: { share } }) => ({
      text: progressText(execution, share),
      ...(share !== undefined && hasWork(execution) && { short: formatPercent(share) }),
    }),
  },
  step: { heading: 'STEP', rank: 6, cut: { readable: 12, least: 8 }, cell: ({ execution }) => stepText(execution) },
  cpu: {
    heading: 'CPU',
    isNumeric: true,
    rank: 2,
    cell: ({ execution: { resources: { cpu } = {} } }) => (cpu === undefined ? '' : formatCpu(cpu)),
  },
  memory: { heading: 'MEMORY', isNumeric: true, rank: 1, cell: memoryCell },
  time: { heading: 'TIME', isNumeric: true, rank: 7, cell: timeText },
  left: {
    heading: 'LEFT',
    isNumeric: true,
    rank: 3,
    cell: ({ estimate: remaining }) => ({ text: remainingText(remaining), tone: 'dim' }),
  },
  exit: { heading: 'EXIT', isNumeric: true, rank: 4, cell: ({ execution }) => exitCodeText(execution) },
  kind: { heading: 'KIND', cell: ({ execution }) => execution.kind },
  agent: { heading: 'AGENT', cell: ({ execution: { agent } }) => agent?.name ?? '' },
  queue: { heading: 'QUEUE', cell: ({ execution }) => execution.queue ?? '' },
  labels: {
    heading: 'LABELS',
    cut: { readable: 12, least: 8 },
    cell: ({ execution: { labels = {} } }) =>
      Object.entries(labels)
        .map(([key, value]) => `${key}=${value}`)
        .join(' '),
  },
  directory: {
    heading: 'DIRECTORY',
    cut: { readable: 16, least: 8 },
    cell: ({ execution }) => execution.process?.cwd ?? '',
  },
  pid: { heading: 'PID', isNumeric: true, cell: ({ execution }) => String(execution.process?.pid ?? '') },
  started: { heading: 'STARTED', cell: ({ execution }) => instantText(execution.startedAt) },
  ended: { heading: 'ENDED', cell: ({ execution }) => instantText(execution.endedAt) },
} as const satisfies Readonly<Record<string, ColumnSpec>>;

export type ListColumn = keyof typeof SPECS;
export const LIST_COLUMNS = Object.keys(SPECS) as readonly ListColumn[];

/** Columns that are shown by default, if they are not empty. */
const DEFAULT_COLUMNS: readonly ListColumn[] = [
  ...(['id', 'status', 'name', 'progress', 'step'] as const),
  ...(['cpu', 'memory', 'time', 'left', 'exit'] as const),
];

/** Cells that a reason or an error keeps while other columns are omitted. */
const REASON_CELLS = 16;

/** A heading, and one line for each execution in the given order. */
export function listLines(executions: readonly Execution[], options: ListOptions): string[] {
  const shown = options.all ? executions : executions.filter(({ status }) => !isFinal(status));
  if (shown.length === 0) return [truncate(nothingText(options), options.columns, ellipsisOf(options.style))];
  return tableLines(shown, options);
}

/** The same with a line above each group: `build · 1 running · 2 queued`. */
export function groupedLines(
  groups: readonly ExecutionGroup<Execution>[],
  { by }: Grouping,
  options: ListOptions,
): string[] {
  if (groups.length === 0) return listLines([], options);
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
  const lines = executions.map((execution): Line => ({
    execution,
    estimate: estimate(execution, options.now),
    id: ids.get(execution.id) ?? execution.id,
    options,
  }));
  const specs = options.shown?.map(fixedSpec) ?? DEFAULT_COLUMNS.map((name) => defaultSpec(name, executions));
  const rows = lines.map((line) => specs.map(({ cell }) => cell(line)));
  return gridLines(specs, rows, options);
}

/** A column that was asked for stays; on a narrow terminal it is cut. */
function fixedSpec(name: ListColumn): ColumnSpec {
  const { rank: _rank, ...spec }: ColumnSpec = SPECS[name];
  return { ...spec, isFixed: true };
}

/** Reasons stay where steps are omitted, and are cut last. */
function defaultSpec(name: ListColumn, executions: readonly Execution[]): ColumnSpec {
  const spec: ColumnSpec = SPECS[name];
  if (name !== 'step') return spec;
  const reason = Math.max(0, ...executions.map((execution) => cellsOf(cleanText(reasonOf(execution) ?? ''))));
  if (reason === 0) return spec;
  const { rank: _rank, ...kept } = spec;
  return { ...kept, cut: { readable: Math.max(12, Math.min(reason, REASON_CELLS)), least: 8 } };
}

function statusCell({ execution, options: { now, style, positions } }: Line): GridCell {
  const { id, status, attention } = execution;
  const position = positions?.get(id);
  const icon = statusIcon(status, style.ascii, attention?.state);
  return {
    text: `${icon} ${stateWord(execution, now)}${position === undefined ? '' : ` #${position}`}`,
    tone: toneOf(status, attention?.state),
  };
}

/** Formats the work of an execution with its share: `52% 18/35 tests`; with a separator also how many passed and failed. */
export function progressText(execution: Execution, share: number | undefined, separator?: string): string {
  const work = workOf(execution);
  if (work === undefined || execution.summarised) return '';
  const isLong = separator !== undefined && work.outcomes !== undefined;
  const count = isLong ? cleanText(formatWork(work, separator)) : countText(work.done, work.total, work.unit);
  return share === undefined || isFinal(execution.status) ? count : `${formatPercent(share)} ${count}`;
}

function hasWork(execution: Execution): boolean {
  return !execution.summarised && workOf(execution) !== undefined;
}

/** Returns the reason for waiting, or the error of an ended execution. */
function reasonOf({ status, attention, outcome }: Execution): string | undefined {
  if (isFinal(status)) return status === 'completed' ? undefined : errorOf(outcome);
  return attention?.state === 'waiting' ? attention.reason : undefined;
}

function stepText(execution: Execution): string {
  const reason = reasonOf(execution);
  if (reason !== undefined) return reason;
  if (isFinal(execution.status) || execution.attention?.state === 'waiting') return '';
  const step = visibleStepsOf(execution).current.at(-1)?.step;
  return step === undefined ? '' : stepTitle(step);
}

/** Current value of a running execution, peak of an ended one. */
function memoryCell({ execution: { status, resources = {} } }: Line): GridCell {
  const bytes = isFinal(status) ? resources.peakRss : resources.rss;
  return { text: bytes === undefined ? '' : formatBytes(bytes), ...(isFinal(status) && { tone: 'dim' }) };
}

/** Elapsed time of a running execution, duration of an ended one, waiting time of a queued one. */
function timeText({ execution, estimate: { elapsedMs }, options: { now } }: Line): string {
  if (elapsedMs !== undefined) return formatDuration(elapsedMs);
  return waitedText(execution, now);
}

/** Time that an execution has waited in a queue; empty if it has not. */
export function waitedText({ queuedAt }: Execution, now: number): string {
  const queued = parseInstant(queuedAt);
  return queued === undefined ? '' : formatAge(now - queued);
}

function exitCodeText({ outcome }: Execution): string {
  return String(outcome?.signal ?? outcome?.exitCode ?? '');
}

function instantText(time: string | undefined): string {
  const ms = parseInstant(time);
  return ms === undefined ? '' : formatDateTime(ms);
}
