/** What all agents do, as events: say something, call tools, plan, wait for somebody, come to an end. */
import { toolTitle, wordsOf } from '../core/activity.js';
import { clip } from '../core/fields.js';
import type { EventData, FinalStatus } from '../core/event.js';
import { isIdentifier } from '../core/identifier.js';
import type { Json } from '../formats/json.js';
import type { ReportedOutcome, StreamEvent } from '../formats/parser.js';

/** What every agent's format yields, for descriptions of formats. */
export const AGENT_EVENTS = 'messages, tool calls, plan, tokens, outcome';

export interface AgentRecorder {
  /** Directory of the agent: paths are shown from there. */
  cwd: string | undefined;
  claim: ReportedOutcome | undefined;
  push(event: StreamEvent): void;
  activity(kind: string, data: EventData): void;
  log(level: 'debug' | 'info' | 'warning' | 'error', message: string, step?: string): void;
  /** `at`: the JSON pointer to the words in the line. */
  say(kind: 'prompt' | 'assistant-text' | 'thinking', words: unknown, at?: string, step?: string): void;
  call(call: ToolCall): void;
  result(result: ToolResult): void;
  /** A part that runs, whoever has called it. */
  open(id: string, data: EventData): void;
  isOpen(id: string): boolean;
  /** It stays open when its call returns: something else tells its end. */
  keepOpen(id: string): void;
  close(id: string, status: StepStatus, data?: EventData): void;
  /** The agent's own list of what is to be done, whole. */
  plan(items: readonly PlanItem[]): void;
  /** `text` is left out where it only repeats the last words. */
  finish(claim: ReportedOutcome, data: EventData, text: { words: unknown; at: string } | undefined): void;
  wait(reason: string): void;
  /** Nobody is waited for any more. */
  goOn(): void;
  /** What has been told since the last time. */
  take(): StreamEvent[];
  /** Everything that is open, the innermost first. */
  end(status: FinalStatus | undefined): StreamEvent[];
}

export interface ToolCall {
  id: string | undefined;
  tool: string;
  input: unknown;
  kind?: 'tool' | 'subagent';
  /** The step that it is a part of. */
  parent?: string | undefined;
  title?: string;
  /** When it began: RFC 3339. */
  time?: string | undefined;
}

export interface ToolResult {
  id: string | undefined;
  words: unknown;
  at?: string;
  /** Why it failed, if it did; empty if nobody says. */
  error?: string | undefined;
  status?: StepStatus;
  parent?: string | undefined;
  durationMs?: number | undefined;
}

export interface PlanItem {
  /** Absent: its text names it. */
  id?: string;
  name: string;
  status: 'pending' | 'running' | 'completed' | 'skipped';
}

export type StepStatus = 'completed' | 'failed' | 'cancelled';

/** Of a text in an event. What is longer is cut: all of it stands in the line. */
const TEXT_CHARS = 16 * 1024;
const INPUT_CHARS = 2 * 1024;
const ERROR_CHARS = 400;
const SUMMARY_CHARS = 4 * 1024;
/** Calls that wait for their results. Beyond it the oldest is left to the end of the execution. */
const MAX_OPEN = 1_000;
const MAX_PLAN_ITEMS = 200;
/** Of the ids of its steps. */
export const PLAN_PREFIX = 'todo ';
const PLAN_NAME_CHARS = 200;

export interface OpenedStep {
  /** For results whose line does not repeat it. */
  parent?: string;
  tool?: string;
  keep?: true;
}

/** Where somebody else has left off. */
export interface Beginning {
  cwd?: string | undefined;
  waiting: boolean;
  opened: ReadonlyMap<string, OpenedStep>;
  /** By the ids of the steps. */
  planned: ReadonlyMap<string, PlanItem['status']>;
}

export function createAgentRecorder(base: string | undefined, beginning?: Beginning): AgentRecorder {
  let events: StreamEvent[] = [];
  let lastWords: string | undefined;
  let waiting = beginning?.waiting ?? false;
  const opened = new Map<string, OpenedStep>(beginning?.opened);
  const planned = new Map<string, PlanItem['status']>(beginning?.planned);

  const push = (event: StreamEvent) => void events.push(event);
  const activity = (kind: string, data: EventData, step = base, textAt?: string) => {
    const event: StreamEvent = { type: 'activity', data: { kind, ...data } };
    if (step !== undefined) event.step = step;
    if (textAt !== undefined) event.textAt = textAt;
    push(event);
  };

  const open = (id: string, data: EventData, what: OpenedStep = {}, time?: string) => {
    opened.set(id, what);
    const [oldest] = opened.keys();
    if (opened.size > MAX_OPEN && oldest !== undefined) opened.delete(oldest);
    push({ type: 'step_started', step: id, ...(time !== undefined && { time }), data });
  };
  const close = (id: string, status: StepStatus, data: EventData = {}) => {
    if (opened.delete(id)) push({ type: `step_${status}`, step: id, data });
  };
  const goOn = () => {
    if (waiting) push({ type: 'attention', data: { state: 'none' } });
    waiting = false;
  };

  const trace: AgentRecorder = {
    cwd: beginning?.cwd,
    claim: undefined,
    push,
    activity,
    log: (level, message, step = base) =>
      push({
        type: 'log',
        ...(step !== undefined && { step }),
        data: { level, message: clip(message, SUMMARY_CHARS) },
      }),
    say(kind, words, at, step) {
      const text = wordsOf(words)?.trimEnd();
      if (text === undefined || text === '') return;
      if (kind === 'assistant-text') lastWords = text;
      activity(kind, textData(text), step, at);
    },
    call({ id, tool, input, kind = 'tool', parent = base, title = toolTitle(tool, input, trace.cwd), time }) {
      activity('tool-call', { tool, title, input: shorten(input), ...(isStep(id) && { call: id }) }, parent);
      if (!isStep(id) || opened.has(id)) return;
      const data = { name: title, kind, ...(parent !== undefined && { parent }) };
      open(id, data, { tool, ...(parent !== undefined && { parent }) }, time);
    },
    result({ id, words, at, error, status, parent, durationMs }) {
      const known = id === undefined ? undefined : opened.get(id);
      const text = wordsOf(words)?.trimEnd() ?? '';
      const data = {
        ...(known?.tool !== undefined && { tool: known.tool }),
        ...(isStep(id) && { call: id }),
        ...(text !== '' && textData(text)),
        ...(error !== undefined && { isError: true }),
      };
      activity('tool-result', data, parent ?? known?.parent ?? base, text === '' ? undefined : at);
      if (id === undefined || known?.keep) return;
      const end = {
        ...(error !== undefined && error !== '' && { error: clip(error, ERROR_CHARS) }),
        ...(durationMs !== undefined && { durationMs }),
      };
      close(id, status ?? (error === undefined ? 'completed' : 'failed'), end);
    },
    open: (id, data) => {
      if (isStep(id) && !opened.has(id)) open(id, data);
    },
    isOpen: (id) => opened.has(id),
    keepOpen(id) {
      const known = opened.get(id);
      if (known) known.keep = true;
    },
    close,
    plan(items) {
      const shown = items.slice(0, MAX_PLAN_ITEMS).map((item) => ({ ...item, name: clip(item.name, PLAN_NAME_CHARS) }));
      const idOf = ({ id, name }: PlanItem) => `${PLAN_PREFIX}${id ?? name}`;
      const left = new Set(shown.map(idOf));
      for (const [id, status] of planned) {
        if (left.has(id)) continue;
        planned.delete(id);
        if (isUndone(status)) push({ type: 'step_skipped', step: id, data: {} });
      }
      shown.forEach((item, index) => {
        const id = idOf(item);
        if (!isStep(id) || planned.get(id) === item.status) return;
        planned.set(id, item.status);
        const data = { name: item.name, kind: 'criterion', index, ...(base !== undefined && { parent: base }) };
        push({ type: PLAN_EVENTS[item.status], step: id, data });
      });
      if (base !== undefined || shown.length === 0) return;
      const current = shown.filter(({ status }) => !isUndone(status)).length;
      push({ type: 'progress', data: { current, total: shown.length, unit: 'to-dos' } });
    },
    finish(claim, data, text) {
      const words = wordsOf(text?.words)?.trimEnd();
      const isNew = words !== undefined && words !== '' && words !== lastWords;
      trace.claim = {
        status: claim.status,
        ...(claim.error !== undefined && { error: clip(claim.error, SUMMARY_CHARS) }),
        ...(claim.summary !== undefined && claim.summary !== '' && { summary: clip(claim.summary, SUMMARY_CHARS) }),
      };
      goOn();
      const told = {
        ...(isNew && textData(words)),
        ...(claim.status !== 'completed' && { isError: true }),
        ...data,
      };
      activity('result', told, base, isNew ? text?.at : undefined);
    },
    wait(reason) {
      waiting = true;
      const data = { state: 'waiting', reason: clip(reason, ERROR_CHARS) };
      push({ type: 'attention', ...(base !== undefined && { step: base }), data });
    },
    goOn,
    take() {
      const taken = events;
      events = [];
      return taken;
    },
    end(status) {
      // the stream told nothing of their ends: whatever the outcome, they have not been seen to complete
      const type = status === 'timeout' ? 'step_timeout' : 'step_cancelled';
      for (const step of [...opened.keys()].reverse()) push({ type, step, data: {} });
      opened.clear();
      return trace.take();
    },
  };
  return trace;
}

const PLAN_EVENTS: Readonly<Record<PlanItem['status'], string>> = {
  pending: 'step_planned',
  running: 'step_started',
  completed: 'step_completed',
  skipped: 'step_skipped',
};

function isUndone(status: PlanItem['status']): boolean {
  return status === 'pending' || status === 'running';
}

function isStep(id: string | undefined): id is string {
  return isIdentifier(id);
}

function textData(text: string): EventData {
  return text.length <= TEXT_CHARS ? { text } : { text: clip(text, TEXT_CHARS), clipped: true };
}

/** An input that is short enough to repeat; of a long one its long texts are cut. */
function shorten(input: unknown): unknown {
  const size = typeof input === 'string' ? input.length : (JSON.stringify(input) as string | undefined)?.length;
  if (size === undefined || size <= INPUT_CHARS) return input;
  if (typeof input === 'string') return clip(input, INPUT_CHARS);
  const fields = Object.entries((input ?? {}) as Json).slice(0, 16);
  const each = Math.floor(INPUT_CHARS / Math.max(1, fields.length));
  return Object.fromEntries(fields.map(([key, value]) => [clip(key, 64), shortValue(value, each)]));
}

function shortValue(value: unknown, chars: number): unknown {
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return value;
  return clip(typeof value === 'string' ? value : JSON.stringify(value), chars);
}
