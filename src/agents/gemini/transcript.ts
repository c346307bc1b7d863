/** Parses session files of Gemini CLI: `~/.gemini/tmp/<project>/chats/session-*.jsonl`. A growing message is written again whole. */
import { wordsOf } from '../../core/events/activity.js';
import { evictOldest } from '../../core/base/evict.js';
import type { FinalStatus } from '../../core/events/event.js';
import type { Json } from '../../formats/json.js';
import { countOf, objectOf, objectsOf, parseObject, stringOf } from '../../formats/json.js';
import type { Parser, ParserOptions, ReportedOutcome, StreamEvent } from '../../formats/parser.js';
import { AgentRecorder } from '../recorder.js';
import { withTime } from '../timed.js';
import { UsageCounter } from '../usage.js';
import { recordToolCall } from './tools.js';

export function isGeminiTranscriptLine(line: Json): boolean {
  return typeof line['sessionId'] === 'string' && typeof line['projectHash'] === 'string';
}

/** Messages that may still grow. */
const MAX_MESSAGES = 100;
/** Statuses of a call that has ended. */
const ENDED: ReadonlySet<string> = new Set(['success', 'error', 'cancelled']);

/** Part of a message that is recorded. */
interface Recorded {
  chars: number;
  thoughts: number;
  isCounted: boolean;
  /** IDs of its calls that have ended. */
  ended: Set<string>;
}

export class GeminiTranscript implements Parser {
  readonly #recorder: AgentRecorder;
  readonly #usage = new UsageCounter();
  readonly #cwd: string | undefined;
  readonly #recorded = new Map<string, Recorded>();
  #model: string | undefined;
  /** ID of the last prompt, until it is answered. */
  #prompt: string | undefined;

  constructor({ step, cwd }: ParserOptions = {}) {
    this.#recorder = new AgentRecorder(step);
    this.#recorder.cwd = cwd;
    this.#cwd = cwd;
  }

  get claim(): ReportedOutcome | undefined {
    return this.#recorder.claim;
  }

  line(text: string): readonly StreamEvent[] | undefined {
    const line = parseObject(text);
    if (!line || !this.#record(line)) return undefined;
    return withTime(this.#recorder.take(), stringOf(line['timestamp']) ?? line['startTime']);
  }

  end(status: FinalStatus | undefined): readonly StreamEvent[] {
    return this.#recorder.end(status);
  }

  /** @returns false for a line of an unknown type */
  #record(line: Json): boolean {
    const id = stringOf(line['id']);
    if (id !== undefined) return this.#message(line, id);
    if (isGeminiTranscriptLine(line)) {
      this.#session(line);
      return true;
    }
    const update = objectOf(line['$set']);
    this.#checkPrompt(update?.['messages']);
    return line['$set'] !== undefined || line['$rewindTo'] !== undefined;
  }

  #session(line: Json): void {
    const [directory] = Array.isArray(line['directories']) ? (line['directories'] as unknown[]) : [];
    const cwd = stringOf(directory) ?? this.#cwd;
    this.#recorder.cwd = cwd;
    const session = line['sessionId'];
    this.#recorder.activity('init', { agent: 'gemini', session, ...(cwd !== undefined && { cwd }) });
  }

  /** Fails the turn if its unanswered prompt was removed from the list of messages. */
  #checkPrompt(messages: unknown): void {
    if (this.#prompt === undefined || !Array.isArray(messages)) return;
    if (objectsOf(messages).some((message) => message['id'] === this.#prompt)) return;
    this.#recorder.claim = { status: 'failed', error: 'the prompt was removed without an answer' };
  }

  #message(line: Json, id: string): boolean {
    const text = wordsOf(line['content']) ?? '';
    const recorded = this.#recordedOf(id);
    const fresh = text.slice(recorded.chars);
    recorded.chars = Math.max(recorded.chars, text.length);
    switch (line['type']) {
      case 'user':
        this.#recorder.claim = undefined;
        this.#prompt = id;
        this.#recorder.message('prompt', fresh);
        return true;
      case 'info':
      case 'warning':
      case 'error':
        this.#recorder.log(line['type'], text);
        return true;
      case 'gemini':
        this.#prompt = undefined;
        this.#answer(line, recorded, fresh);
        this.#finish(line, recorded, text);
        return true;
      default:
        return false;
    }
  }

  #recordedOf(id: string): Recorded {
    const recorded = this.#recorded.get(id) ?? { chars: 0, thoughts: 0, isCounted: false, ended: new Set<string>() };
    this.#recorded.set(id, recorded);
    evictOldest(this.#recorded, MAX_MESSAGES);
    return recorded;
  }

  #answer(line: Json, recorded: Recorded, fresh: string): void {
    const model = stringOf(line['model']);
    if (model !== undefined && model !== this.#model) {
      this.#model = model;
      this.#recorder.activity('init', { agent: 'gemini', model });
    }
    const thoughts = objectsOf(line['thoughts']);
    for (const { subject, description } of thoughts.slice(recorded.thoughts)) {
      const parts = [subject, description].filter((part) => typeof part === 'string');
      this.#recorder.message('thinking', parts);
    }
    recorded.thoughts = Math.max(recorded.thoughts, thoughts.length);
    this.#recorder.message('assistant-text', fresh);
    for (const call of objectsOf(line['toolCalls'])) this.#call(call, recorded);
  }

  #call(call: Json, recorded: Recorded): void {
    const id = stringOf(call['id']);
    if (id === undefined || recorded.ended.has(id)) return;
    if (!this.#recorder.isOpen(id)) recordToolCall(this.#recorder, id, call['name'], call['args']);
    const status = stringOf(call['status']) ?? '';
    if (status === 'awaiting_approval') this.#recorder.wait(`may it use ${stringOf(call['name']) ?? 'a tool'}?`);
    else this.#recorder.resume();
    if (!ENDED.has(status)) return;
    recorded.ended.add(id);
    const content = call['resultDisplay'];
    const error = status === 'error' ? (stringOf(content) ?? '') : undefined;
    this.#recorder.result({ id, content, error, ...(status === 'cancelled' && { status: 'cancelled' as const }) });
  }

  #finish(line: Json, recorded: Recorded, text: string): void {
    const tokens = objectOf(line['tokens']);
    // only a complete message has tokens, and without tool calls it is the last one of its turn
    const isLast = tokens !== undefined && text !== '' && objectsOf(line['toolCalls']).length === 0;
    this.#recorder.claim = isLast ? { status: 'completed' } : undefined;
    if (!tokens || recorded.isCounted) return;
    recorded.isCounted = true;
    const cacheRead = countOf(tokens['cached']);
    const input = Math.max(0, countOf(tokens['input']) - cacheRead);
    const output = Math.max(0, countOf(tokens['total']) - input - cacheRead);
    this.#recorder.activity('usage', this.#usage.add({ input, cacheRead, cacheWrite: 0, output }));
  }
}
