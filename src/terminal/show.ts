/** Formats everything that is known of one execution, for `progress show`. */
import { countedSteps } from '../core/estimates/work.js';
import { parseInstant } from '../core/estimates/durations.js';
import { estimate } from '../core/estimates/estimate.js';
import { lastActivityText } from '../core/text/state-text.js';
import type { Execution } from '../core/execution.js';
import { isFailure, isFinal } from '../core/execution.js';
import {
  formatBytes,
  formatCount,
  formatCpu,
  formatDateTime,
  formatDuration,
  formatOutcome,
  formatQuantity,
  remainingSentence,
  spentParts,
} from '../core/text/format.js';
import { exitText, stateText } from './detail.js';
import { errorOf, stepTitle } from '../core/lists/visible-steps.js';
import { cleanOutput, cleanText, ellipsisOf, paint, separatorOf, toneOf } from './paint.js';
import type { Style } from './style.js';
import { progressText, waitedText } from './tables.js';
import { stepLines } from './tree.js';
import { truncate, wrap } from './width.js';

/** Maximum rows of an error or a summary. */
const MESSAGE_ROWS = 8;

export interface ShowOptions {
  now: number;
  /** Width that no line exceeds; Infinity in a pipe or a file. */
  columns: number;
  style: Style;
  /** Position in its queue. */
  position?: number | undefined;
}

/** Header, steps with their timeline, the last output of a failed command without steps, errors and summary. */
export function showLines(execution: Execution, options: ShowOptions): string[] {
  return [
    ...headerLines(execution, options),
    ...(execution.steps.size === 0 ? [] : ['', ...stepLines(execution, options)]),
    ...outputLines(execution, options),
    ...messageLines(execution, options),
  ];
}

/** Evidence of the end of a session that does not report it. */
function endText({ outcome: { endedBy } = {} }: Execution): string | undefined {
  return endedBy === undefined ? undefined : END_WORDS.get(endedBy);
}

const END_WORDS: ReadonlyMap<string, string> = new Map([
  ['record', 'says its file'],
  ['process', 'when its process was gone'],
  ['silence', 'as it was silent for long'],
]);

function commandText({ kind, process: { argv } = {} }: Execution): string | undefined {
  return kind === 'command' ? argv?.join(' ') : argv?.map(quoteArgument).join(' ');
}

function headerLines(execution: Execution, { now, columns, style, position }: ShowOptions): string[] {
  const { name, status, labels, agent, payload } = execution;
  const { cwd, host, pid, tty, tmux } = execution.process ?? {};
  const { share, elapsedMs: elapsed, ...remaining } = estimate(execution, now);
  const state = isFinal(status)
    ? formatOutcome(status, elapsed) + exitText(execution)
    : stateText(execution, now, style);
  const fields: [string, string | undefined][] = [
    ['id', execution.id],
    ['kind', execution.kind],
    ['status', isFinal(status) ? paint(state, toneOf(status), style) : state],
    ['reason', execution.attention?.state === 'waiting' ? execution.attention.reason : undefined],
    ['command', commandText(execution)],
    ['directory', cwd],
    ['terminal', [tty, tmux && `tmux pane ${tmux}`].filter(Boolean).join(', ') || undefined],
    ['host', host],
    ['pid', pid === undefined || isFinal(status) ? undefined : String(pid)],
    ['agent', [agent?.name, agent?.model].filter(Boolean).join(' ') || undefined],
    ['session', agent?.session],
    ['parent', execution.parent],
    ['queue', queueText(execution, position)],
    ['after', status === 'queued' ? execution.after?.join(' ') : undefined],
    [
      'labels',
      labels &&
        Object.entries(labels)
          .map(([key, value]) => `${key}=${value}`)
          .join(' '),
    ],
    ['queued', execution.startedAt === undefined ? timeText(execution.queuedAt) : undefined],
    ['waited', status === 'queued' ? waitedText(execution, now) : undefined],
    ['started', timeText(execution.startedAt)],
    ['ended', [timeText(execution.endedAt), endText(execution)].filter(Boolean).join(', ') || undefined],
    ['elapsed', isFinal(status) || elapsed === undefined ? undefined : formatDuration(elapsed)],
    ['remaining', remainingSentence(remaining)],
    ['progress', progressText(execution, share, separatorOf(style))],
    ['activity', lastActivityText(execution, now).replace(/^last activity /, 'last ')],
    ['params', payload?.parameters],
    ['input', payload?.input],
    ['output', payload?.output],
    ['resources', resourceText(execution, style)],
    ['spent', spentParts(execution.usage).join(separatorOf(style))],
    ['next', execution.successor === undefined ? undefined : `started again as ${execution.successor}`],
  ];
  const cells = Math.max(1, columns - FIELD_CELLS - 1);
  const lines = fields.flatMap(([key, value = '']) => {
    if (value === '') return [];
    const rows = key === 'status' ? [value] : wrap(cleanText(value), cells, VALUE_ROWS);
    return rows.map((row, index) => `${paint((index === 0 ? key : '').padEnd(FIELD_CELLS), 'dim', style)} ${row}`);
  });
  return [paint(cleanText(name), 'strong', style), ...lines].map((line) => truncate(line, columns, ellipsisOf(style)));
}

/** `build, position 2`. */
function queueText({ queue }: Execution, position: number | undefined): string | undefined {
  return queue === undefined || position === undefined ? queue : `${queue}, position ${position}`;
}

/** Maximum rows of a field. */
const VALUE_ROWS = 4;
const FIELD_CELLS = 'directory'.length;

/** Formats a command line for reading, roughly as a shell accepts it. */
function quoteArgument(argument: string): string {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", String.raw`'\''`)}'`;
}

function timeText(time: string | undefined): string | undefined {
  const ms = parseInstant(time);
  return ms === undefined ? undefined : formatDateTime(ms);
}

function resourceText({ resources = {} }: Execution, style: Style): string {
  const parts: string[] = [];
  if (resources.cpu === undefined && resources.peakCpu !== undefined)
    parts.push(`CPU up to ${formatCount(resources.peakCpu)}%`);
  if (resources.cpu !== undefined) parts.push(`CPU ${formatCpu(resources.cpu)}`);
  if (resources.cpuSeconds !== undefined) parts.push(`${formatDuration(resources.cpuSeconds * 1000)} of CPU`);
  if (resources.rss !== undefined) parts.push(`memory ${formatBytes(resources.rss)}`);
  if (resources.peakRss !== undefined) parts.push(`peak ${formatBytes(resources.peakRss)}`);
  if (resources.processes !== undefined) parts.push(formatQuantity(resources.processes, 'process', 'processes'));
  return parts.join(separatorOf(style));
}

/** Maximum number of errors; the log has all. */
const MAX_ERRORS = 5;

/** Errors in full, as the tree has no space for them: those of the plan, newest last. */
function stepErrors(execution: Execution, style: Style): string[] {
  return countedSteps(execution)
    .flatMap((step) => {
      const error = errorOf(step);
      return error === undefined ? [] : [`${stepTitle(step, separatorOf(style))}: ${error}`];
    })
    .slice(-MAX_ERRORS);
}

/** Maximum number of lines of output. */
const OUTPUT_LINES = 10;

/** The last output of a failed execution without steps: often the only reason that there is. */
function outputLines(execution: Execution, { columns, style }: ShowOptions): string[] {
  const { status, steps, tail, id } = execution;
  if (!isFailure(status) || steps.size > 0 || tail.length === 0) return [];
  const lines = tail.slice(-OUTPUT_LINES).map((line) => cleanOutput(line, style));
  const isAll = lines.length === tail.length && (execution.lines ?? 0) <= lines.length;
  const title = isAll ? 'output' : `end of the output; progress logs ${cleanText(id)} prints all`;
  const cut = (line: string) => truncate(line, columns, ellipsisOf(style));
  return ['', paint(cut(title), 'dim', style), ...lines.map(cut)];
}

/** Error and summary, broken at words, in a few rows. */
function messageLines(execution: Execution, { columns, style }: ShowOptions): string[] {
  const rows = (text: string | undefined): string[] =>
    text === undefined ? [] : wrap(cleanText(text), columns, MESSAGE_ROWS);
  const errors = [...stepErrors(execution, style), errorOf(execution.outcome)];
  const lines = [...errors.flatMap(rows).map((line) => paint(line, 'bad', style)), ...rows(execution.outcome?.summary)];
  return lines.length === 0 ? [] : ['', ...lines];
}
