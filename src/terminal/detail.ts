/** One execution in the box: its state, current step, steps with criteria, and output. */
import type { Estimate } from '../core/estimates/estimate.js';
import { estimate } from '../core/estimates/estimate.js';
import { criteriaOf, workOf } from '../core/estimates/work.js';
import { lastActivityText, stateWord } from '../core/text/state-text.js';
import type { Execution, Step } from '../core/execution.js';
import { isFailure, isFinal } from '../core/execution.js';
import {
  formatBytes,
  formatCount,
  formatCpu,
  formatDuration,
  formatOutcome,
  formatPercent,
  remainingSentence,
  remainingText,
  spentParts,
  formatWork,
  statusIcon,
  statusMark,
} from '../core/text/format.js';
import { Checklist } from './checklist.js';
import type { Row } from './layout.js';
import { drawBar, fitRow } from './layout.js';
import type { Current, VisibleSteps } from '../core/lists/visible-steps.js';
import { actorOf, errorOf, visibleStepsOf, stepTitle } from '../core/lists/visible-steps.js';
import type { TailLine } from './log-tail.js';
import { keptLines, tailRows } from './log-tail.js';
import { cleanText, paint, separatorOf, toneOf } from './paint.js';
import type { Style } from './style.js';
import { cellsOf } from './width.js';

/** Space for the sections. */
export interface Space {
  /** Cells of a row. */
  cells: number;
  /** Rows for all sections and the dividers between them. */
  rows: number;
  /** Whether each section after the first costs a divider. */
  dividers: boolean;
  /** Whether lines of output and resources are shown. */
  detail: boolean;
}

/** Maximum length of an ID in the title; enough to type. */
const TITLE_ID_CHARS = 6;
/** Minimum rows of the log, and of the steps beside it; with less room the log is left out. */
const MIN_LOG_ROWS = 3;
const MIN_STEP_ROWS = 3;
/** Cells of the bar that a further count may not take. */
const MIN_BAR_CELLS = 16;

/** `ship-login-page · 7hq2`. */
export function executionTitle({ id, name }: Execution, style: Style): string {
  const strong = paint(cleanText(name), 'strong', style);
  return name === id ? strong : strong + separatorOf(style) + cleanText(id.slice(0, TITLE_ID_CHARS));
}

/** Title, current steps, bar and clock of an execution, as lines of exactly `cells` cells. */
export function executionHead(execution: Execution, now: number, cells: number, style: Style): string[] {
  const guess = estimate(execution, now);
  const rows: Row[] = [
    { left: executionTitle(execution, style) },
    ...currentRows(execution, visibleStepsOf(execution), now, style).slice(0, 2),
    ...barRow(execution, guess, cells, style),
    dropRight(clockRow(execution, guess, now, true, style), cells),
  ];
  return rows.map((row) => fitRow(row, cells, style));
}

/**
 * Returns the sections: state, steps, log. The log takes the rows that are left; the steps give up rows for its minimum.
 *
 * @param log newest lines of the log; by default those that the execution keeps, which have no times
 */
export function executionSections(
  execution: Execution,
  now: number,
  space: Space,
  style: Style,
  log: readonly TailLine[] = keptLines(execution),
): Row[][] {
  const guess = estimate(execution, now);
  const { current, checklist } = visibleStepsOf(execution);
  const head = fewerRows(
    [
      ...currentRows(execution, { current, checklist }, now, style),
      ...barRow(execution, guess, space.cells, style),
      dropRight(clockRow(execution, guess, now, space.detail, style), space.cells),
    ],
    space.rows,
  );
  const list = new Checklist(execution, checklist);
  const rows = space.rows - head.length;
  const tail = space.detail ? tailRows(log, rows, space.cells, style) : [];
  const shares = shareRows(rows, space.dividers ? 1 : 0, { list: list.size, log: tail.length });
  const shown = shares.log === 0 ? [] : tail.slice(-shares.log);
  return [head, list.rows(shares.list, now, style), shown.map((left) => ({ left }))];
}

/** Shares rows between steps and log: each gets what the other leaves, and at least half of them if it can fill that. */
function shareRows(rows: number, divider: number, wanted: { list: number; log: number }) {
  const listAlone = { list: Math.min(wanted.list, Math.max(0, rows - divider)), log: 0 };
  if (wanted.log === 0) return listAlone;
  const room = rows - divider - (wanted.list > 0 ? divider : 0);
  const leastLog = Math.min(MIN_LOG_ROWS, wanted.log);
  if (room < leastLog + Math.min(MIN_STEP_ROWS, wanted.list)) return listAlone;
  const fair = Math.max(Math.ceil(room / 2), room - wanted.log);
  const list = Math.min(wanted.list, fair, room - leastLog);
  return { list, log: Math.min(wanted.log, room - list) };
}

/** The first row shows the state; the bar and the clock precede what is nested deeper. */
function fewerRows(rows: Row[], room: number): Row[] {
  const [first, ...others] = rows;
  if (first === undefined || rows.length <= room) return rows;
  return [first, ...others.slice(others.length - Math.max(0, room - 1))].slice(0, Math.max(0, room));
}

/** State and current steps: at least one row. */
function currentRows(execution: Execution, visible: VisibleSteps, now: number, style: Style): Row[] {
  const { current } = visible;
  const state = stateText(execution, now, style);
  const labelCells = Math.max(0, ...current.map(({ label, position }) => cellsOf(label) + (position?.length ?? 0) + 1));
  const rows = current.map((one) => currentRow(execution, one, labelCells, style));
  const message = messageOf(execution, current);
  if (message !== undefined) rows.push({ left: paint(cleanText(message), 'dim', style) });
  for (const error of errorsOf(execution, visible)) {
    rows.push({ left: paint(`${style.ascii ? 'x' : '✗'} ${cleanText(error)}`, 'bad', style) });
  }
  if (execution.attention?.state === 'waiting') rows.unshift({ left: waitingText(execution, style) });
  const [first, ...others] = rows;
  if (first === undefined) return [{ left: cleanText(summaryOf(execution, style)), right: state }];
  const right = first.right === undefined ? state : `${first.right}  ${state}`;
  return [{ left: first.left, right }, ...others];
}

/** Kinds of steps whose failure is routine: an agent tries something else. */
const ROUTINE_KINDS: ReadonlySet<string> = new Set(['tool', 'invocation', 'subagent']);

/** Errors of the innermost current step and of the execution, else of the newest failed step that no other row shows. */
function errorsOf(execution: Execution, { current, checklist }: VisibleSteps): string[] {
  const inner = current.map(({ step }) => errorOf(step)).findLast((error) => error !== undefined);
  const errors = [inner, errorOf(execution.outcome)].filter((error) => error !== undefined);
  if (errors.length > 0) return [...new Set(errors)];
  const failed = [...execution.steps.values()].filter(
    (step) =>
      isFailure(step.status) && step.error !== undefined && !ROUTINE_KINDS.has(step.kind) && !checklist.includes(step),
  );
  const last = failed.reduce<Step | undefined>(
    (newest, step) => (newest && (newest.endedAt ?? '') > (step.endedAt ?? '') ? newest : step),
    undefined,
  );
  return last ? [`${stepTitle(last)}: ${errorOf(last) ?? ''}`] : [];
}

function currentRow(execution: Execution, { label, position, step }: Current, labelCells: number, style: Style): Row {
  const lead = position === undefined ? cleanText(label) : `${cleanText(label)} ${position}`;
  const name = paint(
    cleanText(stepTitle(step, separatorOf(style))),
    isFinal(step.status) ? toneOf(step.status) : 'strong',
    style,
  );
  const again = step.attempts === undefined ? '' : `attempt ${step.attempts}`;
  const criteria = criteriaOf(execution, step);
  const met = criteria === undefined ? '' : countText(criteria.done, criteria.total, undefined);
  const right = [again, cleanText(actorOf(step)), met].filter((one) => one !== '').join('  ');
  const left = `${lead.padEnd(labelCells)}  ${name}`;
  return right === '' ? { left } : { left, right: paint(right, 'dim', style) };
}

/** Description, while no step is named. */
function summaryOf(execution: Execution, style: Style): string {
  const { outcome: { summary } = {}, process: { argv, cwd } = {} } = execution;
  return errorOf(execution.outcome) ?? summary ?? agentText(execution, style) ?? argv?.join(' ') ?? cwd ?? '';
}

/** `claude · claude-opus-4-8`. */
function agentText({ agent: { name, model } = {} }: Execution, style: Style): string | undefined {
  if (name === undefined) return undefined;
  return model === undefined ? name : name + separatorOf(style) + model;
}

function messageOf(execution: Execution, current: readonly Current[]): string | undefined {
  return current.at(-1)?.step.progress?.message ?? execution.progress?.message;
}

function waitingText({ attention }: Execution, style: Style): string {
  const reason = attention?.reason === undefined ? '' : `: ${cleanText(attention.reason)}`;
  return paint(`! waiting for you${reason}`, 'warn', style);
}

/** `● running`, `◇ quiet 2m`. */
export function stateText(execution: Execution, now: number, style: Style): string {
  const { status } = execution;
  const attention = execution.attention?.state;
  const icon = statusIcon(status, style.ascii, attention);
  return paint(`${icon} ${stateWord(execution, now)}`, toneOf(status, attention), style);
}

/** Bar with percentage and counts, if anything is counted. A count that leaves too little of the bar is omitted. */
function barRow(execution: Execution, { share }: Estimate, cells: number, style: Style): Row[] {
  const work = workOf(execution);
  if (work === undefined && share === undefined) return [];
  const main = work === undefined || work.unit === '%' ? '' : cleanText(formatWork(work, separatorOf(style)));
  const counts = [main, ...otherCounts(execution, work?.unit)].filter((count) => count !== '');
  if (share === undefined) return [{ left: counts.join('  ') }];
  const right = (count: number) => [formatPercent(share).padStart(4), ...counts.slice(0, count)].join('  ');
  let shown = counts.length;
  while (shown > 1 && cells - cellsOf(right(shown)) - 2 < MIN_BAR_CELLS) shown -= 1;
  const barCells = Math.max(0, cells - cellsOf(right(shown)) - 2);
  return [{ left: drawBar(share, barCells, style), right: ` ${right(shown)}` }];
}

/** Counts of what is counted besides: `3/7 stories`, `4/9 steps`, `12/31 criteria`. */
function otherCounts(execution: Execution, counted: string | undefined): string[] {
  const steps = [...execution.steps.values()];
  return COUNTED_KINDS.flatMap(([kind, unit]) => {
    const own = steps.filter((step) => step.kind === kind);
    if (own.length < MIN_COUNTED || unit === counted) return [];
    const done = own.filter(({ status }) => (kind === 'criterion' ? status === 'completed' : isFinal(status))).length;
    const announced = kind === 'story' ? (execution.announced?.total ?? 0) : 0;
    return [countText(done, Math.max(own.length, announced), unit)];
  });
}

/** A single step needs no count. */
const MIN_COUNTED = 2;
const COUNTED_KINDS = [
  ['story', 'stories'],
  ['step', 'steps'],
  ['criterion', 'criteria'],
] as const;

export function countText(done: number, total: number | undefined, unit: string | undefined): string {
  if (unit === '%') return '';
  const count = total === undefined ? formatCount(done) : `${formatCount(done)}/${formatCount(total)}`;
  return unit === undefined || unit === '' ? count : `${count} ${cleanText(unit)}`;
}

function clockRow(
  execution: Execution,
  { elapsedMs, ...remaining }: Estimate,
  now: number,
  detail: boolean,
  style: Style,
): Row {
  const parts: string[] = [];
  if (isFinal(execution.status)) parts.push(formatOutcome(execution.status, elapsedMs) + exitText(execution));
  else if (elapsedMs !== undefined) parts.push(`Elapsed ${formatDuration(elapsedMs)}`);
  if (remainingSentence(remaining) !== '') parts.push(remainingSentence(remaining));
  const activity = lastActivityText(execution, now);
  if (activity !== '') parts.push(activity);
  const right = detail ? resourceText(execution) : '';
  return { left: parts.join('   '), ...(right !== '' && { right: paint(right, 'dim', style) }) };
}

/** Without its right side if that would cut the left one. */
function dropRight({ left, right = '' }: Row, cells: number): Row {
  return right === '' || cellsOf(left) + cellsOf(right) + 1 > cells ? { left } : { left, right };
}

/** `, exit 1` or `, SIGKILL`; empty for a plain success. */
export function exitText({ outcome: { exitCode, signal } = {} }: Execution): string {
  if (signal !== undefined) return `, ${cleanText(signal)}`;
  return exitCode === undefined || exitCode === 0 ? '' : `, exit ${exitCode}`;
}

function resourceText({ status, resources = {}, usage }: Execution): string {
  const parts = spentParts(usage);
  if (resources.cpu !== undefined) parts.push(`CPU ${formatCpu(resources.cpu)}`);
  if (resources.rss !== undefined) parts.push(formatBytes(resources.rss));
  if (isFinal(status) && resources.peakRss !== undefined) parts.push(`peak ${formatBytes(resources.peakRss)}`);
  return parts.join('  ');
}

/** One line for terminals that are too small for a box. */
export function shortLine(executions: readonly Execution[], now: number, columns: number, style: Style): string {
  const [execution, ...others] = executions;
  if (execution === undefined) return fitRow({ left: 'Nothing is running.' }, columns, style).trimEnd();
  const { share, elapsedMs, ...remaining } = estimate(execution, now);
  const numbers = [
    share === undefined ? '' : formatPercent(share),
    elapsedMs === undefined ? '' : formatDuration(elapsedMs),
    remainingText(remaining),
    execution.attention?.state === 'silent' ? stateWord(execution, now) : '',
    others.length === 0 ? '' : `+${others.length}`,
  ].filter((text) => text !== '');
  const step = visibleStepsOf(execution).current.at(-1)?.step;
  const name = `${statusMark(execution.status, style.ascii, execution.attention?.state)} ${cleanText(execution.name)}`;
  const left = step === undefined ? name : `${name}  ${cleanText(stepTitle(step, separatorOf(style)))}`;
  return fitRow({ left, right: ` ${numbers.join('  ')}` }, columns, style);
}
