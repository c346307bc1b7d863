/** Records what coding agents do as events: messages, tool calls, plans, questions, results. */
import { toolTitle, wordsOf } from '../core/events/activity.js';
import { evictOldest } from '../core/base/evict.js';
import { clip } from '../core/events/fields.js';
import type { EventData, FinalStatus } from '../core/events/event.js';
import { isIdentifier } from '../core/events/identifier.js';
import type { Json } from '../formats/json.js';
import type { ReportedOutcome, StreamEvent } from '../formats/parser.js';

/** Events that the format of every agent yields, for descriptions of formats. */
export const AGENT_EVENTS = 'messages, tool calls, plan, tokens, outcome';

export interface ToolCall {
  id: string | undefined;
  tool: string;
  input: unknown;
  /** @default 'tool' */
  kind?: 'tool' | 'subagent';
  /** Step that the call is part of. @default the recorder's own step */
  parent?: string | undefined;
  /** @default a title made of the tool and its input */
  title?: string;
  /** Start of the call, RFC 3339. */
  time?: string | undefined;
}

export interface ToolResult {
  id: string | undefined;
  /** Text, or content blocks that hold text. */
  content: unknown;
  /** JSON pointer to the content in the line. */
  at?: string;
  /** Reason of a failure; empty if the agent gives none, absent if the call has not failed. */
  error?: string | undefined;
  /** @default 'failed' with an error, else 'completed' */
  status?: StepStatus;
  parent?: string | undefined;
  durationMs?: number | undefined;
}

export interface PlanItem {
  /** @default its name */
  id?: string;
  name: string;
  status: 'pending' | 'running' | 'completed' | 'skipped';
}

export type StepStatus = 'completed' | 'failed' | 'cancelled';

/** Maximum length of a text in an event; the complete text is in the line. */
const TEXT_CHARS = 16 * 1024;
const INPUT_CHARS = 2 * 1024;
const ERROR_CHARS = 400;
const SUMMARY_CHARS = 4 * 1024;
/** Open steps; an evicted one stays open until its execution ends. */
const MAX_OPEN = 1_000;
const MAX_PLAN_ITEMS = 200;
/** Prefix of the step IDs of plan items. */
export const PLAN_PREFIX = 'todo ';
const PLAN_NAME_CHARS = 200;
const MAX_INPUT_FIELDS = 16;
const FIELD_NAME_CHARS = 64;

export interface OpenStep {
  /** For results that do not repeat it. */
  parent?: string;
  tool?: string;
  /** The step continues after the result of its call; something else reports its end. */
  isDetached?: true;
}

/** State of a session that another recorder has recorded so far. */
export interface RecorderState {
  cwd?: string | undefined;
  isWaiting: boolean;
  open: ReadonlyMap<string, OpenStep>;
  /** By step ID. */
  planned: ReadonlyMap<string, PlanItem['status']>;
}

export class AgentRecorder {
  /** Working directory of the agent; paths in titles are relative to it. */
  cwd: string | undefined;
  /** Outcome of the last turn, unless another one has started. */
  claim: ReportedOutcome | undefined;
  readonly #step: string | undefined;
  readonly #open: Map<string, OpenStep>;
  readonly #planned: Map<string, PlanItem['status']>;
  #events: StreamEvent[] = [];
  #lastText: string | undefined;
  #isWaiting: boolean;

  /**
   * @param step Step that all events belong to: the agent is a sub-agent.
   * @param state State to continue from.
   */
  constructor(step: string | undefined, state?: RecorderState) {
    this.#step = step;
    this.cwd = state?.cwd;
    this.#isWaiting = state?.isWaiting ?? false;
    this.#open = new Map(state?.open);
    this.#planned = new Map(state?.planned);
  }

  push(event: StreamEvent): void {
    this.#events.push(event);
  }

  activity(
    kind: string,
    data: EventData,
    { step = this.#step, at }: { step?: string | undefined; at?: string | undefined } = {},
  ): void {
    const event: StreamEvent = { type: 'activity', data: { kind, ...data } };
    if (step !== undefined) event.step = step;
    if (at !== undefined) event.textAt = at;
    this.push(event);
  }

  log(level: 'debug' | 'info' | 'warning' | 'error', message: string, step = this.#step): void {
    const data = { level, message: clip(message, SUMMARY_CHARS) };
    this.push({ type: 'log', ...(step !== undefined && { step }), data });
  }

  /** Records a message. @param at JSON pointer to the content in the line */
  message(kind: 'prompt' | 'assistant-text' | 'thinking', content: unknown, at?: string, step?: string): void {
    const text = wordsOf(content)?.trimEnd();
    if (text === undefined || text === '') return;
    if (kind === 'assistant-text') this.#lastText = text;
    this.activity(kind, textData(text), { step, at });
  }

  call({
    id,
    tool,
    input,
    kind = 'tool',
    parent = this.#step,
    title = toolTitle(tool, input, this.cwd),
    time,
  }: ToolCall): void {
    const step = isIdentifier(id) ? id : undefined;
    const data = { tool, title, input: shorten(input), ...(step !== undefined && { call: step }) };
    this.activity('tool-call', data, { step: parent });
    if (step === undefined || this.#open.has(step)) return;
    const part = parent !== undefined && { parent };
    this.#start(step, { name: title, kind, ...part }, { tool, ...part }, time);
  }

  result({ id, content, at, error, status, parent, durationMs }: ToolResult): void {
    const open = id === undefined ? undefined : this.#open.get(id);
    const text = wordsOf(content)?.trimEnd() ?? '';
    const data = {
      ...(open?.tool !== undefined && { tool: open.tool }),
      ...(isIdentifier(id) && { call: id }),
      ...(text !== '' && textData(text)),
      ...(error !== undefined && { isError: true }),
    };
    this.activity('tool-result', data, { step: parent ?? open?.parent, at: text === '' ? undefined : at });
    if (id === undefined || open?.isDetached) return;
    this.close(id, status ?? (error === undefined ? 'completed' : 'failed'), {
      ...(error !== undefined && error !== '' && { error: clip(error, ERROR_CHARS) }),
      ...(durationMs !== undefined && { durationMs }),
    });
  }

  /** Opens a step that is not a tool call. */
  open(id: string, data: EventData): void {
    if (isIdentifier(id) && !this.#open.has(id)) this.#start(id, data);
  }

  isOpen(id: string): boolean {
    return this.#open.has(id);
  }

  /** Keeps the step open when its call returns. */
  detach(id: string): void {
    const step = this.#open.get(id);
    if (step) step.isDetached = true;
  }

  close(id: string, status: StepStatus, data: EventData = {}): void {
    if (this.#open.delete(id)) this.push({ type: `step_${status}`, step: id, data });
  }

  /** Records the agent's complete list of what it plans to do. */
  plan(items: readonly PlanItem[]): void {
    const shown = items.slice(0, MAX_PLAN_ITEMS).map((item) => ({ ...item, name: clip(item.name, PLAN_NAME_CHARS) }));
    this.#skipOthers(new Set(shown.map(planStep)));
    shown.forEach((item, index) => this.#planItem(item, index));
    if (this.#step !== undefined || shown.length === 0) return;
    const current = shown.filter(({ status }) => !isUndone(status)).length;
    this.push({ type: 'progress', data: { current, total: shown.length, unit: 'to-dos' } });
  }

  /** Records the end of a turn. @param text omitted from the event if it repeats the last message */
  finish(claim: ReportedOutcome, data: EventData, text?: { content: unknown; at: string }): void {
    const words = wordsOf(text?.content)?.trimEnd();
    const isNew = words !== undefined && words !== '' && words !== this.#lastText;
    this.claim = {
      status: claim.status,
      ...(claim.error !== undefined && { error: clip(claim.error, SUMMARY_CHARS) }),
      ...(claim.summary !== undefined && claim.summary !== '' && { summary: clip(claim.summary, SUMMARY_CHARS) }),
    };
    this.resume();
    const result = {
      ...(isNew && textData(words)),
      ...(claim.status !== 'completed' && { isError: true }),
      ...data,
    };
    this.activity('result', result, { at: isNew ? text?.at : undefined });
  }

  /** Records that the agent waits for a person. */
  wait(reason: string): void {
    this.#isWaiting = true;
    const data = { state: 'waiting', reason: clip(reason, ERROR_CHARS) };
    this.push({ type: 'attention', ...(this.#step !== undefined && { step: this.#step }), data });
  }

  /** Ends the waiting, if there is any. */
  resume(): void {
    if (this.#isWaiting) this.push({ type: 'attention', data: { state: 'none' } });
    this.#isWaiting = false;
  }

  /** @returns the events since the last call */
  take(): StreamEvent[] {
    const taken = this.#events;
    this.#events = [];
    return taken;
  }

  /** Closes all open steps, the innermost first. */
  end(status: FinalStatus | undefined): StreamEvent[] {
    // no end of these steps was reported: whatever the outcome, they are not known to have completed
    const type = status === 'timeout' ? 'step_timeout' : 'step_cancelled';
    for (const step of [...this.#open.keys()].reverse()) this.push({ type, step, data: {} });
    this.#open.clear();
    return this.take();
  }

  #start(id: string, data: EventData, step: OpenStep = {}, time?: string): void {
    this.#open.set(id, step);
    evictOldest(this.#open, MAX_OPEN);
    this.push({ type: 'step_started', step: id, ...(time !== undefined && { time }), data });
  }

  #planItem(item: PlanItem, index: number): void {
    const id = planStep(item);
    if (!isIdentifier(id) || this.#planned.get(id) === item.status) return;
    this.#planned.set(id, item.status);
    const data = { name: item.name, kind: 'criterion', index, ...(this.#step !== undefined && { parent: this.#step }) };
    this.push({ type: PLAN_EVENTS[item.status], step: id, data });
  }

  #skipOthers(kept: ReadonlySet<string>): void {
    for (const [id, status] of this.#planned) {
      if (kept.has(id)) continue;
      this.#planned.delete(id);
      if (isUndone(status)) this.push({ type: 'step_skipped', step: id, data: {} });
    }
  }
}

const PLAN_EVENTS = {
  pending: 'step_planned',
  running: 'step_started',
  completed: 'step_completed',
  skipped: 'step_skipped',
} as const satisfies Record<PlanItem['status'], string>;

function planStep({ id, name }: PlanItem): string {
  return `${PLAN_PREFIX}${id ?? name}`;
}

function isUndone(status: PlanItem['status']): boolean {
  return status === 'pending' || status === 'running';
}

function textData(text: string): EventData {
  return text.length <= TEXT_CHARS ? { text } : { text: clip(text, TEXT_CHARS), clipped: true };
}

/** Shortens an input: clips the long texts in it. */
function shorten(input: unknown): unknown {
  const size = typeof input === 'string' ? input.length : (JSON.stringify(input) as string | undefined)?.length;
  if (size === undefined || size <= INPUT_CHARS) return input;
  if (typeof input === 'string') return clip(input, INPUT_CHARS);
  const fields = Object.entries((input ?? {}) as Json).slice(0, MAX_INPUT_FIELDS);
  const each = Math.floor(INPUT_CHARS / Math.max(1, fields.length));
  return Object.fromEntries(fields.map(([key, value]) => [clip(key, FIELD_NAME_CHARS), shortValue(value, each)]));
}

function shortValue(value: unknown, chars: number): unknown {
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return value;
  return clip(typeof value === 'string' ? value : JSON.stringify(value), chars);
}
