/** Formats statistics of finished executions for `progress stats`: a table of names, or one name in detail. */
import { parseInstant } from '../core/estimates/durations.js';
import type { EstimateAccuracy } from '../core/estimates/replay.js';
import type { Distribution, NameStatistics, StatisticsDetails } from '../core/estimates/statistics.js';
import type { FinalStatus } from '../core/events/event.js';
import { FINAL_STATUSES } from '../core/events/event.js';
import {
  formatAge,
  formatBytes,
  formatCount,
  formatDuration,
  formatOutcome,
  formatPercent,
  formatQuantity,
  statusIcon,
} from '../core/text/format.js';
import type { GridCell, GridColumn } from './grid.js';
import { gridLines } from './grid.js';
import { cleanText, ellipsisOf, paint, separatorOf, toneOf } from './paint.js';
import type { Style } from './style.js';
import { truncate } from './width.js';

export interface StatsOptions {
  now: number;
  columns: number;
  style: Style;
}

const NAME_COLUMNS: readonly GridColumn[] = [
  { heading: 'NAME', cut: { readable: 12, least: 8 } },
  { heading: 'KIND', rank: 1 },
  { heading: 'RUNS', isNumeric: true },
  { heading: 'OK', isNumeric: true },
  { heading: 'MEDIAN', isNumeric: true },
  { heading: 'P90', isNumeric: true, rank: 3 },
  { heading: 'LAST', rank: 5 },
  { heading: 'AGO', isNumeric: true, rank: 2 },
  { heading: 'TREND', rank: 4 },
];
/** Durations in the trend of a table. */
const TREND_CELLS = 10;

/** A heading, and one line for each name in the given order. */
export function statsTable(names: readonly NameStatistics[], more: number, options: StatsOptions): string[] {
  if (names.length === 0) return ['Nothing has finished yet.'];
  const rows = names.map((one): (GridCell | string)[] => [
    { text: one.name, tone: 'strong' },
    one.kind,
    formatCount(one.runs),
    one.successRate === undefined ? '' : formatPercent(one.successRate),
    medianText(one.duration),
    one.duration ? formatDuration(one.duration.p90) : '',
    { text: lastText(one, options.style), tone: toneOf(one.last.status) },
    ageText(one, options.now),
    sparkline(one.recentMs.slice(-TREND_CELLS), options.style),
  ]);
  const lines = gridLines(NAME_COLUMNS, rows, options);
  if (more === 0) return lines;
  const hint = `${formatQuantity(more, 'older name')} not shown; use --since, --kind or --json`;
  return [...lines, paint(truncate(hint, options.columns, ellipsisOf(options.style)), 'dim', options.style)];
}

function medianText(duration: Distribution | undefined): string {
  return duration ? formatDuration(duration.median) : '';
}

/** `✓ 41s`. */
function lastText({ last: { status, durationMs } }: NameStatistics, style: Style): string {
  const icon = statusIcon(status, style.ascii);
  return durationMs === undefined ? icon : `${icon} ${formatDuration(durationMs)}`;
}

function ageText({ last }: NameStatistics, now: number): string {
  const ended = parseInstant(last.endedAt);
  return ended === undefined ? '' : formatAge(now - ended);
}

const BARS = '▁▂▃▄▅▆▇█';
const ASCII_BARS = '_.-=+*#@';

/** One cell for each value, in proportion to the highest one, so that small differences look small. */
export function sparkline(values: readonly number[], style: Style): string {
  const bars = style.ascii ? ASCII_BARS : BARS;
  const highest = Math.max(...values);
  return values
    .map((value) => bars[highest > 0 ? Math.ceil((value / highest) * bars.length - 1) : 0] ?? bars[0])
    .join('');
}

/** Everything that is known of one name. */
export function statsDetails(one: NameStatistics, options: StatsOptions): string[] {
  const { style, columns } = options;
  const { details } = one;
  const cut = (line: string) => truncate(line, columns, ellipsisOf(style));
  return [
    cut(paint(cleanText(one.name), 'strong', style)),
    ...fieldsOf(one, options).map(([key, text]) => cut(`${paint(key.padEnd(FIELD_CELLS), 'dim', style)} ${text}`)),
    ...(details ? [...stepTable(details, options), ...failureLines(details, options)] : []),
    ...(details ? estimateLines(details, options) : []),
  ];
}

const FIELD_CELLS = 'resources'.length;

function fieldsOf(one: NameStatistics, { now, style }: StatsOptions): [key: string, text: string][] {
  const { kind, duration, recentMs, last, successRate, details } = one;
  const separator = separatorOf(style);
  const ago = ageText(one, now);
  const lastParts = [formatOutcome(last.status, last.durationMs), ago && `${ago} ago`, last.id];
  const usage = details ? resourceParts(details) : [];
  return [
    ['kind', cleanText(kind)],
    ['runs', [formatQuantity(one.runs, 'finished run'), ...outcomeParts(one)].join(separator)],
    ...optional('success', successRate === undefined ? '' : formatPercent(successRate)),
    ...optional('duration', duration ? `${medianText(duration)} median${separator}${p90Text(duration)}` : ''),
    ...optional('trend', recentMs.length > 1 ? trendText(recentMs, style) : ''),
    ['last', paint(lastParts.filter(Boolean).map(cleanText).join(separator), toneOf(last.status), style)],
    ...optional('resources', usage.join(separator)),
  ];
}

function optional(key: string, text: string): [key: string, text: string][] {
  return text === '' ? [] : [[key, text]];
}

function p90Text({ p90 }: Distribution): string {
  return `${formatDuration(p90)} p90`;
}

/** Without the outcome if it is the same for all. */
function outcomeParts({ outcomes, runs }: NameStatistics): string[] {
  return FINAL_STATUSES.flatMap((status: FinalStatus) => {
    const count = outcomes[status] ?? 0;
    return count === 0 ? [] : [count === runs ? `all ${status}` : `${formatCount(count)} ${status}`];
  });
}

function trendText(recentMs: readonly number[], style: Style): string {
  const [fastest, slowest] = [Math.min(...recentMs), Math.max(...recentMs)].map(formatDuration);
  const range = fastest === slowest ? `${fastest} each` : `${fastest} to ${slowest}`;
  return `${sparkline(recentMs, style)}  ${range}, the newest last`;
}

function resourceParts({ peakRss, cpuSeconds }: StatisticsDetails): string[] {
  return [
    ...(peakRss ? [`peak memory ${formatBytes(peakRss.median)} (p90 ${formatBytes(peakRss.p90)})`] : []),
    ...(cpuSeconds ? [`${cpuText(cpuSeconds.median)} of CPU (p90 ${cpuText(cpuSeconds.p90)})`] : []),
  ];
}

function cpuText(seconds: number): string {
  return formatDuration(seconds * 1_000);
}

const STEP_COLUMNS: readonly GridColumn[] = [
  { heading: 'SLOWEST STEP', cut: { readable: 16, least: 8 } },
  { heading: 'RUNS', isNumeric: true, rank: 1 },
  { heading: 'MEDIAN', isNumeric: true },
  { heading: 'P90', isNumeric: true },
  { heading: 'SHARE', isNumeric: true },
];

function stepTable({ steps }: StatisticsDetails, options: StatsOptions): string[] {
  if (steps.length === 0) return [];
  const rows = steps.map(({ name, runs, duration, share }) => [
    ...[name, formatCount(runs), formatDuration(duration.median), formatDuration(duration.p90)],
    formatPercent(share),
  ]);
  return ['', ...gridLines(STEP_COLUMNS, rows, options)];
}

const FAILURE_COLUMNS: readonly GridColumn[] = [
  { heading: 'FAILURES', isNumeric: true },
  { heading: 'STEP', cut: { readable: 12, least: 6 } },
  { heading: 'REASON', cut: { readable: 24, least: 8 } },
  { heading: 'NEWEST', rank: 1 },
];

function failureLines({ failures }: StatisticsDetails, options: StatsOptions): string[] {
  if (failures.length === 0) return [];
  const rows = failures.map(({ runs, step = '', error = '', execution }) => [
    formatCount(runs),
    step,
    error,
    execution,
  ]);
  return ['', ...gridLines(FAILURE_COLUMNS, rows, options)];
}

const ESTIMATE_COLUMNS: readonly GridColumn[] = [
  { heading: 'ESTIMATES' },
  { heading: 'RUNS', isNumeric: true, rank: 1 },
  { heading: 'ERROR', isNumeric: true },
  { heading: 'TIME', isNumeric: true },
  { heading: 'IN RANGE', isNumeric: true, rank: 2 },
];

function estimateLines({ estimates }: StatisticsDetails, options: StatsOptions): string[] {
  if (estimates.length === 0) return [];
  const rows = estimates.map(({ at, runs, medianError, medianErrorMs, inRange }: EstimateAccuracy) => [
    ...[`at ${formatPercent(at)}`, String(runs), `${(medianError * 100).toFixed(1)}%`],
    ...[formatDuration(medianErrorMs), `${inRange}/${runs}`],
  ]);
  return ['', ...gridLines(ESTIMATE_COLUMNS, rows, options)];
}
