/** Summary that stays in the scrollback after an execution: outcome, counts, and evidence of a failure. */
import { elapsedOf } from '../core/estimates/durations.js';
import type { Execution, Status, Step } from '../core/execution.js';
import { isFailure, isFinal } from '../core/execution.js';
import { formatDuration, formatOutcome, formatQuantity, spentParts, statusMark } from '../core/text/format.js';
import { countByStatus } from '../core/steps.js';
import { errorOf, visibleStepsOf, stepPosition, stepTitle } from '../core/lists/visible-steps.js';
import { exitText } from './detail.js';
import type { TailLine } from './log-tail.js';
import { keptLines, tailRows } from './log-tail.js';
import { cleanText, ellipsisOf, paint, separatorOf, toneOf } from './paint.js';
import type { Style } from './style.js';
import { cellsOf, truncate, wrap } from './width.js';

/** Lines of the log shown with a failure. */
export const FAILURE_LINES = 50;
/** Maximum rows of an error or a summary. */
const MESSAGE_ROWS = 4;
/** Maximum number of slow steps. */
const SLOWEST = 2;
const MAX_COLUMNS = 100;
const INDENT = '   ';

/**
 * Summaries of several executions are concatenated. No line reaches the last column.
 *
 * @param log newest lines of the failed step, else of the execution; by default those that the execution keeps
 */
export function summaryLines(
  execution: Execution,
  style: Style,
  columns: number,
  log: readonly TailLine[] = keptLines(execution),
): string[] {
  const cells = Math.max(1, Math.min(columns - 1, MAX_COLUMNS));
  const text = cells - INDENT.length;
  const lines = [
    ...countLines(execution, style),
    ...(isFailure(execution.status) ? failureLines(execution, log, text, style) : successLines(execution, text)),
    // an ID that a user may copy is never cut, so it wraps like any line of the shell
    `${isFailure(execution.status) ? 'full log' : 'log'}  ${linkToLog(`progress logs ${cleanText(execution.id)}`, execution, style)}`,
  ];
  const command = lines.pop() ?? '';
  const body = lines.map((line) => truncate(INDENT + line, cells, ellipsisOf(style)));
  return [titleLine(execution, cells, style), ...body, INDENT + command];
}

/** Makes a text a hyperlink to the execution in the viewer (OSC 8), where the terminal shows one. */
function linkToLog(text: string, { id }: Execution, { viewer }: Style): string {
  if (viewer === undefined) return text;
  // encoded, an ID holds no byte that ends the sequence
  return `\u001b]8;;${viewer}/executions/${encodeURIComponent(id)}\u001b\\${text}\u001b]8;;\u001b\\`;
}

/** Summary of what continues after a user leaves. */
export function leavingLine(executions: readonly Execution[]): string | undefined {
  const running = executions.filter(({ status }) => !isFinal(status));
  const [first] = running;
  if (first === undefined) return undefined;
  if (running.length > 1) return `${running.length} executions go on. Come back: progress watch --stream`;
  return `${cleanText(first.name)} goes on. Come back: progress watch --stream ${cleanText(first.id)}`;
}

/** A narrow terminal omits the ID first: the last line has it too. */
function titleLine(execution: Execution, cells: number, style: Style): string {
  const { status, name, id } = execution;
  const elapsed = isFinal(status) ? elapsedOf(execution, 0) : undefined;
  const outcome = formatOutcome(status, elapsed) + exitText(execution);
  const mark = statusMark(status, style.ascii);
  const room = cells - cellsOf(mark) - outcome.length - 2;
  const shownName = truncate(cleanText(name), Math.max(1, room), ellipsisOf(style));
  const line = `${mark} ${paint(shownName, 'strong', style)} ${paint(outcome, toneOf(status), style)}`;
  const shownId = paint(cleanText(id), 'dim', style);
  const whole = `${line}${INDENT}${shownId}`;
  return name !== id && cellsOf(whole) <= cells ? whole : truncate(line, cells, ellipsisOf(style));
}

/** `9 steps: 8 completed, 1 failed · 7 stories · 31/31 criteria · 12,208 tokens`. */
function countLines(execution: Execution, style: Style): string[] {
  const parts: string[] = [];
  const steps = [...execution.steps.values()];
  for (const [kind, plural] of COUNTED_KINDS) {
    const counts = countByStatus(steps.filter((step) => step.kind === kind));
    if (kind === 'step') addDropped(counts, execution);
    const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
    if (total === 0) continue;
    if (kind === 'criterion') parts.push(`${counts.get('completed') ?? 0}/${formatQuantity(total, kind, plural)}`);
    else parts.push(describeCounts(counts, formatQuantity(total, kind, plural)));
  }
  parts.push(...spentParts(execution.usage));
  return parts.length === 0 ? [] : [parts.join(separatorOf(style))];
}

const COUNTED_KINDS = [
  ['step', 'steps'],
  ['story', 'stories'],
  ['criterion', 'criteria'],
  ['tool', 'tools'],
  ['subagent', 'subagents'],
] as const;

function addDropped(counts: Map<Status, number>, { droppedSteps = {} }: Execution): void {
  for (const [status, count] of Object.entries(droppedSteps) as [Status, number][]) {
    counts.set(status, (counts.get(status) ?? 0) + count);
  }
}

function describeCounts(counts: ReadonlyMap<Status, number>, total: string): string {
  const [[only] = [], second] = counts;
  if (only !== undefined && second === undefined) return `${total} ${only}`;
  return `${total}: ${[...counts].map(([status, count]) => `${count} ${status}`).join(', ')}`;
}

function successLines(execution: Execution, cells: number): string[] {
  const summary = execution.outcome?.summary;
  const lines = summary === undefined ? [] : wrap(cleanText(summary), cells, MESSAGE_ROWS);
  return [...lines, ...slowestLine(execution)];
}

function slowestLine({ steps }: Execution): string[] {
  const timed = [...steps.values()]
    .filter(({ kind, durationMs }) => (kind === 'step' || kind === 'story') && durationMs !== undefined)
    .sort((a, b) => (b.durationMs ?? 0) - (a.durationMs ?? 0));
  if (timed.length <= SLOWEST) return [];
  const named = timed
    .slice(0, SLOWEST)
    .map((step) => `${cleanText(step.name)} ${formatDuration(step.durationMs ?? 0)}`);
  return [`slowest: ${named.join(', ')}`];
}

function failureLines(execution: Execution, log: readonly TailLine[], cells: number, style: Style): string[] {
  const step = failedStep(execution);
  const whole = errorOf(execution.outcome);
  const error = (step && errorOf(step)) ?? whole;
  const rest = whole === error ? undefined : whole;
  return [
    ...(step ? [failedStepLine(execution, step, style)] : []),
    ...[error, rest, execution.outcome?.summary]
      .filter((text) => text !== undefined)
      .flatMap((text) => wrap(cleanText(text), cells, MESSAGE_ROWS))
      .map((line) => paint(line, 'bad', style)),
    ...logBlock(log, step, cells, style),
  ];
}

/** Innermost failed step: the outer ones failed because of it. */
export function failedStep({ steps }: Execution): Step | undefined {
  const failed = [...steps.values()].filter(({ status }) => isFailure(status));
  const parents = new Set(failed.map(({ parent }) => parent));
  return failed.find(({ id }) => !parents.has(id)) ?? failed[0];
}

function failedStepLine(execution: Execution, step: Step, style: Style): string {
  const place = stepPosition(execution, step);
  const label = place === undefined ? cleanText(step.kind) : `${cleanText(step.kind)} ${place}`;
  const missed = visibleStepsOf(execution).checklist.filter(
    ({ kind, status }) => kind === 'criterion' && !isDone(status),
  );
  const note = missed.length === 0 ? '' : `   (${formatQuantity(missed.length, 'criterion', 'criteria')} not reached)`;
  return `${label}  ${paint(cleanText(stepTitle(step, separatorOf(style))), 'strong', style)} ${step.status}${note}`;
}

function isDone(status: Status): boolean {
  return status === 'completed' || status === 'failed';
}

function logBlock(log: readonly TailLine[], step: Step | undefined, cells: number, style: Style): string[] {
  // without times, so that they can be copied
  const lines = log.map(({ time: _time, ...line }) => line);
  const rows = tailRows(lines, FAILURE_LINES, cells, style);
  if (rows.length === 0) return [];
  const dash = style.ascii ? '-' : '─';
  const isOfStep = step !== undefined && log.every((line) => line.step !== undefined);
  const whose = isOfStep ? ` of ${cleanText(stepTitle(step, separatorOf(style)))}` : ' of output';
  const head = `${dash}${dash} last ${formatQuantity(rows.length, 'line')}${whose}`;
  const title = `${truncate(head, cells - 1, ellipsisOf(style))} `;
  return [
    paint(title + dash.repeat(Math.max(0, cells - cellsOf(title))), 'dim', style),
    ...rows,
    paint(dash.repeat(cells), 'dim', style),
  ];
}
