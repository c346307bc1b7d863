/** Parses session files of Codex: `~/.codex/sessions/YYYY/MM/DD/rollout-<time>-<thread>.jsonl`. Each sub-agent has its own file. */
import type { FinalStatus } from '../../core/events/event.js';
import type { History } from '../../formats/history.js';
import type { Json } from '../../formats/json.js';
import { objectOf, parseObject, stringOf } from '../../formats/json.js';
import type { Parser, ParserOptions, ReportedOutcome, StreamEvent } from '../../formats/parser.js';
import { AgentRecorder } from '../recorder.js';
import { withTime } from '../timed.js';
import { NO_USAGE } from '../usage.js';
import { threadUsage } from './items.js';
import type { Rollout } from './records.js';
import { RECORDS, recordUsage } from './records.js';
import { ThreadTokens } from './usage.js';

/** Types of records that yield no events: another record has the same with more details. */
const IGNORED: ReadonlySet<string> = new Set([
  ...['world_state', 'thread_settings_applied', 'message', 'reasoning'],
  ...['agent_reasoning_section_break', 'agent_message_delta', 'exec_command_begin', 'exec_command_output_delta'],
]);

export function isCodexTranscriptLine(line: Json): boolean {
  return line['type'] === 'session_meta' && typeof objectOf(line['payload'])?.['id'] === 'string';
}

export class CodexTranscript implements Parser {
  readonly #options: ParserOptions;
  readonly #rollout: Rollout;
  #history: History | undefined;
  #isFirst = true;

  constructor(options: ParserOptions = {}) {
    this.#options = options;
    this.#rollout = {
      recorder: new AgentRecorder(options.step),
      tokens: new ThreadTokens(),
      session: undefined,
      model: undefined,
      isOneTurn: false,
      aborted: new Set(),
    };
  }

  get claim(): ReportedOutcome | undefined {
    return this.#rollout.recorder.claim;
  }

  get isOver(): boolean {
    return this.#rollout.isOneTurn && this.claim !== undefined;
  }

  line(text: string): readonly StreamEvent[] | undefined {
    const line = parseObject(text);
    const payload = objectOf(line?.['payload']);
    if (!line || !payload) return undefined;
    if (this.#isFirst) this.#history = this.#options.findHistory?.(line);
    this.#isFirst = false;
    if (this.#history?.isCopied(line)) {
      skipCopied(this.#rollout.tokens, line, payload);
      return [];
    }
    const [type, kind] = [stringOf(line['type']) ?? '', stringOf(payload['type']) ?? ''];
    const record = RECORDS.get(`${type}/${kind}`) ?? RECORDS.get(type);
    if (!record) return IGNORED.has(type) || IGNORED.has(kind) ? [] : undefined;
    record(this.#rollout, payload);
    return withTime(this.#rollout.recorder.take(), line['timestamp']);
  }

  end(status: FinalStatus | undefined): readonly StreamEvent[] {
    recordUsage(this.#rollout);
    return this.#rollout.recorder.end(status);
  }
}

/** Skips a copied record, whose totals are the base of the totals of the fork. */
function skipCopied(tokens: ThreadTokens, line: Json, payload: Json): void {
  const total = objectOf(payload['info'])?.['total_token_usage'];
  if (line['type'] === 'token_usage_record') tokens.response(stringOf(payload['response_id']), NO_USAGE);
  else if (payload['type'] === 'token_count' && total !== undefined) tokens.total(threadUsage(total));
  tokens.disown();
}
