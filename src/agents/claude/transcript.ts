/** Parses session files of Claude Code: `~/.claude/projects/<directory>/<session>.jsonl`, and those of its sub-agents. */
import { wordsOf } from '../../core/events/activity.js';
import { evictOldest } from '../../core/base/evict.js';
import type { FinalStatus } from '../../core/events/event.js';
import type { History } from '../../formats/history.js';
import type { Json } from '../../formats/json.js';
import { countOf, objectOf, parseObject, stringOf } from '../../formats/json.js';
import type { Parser, ParserOptions, ReportedOutcome, StreamEvent } from '../../formats/parser.js';
import { AgentRecorder } from '../recorder.js';
import { firstLine, stringsIn } from '../text.js';
import { withTime } from '../timed.js';
import type { Usage } from '../usage.js';
import { addedUsage, addUsage, NO_USAGE, UsageCounter } from '../usage.js';
import { ClaudeMessages, STOPPED } from './content.js';
import { RepeatedLines } from './repeated-lines.js';
import { messageUsage } from './usage.js';

/** Types of lines that yield no events. */
const IGNORED: ReadonlySet<string> = new Set([
  ...['attachment', 'progress', 'queue-operation', 'file-history-snapshot', 'mode', 'summary', 'ai-title'],
  ...['custom-title', 'tag', 'agent-name', 'pr-link', 'worktree-state', 'api-request', 'api-request-shape'],
  'atis-latch',
]);
/** Command with which the user ends the session. */
const EXIT_COMMAND = /<command-name>\/(?:exit|quit)<\/command-name>/;
/** Messages whose usage may still grow. */
const MAX_MESSAGES = 10_000;
/** Entry point of a session that was started for one prompt. */
const ONE_PROMPT = 'sdk-cli';

export function isClaudeTranscriptLine(line: Json): boolean {
  return typeof line['sessionId'] === 'string' && typeof line['type'] === 'string' && line['projectHash'] === undefined;
}

export class ClaudeTranscript implements Parser {
  readonly #options: ParserOptions;
  readonly #recorder: AgentRecorder;
  readonly #messages: ClaudeMessages;
  readonly #usage = new UsageCounter();
  readonly #repeated = new RepeatedLines();
  /** Usage of each message that is counted, by ID. */
  readonly #counted = new Map<string, Usage>();
  /** Session and model of the last `init` event. */
  #described = '';
  #history: History | undefined;
  #isFirst = true;
  #isOver = false;
  #isOnePrompt = false;

  constructor(options: ParserOptions = {}) {
    this.#options = options;
    this.#recorder = new AgentRecorder(options.step);
    this.#messages = new ClaudeMessages(this.#recorder);
  }

  get claim(): ReportedOutcome | undefined {
    return this.#recorder.claim;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  line(text: string): readonly StreamEvent[] | undefined {
    const line = parseObject(text);
    if (!line) return undefined;
    if (this.#isFirst && line['uuid'] !== undefined) {
      this.#history = this.#options.findHistory?.(line);
      this.#isFirst = false;
    }
    const isCopied = this.#history?.isCopied(line) === true;
    if (this.#repeated.isRepeat(line) || isCopied) return [];
    return this.#record(line) ? withTime(this.#recorder.take(), line['timestamp']) : undefined;
  }

  end(status: FinalStatus | undefined): readonly StreamEvent[] {
    return this.#recorder.end(status);
  }

  /** @returns false for a line of an unknown type */
  #record(line: Json): boolean {
    const type = stringOf(line['type']) ?? '';
    if (IGNORED.has(type)) return true;
    if (line['entrypoint'] !== undefined) this.#isOnePrompt = line['entrypoint'] === ONE_PROMPT;
    switch (type) {
      case 'assistant':
        this.#assistant(line);
        return true;
      case 'user':
        this.#user(line);
        return true;
      case 'system':
        this.#system(line);
        return true;
      case 'last-prompt':
        // written at the end of a turn
        this.#isOver ||= this.#isOnePrompt && this.claim !== undefined;
        return true;
      case 'cost-state':
        this.#countCost(line);
        return true;
      default:
        return false;
    }
  }

  #assistant(line: Json): void {
    const message = objectOf(line['message']) ?? {};
    this.#isOver = false;
    this.#describe(line, message['model'] === '<synthetic>' ? undefined : message['model']);
    this.#messages.assistant(line);
    this.#countTokens(message);
    this.#recorder.claim = claimOf(line, stringOf(message['stop_reason']));
  }

  #user(line: Json): void {
    this.#describe(line, undefined);
    this.#messages.user(line);
    if (line['isMeta'] === true || line['isCompactSummary'] === true) return;
    this.#noteTurn(wordsOf(objectOf(line['message'])?.['content']) ?? '');
  }

  #system(line: Json): void {
    if (EXIT_COMMAND.test(stringOf(line['content']) ?? '')) this.#isOver = true;
    if (line['subtype'] === 'compact_boundary') {
      const before = countOf(objectOf(line['compactMetadata'])?.['preTokens']);
      this.#recorder.log('info', `the context is compacted: ${before} tokens`);
    } else if (line['subtype'] === 'api_error') this.#recorder.log('warning', apiError(line));
  }

  /** Records an `init` event when the session or the model has changed; every line repeats them. */
  #describe(line: Json, model: unknown): void {
    const init = stringsIn({ session: line['sessionId'], cwd: line['cwd'], version: line['version'], model });
    const key = `${init['session'] ?? ''} ${init['model'] ?? this.#described.split(' ')[1] ?? ''}`;
    if (key === this.#described || init['cwd'] === undefined) return;
    this.#described = key;
    this.#recorder.cwd = init['cwd'];
    if (this.#options.step !== undefined) return;
    const forkedFrom = stringsIn({ forkedFrom: this.#history?.parent });
    this.#recorder.activity('init', { agent: 'claude', ...init, ...forkedFrom });
  }

  /** Counts what this line adds: a message is written in several lines, each with its usage up to there. */
  #countTokens(message: Json): void {
    const id = stringOf(message['id']);
    const total = messageUsage(message['usage']);
    const before = (id === undefined ? undefined : this.#counted.get(id)) ?? NO_USAGE;
    if (id !== undefined) {
      this.#counted.set(id, addUsage(before, addedUsage(before, total)));
      evictOldest(this.#counted, MAX_MESSAGES);
    }
    const added = this.#usage.add(addedUsage(before, total));
    if (Object.keys(added).length === 0) return;
    const events = this.#recorder.take();
    const owner = events.findLast(({ type }) => type === 'activity');
    if (owner) Object.assign(owner.data, added);
    for (const event of events) this.#recorder.push(event);
    if (!owner) this.#recorder.activity('usage', added);
  }

  /** Counts the cost, which is a total; its tokens are those of the messages. */
  #countCost(line: Json): void {
    const cost = this.#usage.total(NO_USAGE, countOf(line['totalCostUSD']));
    if (Object.keys(cost).length > 0) this.#recorder.activity('usage', cost);
  }

  /** Detects the end of the session, which has no record: the command that the user leaves with, or an interruption. */
  #noteTurn(prompt: string): void {
    if (EXIT_COMMAND.test(prompt)) this.#isOver = true;
    else if (prompt.startsWith(STOPPED)) {
      this.#recorder.claim = { status: 'cancelled', error: 'interrupted' };
      this.#isOver ||= this.#isOnePrompt;
    } else if (!prompt.startsWith('<')) {
      this.#isOver = false;
      this.#recorder.claim = undefined;
    }
  }
}

/** Reads the outcome of a turn from its last message: the end of a turn has no record. */
function claimOf(line: Json, stopReason: string | undefined): ReportedOutcome | undefined {
  if (line['isApiErrorMessage'] === true) {
    return { status: 'failed', error: firstLine(wordsOf(objectOf(line['message'])?.['content'])) || 'the API failed' };
  }
  return stopReason === 'end_turn' ? { status: 'completed' } : undefined;
}

function apiError(line: Json): string {
  const { formatted, message } = objectOf(line['error']) ?? {};
  return stringOf(line['content']) ?? stringOf(formatted) ?? stringOf(message) ?? 'the API failed';
}
