/** The tab with the steps as bars over time: what ran, how long it usually takes, and what is planned. */
import { elapsedOf, parseInstant, spanOf } from '../../../core/estimates/durations.js';
import type { Execution } from '../../../core/execution.js';
import { isFinal } from '../../../core/execution.js';
import { formatDuration } from '../../../core/text/format.js';
import { paint, toneOf } from '../../paint.js';
import type { Style } from '../../style.js';
import type { TimeAxis, TimeBar } from '../../time-bar.js';
import { timeBarText } from '../../time-bar.js';
import { branchesOf, stepLine } from '../../tree.js';
import { ScrollingPage } from './scrolling.js';
import type { TabContext } from './tab-context.js';
import { usualDurations } from './usual-steps.js';

const MIN_BAR_CELLS = 10;
const MIN_NAME_CELLS = 24;
/** Cells between two labels of the axis, at least. */
const LABEL_CELLS = 12;

export function createTimelineTab({ source, id }: TabContext): ScrollingPage {
  return new ScrollingPage(({ columns }, style) => {
    const execution = source.find(id);
    return execution ? timelineLines(execution, { now: source.now(), columns, style }) : [];
  });
}

interface TimelineOptions {
  now: number;
  columns: number;
  style: Style;
}

/** An axis, and a line for each step: its name and duration, and its bar. */
export function timelineLines(execution: Execution, options: TimelineOptions): string[] {
  const { now, columns, style } = options;
  const cells = Math.max(MIN_BAR_CELLS, Math.min(columns - MIN_NAME_CELLS, Math.floor(columns / 2)));
  const room = Math.max(1, columns - cells - 2);
  const bars = barsOf(execution, now);
  const starts = [...bars.values()].map(({ from }) => from);
  const from = Math.min(parseInstant(execution.startedAt) ?? now, ...starts);
  const to = Math.max(
    from + (elapsedOf(execution, now) ?? 0),
    ...[...bars.values()].map((bar) => Math.max(bar.to, bar.usualTo ?? 0)),
  );
  const span = { from, to: Math.max(to, from + 1), cells };
  const lines = branchesOf(execution).map((branch) => {
    const bar = bars.get(branch.step.id);
    const name = stepLine(execution, branch, { ...options, columns: room });
    return `${name}  ${bar ? timeBarText(bar, span, toneOf(branch.step.status), style) : ''}`.trimEnd();
  });
  return [`${' '.repeat(room + 2)}${paint(axisText(span), 'dim', style)}`, ...lines];
}

/** Planned steps follow what they need, else the step before them, each for its usual duration. */
function barsOf(execution: Execution, now: number): Map<string, TimeBar> {
  const usualOf = usualDurations(execution);
  const bars = new Map<string, TimeBar>();
  let lastEnd = parseInstant(execution.startedAt) ?? now;
  for (const step of execution.steps.values()) {
    const ran = spanOf(step, now);
    const usual = usualOf(step)?.medianMs;
    const isPlanned = ran === undefined && !isFinal(step.status) && !isFinal(execution.status);
    if (ran)
      bars.set(step.id, {
        ...ran,
        hasRun: ran.to > ran.from,
        ...(usual !== undefined && { usualTo: ran.from + usual }),
      });
    else if (isPlanned && usual !== undefined) {
      const needed = (step.needs ?? []).flatMap((need) => bars.get(need) ?? []);
      const from = Math.max(now, ...(needed.length > 0 ? needed.map(endOf) : [lastEnd]));
      bars.set(step.id, { from, to: from, usualTo: from + usual, hasRun: false });
    }
    const bar = bars.get(step.id);
    if (bar) lastEnd = Math.max(lastEnd, endOf(bar));
  }
  return bars;
}

function endOf({ to, usualTo = 0 }: TimeBar): number {
  return Math.max(to, usualTo);
}

/** Times since the start, at equal distances: `0s     20s     40s`. */
function axisText({ from, to, cells }: TimeAxis): string {
  const labels = Math.max(1, Math.floor(cells / LABEL_CELLS));
  return Array.from({ length: labels }, (_, index) =>
    formatDuration(((to - from) * index) / labels).padEnd(Math.floor(cells / labels)),
  )
    .join('')
    .trimEnd();
}
