/** What `claude -p --output-format stream-json --verbose` prints, one JSON object a line. */
import type { Messages } from './content.js';
import { createMessages, firstLine } from './content.js';
import type { Json } from '../../formats/json.js';
import { countOf, finiteOf, objectOf, parseObject, stringOf } from '../../formats/json.js';
import type { ReportedOutcome, Parser, ParserOptions } from '../../formats/parser.js';
import type { AgentRecorder } from '../recorder.js';
import { createAgentRecorder } from '../recorder.js';
import type { Usage, UsageCounter } from '../usage.js';
import { addUsage, createUsageCounter, NO_USAGE } from '../usage.js';

const TYPES: ReadonlySet<string> = new Set(['system', 'assistant', 'user', 'result', 'stream_event']);
/** Known, and of no interest to anybody but a debugger. */
const QUIET: ReadonlySet<string> = new Set([
  ...['stream_event', 'keep_alive', 'control_response', 'tool_progress', 'auth_status', 'transcript_mirror'],
  ...['hook_started', 'hook_progress', 'thinking_tokens', 'background_tasks_changed', 'commands_changed'],
  ...['files_persisted', 'memory_recall', 'mirror_error', 'plugin_install', 'control_request_progress', 'task_updated'],
]);

/** Does this line come from there? Whatever its first key is: every line names the session. */
export function isClaudeLine(line: Json): boolean {
  return TYPES.has(String(line['type'])) && typeof line['session_id'] === 'string';
}

export function createClaude({ step }: ParserOptions = {}): Parser {
  const trace = createAgentRecorder(step);
  const messages = createMessages(trace);
  const usage = createUsageCounter();
  const kinds: Readonly<Record<string, ((line: Json) => void) | undefined>> = {
    system: undefined,
    assistant: (line) => {
      trace.goOn();
      messages.assistant(line);
    },
    user: (line) => messages.user(line),
    result: (line) => finish(trace, usage, line),
    rate_limit_event: (line) => tellLimit(trace, objectOf(line['rate_limit_info']) ?? {}),
    control_request: (line) => askPermission(trace, objectOf(line['request']) ?? {}),
    control_cancel_request: () => trace.goOn(),
  };
  return {
    line(text) {
      const line = parseObject(text);
      const type = stringOf(line?.['type']);
      if (!line || type === undefined) return undefined;
      if (QUIET.has(type)) return [];
      if (type === 'system') return tellSystem(trace, messages, line) ? trace.take() : undefined;
      const tell = Object.hasOwn(kinds, type) ? kinds[type] : undefined;
      if (!tell) return undefined;
      tell(line);
      return trace.take();
    },
    end: (status) => trace.end(status),
    get claim() {
      return trace.claim;
    },
  };
}

/** False: an unknown subtype. */
function tellSystem(trace: AgentRecorder, messages: Messages, line: Json): boolean {
  const subtype = stringOf(line['subtype']) ?? '';
  if (QUIET.has(subtype)) return true;
  const tell = Object.hasOwn(SYSTEM, subtype) ? SYSTEM[subtype] : undefined;
  tell?.(trace, line, messages);
  return tell !== undefined;
}

const SYSTEM: Readonly<Record<string, ((trace: AgentRecorder, line: Json, messages: Messages) => void) | undefined>> = {
  init(trace, line) {
    trace.cwd = stringOf(line['cwd']);
    trace.activity('init', {
      agent: 'claude',
      ...told({
        session: line['session_id'],
        model: line['model'],
        cwd: line['cwd'],
        version: line['claude_code_version'],
      }),
    });
  },
  status(trace, line) {
    if (line['status'] === 'compacting') trace.log('info', 'compacting the context');
    const error = stringOf(line['compact_error']);
    if (error !== undefined) trace.log('warning', `the context could not be compacted: ${error}`);
  },
  compact_boundary(trace, line) {
    const { pre_tokens: before, post_tokens: after } = objectOf(line['compact_metadata']) ?? {};
    trace.log('info', `the context is compacted: ${countOf(before)} tokens to ${countOf(after)}`);
  },
  api_retry(trace, line) {
    const seconds = (countOf(line['retry_delay_ms']) / 1_000).toFixed(1);
    const attempt = `${countOf(line['attempt'])} of ${countOf(line['max_retries'])}`;
    const status = finiteOf(line['error_status']);
    const why = stringOf(line['error']) ?? 'error';
    trace.log('warning', `${why}${status === undefined ? '' : ` (${status})`}: attempt ${attempt} in ${seconds} s`);
  },
  hook_response(trace, line) {
    if (line['outcome'] !== 'error') return;
    trace.log('warning', `hook ${stringOf(line['hook_name']) ?? ''} failed: ${firstLine(stringOf(line['stderr']))}`);
  },
  task_started(trace, line) {
    const id = stringOf(line['tool_use_id']);
    const isAgent = stringOf(line['task_type'])?.endsWith('_agent') === true;
    // mostly its call has been told; that of a nested one may not be
    if (id !== undefined && isAgent && !trace.isOpen(id)) {
      trace.open(id, { name: stringOf(line['description']) ?? 'sub-agent', kind: 'subagent' });
    }
  },
  task_progress(trace, line, messages) {
    const id = stringOf(line['tool_use_id']);
    const message = stringOf(line['description']);
    if (id === undefined || message === undefined || !trace.isOpen(id) || !messages.isSubagent(id)) return;
    trace.push({ type: 'progress', step: id, data: { message } });
  },
  task_notification(trace, line) {
    const id = stringOf(line['tool_use_id']);
    const status = line['status'];
    if (id === undefined) return;
    const durationMs = finiteOf(objectOf(line['usage'])?.['duration_ms']);
    const ended = status === 'failed' ? 'failed' : status === 'stopped' ? 'cancelled' : 'completed';
    trace.close(id, ended, durationMs === undefined ? {} : { durationMs });
  },
  permission_denied(trace, line) {
    trace.log('warning', `denied: ${stringOf(line['message']) ?? stringOf(line['tool_name']) ?? 'a tool'}`);
  },
  informational(trace, line) {
    trace.log(line['level'] === 'warning' ? 'warning' : 'info', stringOf(line['content']) ?? '');
  },
  notification(trace, line) {
    trace.log('info', stringOf(line['text']) ?? '');
  },
  post_turn_summary(trace, line) {
    trace.log('info', stringOf(line['status_detail']) ?? '');
  },
  session_state_changed(trace, line) {
    if (line['state'] === 'requires_action') trace.wait('an answer');
    else trace.goOn();
  },
};

function askPermission(trace: AgentRecorder, request: Json): void {
  if (request['subtype'] !== 'can_use_tool') return;
  const tool = stringOf(request['tool_name']) ?? 'a tool';
  trace.wait(`may it use ${tool}?`);
}

function tellLimit(trace: AgentRecorder, info: Json): void {
  const status = stringOf(info['status']) ?? 'allowed';
  if (status === 'allowed') return;
  const resetsAt = finiteOf(info['resetsAt']);
  const until =
    resetsAt === undefined ? '' : `, until ${new Date(Math.min(resetsAt, MAX_SECONDS) * 1_000).toISOString()}`;
  trace.log('warning', `rate limit ${stringOf(info['rateLimitType']) ?? ''}: ${status}${until}`);
}

/** The last moment that a Date can hold. */
const MAX_SECONDS = 8.64e12;

function finish(trace: AgentRecorder, usage: UsageCounter, line: Json): void {
  const spent = usageOf(objectOf(line['modelUsage']) ?? {});
  // sums of the whole session, with its sub-agents; older versions tell those of the turn alone
  const counted = spent
    ? usage.upTo(spent, countOf(line['total_cost_usd']))
    : { ...usage.more(messageUsage(line['usage'])), ...usage.upTo(NO_USAGE, countOf(line['total_cost_usd'])) };
  const durationMs = finiteOf(line['duration_ms']);
  const data = { ...counted, ...(durationMs !== undefined && { durationMs }) };
  trace.finish(claimOf(line), data, { words: line['result'], at: '/result' });
}

/** `is_error` and the subtype may disagree: failed if either says so. */
function claimOf(line: Json): ReportedOutcome {
  const subtype = stringOf(line['subtype']) ?? 'success';
  const result = stringOf(line['result']);
  if (line['is_error'] !== true && subtype === 'success') {
    return { status: 'completed', ...(result !== undefined && { summary: result }) };
  }
  // it has told how far it came; what it says besides is for its makers
  if (stringOf(line['terminal_reason'])?.startsWith('aborted')) return { status: 'cancelled', error: 'interrupted' };
  const errors = Array.isArray(line['errors']) ? line['errors'].filter((error) => typeof error === 'string') : [];
  const reason = subtype === 'success' ? stringOf(line['terminal_reason']) : subtype;
  return {
    status: 'failed',
    error: [result, ...errors, reason].find((text) => text !== undefined && text !== '') ?? 'error',
  };
}

/** Of all models; undefined if none is told. */
function usageOf(models: Json): Usage | undefined {
  const each = Object.values(models)
    .map(objectOf)
    .filter((model) => model !== undefined);
  if (each.length === 0) return undefined;
  return each
    .map((model) => ({
      input: countOf(model['inputTokens']),
      output: countOf(model['outputTokens']),
      cacheRead: countOf(model['cacheReadInputTokens']),
      cacheWrite: countOf(model['cacheCreationInputTokens']),
    }))
    .reduce(addUsage);
}

/** As the API tells it of one message. */
export function messageUsage(value: unknown): Usage {
  const usage = objectOf(value) ?? {};
  return {
    input: countOf(usage['input_tokens']),
    output: countOf(usage['output_tokens']),
    cacheRead: countOf(usage['cache_read_input_tokens']),
    cacheWrite: countOf(usage['cache_creation_input_tokens']),
  };
}

/** The fields that are texts. */
export function told(fields: Json): Record<string, string> {
  return Object.fromEntries(
    Object.entries(fields).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}
