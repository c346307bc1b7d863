/** Parses the output of `claude -p --output-format stream-json --verbose`: one JSON object per line. */
import type { FinalStatus } from '../../core/events/event.js';
import type { Json } from '../../formats/json.js';
import { countOf, finiteOf, objectOf, parseObject, stringOf } from '../../formats/json.js';
import type { Parser, ParserOptions, ReportedOutcome, StreamEvent } from '../../formats/parser.js';
import { AgentRecorder } from '../recorder.js';
import { stringsIn } from '../text.js';
import { NO_USAGE, UsageCounter } from '../usage.js';
import { ClaudeMessages } from './content.js';
import { IGNORED, recordSystemLine } from './system-lines.js';
import { messageUsage, modelUsage } from './usage.js';

const TYPES: ReadonlySet<string> = new Set(['system', 'assistant', 'user', 'result', 'stream_event']);
/** The latest time that a Date can represent, in seconds. */
const MAX_SECONDS = 8.64e12;

/** Whether Claude Code has printed this line: every line of it names the session. */
export function isClaudeLine(line: Json): boolean {
  return TYPES.has(String(line['type'])) && typeof line['session_id'] === 'string';
}

export class ClaudeStream implements Parser {
  readonly #recorder: AgentRecorder;
  readonly #messages: ClaudeMessages;
  readonly #usage = new UsageCounter();

  constructor({ step }: ParserOptions = {}) {
    this.#recorder = new AgentRecorder(step);
    this.#messages = new ClaudeMessages(this.#recorder);
  }

  get claim(): ReportedOutcome | undefined {
    return this.#recorder.claim;
  }

  line(text: string): readonly StreamEvent[] | undefined {
    const line = parseObject(text);
    return line && this.#record(line) ? this.#recorder.take() : undefined;
  }

  end(status: FinalStatus | undefined): readonly StreamEvent[] {
    return this.#recorder.end(status);
  }

  /** @returns false for a line of an unknown type */
  #record(line: Json): boolean {
    switch (line['type']) {
      case 'system':
        return recordSystemLine(line, this.#recorder, this.#messages);
      case 'assistant':
        this.#recorder.resume();
        this.#messages.assistant(line);
        return true;
      case 'user':
        this.#messages.user(line);
        return true;
      case 'result':
        this.#finish(line);
        return true;
      case 'rate_limit_event':
        recordLimit(this.#recorder, objectOf(line['rate_limit_info']) ?? {});
        return true;
      case 'control_request':
        askPermission(this.#recorder, objectOf(line['request']) ?? {});
        return true;
      case 'control_cancel_request':
        this.#recorder.resume();
        return true;
      default:
        return IGNORED.has(String(line['type']));
    }
  }

  #finish(line: Json): void {
    const total = modelUsage(line['modelUsage']);
    const costUsd = countOf(line['total_cost_usd']);
    // totals of the session with its sub-agents; older versions report the tokens of the turn only
    const counted = total
      ? this.#usage.total(total, costUsd)
      : { ...this.#usage.add(messageUsage(line['usage'])), ...this.#usage.total(NO_USAGE, costUsd) };
    const durationMs = finiteOf(line['duration_ms']);
    const data = { ...counted, ...(durationMs !== undefined && { durationMs }) };
    this.#recorder.finish(claimOf(line), data, { content: line['result'], at: '/result' });
  }
}

function askPermission(recorder: AgentRecorder, request: Json): void {
  if (request['subtype'] !== 'can_use_tool') return;
  recorder.wait(`may it use ${stringOf(request['tool_name']) ?? 'a tool'}?`);
}

function recordLimit(recorder: AgentRecorder, info: Json): void {
  const { status = 'allowed', rateLimitType = '' } = stringsIn(info);
  if (status === 'allowed') return;
  const resetsAt = finiteOf(info['resetsAt']);
  const until =
    resetsAt === undefined ? '' : `, until ${new Date(Math.min(resetsAt, MAX_SECONDS) * 1_000).toISOString()}`;
  recorder.log('warning', `rate limit ${rateLimitType}: ${status}${until}`);
}

/** Reads the outcome: failed if `is_error` or the subtype says so; they may disagree. */
function claimOf(line: Json): ReportedOutcome {
  const subtype = stringOf(line['subtype']) ?? 'success';
  const result = stringOf(line['result']);
  if (line['is_error'] !== true && subtype === 'success') {
    return { status: 'completed', ...(result !== undefined && { summary: result }) };
  }
  // the other fields of an interrupted turn are for debugging the agent
  if (stringOf(line['terminal_reason'])?.startsWith('aborted')) return { status: 'cancelled', error: 'interrupted' };
  const errors = Array.isArray(line['errors']) ? line['errors'].filter((error) => typeof error === 'string') : [];
  const reason = subtype === 'success' ? stringOf(line['terminal_reason']) : subtype;
  return {
    status: 'failed',
    error: [result, ...errors, reason].find((text) => text !== undefined && text !== '') ?? 'error',
  };
}
