/** Formats the steps of an execution as a tree, each with its duration and its place in time. */
import { childrenByParent } from '../core/lists/children.js';
import { criteriaOf } from '../core/estimates/work.js';
import { elapsedOf, parseInstant, spanOf } from '../core/estimates/durations.js';
import { actorOf, errorOf, stepTitle } from '../core/lists/visible-steps.js';
import type { Execution, Step } from '../core/execution.js';
import { formatDuration, statusIcon } from '../core/text/format.js';
import { cleanText, ellipsisOf, paint, separatorOf, toneOf } from './paint.js';
import type { Style } from './style.js';
import { timeBarText } from './time-bar.js';
import { alignRight, cellsOf, fit, fitParts } from './width.js';

export interface TreeOptions {
  now: number;
  columns: number;
  style: Style;
}

/** A step in the tree, and how deep it is nested. */
export interface Branch {
  step: Step;
  depth: number;
}

/** Width of the timeline, if there is space; long names leave it less. */
const TIMELINE_CELLS = { least: 10, most: 24 };
const MIN_COLUMNS_FOR_TIMELINE = 80;
const DURATION_CELLS = 9;
/** Between the title of a step and its note. */
const NOTE_GAP = '  ';

/** No line is wider than `columns`; durations follow the longest name. */
export function stepLines(execution: Execution, options: TreeOptions): string[] {
  const { columns, style } = options;
  const span = wholeSpan(execution, options.now);
  const hasTimeline = span !== undefined && columns >= MIN_COLUMNS_FOR_TIMELINE;
  const branches = branchesOf(execution);
  const names = branches.map(({ step, depth }) => cellsOf(stepName(execution, step, depth, style).join(NOTE_GAP)));
  const needed = Math.max(...names) + 1 + DURATION_CELLS;
  const cells = Math.min(TIMELINE_CELLS.most, Math.max(TIMELINE_CELLS.least, columns - needed - 2));
  const room = Math.min(needed, columns - (hasTimeline ? cells + 2 : 0));
  return branches.map((branch) => {
    const line = stepLine(execution, branch, { ...options, columns: room });
    return (hasTimeline ? `${line}  ${timelineBar(branch.step, span, cells, options)}` : line).trimEnd();
  });
}

/** Name, state and duration of a step, in exactly `columns` cells. */
export function stepLine(execution: Execution, { step, depth }: Branch, { now, columns, style }: TreeOptions): string {
  const elapsed = elapsedOf(step, now);
  const duration = alignRight(elapsed === undefined ? '' : formatDuration(elapsed), DURATION_CELLS);
  const nameCells = Math.max(1, columns - DURATION_CELLS - 1);
  const parts = stepName(execution, step, depth, style);
  // a long name leaves room for what happened
  const name = fitParts(parts, nameCells, ellipsisOf(style), NOTE_GAP);
  return fit(`${fit(name, nameCells)} ${duration}`, columns);
}

/** Title and note. */
function stepName(execution: Execution, step: Step, depth: number, style: Style): string[] {
  const { status } = step;
  const icon = paint(statusIcon(status, style.ascii), toneOf(status), style);
  const criteria = criteriaOf(execution, step);
  const word = status === 'completed' || status === 'running' || status === 'pending' ? '' : status;
  const again = step.attempts === undefined ? '' : `attempt ${step.attempts}`;
  const notes = [
    word,
    criteria === undefined ? '' : `${criteria.done}/${criteria.total ?? '?'}`,
    cleanText(errorOf(step) ?? ''),
    again,
    cleanText(actorOf(step)),
    step.commits?.map(cleanText).join(' ') ?? '',
    step.output === undefined ? '' : cleanText(step.output),
  ];
  const type = step.stepType === undefined ? '' : ` (${cleanText(step.stepType)})`;
  const title = cleanText(stepTitle(step, separatorOf(style))) + type;
  const note = notes.filter((text) => text !== '').join(separatorOf(style));
  return [`${'  '.repeat(depth)}${icon} ${title}`, ...(note === '' ? [] : [paint(note, 'dim', style)])];
}

/** Maximum indentation. */
const MAX_DEPTH = 8;

/** Orders children after their parents. An unknown parent makes a root, and so does a cycle. */
export function branchesOf({ steps }: Execution): Branch[] {
  const children = childrenByParent([...steps.values()]);
  const branches: Branch[] = [];
  const seen = new Set<Step>();
  const walk = (roots: readonly Step[]): void => {
    const pending = roots.map((step) => ({ step, depth: 0 })).reverse();
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      if (seen.has(next.step)) continue;
      seen.add(next.step);
      branches.push(next);
      const depth = Math.min(next.depth + 1, MAX_DEPTH);
      for (const step of children.get(next.step.id)?.toReversed() ?? []) pending.push({ step, depth });
    }
  };
  walk(children.get(undefined) ?? []);
  for (const step of steps.values()) walk([step]);
  return branches;
}

interface Span {
  from: number;
  to: number;
}

/** From the first start to the last end, or now: a step may have started before its execution. */
function wholeSpan(execution: Execution, now: number): Span | undefined {
  const started = parseInstant(execution.startedAt);
  const elapsed = elapsedOf(execution, now);
  if (started === undefined || elapsed === undefined) return undefined;
  const spans = [...execution.steps.values()].map((step) => spanOf(step, now)).filter((span) => span !== undefined);
  const from = spans.reduce((first, span) => Math.min(first, span.from), started);
  const to = spans.reduce((last, span) => Math.max(last, span.to), started + elapsed);
  return to > from ? { from, to } : undefined;
}

/** Share of the span in which the step ran. */
function timelineBar(step: Step, span: Span, cells: number, { now, style }: TreeOptions): string {
  const ran = spanOf(step, now);
  return ran ? timeBarText({ ...ran, hasRun: true }, { ...span, cells }, toneOf(step.status), style) : '';
}
