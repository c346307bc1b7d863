/** One execution in the box: its state, current step, steps with criteria, and output. */
import type { Estimate } from '../core/estimates/estimate.js';
import { estimate } from '../core/estimates/estimate.js';
import { criteriaOf, workOf } from '../core/estimates/work.js';
import { elapsedOf } from '../core/estimates/durations.js';
import { lastActivityText, stateWord } from '../core/text/state-text.js';
import type { Execution, Status, Step } from '../core/execution.js';
import { isFinal } from '../core/execution.js';
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
import type { Row } from './layout.js';
import { drawBar, fitRow } from './layout.js';
import type { Current } from '../core/lists/visible-steps.js';
import { actorOf, errorOf, visibleStepsOf, stepTitle } from '../core/lists/visible-steps.js';
import { cleanOutput, cleanText, paint, separatorOf, toneOf } from './paint.js';
import type { Style } from './style.js';
import { cellsOf, wrap } from './width.js';

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
/** Lines of output at the bottom of the box. */
const TAIL_ROWS = 3;
/** Lines of an agent's activities. */
const AGENT_TAIL_ROWS = 8;
export const ASCII_CALL_MARK = '> ';

/** `ship-login-page · 7hq2`. */
export function executionTitle({ id, name }: Execution, style: Style): string {
  const strong = paint(cleanText(name), 'strong', style);
  return name === id ? strong : strong + separatorOf(style) + cleanText(id.slice(0, TITLE_ID_CHARS));
}

/** Title, current steps, bar and clock of an execution, as lines of exactly `cells` cells. */
export function executionHead(execution: Execution, now: number, cells: number, style: Style): string[] {
  const guess = estimate(execution, now);
  const { current } = visibleStepsOf(execution);
  const rows: Row[] = [
    { left: executionTitle(execution, style) },
    ...currentRows(execution, current, now, style).slice(0, 2),
    ...barRow(execution, guess, cells, style),
    clockRow(execution, guess, now, true, style),
  ];
  return rows.map((row) => fitRow(row, cells, style));
}

/** Returns the sections, without the least important ones if space is short. */
export function executionSections(execution: Execution, now: number, space: Space, style: Style): Row[][] {
  const guess = estimate(execution, now);
  const { current, checklist } = visibleStepsOf(execution);
  const head = fewerRows(
    [
      ...currentRows(execution, current, now, style),
      ...barRow(execution, guess, space.cells, style),
      clockRow(execution, guess, now, space.detail, style),
    ],
    space.rows,
  );
  const divider = space.dividers ? 1 : 0;
  const forList = space.rows - head.length - divider;
  const forTail = checklist.length === 0 ? forList : forList - checklist.length - divider;
  const tailRoom = Math.min(isAgent(execution) ? AGENT_TAIL_ROWS : TAIL_ROWS, forTail);
  const tail = space.detail ? tailLines(execution, tailRoom, space.cells, style).map((left) => ({ left })) : [];
  const room = tail.length === 0 ? forList : forList - divider - tail.length;
  return [head, checklistRows(checklist, room, now, style), tail];
}

/** The first row shows the state; the bar and the clock precede what is nested deeper. */
function fewerRows(rows: Row[], room: number): Row[] {
  const [first, ...others] = rows;
  if (first === undefined || rows.length <= room) return rows;
  return [first, ...others.slice(others.length - Math.max(0, room - 1))].slice(0, Math.max(0, room));
}

/** State and current steps: at least one row. */
function currentRows(execution: Execution, current: readonly Current[], now: number, style: Style): Row[] {
  const state = stateText(execution, now, style);
  const labelCells = Math.max(0, ...current.map(({ label, position }) => cellsOf(label) + (position?.length ?? 0) + 1));
  const rows = current.map((one) => currentRow(execution, one, labelCells, style));
  const message = messageOf(execution, current);
  if (message !== undefined) rows.push({ left: paint(cleanText(message), 'dim', style) });
  for (const error of errorsOf(execution, current)) rows.push({ left: paint(`✗ ${cleanText(error)}`, 'bad', style) });
  if (execution.attention?.state === 'waiting') rows.unshift({ left: waitingText(execution, style) });
  const [first, ...others] = rows;
  if (first === undefined) return [{ left: cleanText(summaryOf(execution, style)), right: state }];
  const right = first.right === undefined ? state : `${first.right}  ${state}`;
  return [{ left: first.left, right }, ...others];
}

/** Errors of the current step and of the execution. */
function errorsOf(execution: Execution, current: readonly Current[]): string[] {
  const errors = [...current.map(({ step }) => step), execution.outcome].map((one) => errorOf(one));
  return [...new Set(errors.filter((error) => error !== undefined))];
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

/** Bar with count and percentage, if anything is counted. */
function barRow(execution: Execution, { share }: Estimate, cells: number, style: Style): Row[] {
  const work = workOf(execution);
  if (work === undefined && share === undefined) return [];
  const count = work === undefined || work.unit === '%' ? '' : cleanText(formatWork(work, separatorOf(style)));
  if (share === undefined) return [{ left: count }];
  const right = `${formatPercent(share).padStart(4)}  ${count}`.trimEnd();
  const barCells = Math.max(0, cells - cellsOf(right) - 2);
  return [{ left: drawBar(share, barCells, style), right: ` ${right}` }];
}

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

/** Priority of rows by status when not all fit. */
const RANKS: Readonly<Record<Status, number>> = {
  running: 0,
  paused: 0,
  failed: 1,
  timeout: 1,
  lost: 1,
  pending: 2,
  queued: 2,
  cancelled: 3,
  skipped: 3,
  completed: 4,
};

/** With fewer rows than this, hidden steps are not counted. */
const MIN_ROWS_TO_COUNT = 3;

/** The steps in their order; hidden ones are counted: `✅ 12 more`, `○ 3 more`. */
export function checklistRows(steps: readonly Step[], room: number, now: number, style: Style): Row[] {
  if (room <= 0) return [];
  if (steps.length <= room) return steps.map((step) => checklistRow(step, now, style));
  const ranked = rankSteps(steps);
  if (room < MIN_ROWS_TO_COUNT) return ranked.slice(0, room).map((step) => checklistRow(step, now, style));
  // one row may count all hidden steps; if the count takes two, one step less fits
  const one = hideSteps(ranked, room - 1, style);
  const both = one.above.length + one.below.length > 1;
  const { hidden, above, below } = both ? hideSteps(ranked, Math.max(0, room - 2), style) : one;
  const kept = steps.filter((step) => !hidden.has(step)).map((step) => checklistRow(step, now, style));
  return [...above, ...kept, ...below].slice(0, room);
}

/** Order by priority: newest first among ended steps, next first among planned ones. */
function rankSteps(steps: readonly Step[]): Step[] {
  const position = new Map(steps.map((step, index) => [step, isFinal(step.status) ? -index : index]));
  return [...steps].sort(
    (a, b) => RANKS[a.status] - RANKS[b.status] || (position.get(a) ?? 0) - (position.get(b) ?? 0),
  );
}

/**
 * Hides all but the first `count`, and counts them in a row above or below: a failure is never counted as completed.
 */
function hideSteps(ranked: readonly Step[], count: number, style: Style) {
  const hidden = ranked.slice(count);
  const done = hidden.filter(({ status }) => isFinal(status));
  const failed = done.filter(({ status }) => RANKS[status] === RANKS.failed).length;
  const note = failed === 0 ? '' : `, ${formatCount(failed)} failed`;
  const above = foldedRows(failed === 0 ? 'completed' : 'failed', done.length, note, style);
  const below = foldedRows('pending', hidden.length - done.length, '', style);
  return { hidden: new Set(hidden), above, below };
}

function foldedRows(status: Status, count: number, note: string, style: Style): Row[] {
  if (count === 0) return [];
  return [{ left: paint(`${statusMark(status, style.ascii)} ${formatCount(count)} more${note}`, 'dim', style) }];
}

function checklistRow(step: Step, now: number, style: Style): Row {
  const tone = step.status === 'pending' ? 'dim' : step.status === 'failed' ? 'bad' : undefined;
  const title = cleanText(stepTitle(step, separatorOf(style)));
  const left = `${statusMark(step.status, style.ascii)} ${paint(title, tone, style)}`;
  const elapsed = elapsedOf(step, now);
  return elapsed === undefined ? { left } : { left, right: paint(formatDuration(elapsed), 'dim', style) };
}

/** Last lines of output; texts of an agent are wrapped, since only programs know the width of their lines. */
export function tailLines(execution: Execution, rows: number, cells: number, style: Style): string[] {
  if (rows <= 0) return [];
  const lines = execution.tail.slice(-rows);
  if (!isAgent(execution)) return lines.map((line) => cleanOutput(line, style));
  return lines
    .flatMap((line) => wrapTailLine(cleanOutput(line, { ...style, color: false }), cells, style))
    .slice(-rows);
}

/** Indents below the first line. */
function wrapTailLine(line: string, cells: number, style: Style): string[] {
  const [indent = '', mark] = /^ *(▸ )?/.exec(line) ?? [];
  const lead = mark !== undefined && style.ascii ? indent.replace(mark, ASCII_CALL_MARK) : indent;
  const room = Math.max(1, cells - indent.length);
  const [first = '', ...others] = wrap(line.slice(indent.length), room, mark === undefined ? Infinity : 1);
  return [lead + first, ...others.map((other) => ' '.repeat(indent.length) + other)];
}

function isAgent({ kind }: Execution): boolean {
  return kind === 'agent';
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
