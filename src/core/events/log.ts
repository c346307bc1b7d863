/**
 * Converts events to the numbered log lines of an execution: output, messages and activity, in the order of the journal.
 *
 * The lines are a pure function of the event, used by the fold to count, by the daemon to page and by the viewer to append
 * live events, so they always agree. The number of the last line is therefore known without an index, the end of a log is
 * read directly, and numbers are stable when old events are removed from the journal. The index of one execution is a
 * mark every 512 lines.
 */
import { activityFacts, callTitle, OUR_KINDS, otherActivity } from './activity.js';
import { stripAnsi, visibleLine } from '../text/ansi.js';
import type { EventData, EventType, ExecutionEvent, FinalStatus } from './event.js';
import { numberOf, textOf } from './event.js';
import { isFailure } from '../execution.js';
import type { Level } from './filter.js';
import { levelRank } from './filter.js';
import { formatDuration } from '../text/format.js';
import { errorOf, messageOf } from '../lists/visible-steps.js';

export interface LogLine {
  /** Line number within the log of the execution, counted from 1. */
  line: number;
  /** seq of its event; several lines may share it. */
  seq: number;
  time: string;
  /** Type of its event. */
  type: string;
  step?: string;
  /** Stream of output. */
  stream?: string;
  /** Level of a message; `error` for failures. */
  level?: string;
  /** Kind of an agent's activity. */
  kind?: string;
  tool?: string;
  /** May contain escape sequences, if it is output. */
  text: string;
  /** Collapsed details: the input or result of a tool, the fields of a message. */
  detail?: string;
  /** Number of characters of `text` and `detail` that were cut off. */
  cut?: number;
}

/** Conditions on lines; all that are given must hold. */
export interface LogFilter {
  /** Text that the line or its detail contains. */
  text?: string | undefined;
  /** Match the case of `text`. */
  caseSensitive?: boolean | undefined;
  step?: string | undefined;
  /** Types of events. */
  types?: readonly string[] | undefined;
  /** Stream of output; other lines pass. */
  stream?: string | undefined;
  /** The lowest level of messages; other lines pass. */
  level?: Level | undefined;
}

/** Maximum length of a line on a page. */
export const LINE_CHARS = 8_192;
/** Maximum length of a regular expression: the times to compile and match it are linear in its length. */
export const PATTERN_CHARS = 1_000;
/** Maximum length of a detail on a page. */
const DETAIL_CHARS = 2_048;
/** Maximum length of the line of a tool call or result; the full text is its detail. */
const SUMMARY_CHARS = 200;

type Draft = Omit<LogLine, 'line' | 'seq' | 'time' | 'type' | 'step'>;

/** Counts the lines of an event without creating them. */
export function countLines(event: ExecutionEvent): number {
  const text = event.type === 'output' ? textOf(event.data, 'text') : undefined;
  return text === undefined ? draftsOf(event).length : countIn(withoutLast(text));
}

/** Returns the lines of an event, untruncated, numbered from `first`. */
export function linesOf(event: ExecutionEvent, first: number): LogLine[] {
  const { seq, time, type, step } = event;
  return draftsOf(event).map((draft, index) => ({
    line: first + index,
    seq,
    time,
    type,
    ...(step !== undefined && { step }),
    ...draft,
  }));
}

/** Truncates a line for a page and sets `cut` to the number of characters removed. */
export function cutLine(line: LogLine): LogLine {
  const { text, detail = '' } = line;
  const excess = Math.max(0, text.length - LINE_CHARS) + Math.max(0, detail.length - DETAIL_CHARS);
  if (excess === 0) return line;
  return {
    ...line,
    text: text.slice(0, LINE_CHARS),
    ...(detail && { detail: detail.slice(0, DETAIL_CHARS) }),
    cut: excess,
  };
}

/** Predicate on a text without escape sequences. */
export type TextTest = (text: string) => boolean;

/** Returns the predicate for the text of a filter; undefined if it has none. */
export function textTest({
  text = '',
  caseSensitive = false,
}: Pick<LogFilter, 'text' | 'caseSensitive'>): TextTest | undefined {
  if (text === '') return undefined;
  if (caseSensitive) return (content) => content.includes(text);
  const wanted = text.toLowerCase();
  return (content) => content.toLowerCase().includes(wanted);
}

/** Returns a predicate for lines. @param matchesText Replaces the test for the filter's text, for instance by a pattern. */
export function lineTest(filter: LogFilter, matchesText = textTest(filter)): (line: LogLine) => boolean {
  const { step, types, stream, level } = filter;
  return (line) => {
    if (types !== undefined && !types.includes(line.type)) return false;
    if (step !== undefined && line.step !== step) return false;
    if (stream !== undefined && line.type === 'output' && line.stream !== stream) return false;
    if (level !== undefined && line.type === 'log' && levelRank(line.level) < levelRank(level)) return false;
    return !matchesText || matchesText(stripAnsi(line.text)) || (line.detail !== undefined && matchesText(line.detail));
  };
}

/** Returns a predicate for events that may have a matching line: tests output as a whole, before it is split into lines. */
export function eventTest(filter: LogFilter): (event: ExecutionEvent) => boolean {
  const matchesText = textTest(filter);
  const { types } = filter;
  return ({ type, data }) => {
    if (types !== undefined && !types.includes(type)) return false;
    const content = type === 'output' ? textOf(data, 'text') : undefined;
    return content === undefined || !matchesText || matchesText(stripAnsi(content));
  };
}

type Drafter = (event: ExecutionEvent) => Draft[];

/** Figures, and facts that other events report. */
const noDrafts: Drafter = () => [];

const unknownDrafts: Drafter = (event) => [unknownDraft(event)];

const endDrafts =
  (status: FinalStatus): Drafter =>
  (event) => [endDraft(event, status)];

/** Functions that create the lines of an event, by type. */
const DRAFTERS: ReadonlyMap<string, Drafter> = new Map<string, Drafter>(
  Object.entries({
    execution_queued: () => [{ text: 'queued' }],
    execution_started: () => [{ text: 'started' }],
    execution_completed: endDrafts('completed'),
    execution_failed: endDrafts('failed'),
    execution_cancelled: endDrafts('cancelled'),
    execution_timeout: endDrafts('timeout'),
    execution_lost: endDrafts('lost'),
    execution_paused: (event) => [{ text: withActor(event, 'paused') }],
    execution_resumed: (event) => [{ text: withActor(event, 'resumed') }],
    execution_orphaned: unknownDrafts,
    run_described: unknownDrafts,
    outcome_stated: unknownDrafts,
    step_planned: noDrafts,
    step_started: (event) => [{ text: stepName(event) }],
    step_completed: endDrafts('completed'),
    step_failed: endDrafts('failed'),
    step_skipped: endDrafts('skipped'),
    step_cancelled: endDrafts('cancelled'),
    step_timeout: endDrafts('timeout'),
    progress: noDrafts,
    output: outputDrafts,
    log: messageDrafts,
    activity: activityDrafts,
    attention: attentionDrafts,
    resource_update: noDrafts,
    control: (event) => [{ text: controlText(event) }],
    queue_changed: noDrafts,
    alert_triggered: noDrafts,
    journal_note: noDrafts,
  } satisfies Record<EventType, Drafter>),
);

function draftsOf(event: ExecutionEvent): Draft[] {
  return (DRAFTERS.get(event.type) ?? unknownDrafts)(event);
}

function attentionDrafts({ data }: ExecutionEvent): Draft[] {
  if (data['state'] === 'silent') return [];
  return [{ text: [textOf(data, 'state'), textOf(data, 'reason')].filter(Boolean).join(': ') }];
}

function outputDrafts({ data }: ExecutionEvent): Draft[] {
  const stream = textOf(data, 'stream') ?? 'stdout';
  const bytes = textOf(data, 'base64');
  const text = textOf(data, 'text') ?? (bytes === undefined ? '' : `(${bytesIn(bytes)} bytes that are no UTF-8)`);
  return withoutLast(text)
    .split('\n')
    .map((line) => ({ stream, text: visibleLine(line) }));
}

function messageDrafts({ data }: ExecutionEvent): Draft[] {
  const level = textOf(data, 'level') ?? 'info';
  const lines = withoutLast(messageOf(data)).split('\n');
  const fields = data['fields'];
  return lines.map((text, index) => ({
    level,
    text,
    ...(index === 0 && fields !== undefined && { detail: pretty(fields) }),
  }));
}

/** Returns the lines of an activity: the full text of messages, one line with details for tool calls and results. */
function activityDrafts({ data }: ExecutionEvent): Draft[] {
  const kind = textOf(data, 'kind') ?? 'activity';
  const tool = textOf(data, 'tool');
  const text = textOf(data, 'text') ?? textOf(data, 'message') ?? '';
  if (kind === 'tool-call' && tool === undefined && text === '') {
    const { input } = data;
    const detail = input === undefined ? '' : pretty(input);
    const title = callTitle(data);
    return [{ kind, text: title, ...(detail !== '' && detail !== title && { detail }) }];
  }
  const head = { kind, ...(tool !== undefined && { tool }) };
  if (kind === 'assistant-text' || kind === 'result') {
    const lines = withoutLast(text).split('\n');
    return lines.map((line, index) => ({ ...head, text: index === lines.length - 1 ? withFacts(line, data) : line }));
  }
  if (kind === 'init' && text === '') return [{ ...head, text: withFacts('', data) }];
  const input = data['input'];
  const said = text || (OUR_KINDS.has(kind) ? '' : otherActivity({ ...data, kind: undefined }));
  const summary = firstLine(said || (input === undefined ? '' : compact(input)));
  const detail = [input === undefined ? '' : pretty(input), summary === text ? '' : text].filter(Boolean).join('\n');
  return [{ ...head, text: summary, ...(detail !== '' && detail !== summary && { detail }) }];
}

/** Appends the facts to the last line, so that line numbers do not depend on them. */
function withFacts(line: string, data: EventData): string {
  const facts = activityFacts(data).join(' · ');
  if (facts === '') return line;
  return line === '' ? facts : `${line} (${facts})`;
}

function endDraft(event: ExecutionEvent, status: FinalStatus): Draft {
  const { data, type } = event;
  const ms = numberOf(data, 'durationMs');
  const exitCode = numberOf(data, 'exitCode');
  const error =
    errorOf({ error: textOf(data, 'error'), errorType: textOf(data, 'errorType') }) ?? textOf(data, 'summary');
  const parts = [
    type.startsWith('step_') ? stepName(event) : undefined,
    status,
    ms === undefined ? undefined : `after ${formatDuration(ms)}`,
    exitCode === undefined || exitCode === 0 ? undefined : `exit ${exitCode}`,
    textOf(data, 'signal'),
  ];
  const said = parts.filter((part) => part !== undefined).join(' ');
  return {
    text: error === undefined ? said : `${said}: ${firstLine(error)}`,
    ...(isFailure(status) && { level: 'error' }),
    ...(error?.includes('\n') && { detail: error }),
  };
}

function unknownDraft({ type, data }: ExecutionEvent): Draft {
  const detail = pretty(data);
  return { text: `${type} ${firstLine(compact(data))}`, ...(detail.includes('\n') && { detail }) };
}

function stepName({ step, data }: ExecutionEvent): string {
  return textOf(data, 'name') ?? step ?? 'step';
}

/** Formats a control command: `stop by root`, `stop by root failed: not permitted`. */
function controlText(event: ExecutionEvent): string {
  const error = textOf(event.data, 'error');
  const what = withActor(event, textOf(event.data, 'action') ?? 'control');
  return error === undefined ? what : `${what} failed: ${error}`;
}

function withActor({ data }: ExecutionEvent, what: string): string {
  const by = textOf(data, 'by');
  return by === undefined ? what : `${what} by ${by}`;
}

function firstLine(text: string): string {
  const line = text.split('\n', 1)[0] ?? '';
  return line.length <= SUMMARY_CHARS ? line : `${line.slice(0, SUMMARY_CHARS)}…`;
}

function compact(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function pretty(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value, undefined, 2);
}

/** Removes a trailing newline, which ends the last line and begins no other. */
function withoutLast(text: string): string {
  return text.endsWith('\n') ? text.slice(0, -1) : text;
}

function countIn(text: string): number {
  let count = 1;
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) count++;
  return count;
}

function bytesIn(base64: string): number {
  const padding = base64.endsWith('==') ? 2 : base64.endsWith('=') ? 1 : 0;
  return Math.max(0, Math.floor((base64.length * 3) / 4) - padding);
}
