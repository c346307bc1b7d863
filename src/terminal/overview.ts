/** Several executions in the box, one row each. */
import { estimate, parseInstant } from '../core/estimate.js';
import { stateWord } from '../core/state-text.js';
import type { Execution } from '../core/execution.js';
import { isFinal } from '../core/execution.js';
import { formatDuration, formatPercent, formatRemaining, statusMark, statusWord } from '../core/format.js';
import type { Space } from './detail.js';
import { exitText } from './detail.js';
import type { Row } from './layout.js';
import { drawBar } from './layout.js';
import { visibleStepsOf, stepTitle } from '../core/visible-steps.js';
import { cleanText, ellipsisOf, paint, separatorOf, toneOf } from './paint.js';
import type { Style } from './style.js';
import { alignRight, cellsOf, fit } from './width.js';

/** Maximum number of rows. */
const MAX_ROWS = 8;
const BAR_CELLS = 10;
/** Share of the row for the name; the step gets the rest. */
const NAME_SHARE = 0.35;
const ELAPSED_CELLS = 7;
const REMAINING_CELLS = 7;
/** Narrower rows omit the bar and the estimate. */
const MIN_CELLS_FOR_BAR = 70;

/** Order: running executions, oldest first; then waiting ones; then ended ones, newest first. */
export function sortForOverview(executions: readonly Execution[]): Execution[] {
  const begin = (one: Execution): number => parseInstant(one.startedAt ?? one.queuedAt) ?? 0;
  const end = (one: Execution): number => parseInstant(one.endedAt) ?? 0;
  const group = ({ status }: Execution): number => (isFinal(status) ? 2 : status === 'running' ? 0 : 1);
  return [...executions].sort((a, b) => {
    const byGroup = group(a) - group(b);
    if (byGroup !== 0) return byGroup;
    return isFinal(a.status) ? end(b) - end(a) : begin(a) - begin(b) || (a.id < b.id ? -1 : 1);
  });
}

/** `4 running · 1 waiting · 2 failed`. */
export function overviewTitle(executions: readonly Execution[], style: Style): string {
  const counts = new Map<string, number>();
  for (const { status, attention } of executions) {
    const word = statusWord(status, attention?.state);
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return [...counts].map(([word, count]) => `${count} ${word}`).join(separatorOf(style));
}

export function executionRows(
  sorted: readonly Execution[],
  now: number,
  { cells, rows: room }: Space,
  style: Style,
): Row[] {
  const count = sorted.length <= Math.min(MAX_ROWS, room) ? sorted.length : Math.max(1, Math.min(MAX_ROWS, room - 1));
  const shown = sorted.slice(0, count);
  const longest = Math.max(...shown.map(({ name }) => cellsOf(cleanText(name))));
  const nameCells = Math.min(longest, Math.floor(cells * NAME_SHARE));
  const rows = shown.map((execution) => executionRow(execution, now, nameCells, cells, style));
  const hidden = sorted.length - count;
  if (hidden > 0 && rows.length < room)
    rows.push({ left: paint(`${ellipsisOf(style)} and ${hidden} more`, 'dim', style) });
  return rows;
}

function executionRow(execution: Execution, now: number, nameCells: number, cells: number, style: Style): Row {
  const { share, elapsedMs, remainingMs } = estimate(execution, now);
  const wide = cells >= MIN_CELLS_FOR_BAR;
  const name = paint(fit(cleanText(execution.name), nameCells, ellipsisOf(style)), 'strong', style);
  const percent = (share === undefined || isFinal(execution.status) ? '' : formatPercent(share)).padStart(4);
  const bar = wide ? `  ${share === undefined ? ' '.repeat(BAR_CELLS) : drawBar(share, BAR_CELLS, style)}` : '';
  const elapsed = elapsedMs === undefined ? '' : formatDuration(elapsedMs);
  const remaining = remainingMs === undefined ? '' : formatRemaining(remainingMs);
  return {
    left: `${statusMark(execution.status, style.ascii, execution.attention?.state)} ${name}${bar} ${percent}  ${activityText(execution, now, style)}`,
    right:
      alignRight(elapsed, ELAPSED_CELLS) +
      (wide ? paint(alignRight(remaining, REMAINING_CELLS + 1), 'dim', style) : ''),
  };
}

/** Current step, or the reason why it stopped. */
function activityText(execution: Execution, now: number, style: Style): string {
  const { status, attention, outcome } = execution;
  const tone = toneOf(status, attention?.state);
  if (isFinal(status)) {
    const why = status === 'completed' || outcome?.error === undefined ? '' : `: ${cleanText(outcome.error)}`;
    return paint(status + exitText(execution) + why, tone, style);
  }
  if (status !== 'running') return paint(status, tone, style);
  if (attention?.state === 'waiting') {
    const { state, reason } = attention;
    return paint(state + (reason === undefined ? '' : `: ${cleanText(reason)}`), tone, style);
  }
  const step = visibleStepsOf(execution).current.at(-1)?.step;
  const work = cleanText((step && stepTitle(step)) ?? execution.progress?.message ?? '');
  if (attention === undefined) return work;
  return [paint(stateWord(execution, now), tone, style), work].filter((part) => part !== '').join(separatorOf(style));
}
