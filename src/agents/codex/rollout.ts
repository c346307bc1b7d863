/** Session files of Codex: `~/.codex/sessions/YYYY/MM/DD/rollout-<time>-<thread>.jsonl`. A sub-agent has a file of its own. */
import { wordsOf } from '../../core/activity.js';
import { clip } from '../../core/fields.js';
import { normalizeTime } from '../../core/time.js';
import { told } from '../claude/stream.js';
import type { ThreadTokens } from './usage.js';
import { createThreadTokens } from './usage.js';
import type { FileChange } from './stream.js';
import { countDiff, editTitle, tellAgents, threadUsage, unwrapShell } from './stream.js';
import type { History } from '../../formats/history.js';
import type { Json } from '../../formats/json.js';
import { finiteOf, objectOf, objectsOf, parseObject, plainError, stringOf } from '../../formats/json.js';
import type { ReportedOutcome, Parser, ParserOptions, StreamEvent } from '../../formats/parser.js';
import type { AgentRecorder } from '../recorder.js';
import { createAgentRecorder } from '../recorder.js';
import { NO_USAGE } from '../usage.js';

export function isCodexRolloutLine(line: Json): boolean {
  return line['type'] === 'session_meta' && typeof objectOf(line['payload'])?.['id'] === 'string';
}

/** Known, and told better by another line. */
const QUIET: ReadonlySet<string> = new Set([
  ...['world_state', 'thread_settings_applied', 'message', 'reasoning'],
  ...['agent_reasoning_section_break', 'agent_message_delta', 'exec_command_begin', 'exec_command_output_delta'],
]);

interface Rollout {
  trace: AgentRecorder;
  tokens: ThreadTokens;
  session: string | undefined;
  model: string | undefined;
  /** Started for one turn: by `codex exec`, or by another agent. */
  isOneTurn: boolean;
  /** Calls that were cut off: their items come behind the end of the turn. */
  aborted: Set<string>;
}

/** In one turn. */
const MAX_ABORTED = 1_000;
/** What the model is told of a call that somebody has stopped. */
const ABORTED = /^aborted by user/m;

export function createCodexRollout({ step, findHistory }: ParserOptions = {}): Parser {
  const trace = createAgentRecorder(step);
  const rollout: Rollout = {
    ...{ trace, tokens: createThreadTokens(), session: undefined },
    ...{ model: undefined, isOneTurn: false, aborted: new Set() },
  };
  let history: History | undefined;
  let isFirst = true;
  return {
    line(text) {
      const line = parseObject(text);
      const payload = objectOf(line?.['payload']);
      if (!line || !payload) return undefined;
      if (isFirst) history = findHistory?.(line);
      isFirst = false;
      if (history?.isCopied(line)) {
        skipCopied(rollout.tokens, line, payload);
        return [];
      }
      const type = stringOf(line['type']) ?? '';
      const tell = LINES.get(`${type}/${stringOf(payload['type']) ?? ''}`) ?? LINES.get(type);
      if (!tell) return QUIET.has(type) || QUIET.has(stringOf(payload['type']) ?? '') ? [] : undefined;
      tell(rollout, payload);
      const time = normalizeTime(stringOf(line['timestamp']) ?? '');
      return trace.take().map((event): StreamEvent => (time === undefined ? event : { ...event, time }));
    },
    end(status) {
      tellTokens(rollout);
      return trace.end(status);
    },
    get claim() {
      return trace.claim;
    },
    get isOver() {
      return rollout.isOneTurn && trace.claim !== undefined;
    },
  };
}

function tellTokens({ trace, tokens }: Rollout): void {
  const left = tokens.take();
  if (Object.keys(left).length > 0) trace.activity('usage', left);
}

/** The parent's tokens are the base that the fork's own sums begin at. */
function skipCopied(tokens: ThreadTokens, line: Json, payload: Json): void {
  const total = objectOf(payload['info'])?.['total_token_usage'];
  if (line['type'] === 'token_usage_record') tokens.response(stringOf(payload['response_id']), NO_USAGE);
  else if (payload['type'] === 'token_count' && total !== undefined) tokens.total(threadUsage(total));
  tokens.disown();
}

type Tell = (rollout: Rollout, payload: Json) => void;

const LINES: ReadonlyMap<string, Tell> = new Map<string, Tell>([
  [
    'session_meta',
    (rollout, payload) => {
      const { trace } = rollout;
      // a fork repeats the record of the session that it continues
      if (rollout.session !== undefined && rollout.session !== payload['id']) return;
      rollout.session = stringOf(payload['id']);
      trace.cwd = stringOf(payload['cwd']);
      const subagent = objectOf(payload['source'])?.['subagent'];
      rollout.isOneTurn = payload['source'] === 'exec' || subagent !== undefined;
      const spawned = objectOf(objectOf(subagent)?.['thread_spawn']);
      trace.activity('init', {
        agent: 'codex',
        ...told({
          session: payload['id'],
          cwd: payload['cwd'],
          version: payload['cli_version'],
          parentSession: payload['parent_thread_id'] ?? spawned?.['parent_thread_id'],
          forkedFrom: payload['forked_from_id'],
        }),
      });
    },
  ],
  [
    'turn_context',
    (rollout, payload) => {
      const model = stringOf(payload['model']);
      if (model === undefined || model === rollout.model) return;
      rollout.model = model;
      rollout.trace.activity('init', { agent: 'codex', model });
    },
  ],
  [
    'compacted',
    (rollout) => {
      rollout.trace.log('info', 'the context is compacted');
      tellTokens(rollout);
    },
  ],
  [
    'token_usage_record',
    ({ tokens }, payload) => tokens.response(stringOf(payload['response_id']), threadUsage(payload['usage'])),
  ],
  ['response_item/function_call', ({ trace }, payload) => call(trace, payload, parseArguments(payload['arguments']))],
  ['response_item/custom_tool_call', ({ trace }, payload) => call(trace, payload, payload['input'])],
  ['response_item/local_shell_call', ({ trace }, payload) => call(trace, payload, payload['action'])],
  ['response_item/function_call_output', returned],
  ['response_item/custom_tool_call_output', returned],
  [
    'event_msg/task_started',
    ({ trace, aborted }) => {
      trace.claim = undefined;
      aborted.clear();
    },
  ],
  ['event_msg/user_message', ({ trace }, payload) => trace.say('prompt', payload['message'], '/payload/message')],
  [
    'event_msg/agent_message',
    ({ trace }, payload) => trace.say('assistant-text', payload['message'], '/payload/message'),
  ],
  ['event_msg/agent_reasoning', ({ trace }, payload) => trace.say('thinking', payload['text'], '/payload/text')],
  [
    'event_msg/item_completed',
    ({ trace, aborted }, payload) => {
      const item = objectOf(payload['item']) ?? {};
      if (!aborted.has(stringOf(item['id']) ?? '')) tellItem(trace, item, payload);
    },
  ],
  ['event_msg/error', ({ trace }, payload) => trace.log('error', stringOf(payload['message']) ?? 'error')],
  ['event_msg/stream_error', ({ trace }, payload) => trace.log('warning', stringOf(payload['message']) ?? 'error')],
  [
    'event_msg/token_count',
    (rollout, payload) => {
      const total = objectOf(payload['info'])?.['total_token_usage'];
      if (total === undefined) return;
      rollout.tokens.total(threadUsage(total));
      // between turns no end of a turn tells them
      if (rollout.trace.claim !== undefined) tellTokens(rollout);
    },
  ],
  [
    'event_msg/task_complete',
    ({ trace, tokens }, payload) => {
      const words = payload['last_agent_message'];
      const summary = stringOf(words);
      const error = stringOf(objectOf(payload['error'])?.['message']);
      const claim: ReportedOutcome =
        error === undefined
          ? { status: 'completed', ...(summary !== undefined && { summary }) }
          : { status: 'failed', error: plainError(error) };
      const data = { ...tokens.take(), ...durationOf(payload) };
      trace.finish(claim, data, { words, at: '/payload/last_agent_message' });
      if (claim.error !== undefined) trace.log('error', claim.error);
    },
  ],
  [
    'event_msg/turn_aborted',
    ({ trace, tokens }, payload) => {
      const error = stringOf(payload['reason']) ?? 'aborted';
      trace.finish({ status: 'cancelled', error }, { ...tokens.take(), ...durationOf(payload) }, undefined);
    },
  ],
]);

function durationOf(payload: Json): { durationMs?: number } {
  const durationMs = finiteOf(payload['duration_ms']);
  return durationMs === undefined ? {} : { durationMs };
}

function parseArguments(text: unknown): unknown {
  return parseObject(stringOf(text) ?? '') ?? text;
}

function call(trace: AgentRecorder, payload: Json, input: unknown): void {
  const id = stringOf(payload['call_id']) ?? stringOf(payload['id']);
  const name = stringOf(payload['name']) ?? 'shell';
  const fields = objectOf(input);
  const command = fields?.['cmd'] ?? fields?.['command'];
  if (name === 'apply_patch' && typeof input === 'string') callPatch(trace, id, input);
  else if (command !== undefined) trace.call({ id, tool: 'Bash', input: { command: unwrapShell(command) } });
  else trace.call({ id, tool: name, input });
}

/** A patch as the model writes it. */
export function callPatch(trace: AgentRecorder, id: string | undefined, patch: string): void {
  trace.call({ id, tool: 'Edit', input: patch, title: editTitle(patchChanges(patch), trace.cwd) });
}

/** The files of a patch. */
function patchChanges(patch: string): FileChange[] {
  return patch
    .split(/^\*\*\* (?=Add File: |Update File: |Delete File: )/m)
    .slice(1)
    .map((part) => {
      const [head = '', ...body] = part.split('\n');
      const [word = '', path = '?'] = head.split(' File: ');
      return { path, kind: word.toLowerCase(), ...countDiff(body.join('\n')) };
    });
}

/** What the model was given. Where an item has told the outcome before, there is nothing to add. */
function returned({ trace, aborted }: Rollout, payload: Json): void {
  const id = stringOf(payload['call_id']);
  if (id === undefined || !trace.isOpen(id)) return;
  const output = wordsOf(payload['output']) ?? wordsOf(objectOf(payload['output'])?.['content']);
  if (ABORTED.test(output?.slice(0, 400) ?? '')) {
    if (aborted.size < MAX_ABORTED) aborted.add(id);
    return trace.result({ id, words: output, at: '/payload/output', status: 'cancelled' });
  }
  const [, code] = /^(?:Process exited with code|Exit code:) (\d+)/m.exec(output?.slice(0, 400) ?? '') ?? [];
  const error = code === undefined || code === '0' ? undefined : `exit ${code}`;
  trace.result({ id, words: output, at: '/payload/output', error });
}

function tellItem(trace: AgentRecorder, item: Json, payload: Json): void {
  const id = stringOf(item['id']);
  switch (item['type']) {
    case 'UserMessage':
      return trace.say('prompt', item['content'], '/payload/item/content');
    case 'AgentMessage':
      return trace.say('assistant-text', item['content'], '/payload/item/content');
    case 'Reasoning':
      return trace.say('thinking', item['summary_text'], '/payload/item/summary_text');
    case 'CollabAgentToolCall':
      tellAgents(trace, item);
      return finish(trace, item, payload, undefined);
    case 'CommandExecution': {
      const exitCode = finiteOf(item['exit_code']);
      if (id !== undefined && !trace.isOpen(id)) {
        trace.call({ id, tool: 'Bash', input: { command: unwrapShell(item['command']) } });
      }
      return finish(trace, item, payload, exitCode === undefined || exitCode === 0 ? undefined : `exit ${exitCode}`);
    }
    case 'Plan':
    case 'TodoList':
      return trace.plan(
        objectsOf(item['items'] ?? item['plan']).map((todo) => ({
          name: clip(stringOf(todo['text']) ?? stringOf(todo['step']) ?? '?', 200),
          status: todo['completed'] === true || todo['status'] === 'completed' ? 'completed' : 'pending',
        })),
      );
    default:
      return finish(trace, item, payload, stringOf(objectOf(item['error'])?.['message']));
  }
}

function finish(trace: AgentRecorder, item: Json, payload: Json, failure: string | undefined): void {
  const id = stringOf(item['id']);
  if (id === undefined || !trace.isOpen(id)) return;
  const status = stringOf(item['status']);
  const error = failure ?? (status === 'failed' || status === 'declined' ? status : undefined);
  const [begun, ended] = [finiteOf(payload['started_at_ms']), finiteOf(payload['completed_at_ms'])];
  const { secs, nanos } = objectOf(item['duration']) ?? {};
  const told = finiteOf(secs) === undefined ? undefined : Number(secs) * 1_000 + (finiteOf(nanos) ?? 0) / 1e6;
  const [words, at] =
    item['aggregated_output'] === undefined
      ? [item['stdout'], 'stdout']
      : [item['aggregated_output'], 'aggregated_output'];
  trace.result({
    id,
    words,
    at: `/payload/item/${at}`,
    error,
    durationMs: told ?? (begun === undefined || ended === undefined ? undefined : ended - begun),
  });
}
