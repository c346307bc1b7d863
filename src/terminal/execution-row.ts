/** Executions as rows of aligned columns: mark, name, progress, current step or reason, elapsed and remaining time. */
import { estimate } from '../core/estimates/estimate.js';
import type { Execution } from '../core/execution.js';
import { isFinal } from '../core/execution.js';
import { formatDuration, formatPercent, remainingText, statusMark } from '../core/text/format.js';
import { stateWord } from '../core/text/state-text.js';
import { stepTitle, visibleStepsOf } from '../core/lists/visible-steps.js';
import { exitText } from './detail.js';
import { drawBar } from './layout.js';
import { cleanText, ellipsisOf, paint, separatorOf, toneOf } from './paint.js';
import type { Tone } from './paint.js';
import type { Style } from './style.js';
import { alignRight, cellsOf, fit } from './width.js';

/** An execution, and how deep it is nested in others. */
export interface Entry {
  execution: Execution;
  depth?: number;
}

/** Texts of one row, without style. */
interface Cells {
  mark: string;
  name: string;
  share: number | undefined;
  percent: string;
  activity: string;
  tone: Tone | undefined;
  /** The activity is a reason, which is cut after everything else. */
  isReason: boolean;
  elapsed: string;
  remaining: string;
}

const BAR_CELLS = 10;
const GAP = '  ';
/** Cells that a name and a step keep where there is too little room. */
const MIN_NAME_CELLS = 12;
const MIN_STEP_CELLS = 8;

/** @returns a line of exactly `cells` cells for each entry */
export function executionRows(entries: readonly Entry[], now: number, cells: number, style: Style): string[] {
  const rows = entries.map((entry) => cellsFor(entry, now, style));
  const widths = columnWidths(rows, cells);
  return rows.map((row) => joinRow(row, widths, style));
}

function cellsFor({ execution, depth = 0 }: Entry, now: number, style: Style): Cells {
  const { share, elapsedMs, ...rest } = estimate(execution, now);
  const { status, attention } = execution;
  const isOver = isFinal(status);
  return {
    mark: statusMark(status, style.ascii, attention?.state),
    name: '  '.repeat(depth) + cleanText(execution.name),
    share: isOver ? undefined : share,
    percent: isOver || share === undefined ? '' : formatPercent(share),
    ...activityOf(execution, now, style),
    elapsed: elapsedMs === undefined ? '' : formatDuration(elapsedMs),
    remaining: remainingText(rest),
  };
}

/** Returns the current step, or why there is none. */
function activityOf(execution: Execution, now: number, style: Style): Pick<Cells, 'activity' | 'tone' | 'isReason'> {
  const { status, attention, outcome: { error } = {} } = execution;
  const tone = toneOf(status, attention?.state);
  if (isFinal(status)) {
    const why = status === 'completed' || error === undefined ? '' : `: ${cleanText(error)}`;
    return { activity: status + exitText(execution) + why, tone, isReason: why !== '' };
  }
  if (status !== 'running') return { activity: status, tone, isReason: false };
  if (attention?.state === 'waiting') {
    const reason = attention.reason === undefined ? '' : `: ${cleanText(attention.reason)}`;
    return { activity: stateWord(execution, now) + reason, tone, isReason: true };
  }
  const step = visibleStepsOf(execution).current.at(-1)?.step;
  const work = cleanText((step && stepTitle(step)) ?? execution.progress?.message ?? execution.tail.at(-1) ?? '');
  if (attention === undefined) return { activity: work, tone: undefined, isReason: false };
  const activity = [stateWord(execution, now), work].filter((part) => part !== '').join(separatorOf(style));
  return { activity, tone, isReason: false };
}

interface Widths {
  name: number;
  bar: number;
  percent: number;
  activity: number;
  elapsed: number;
  remaining: number;
}

/** Gives each column the cells that it needs; where they are too few, gives up the bar, then what remains, then steps. */
function columnWidths(rows: readonly Cells[], cells: number): Widths {
  const widest = (text: (row: Cells) => string) => Math.max(0, ...rows.map((row) => cellsOf(text(row))));
  const name = widest((row) => row.name);
  const activity = widest((row) => row.activity);
  const reason = Math.max(0, ...rows.map((row) => (row.isReason ? cellsOf(row.activity) : 0)));
  const widths: Widths = {
    name,
    bar: rows.some(({ share }) => share !== undefined) ? BAR_CELLS : 0,
    percent: widest((row) => row.percent),
    activity,
    elapsed: widest((row) => row.elapsed),
    remaining: widest((row) => row.remaining),
  };
  const mark = widest((row) => row.mark) + 1;
  const room = () => cells - mark - sumOf([widths.bar, widths.percent, widths.elapsed, widths.remaining]);
  const least = Math.min(name, MIN_NAME_CELLS) + GAP.length + Math.min(activity, Math.max(MIN_STEP_CELLS, reason));
  if (room() < least) widths.bar = 0;
  if (room() < least) widths.remaining = 0;
  const flexible = Math.max(0, room() - GAP.length);
  widths.name = Math.min(name, Math.max(flexible - activity, Math.floor(flexible / 2), flexible - reason - 1));
  if (widths.name + reason > flexible) widths.name = Math.min(name, Math.max(MIN_NAME_CELLS, Math.floor(flexible / 2)));
  widths.activity = Math.max(0, flexible - widths.name);
  return widths;
}

function sumOf(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + (width === 0 ? 0 : width + GAP.length), 0);
}

function joinRow(row: Cells, widths: Widths, style: Style): string {
  const ellipsis = ellipsisOf(style);
  const bar = row.share === undefined ? ' '.repeat(widths.bar) : drawBar(row.share, widths.bar, style);
  const columns: [number, string][] = [
    [widths.name, paint(fit(row.name, widths.name, ellipsis), 'strong', style)],
    [widths.bar, bar],
    [widths.percent, alignRight(row.percent, widths.percent)],
    [widths.activity, paint(fit(row.activity, widths.activity, ellipsis), row.tone, style)],
    [widths.elapsed, alignRight(row.elapsed, widths.elapsed)],
    [widths.remaining, paint(alignRight(row.remaining, widths.remaining), 'dim', style)],
  ];
  const shown = columns.filter(([width]) => width > 0).map(([, text]) => text);
  return `${row.mark} ${shown.join(GAP)}`;
}
