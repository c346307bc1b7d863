/** Interprets the records of a session file of Codex, by their type and that of their payload. */
import { wordsOf } from '../../core/events/activity.js';
import { clip } from '../../core/events/fields.js';
import type { Json } from '../../formats/json.js';
import { finiteOf, objectOf, objectsOf, parseObject, plainError, stringOf } from '../../formats/json.js';
import type { ReportedOutcome } from '../../formats/parser.js';
import type { AgentRecorder } from '../recorder.js';
import { stringsIn } from '../text.js';
import { exitError, itemError, recordPatch, recordSubagents, threadUsage, unwrapShell } from './items.js';
import type { ThreadTokens } from './usage.js';

/** State of one file. */
export interface Rollout {
  recorder: AgentRecorder;
  tokens: ThreadTokens;
  session: string | undefined;
  model: string | undefined;
  /** Started for one turn, by `codex exec` or by another agent. */
  isOneTurn: boolean;
  /** Interrupted calls; their items follow the end of the turn. */
  aborted: Set<string>;
}

type RecordPayload = (rollout: Rollout, payload: Json) => void;

/** Interrupted calls of one turn that are remembered. */
const MAX_ABORTED = 1_000;
/** Result of a call that the user has interrupted. */
const ABORTED = /^aborted by user/m;
/** Beginning of an output that has its exit status. */
const HEAD_CHARS = 400;
const PLAN_ITEM_CHARS = 200;

/** By `type`, or `type/payload type`, which has precedence. */
export const RECORDS: ReadonlyMap<string, RecordPayload> = new Map<string, RecordPayload>([
  ['session_meta', recordSession],
  ['turn_context', recordModel],
  ['compacted', recordCompaction],
  ['token_usage_record', recordResponseUsage],
  [
    'response_item/function_call',
    ({ recorder }, payload) => recordCall(recorder, payload, readArguments(payload['arguments'])),
  ],
  ['response_item/custom_tool_call', ({ recorder }, payload) => recordCall(recorder, payload, payload['input'])],
  ['response_item/local_shell_call', ({ recorder }, payload) => recordCall(recorder, payload, payload['action'])],
  ['response_item/function_call_output', recordOutput],
  ['response_item/custom_tool_call_output', recordOutput],
  ['event_msg/task_started', startTurn],
  [
    'event_msg/user_message',
    ({ recorder }, payload) => recorder.message('prompt', payload['message'], '/payload/message'),
  ],
  [
    'event_msg/agent_message',
    ({ recorder }, payload) => recorder.message('assistant-text', payload['message'], '/payload/message'),
  ],
  [
    'event_msg/agent_reasoning',
    ({ recorder }, payload) => recorder.message('thinking', payload['text'], '/payload/text'),
  ],
  ['event_msg/item_completed', recordItem],
  ['event_msg/error', ({ recorder }, payload) => recorder.log('error', stringOf(payload['message']) ?? 'error')],
  [
    'event_msg/stream_error',
    ({ recorder }, payload) => recorder.log('warning', stringOf(payload['message']) ?? 'error'),
  ],
  ['event_msg/token_count', recordTotal],
  ['event_msg/task_complete', completeTurn],
  ['event_msg/turn_aborted', abortTurn],
]);

/** Records the usage that no event has yet. */
export function recordUsage({ recorder, tokens }: Rollout): void {
  const usage = tokens.take();
  if (Object.keys(usage).length > 0) recorder.activity('usage', usage);
}

function recordSession(rollout: Rollout, payload: Json): void {
  // a fork repeats the record of the session that it continues
  if (rollout.session !== undefined && rollout.session !== payload['id']) return;
  const { recorder } = rollout;
  rollout.session = stringOf(payload['id']);
  recorder.cwd = stringOf(payload['cwd']);
  const subagent = objectOf(payload['source'])?.['subagent'];
  rollout.isOneTurn = payload['source'] === 'exec' || subagent !== undefined;
  const spawned = objectOf(objectOf(subagent)?.['thread_spawn']);
  const init = stringsIn({
    session: payload['id'],
    cwd: payload['cwd'],
    version: payload['cli_version'],
    parentSession: payload['parent_thread_id'] ?? spawned?.['parent_thread_id'],
    forkedFrom: payload['forked_from_id'],
  });
  recorder.activity('init', { agent: 'codex', ...init });
}

function recordModel(rollout: Rollout, payload: Json): void {
  const model = stringOf(payload['model']);
  if (model === undefined || model === rollout.model) return;
  rollout.model = model;
  rollout.recorder.activity('init', { agent: 'codex', model });
}

function recordCompaction(rollout: Rollout): void {
  rollout.recorder.log('info', 'the context is compacted');
  recordUsage(rollout);
}

function recordResponseUsage({ tokens }: Rollout, payload: Json): void {
  tokens.response(stringOf(payload['response_id']), threadUsage(payload['usage']));
}

function recordTotal(rollout: Rollout, payload: Json): void {
  const total = objectOf(payload['info'])?.['total_token_usage'];
  if (total === undefined) return;
  rollout.tokens.total(threadUsage(total));
  // between turns, no end of a turn follows that could report it
  if (rollout.recorder.claim !== undefined) recordUsage(rollout);
}

function startTurn({ recorder, aborted }: Rollout): void {
  recorder.claim = undefined;
  aborted.clear();
}

function completeTurn({ recorder, tokens }: Rollout, payload: Json): void {
  const content = payload['last_agent_message'];
  const summary = stringOf(content);
  const error = stringOf(objectOf(payload['error'])?.['message']);
  const claim: ReportedOutcome =
    error === undefined
      ? { status: 'completed', ...(summary !== undefined && { summary }) }
      : { status: 'failed', error: plainError(error) };
  const data = { ...tokens.take(), ...durationOf(payload) };
  recorder.finish(claim, data, { content, at: '/payload/last_agent_message' });
  if (claim.error !== undefined) recorder.log('error', claim.error);
}

function abortTurn({ recorder, tokens }: Rollout, payload: Json): void {
  const error = stringOf(payload['reason']) ?? 'aborted';
  recorder.finish({ status: 'cancelled', error }, { ...tokens.take(), ...durationOf(payload) });
}

function durationOf(payload: Json): { durationMs?: number } {
  const durationMs = finiteOf(payload['duration_ms']);
  return durationMs === undefined ? {} : { durationMs };
}

function readArguments(text: unknown): unknown {
  return parseObject(stringOf(text) ?? '') ?? text;
}

function recordCall(recorder: AgentRecorder, payload: Json, input: unknown): void {
  const id = stringOf(payload['call_id']) ?? stringOf(payload['id']);
  const name = stringOf(payload['name']) ?? 'shell';
  const fields = objectOf(input);
  const command = fields?.['cmd'] ?? fields?.['command'];
  if (name === 'apply_patch' && typeof input === 'string') recordPatch(recorder, id, input);
  else if (command !== undefined) recorder.call({ id, tool: 'Bash', input: { command: unwrapShell(command) } });
  else recorder.call({ id, tool: name, input });
}

/** Records the output of a call as the model has received it, unless an item has reported the outcome before. */
function recordOutput({ recorder, aborted }: Rollout, payload: Json): void {
  const id = stringOf(payload['call_id']);
  if (id === undefined || !recorder.isOpen(id)) return;
  const output = wordsOf(payload['output']) ?? wordsOf(objectOf(payload['output'])?.['content']);
  const head = output?.slice(0, HEAD_CHARS) ?? '';
  const result = { id, content: output, at: '/payload/output' };
  if (ABORTED.test(head)) {
    if (aborted.size < MAX_ABORTED) aborted.add(id);
    return recorder.result({ ...result, status: 'cancelled' });
  }
  const [, code] = /^(?:Process exited with code|Exit code:) (\d+)/m.exec(head) ?? [];
  recorder.result({ ...result, error: code === undefined || code === '0' ? undefined : `exit ${code}` });
}

function recordItem({ recorder, aborted }: Rollout, payload: Json): void {
  const item = objectOf(payload['item']) ?? {};
  const id = stringOf(item['id']);
  if (aborted.has(id ?? '')) return;
  switch (item['type']) {
    case 'UserMessage':
      return recorder.message('prompt', item['content'], '/payload/item/content');
    case 'AgentMessage':
      return recorder.message('assistant-text', item['content'], '/payload/item/content');
    case 'Reasoning':
      return recorder.message('thinking', item['summary_text'], '/payload/item/summary_text');
    case 'CollabAgentToolCall':
      recordSubagents(recorder, item);
      return finishItem(recorder, item, payload, undefined);
    case 'CommandExecution':
      if (id !== undefined && !recorder.isOpen(id)) {
        recorder.call({ id, tool: 'Bash', input: { command: unwrapShell(item['command']) } });
      }
      return finishItem(recorder, item, payload, exitError(finiteOf(item['exit_code'])));
    case 'Plan':
    case 'TodoList':
      return recordPlan(recorder, item);
    default:
      return finishItem(recorder, item, payload, stringOf(objectOf(item['error'])?.['message']));
  }
}

function recordPlan(recorder: AgentRecorder, item: Json): void {
  recorder.plan(
    objectsOf(item['items'] ?? item['plan']).map((todo) => ({
      name: clip(stringOf(todo['text']) ?? stringOf(todo['step']) ?? '?', PLAN_ITEM_CHARS),
      status: todo['completed'] === true || todo['status'] === 'completed' ? 'completed' : 'pending',
    })),
  );
}

function finishItem(recorder: AgentRecorder, item: Json, payload: Json, reason: string | undefined): void {
  const id = stringOf(item['id']);
  if (id === undefined || !recorder.isOpen(id)) return;
  const output = item['aggregated_output'] === undefined ? 'stdout' : 'aggregated_output';
  recorder.result({
    id,
    content: item[output],
    at: `/payload/item/${output}`,
    error: itemError(item, reason),
    durationMs: itemDuration(item, payload),
  });
}

function itemDuration(item: Json, payload: Json): number | undefined {
  const { secs, nanos } = objectOf(item['duration']) ?? {};
  if (finiteOf(secs) !== undefined) return Number(secs) * 1_000 + (finiteOf(nanos) ?? 0) / 1e6;
  const [startedAt, endedAt] = [finiteOf(payload['started_at_ms']), finiteOf(payload['completed_at_ms'])];
  return startedAt === undefined || endedAt === undefined ? undefined : endedAt - startedAt;
}
