/** Formats queues for `progress queue`, with their running and waiting executions. */
import { elapsedOf, parseInstant } from '../core/estimates/durations.js';
import type { Execution } from '../core/execution.js';
import { formatAge, formatDuration, formatQuantity, statusIcon } from '../core/text/format.js';
import type { QueueView } from '../core/state/queues.js';
import { cleanText, ellipsisOf, paint, toneOf } from './paint.js';
import type { Style } from './style.js';
import { alignRight, cellsOf, fit, truncate } from './width.js';

export interface QueueOptions {
  now: number;
  columns: number;
  style: Style;
  /** Width of IDs. */
  prefixes: ReadonlyMap<string, string>;
}

/** One line in a queue. */
interface Row {
  /** Its position, or the icon of a running execution. */
  place: string;
  id: string;
  time: string;
  name: string;
  execution: Execution | undefined;
}

const GAP = '  ';

/** One line for each queue, and one for each of its executions; `executions` by ID, as far as known. */
export function queueLines(
  queues: readonly QueueView[],
  executions: ReadonlyMap<string, Execution>,
  options: QueueOptions,
): string[] {
  if (queues.length === 0) return ['No queues. progress run --queue NAME -- command makes one.'];
  const widest = Math.max(...queues.map(({ name }) => cellsOf(cleanText(name))));
  const rows = new Map(queues.map((queue) => [queue, rowsOf(queue, executions, options)]));
  const all = [...rows.values()].flat();
  const widths = {
    place: widthOf(all.map(({ place }) => place)),
    id: widthOf(all.map(({ id }) => id)),
    time: widthOf(all.map(({ time }) => time)),
  };
  return queues.flatMap((queue) => [
    headLine(queue, widest, options),
    ...(rows.get(queue) ?? []).map((row) => rowLine(row, widths, options)),
  ]);
}

function widthOf(texts: readonly string[]): number {
  return Math.max(0, ...texts.map(cellsOf));
}

/** `build  1 of 2 slots taken, 3 waiting`. */
function headLine(queue: QueueView, cells: number, { style, columns }: QueueOptions): string {
  const { name, slots, paused, running, waiting } = queue;
  const parts = [
    `${running.length} of ${formatQuantity(slots, 'slot')} taken`,
    ...(waiting.length > 0 ? [`${waiting.length} waiting`] : []),
  ];
  const shown = truncate(fit(cleanText(name), cells), Math.max(1, columns - 1), ellipsisOf(style));
  const state = paused ? `${paint('paused', 'warn', style)}, ` : '';
  return `${paint(shown, 'strong', style)}${GAP}${state}${parts.join(', ')}`;
}

function rowsOf({ running, waiting }: QueueView, executions: ReadonlyMap<string, Execution>, options: QueueOptions) {
  const row = (id: string, place: string): Row => {
    const execution = executions.get(id);
    const name = execution ? cleanText(execution.name) : '';
    return {
      place,
      id: cleanText(options.prefixes.get(id) ?? id),
      time: execution ? timeText(execution, options.now) : '',
      name: name + (execution ? afterText(execution, options) : ''),
      execution,
    };
  };
  return [
    ...running.map((id) => row(id, statusIcon(executions.get(id)?.status ?? 'running', options.style.ascii))),
    ...waiting.map((id, index) => row(id, String(index + 1))),
  ];
}

/** Time for which it has been running, or waiting. */
function timeText(execution: Execution, now: number): string {
  const elapsed = execution.status === 'queued' ? undefined : elapsedOf(execution, now);
  if (elapsed !== undefined) return formatDuration(elapsed);
  const queued = parseInstant(execution.queuedAt);
  return queued === undefined ? '' : formatAge(now - queued);
}

function afterText({ after = [], status }: Execution, { prefixes }: QueueOptions): string {
  if (status !== 'queued' || after.length === 0) return status === 'paused' ? ' (paused)' : '';
  return ` (after ${after.map((id) => cleanText(prefixes.get(id) ?? id)).join(', ')})`;
}

function rowLine(row: Row, widths: { place: number; id: number; time: number }, options: QueueOptions): string {
  const { style, columns } = options;
  const { place, id, time, name, execution } = row;
  const lead = [
    paint(alignRight(place, widths.place), execution && toneOf(execution.status), style),
    fit(id, widths.id),
    alignRight(time, widths.time),
  ].join(GAP);
  const used = GAP.length * 4 + widths.place + widths.id + widths.time;
  return `${GAP}${lead}${GAP}${truncate(name, Math.max(1, columns - used - 1), ellipsisOf(style))}`.trimEnd();
}
