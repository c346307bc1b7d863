/** Parses the output of `gemini --output-format stream-json`: one JSON object per line. */
import { wordsOf } from '../../core/events/activity.js';
import type { FinalStatus } from '../../core/events/event.js';
import type { Json } from '../../formats/json.js';
import { countOf, finiteOf, objectOf, parseObject, plainError, stringOf } from '../../formats/json.js';
import type { Parser, ParserOptions, ReportedOutcome, StreamEvent } from '../../formats/parser.js';
import { AgentRecorder } from '../recorder.js';
import { stringsIn } from '../text.js';
import type { Usage } from '../usage.js';
import { UsageCounter } from '../usage.js';
import { recordToolCall } from './tools.js';

/** Limit of the buffered pieces of a message. */
const MAX_TEXT_CHARS = 16 * 1024;

const KNOWN: ReadonlySet<string> = new Set(['init', 'message', 'tool_use', 'tool_result', 'error', 'result']);

/** Whether this is the first line of the output; the types of its other lines are too common to identify it. */
export function isGeminiLine(line: Json): boolean {
  return line['type'] === 'init' && typeof line['session_id'] === 'string' && typeof line['timestamp'] === 'string';
}

export class GeminiStream implements Parser {
  readonly #recorder: AgentRecorder;
  readonly #usage = new UsageCounter();
  /** Pieces of the current message. */
  #text = '';

  constructor({ step, cwd }: ParserOptions = {}) {
    this.#recorder = new AgentRecorder(step);
    this.#recorder.cwd = cwd;
  }

  get claim(): ReportedOutcome | undefined {
    return this.#recorder.claim;
  }

  line(text: string): readonly StreamEvent[] | undefined {
    const line = parseObject(text);
    if (!line) return undefined;
    const isPiece = line['type'] === 'message' && line['delta'] === true;
    if (this.#text !== '' && !isPiece && KNOWN.has(String(line['type']))) this.#flush();
    return this.#record(line) ? this.#recorder.take() : undefined;
  }

  end(status: FinalStatus | undefined): readonly StreamEvent[] {
    this.#flush();
    const flushed = this.#recorder.take();
    return [...flushed, ...this.#recorder.end(status)];
  }

  /** @returns false for a line of an unknown type */
  #record(line: Json): boolean {
    switch (line['type']) {
      case 'init':
        this.#recorder.activity('init', {
          agent: 'gemini',
          ...stringsIn({ session: line['session_id'], model: line['model'] }),
        });
        return true;
      case 'message':
        this.#message(line);
        return true;
      case 'tool_use':
        recordToolCall(this.#recorder, stringOf(line['tool_id']), line['tool_name'], line['parameters']);
        return true;
      case 'tool_result':
        this.#toolResult(line);
        return true;
      case 'error':
        this.#recorder.log(line['severity'] === 'warning' ? 'warning' : 'error', stringOf(line['message']) ?? 'error');
        return true;
      case 'result':
        this.#finish(line);
        return true;
      default:
        return false;
    }
  }

  #message(line: Json): void {
    if (line['role'] !== 'assistant') return this.#recorder.message('prompt', line['content'], '/content');
    if (line['delta'] !== true) return this.#recorder.message('assistant-text', line['content'], '/content');
    this.#text += wordsOf(line['content']) ?? '';
    if (this.#text.length > MAX_TEXT_CHARS) this.#flush();
  }

  /** Records the buffered message, which belongs to earlier lines. */
  #flush(): void {
    this.#recorder.message('assistant-text', this.#text);
    this.#text = '';
    for (const event of this.#recorder.take()) this.#recorder.push({ ...event, earlier: true });
  }

  #toolResult(line: Json): void {
    const error = objectOf(line['error']);
    const isFailed = line['status'] === 'error' || error !== undefined;
    this.#recorder.result({
      id: stringOf(line['tool_id']),
      content: line['output'] ?? error?.['message'],
      at: line['output'] === undefined ? '/error/message' : '/output',
      ...(isFailed && { error: stringOf(error?.['message']) ?? stringOf(error?.['type']) ?? '' }),
    });
  }

  #finish(line: Json): void {
    const stats = objectOf(line['stats']) ?? {};
    const message = stringOf(objectOf(line['error'])?.['message']);
    const error = message === undefined ? undefined : plainError(message);
    const durationMs = finiteOf(stats['duration_ms']);
    const data = { ...this.#usage.total(statsUsage(stats)), ...(durationMs !== undefined && { durationMs }) };
    const isFailed = line['status'] !== 'success' || error !== undefined;
    const claim: ReportedOutcome = isFailed
      ? { status: 'failed', error: error ?? stringOf(line['status']) ?? 'error' }
      : { status: 'completed' };
    this.#recorder.finish(claim, data);
    if (error !== undefined) this.#recorder.log('error', error);
  }
}

/** Reads the usage. The prompt's tokens include the cached ones; only the total includes thoughts and tools. */
function statsUsage(stats: Json): Usage {
  const cacheRead = countOf(stats['cached']);
  const input = Math.max(0, countOf(stats['input_tokens']) - cacheRead);
  const rest = countOf(stats['total_tokens']) - input - cacheRead;
  return { input, cacheRead, cacheWrite: 0, output: Math.max(countOf(stats['output_tokens']), rest) };
}
