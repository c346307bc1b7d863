/** Session files of Claude Code: `~/.claude/projects/<directory>/<session>.jsonl`, and those of sub-agents beside them. */
import { wordsOf } from '../../core/activity.js';
import { evictOldest } from '../../core/evict.js';
import { normalizeTime } from '../../core/time.js';
import { messageUsage, told } from './stream.js';
import { createMessages, firstLine, STOPPED } from './content.js';
import type { History } from '../../formats/history.js';
import type { Json } from '../../formats/json.js';
import { countOf, objectOf, parseObject, stringOf } from '../../formats/json.js';
import type { ReportedOutcome, Parser, ParserOptions, StreamEvent } from '../../formats/parser.js';
import { createRepeatedLines } from '../repeated-lines.js';
import { createAgentRecorder } from '../recorder.js';
import type { Usage } from '../usage.js';
import { addedUsage, addUsage, createUsageCounter, NO_USAGE } from '../usage.js';

/** Known, and nothing that anybody would read. */
const QUIET: ReadonlySet<string> = new Set([
  ...['attachment', 'progress', 'queue-operation', 'file-history-snapshot', 'mode', 'summary', 'ai-title'],
  ...[
    'custom-title',
    'tag',
    'agent-name',
    'pr-link',
    'worktree-state',
    'api-request',
    'api-request-shape',
    'atis-latch',
  ],
]);
/** What stands in the file when somebody leaves. */
const LEAVING = /<command-name>\/(?:exit|quit)<\/command-name>/;
/** Whose usage may still grow. */
const MAX_MESSAGES = 10_000;
/** How it calls itself when it was started for one prompt. */
const ONE_PROMPT = 'sdk-cli';

export function isClaudeTranscriptLine(line: Json): boolean {
  return typeof line['sessionId'] === 'string' && typeof line['type'] === 'string' && line['projectHash'] === undefined;
}

export function createClaudeTranscript({ step, findHistory }: ParserOptions = {}): Parser {
  const trace = createAgentRecorder(step);
  const messages = createMessages(trace);
  const usage = createUsageCounter();
  let described = '';
  const repeated = createRepeatedLines();
  let history: History | undefined;
  let isFirst = true;
  /** Counted so far of each message, by its ID. */
  const counted = new Map<string, Usage>();
  let lastStop: string | undefined;
  let isOver = false;
  let isOnePrompt = false;

  /** Every line says where it is from; what changes is told again. */
  const describe = (line: Json, model: unknown) => {
    const init = told({ session: line['sessionId'], cwd: line['cwd'], version: line['version'], model });
    const key = `${init['session'] ?? ''} ${init['model'] ?? described.split(' ')[1] ?? ''}`;
    if (key === described || init['cwd'] === undefined) return;
    described = key;
    trace.cwd = init['cwd'];
    const forkedFrom = told({ forkedFrom: history?.parent });
    if (step === undefined) trace.activity('init', { agent: 'claude', ...init, ...forkedFrom });
  };

  /** A message is written in several lines, each with its usage so far: what a line adds to the others is counted. */
  const count = (message: Json) => {
    lastStop = stringOf(message['stop_reason']);
    const id = stringOf(message['id']);
    const total = messageUsage(message['usage']);
    const before = (id === undefined ? undefined : counted.get(id)) ?? NO_USAGE;
    if (id !== undefined) {
      counted.set(id, addUsage(before, addedUsage(before, total)));
      evictOldest(counted, MAX_MESSAGES);
    }
    const added = usage.more(addedUsage(before, total));
    if (Object.keys(added).length === 0) return;
    const last = trace.take();
    const owner = last.findLast(({ type }) => type === 'activity');
    if (owner) Object.assign(owner.data, added);
    for (const event of last) trace.push(event);
    if (!owner) trace.activity('usage', added);
  };

  /** There is no record of the end, but of somebody's leaving. */
  const noteTurn = (words: string) => {
    if (LEAVING.test(words)) isOver = true;
    else if (words.startsWith(STOPPED)) {
      trace.claim = { status: 'cancelled', error: 'interrupted' };
      isOver ||= isOnePrompt;
    } else if (!words.startsWith('<')) {
      isOver = false;
      trace.claim = undefined;
    }
  };

  const tell = (line: Json): boolean => {
    const type = stringOf(line['type']) ?? '';
    const message = objectOf(line['message']) ?? {};
    if (QUIET.has(type)) return true;
    if (line['entrypoint'] !== undefined) isOnePrompt = line['entrypoint'] === ONE_PROMPT;
    if (type === 'last-prompt') {
      // written when a turn is over
      isOver ||= isOnePrompt && trace.claim !== undefined;
    } else if (type === 'assistant') {
      isOver = false;
      describe(line, message['model'] === '<synthetic>' ? undefined : message['model']);
      messages.assistant(line);
      count(message);
      trace.claim = claimOf(line, lastStop);
    } else if (type === 'user') {
      describe(line, undefined);
      messages.user(line);
      if (line['isMeta'] !== true && line['isCompactSummary'] !== true) noteTurn(wordsOf(message['content']) ?? '');
    } else if (type === 'system') {
      if (LEAVING.test(stringOf(line['content']) ?? '')) isOver = true;
      if (line['subtype'] === 'compact_boundary') {
        const before = countOf(objectOf(line['compactMetadata'])?.['preTokens']);
        trace.log('info', `the context is compacted: ${before} tokens`);
      } else if (line['subtype'] === 'api_error') trace.log('warning', apiError(line));
    } else if (type === 'cost-state') {
      // a sum; the tokens are told by each message
      const cost = usage.upTo(NO_USAGE, countOf(line['totalCostUSD']));
      if (Object.keys(cost).length > 0) trace.activity('usage', cost);
    } else return false;
    return true;
  };

  return {
    line(text) {
      const line = parseObject(text);
      if (!line) return undefined;
      if (isFirst && line['uuid'] !== undefined) {
        history = findHistory?.(line);
        isFirst = false;
      }
      const isCopied = history?.isCopied(line) === true;
      if (repeated.isRepeat(line) || isCopied) return [];
      if (!tell(line)) return undefined;
      const time = normalizeTime(stringOf(line['timestamp']) ?? '');
      return trace.take().map((event): StreamEvent => (time === undefined ? event : { ...event, time }));
    },
    end: (status) => trace.end(status),
    get claim() {
      return trace.claim;
    },
    get isOver() {
      return isOver;
    },
  };
}

/** There is no record of the end of a turn: its last word is as near as the file comes to one. */
function claimOf(line: Json, stop: string | undefined): ReportedOutcome | undefined {
  if (line['isApiErrorMessage'] === true) {
    return { status: 'failed', error: firstLine(wordsOf(objectOf(line['message'])?.['content'])) || 'the API failed' };
  }
  return stop === 'end_turn' ? { status: 'completed' } : undefined;
}

function apiError(line: Json): string {
  const { formatted, message } = objectOf(line['error']) ?? {};
  return stringOf(line['content']) ?? stringOf(formatted) ?? stringOf(message) ?? 'the API failed';
}
