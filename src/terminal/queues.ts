/** Formats queues for `progress queue`, with their running and waiting executions. */
import { elapsedOf } from '../core/estimates/durations.js';
import type { Execution } from '../core/execution.js';
import { formatDuration, formatQuantity, statusIcon } from '../core/text/format.js';
import type { QueueView } from '../core/state/queues.js';
import type { GridCell, GridColumn } from './grid.js';
import { gridLines } from './grid.js';
import { cleanText, ellipsisOf, paint, toneOf } from './paint.js';
import type { Style } from './style.js';
import { waitedText } from './tables.js';
import { cellsOf, fit, truncate } from './width.js';

export interface QueueOptions {
  now: number;
  /** Width that no line exceeds; Infinity in a pipe or a file. */
  columns: number;
  style: Style;
  /** Width of IDs. */
  prefixes: ReadonlyMap<string, string>;
}

const GAP = '  ';
/** Position or icon, ID, time, name. */
const COLUMNS: readonly GridColumn[] = [
  { heading: '', isNumeric: true },
  { heading: '' },
  { heading: '', isNumeric: true, rank: 1 },
  { heading: '', cut: { readable: 16, least: 8 } },
];

/** One line for each queue, and one for each of its executions; `executions` by ID, as far as known. */
export function queueLines(
  queues: readonly QueueView[],
  executions: ReadonlyMap<string, Execution>,
  options: QueueOptions,
): string[] {
  const { columns, style } = options;
  if (queues.length === 0)
    return [truncate('No queues. progress run --queue NAME -- command makes one.', columns, ellipsisOf(style))];
  const widest = Math.max(...queues.map(({ name }) => cellsOf(cleanText(name))));
  const rows = queues.map((queue) => rowsOf(queue, executions, options));
  // one table, so that columns are aligned throughout
  const lines = gridLines(COLUMNS, rows.flat(), { columns: columns - GAP.length, style });
  return queues.flatMap((queue, at) => [
    headLine(queue, widest, options),
    ...lines.splice(0, rows[at]?.length ?? 0).map((line) => GAP + line),
  ]);
}

/** `build  1 of 2 slots taken, 3 waiting`; the name is cut last. */
function headLine({ name, slots, paused, running, waiting }: QueueView, widest: number, options: QueueOptions): string {
  const { style, columns } = options;
  const counts = [
    `${running.length} of ${formatQuantity(slots, 'slot')} taken`,
    ...(waiting.length > 0 ? [`${waiting.length} waiting`] : []),
  ].join(', ');
  const state = (paused ? `${paint('paused', 'warn', style)}, ` : '') + counts;
  const room = Math.max(MIN_NAME_CELLS, columns - GAP.length - cellsOf(state));
  const shown = fit(cleanText(name), Math.min(widest, room), ellipsisOf(style));
  return truncate(`${paint(shown, 'strong', style)}${GAP}${state}`, columns, ellipsisOf(style));
}

const MIN_NAME_CELLS = 8;

function rowsOf(
  { running, waiting }: QueueView,
  executions: ReadonlyMap<string, Execution>,
  options: QueueOptions,
): GridCell[][] {
  const row = (id: string, place: string): GridCell[] => {
    const execution = executions.get(id);
    return [
      { text: place, tone: execution && toneOf(execution.status) },
      { text: options.prefixes.get(id) ?? id },
      { text: execution ? timeText(execution, options.now) : '' },
      { text: execution ? execution.name + afterText(execution, options) : '' },
    ];
  };
  return [
    ...running.map((id) => row(id, statusIcon(executions.get(id)?.status ?? 'running', options.style.ascii))),
    ...waiting.map((id, index) => row(id, String(index + 1))),
  ];
}

/** Time for which it has been running, or waiting. */
function timeText(execution: Execution, now: number): string {
  const elapsed = execution.status === 'queued' ? undefined : elapsedOf(execution, now);
  return elapsed === undefined ? waitedText(execution, now) : formatDuration(elapsed);
}

function afterText({ after = [], status }: Execution, { prefixes }: QueueOptions): string {
  if (status !== 'queued' || after.length === 0) return status === 'paused' ? ' (paused)' : '';
  return ` (after ${after.map((id) => cleanText(prefixes.get(id) ?? id)).join(', ')})`;
}
