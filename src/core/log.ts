/**
 * The log of an execution as numbered lines: what it has written, said and done, in the order of the journal. The daemon
 * that numbers them and the viewer that adds what comes live run this same code, so they never disagree.
 *
 * The lines of an event are one pure function, which the fold counts with, the daemon pages with and the viewer
 * continues with when events arrive live. So the number of the last line is always known, the end of a log is read
 * without an index, and numbers stay when old events leave the journal. The index of one execution is a mark every 512
 * lines.
 */
import { activityFacts, callTitle, OUR_KINDS, otherActivity } from './activity.js';
import { stripAnsi, visibleLine } from './ansi.js';
import type { EventData, ExecutionEvent } from './event.js';
import { EXECUTION_ENDS, numberOf, STEP_ENDS, textOf } from './event.js';
import type { Level } from './filter.js';
import { levelRank } from './filter.js';
import { formatDuration } from './format.js';
import { errorOf, messageOf } from './visible-steps.js';

export interface LogLine {
  /** Counted from 1 over the whole log of its execution. */
  line: number;
  /** Of its event; several lines may share it. */
  seq: number;
  time: string;
  /** Of its event. */
  type: string;
  step?: string;
  /** Of output. */
  stream?: string;
  /** Of a message; of what tells a failure `error`. */
  level?: string;
  /** Of an agent's activity. */
  kind?: string;
  tool?: string;
  /** May hold escape sequences, of output. */
  text: string;
  /** What is folded behind the line: a tool's input or its result, the fields of a message. */
  detail?: string;
  /** So many characters of `detail`, or of `text`, are left out. */
  cut?: number;
}

/** Which lines a reader wants; all given conditions must hold. */
export interface LogFilter {
  /** Text that stands in the line or in its detail. */
  text?: string | undefined;
  /** Upper and lower case differ. */
  exact?: boolean | undefined;
  step?: string | undefined;
  /** Of output; other lines pass. */
  stream?: string | undefined;
  /** The lowest level of messages; other lines pass. */
  level?: Level | undefined;
}

/** A line longer than this is cut on a page. */
export const LINE_CHARS = 8_192;
/** A detail longer than this is cut on a page. */
const DETAIL_CHARS = 2_048;
/** What stands on the line of a tool call or a result; the whole is its detail. */
const SUMMARY_CHARS = 200;

type Draft = Omit<LogLine, 'line' | 'seq' | 'time' | 'type' | 'step'>;

/** Types that leave no line: they tell of figures, or of something that other events tell. */
const SILENT_TYPES: ReadonlySet<string> = new Set([
  'progress',
  'resource_update',
  'step_planned',
  'journal_note',
  'alert_triggered',
  'queue_changed',
]);

/** How many lines the event leaves, without making them. */
export function countLines(event: ExecutionEvent): number {
  const { type, data } = event;
  if (SILENT_TYPES.has(type)) return 0;
  const text = type === 'output' ? textOf(data, 'text') : undefined;
  return text === undefined ? draftsOf(event).length : countIn(withoutLast(text));
}

/** Its lines, the first of them numbered `first`; nothing is cut. */
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

/** As it stands on a page: bounded, and it says how much is left out. */
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

/** Does a text, without its escape sequences, hold what is looked for? */
export type TextTest = (text: string) => boolean;

/** By the text of the filter; undefined where it asks for none. */
export function textTest({ text = '', exact = false }: Pick<LogFilter, 'text' | 'exact'>): TextTest | undefined {
  if (text === '') return undefined;
  if (exact) return (content) => content.includes(text);
  const wanted = text.toLowerCase();
  return (content) => content.toLowerCase().includes(wanted);
}

/** A test for lines, prepared once for many. `holds` takes the place of the filter's own text. */
export function lineTest(filter: LogFilter, holds = textTest(filter)): (line: LogLine) => boolean {
  const { step, stream, level } = filter;
  return (line) => {
    if (step !== undefined && line.step !== step) return false;
    if (stream !== undefined && line.type === 'output' && line.stream !== stream) return false;
    if (level !== undefined && line.type === 'log' && levelRank(line.level) < levelRank(level)) return false;
    return !holds || holds(stripAnsi(line.text)) || (line.detail !== undefined && holds(line.detail));
  };
}

/** May one of its lines pass? Looks once at all that an output event holds, which saves making its lines. */
export function eventTest(filter: LogFilter): (event: ExecutionEvent) => boolean {
  const holds = textTest(filter);
  return ({ type, data }) => {
    const content = type === 'output' ? textOf(data, 'text') : undefined;
    return content === undefined || !holds || holds(stripAnsi(content));
  };
}

function draftsOf(event: ExecutionEvent): Draft[] {
  const { type, data } = event;
  if (SILENT_TYPES.has(type)) return [];
  switch (type) {
    case 'output':
      return outputDrafts(event);
    case 'log':
      return messageDrafts(event);
    case 'activity':
      return activityDrafts(event);
    case 'step_started':
      return [{ text: stepName(event) }];
    case 'attention':
      if (data['state'] === 'silent') return [];
      return [{ text: [textOf(data, 'state'), textOf(data, 'reason')].filter(Boolean).join(': ') }];
    case 'control':
      return [{ text: controlText(event) }];
    case 'execution_paused':
      return [{ text: byWhom(event, 'paused') }];
    case 'execution_resumed':
      return [{ text: byWhom(event, 'resumed') }];
    case 'execution_queued':
      return [{ text: 'queued' }];
    case 'execution_started':
      return [{ text: 'started' }];
  }
  const status = ownValue(EXECUTION_ENDS, type) ?? ownValue(STEP_ENDS, type);
  return [status === undefined ? unknownDraft(event) : endDraft(event, status)];
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

/** What an agent says is read as a whole; what its tools take and give is folded behind one line. */
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

/** They share the line, so that the numbers of the lines do not depend on what is said of an activity. */
function withFacts(line: string, data: EventData): string {
  const facts = activityFacts(data).join(' · ');
  if (facts === '') return line;
  return line === '' ? facts : `${line} (${facts})`;
}

function endDraft(event: ExecutionEvent, status: string): Draft {
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
    ...((status === 'failed' || status === 'timeout' || status === 'lost') && { level: 'error' }),
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

/** `stop by root`, `stop by root failed: not permitted`. */
function controlText(event: ExecutionEvent): string {
  const error = textOf(event.data, 'error');
  const what = byWhom(event, textOf(event.data, 'action') ?? 'control');
  return error === undefined ? what : `${what} failed: ${error}`;
}

function byWhom({ data }: ExecutionEvent, what: string): string {
  const by = textOf(data, 'by');
  return by === undefined ? what : `${what} by ${by}`;
}

function ownValue<T>(table: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
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

/** A newline at the end ends the last line; it begins no other. */
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
