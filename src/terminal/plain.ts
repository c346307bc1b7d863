/** Describes events as texts of one line, in parts, for people and pipes. */
import { activityText, callTitle, otherActivity, OUR_KINDS } from '../core/events/activity.js';
import { elapsedOf } from '../core/estimates/durations.js';
import type { EventData, ExecutionEvent } from '../core/events/event.js';
import { EXECUTION_ENDS, numberOf, STEP_ENDS, textOf, textsOf } from '../core/events/event.js';
import type { Execution } from '../core/execution.js';
import { formatBytes, formatCpu, formatDuration, formatPercent, formatQuantity } from '../core/text/format.js';
import { countText } from './detail.js';
import { actorOf, errorOf, messageOf, stepPosition, stepTitle } from '../core/lists/visible-steps.js';
import { cleanOutput, cleanText } from './paint.js';
import type { Style } from './style.js';

/** Maximum length of a JSON value of unknown data. */
const MAX_VALUE_CHARS = 200;

/** Whether an event rings the bell; an event from before the subscription does not. */
export function isBell({ type, time, data }: ExecutionEvent, now: number): boolean {
  const isAsked = type === 'alert_triggered' && data['channel'] === 'bell' && data['outcome'] === 'pending';
  return isAsked && now - Date.parse(time) < BELL_MS;
}

/** A bell that is older than this is dropped. */
const BELL_MS = 10_000;

export interface Described {
  word: string;
  /** The parts of each line, which give way separately where there is too little room. */
  lines: string[][];
}

type Describe = (event: ExecutionEvent, execution: Execution | undefined, style: Style) => Described;

const DESCRIBE: ReadonlyMap<string, Describe> = new Map<string, Describe>([
  ['execution_queued', describeQueued],
  ['execution_started', describeStart],
  ...Object.keys(EXECUTION_ENDS).map((type): [string, Describe] => [type, describeEnd]),
  ['execution_paused', (event) => one('paused', byText(event.data))],
  ['execution_resumed', (event) => one('resumed', byText(event.data))],
  ['execution_orphaned', (event) => one('orphaned', text(event.data, 'error'))],
  [
    'run_described',
    (event) => one('described', quoteName(textOf(event.data, 'name') ?? ''), field(event.data, 'task')),
  ],
  ['outcome_stated', (event) => one('stated', text(event.data, 'status'), text(event.data, 'error'))],
  ['step_planned', (event, execution) => describeStep(event, execution, 'planned')],
  ['step_started', (event, execution) => describeStep(event, execution, 'started')],
  ...Object.entries(STEP_ENDS).map(([type, status]): [string, Describe] => [
    type,
    (event, execution) => describeStep(event, execution, status),
  ]),
  ['progress', describeProgress],
  ['output', describeOutput],
  ['log', describeLog],
  ['activity', describeActivity],
  ['attention', describeAttention],
  ['resource_update', describeResources],
  [
    'control',
    (event) =>
      one(
        'control',
        text(event.data, 'action'),
        field(event.data, 'signal'),
        byText(event.data),
        text(event.data, 'error'),
      ),
  ],
  ['queue_changed', describeQueue],
  ['alert_triggered', describeAlert],
  ['journal_note', describeUnknown('journal')],
]);

/** Text of an event, without its time and execution. */
export function describeEvent(event: ExecutionEvent, execution: Execution | undefined, style: Style): Described {
  const describe = DESCRIBE.get(event.type) ?? describeUnknown(cleanText(event.type));
  return describe(event, execution, style);
}

function describeAttention({ data }: ExecutionEvent): Described {
  if (data['state'] === 'silent') return one('quiet', text(data, 'reason'));
  return one('attention', text(data, 'state'), text(data, 'reason'));
}

/** Reports an alert when it is certain to be sent; then only outcomes that need attention. */
function describeAlert({ data }: ExecutionEvent): Described {
  const { id, outcome } = data;
  const rules = textsOf(data, 'rules')?.map(cleanText).join(', ') ?? text(data, 'rule');
  if (outcome === 'pending') return one('alert', rules, field(data, 'channel'), text(data, 'title'));
  if (outcome === 'sent' && id !== undefined && data['of'] !== undefined) return { word: 'alert', lines: [] };
  return one('alert', rules, field(data, 'channel'), field(data, 'outcome'), text(data, 'error'));
}

/** A run that need not wait starts at once: its start has the same data. */
function describeQueued(event: ExecutionEvent): Described {
  const { data } = event;
  const waits = data['queue'] !== undefined || data['after'] !== undefined;
  if (!waits && data['argv'] !== undefined) return { word: 'queued', lines: [] };
  return one('queued', nameText(event), field(data, 'queue'), afterText(data));
}

function describeStart(event: ExecutionEvent, execution: Execution | undefined): Described {
  const { data } = event;
  const name = nameText(event) ?? (execution && cleanText(execution.name));
  return one('start', name, field(data, 'total'), field(data, 'pid'), field(data, 'cwd'));
}

function describeEnd(event: ExecutionEvent, execution: Execution | undefined): Described {
  const { data } = event;
  const ms = numberOf(data, 'durationMs') ?? (execution && elapsedOf(execution, Date.parse(event.time)));
  return one(
    'end',
    EXECUTION_ENDS[event.type],
    numberOf(data, 'exitCode') === undefined ? undefined : `exit=${numberOf(data, 'exitCode') ?? ''}`,
    field(data, 'signal'),
    ms === undefined ? undefined : `after=${formatDuration(ms)}`,
    errorText(data) ?? text(data, 'summary'),
  );
}

/** `4/9 "Run tests" failed 4:02 exit 1`. */
function describeStep(event: ExecutionEvent, execution: Execution | undefined, state: string): Described {
  const { data } = event;
  const step = event.step === undefined ? undefined : execution?.steps.get(event.step);
  const name = textOf(data, 'name') ?? step?.name ?? event.step ?? '?';
  const kind = textOf(data, 'kind') ?? step?.kind ?? 'step';
  const ms = numberOf(data, 'durationMs') ?? step?.durationMs;
  return one(
    cleanText(kind),
    step && execution ? stepPosition(execution, step) : undefined,
    quoteName(step ? stepTitle({ ...step, name }) : name),
    state,
    ms === undefined || state === 'started' || state === 'planned' ? undefined : formatDuration(ms),
    // a title that names the agent is complete
    ...(step?.kind === 'invocation' && actorOf(step) === ''
      ? []
      : ['role', 'provider', 'model'].map((key) => field(data, key))),
    errorText(data),
    textsOf(data, 'commits')?.map(cleanText).join(','),
  );
}

function describeProgress({ data, step }: ExecutionEvent): Described {
  const current = numberOf(data, 'current');
  const total = numberOf(data, 'total');
  const count = current === undefined ? undefined : countText(current, total, textOf(data, 'unit'));
  const percent =
    current === undefined || total === undefined || total <= 0 ? undefined : formatPercent(current / total);
  return one(
    'progress',
    percent,
    count,
    step === undefined ? undefined : `step=${cleanText(step)}`,
    text(data, 'message'),
  );
}

/** Output keeps its lines, each with its stream. */
function describeOutput({ data }: ExecutionEvent, _execution: Execution | undefined, style: Style): Described {
  const content = textOf(data, 'text') ?? (textOf(data, 'base64') === undefined ? '' : '(bytes that are no UTF-8)');
  const lines = content.replace(/\r?\n$/, '').split('\n');
  return {
    word: cleanText(textOf(data, 'stream') ?? 'output'),
    lines: lines.map((line) => [`| ${cleanOutput(line, style)}`]),
  };
}

function describeLog({ data }: ExecutionEvent): Described {
  const lines = messageOf(data).split('\n').map(cleanText);
  const fields = data['fields'] === undefined ? [] : [valueText(data['fields'])];
  return {
    word: cleanText(textOf(data, 'level') ?? 'log'),
    lines: lines.map((line, index) => (index === 0 ? [line, ...fields] : [line])),
  };
}

/** A message keeps its lines; a call is one line, and its result is shortened. */
function describeActivity({ data }: ExecutionEvent): Described {
  const kind = textOf(data, 'kind') ?? '';
  const spent = [field(data, 'tokens'), field(data, 'costUsd')];
  if (kind === 'tool-call') {
    const title = callTitle(data);
    const said = data['input'] === undefined && data['title'] === undefined ? undefined : text(data, 'text');
    return one('activity', kind, cleanText(title), said, ...spent);
  }
  if (!OUR_KINDS.has(kind)) {
    const lines = otherActivity(data).trimEnd().split('\n');
    return { word: 'activity', lines: lines.map((line) => [cleanText(line)]) };
  }
  const given = kind === 'init' ? ['agent', 'model', 'session', 'cwd'].map((key) => field(data, key)) : [];
  const ms = kind === 'result' ? numberOf(data, 'durationMs') : undefined;
  if (ms !== undefined) spent.unshift(`after=${formatDuration(ms)}`);
  const [first = '', ...others] = (activityText(data) ?? '').trimEnd().split('\n');
  const isCut = BRIEF_KINDS.has(kind);
  const more = isCut && others.length > 0 ? `(and ${formatQuantity(others.length, 'line')} more)` : undefined;
  const failed = data['isError'] === true ? 'failed' : undefined;
  const parts = [cleanText(kind), failed, text(data, 'tool'), ...given, cleanText(first), more, ...spent];
  return { word: 'activity', lines: [present(parts), ...(isCut ? [] : others.map((line) => [cleanText(line)]))] };
}

/** Shortens a text to its beginning. */
const BRIEF_KINDS: ReadonlySet<string> = new Set(['tool-result', 'prompt', 'thinking']);

function describeResources({ data }: ExecutionEvent): Described {
  const figures = { cpu: numberOf(data, 'cpu'), rss: numberOf(data, 'rss') };
  return one('resources', ...resourceParts(figures), field(data, 'processes'));
}

/** `cpu=71%`, `rss=412 MiB`. */
export function resourceParts({ cpu, rss }: { cpu?: number | undefined; rss?: number | undefined } = {}) {
  return [
    cpu === undefined ? undefined : `cpu=${formatCpu(cpu)}`,
    rss === undefined ? undefined : `rss=${formatBytes(rss)}`,
  ];
}

function describeQueue({ data }: ExecutionEvent): Described {
  const changes = ['position', 'slots', 'paused', 'removed'].map((key) => field(data, key));
  return one('queue', text(data, 'name'), ...changes, byText(data));
}

function describeUnknown(word: string): Describe {
  return ({ data }) => one(word, Object.keys(data).length === 0 ? undefined : valueText(data));
}

function one(word: string, ...parts: readonly (string | undefined)[]): Described {
  return { word, lines: [present(parts)] };
}

function present(parts: readonly (string | undefined)[]): string[] {
  return parts.filter((part): part is string => part !== undefined && part !== '');
}

function nameText({ data }: ExecutionEvent): string | undefined {
  return text(data, 'name') ?? textsOf(data, 'argv')?.map(cleanText).join(' ');
}

function afterText(data: EventData): string | undefined {
  const after = textsOf(data, 'after');
  return after && `after=${after.map(cleanText).join(',')}`;
}

function byText(data: EventData): string | undefined {
  return field(data, 'by');
}

function errorText(data: EventData): string | undefined {
  const error = errorOf({ error: textOf(data, 'error'), errorType: textOf(data, 'errorType') });
  return error === undefined ? undefined : cleanText(error);
}

function text(data: EventData, key: string): string | undefined {
  const value = textOf(data, key);
  return value === undefined ? undefined : cleanText(value);
}

/** `key=value`; empty without a value. */
function field(data: EventData, key: string): string | undefined {
  const value = data[key];
  return value === undefined || value === null
    ? undefined
    : `${key}=${typeof value === 'string' ? cleanText(value) : valueText(value)}`;
}

function valueText(value: unknown): string {
  const shown = typeof value === 'string' ? value : JSON.stringify(value);
  return cleanText(shown.length <= MAX_VALUE_CHARS ? shown : `${shown.slice(0, MAX_VALUE_CHARS)}…`);
}

export function quoteName(name: string): string {
  return `"${cleanText(name)}"`;
}
