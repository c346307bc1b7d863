/** Records the hook events that agents have in common: prompts, tool calls, questions, sub-agents, ends of turns. */
import { wordsOf } from '../core/events/activity.js';
import type { EventData } from '../core/events/event.js';
import type { Execution, Step } from '../core/execution.js';
import { isFinal } from '../core/execution.js';
import { clip } from '../core/events/fields.js';
import type { Json } from '../formats/json.js';
import { finiteOf, objectOf, stringOf } from '../formats/json.js';
import type { HookCall } from './hook-call.js';
import type { AgentRecorder, ToolResult } from './recorder.js';
import { firstLine, titleOf } from './text.js';
import { TURN_OVER, TURN_STOPPED } from './turn.js';

/** One call, and what is known of its session. */
export interface HookContext {
  hooks: AgentHooks;
  call: HookCall;
  /** The payload of the call. */
  fields: Json;
  recorder: AgentRecorder;
  /** The session so far; undefined before its start. */
  known: Execution | undefined;
}

/** Meaning of one hook event. */
export interface HookEvent {
  record?: (context: HookContext) => void;
  /** It can start a session that is unknown or has ended; other events may be late ones of a session that has ended. */
  startsSession?: true;
  /** It may arrive after the end of its turn, because hooks run asynchronously; it starts no new turn then. */
  mayBeLate?: true;
  /** It does not show that a question was answered. */
  isNoAnswer?: true;
  /** It is the result of a tool call. */
  isResult?: true;
  /** The agent waits for the user after it. */
  isPause?: true;
}

/** End of an execution, as an event. */
export interface ExecutionEnd {
  type: 'execution_completed' | 'execution_failed' | 'execution_cancelled' | 'execution_lost';
  data: EventData;
}

export interface HookToolCall {
  id: string;
  name: string;
  input: unknown;
  parent: string | undefined;
}

export type HookToolResult = ToolResult & { id: string; content: string; response: unknown };

/** What the hook calls of one agent mean. */
export interface AgentHooks {
  /** By the agent's name of the event. */
  events: Readonly<Record<string, HookEvent | undefined>>;
  recordCall: (recorder: AgentRecorder, call: HookToolCall) => void;
  recordResult: (recorder: AgentRecorder, result: HookToolResult) => void;
  /** End of a session that ends in the middle of a turn. */
  unfinished: ExecutionEnd;
  /** Reads the error of a turn from the last line of output, for versions without a hook for failed turns. */
  errorOf?: (lastLine: string) => string | undefined;
}

/** Beginning of the question whether a tool may be used. */
export const PERMISSION_PREFIX = 'may it use ';
/** Kinds of notifications that need an answer. */
const QUESTIONS = /permission|idle_prompt|elicitation_(?:url_)?dialog|needs_input/i;
const TOOL_NAME_CHARS = 64;

/** End of a session whose agent does not say what it means to end in the middle of a turn. */
export const LOST: ExecutionEnd = {
  type: 'execution_lost',
  data: { error: 'the session ended in the middle of its turn' },
};

export const SESSION_START: HookEvent = { startsSession: true };
export const SESSION_END: HookEvent = { isNoAnswer: true, isPause: true };
export const PROMPT: HookEvent = {
  startsSession: true,
  record: ({ recorder, fields }) => recorder.message('prompt', fields['prompt']),
};
export const TOOL_CALL: HookEvent = {
  startsSession: true,
  record: (context) => recordCall(context, stringOf(context.fields['tool_use_id']) ?? newToolId(context)),
};
export const TOOL_RESULT: HookEvent = { mayBeLate: true, isResult: true, record: recordResult };
export const PERMISSION_REQUEST: HookEvent = {
  startsSession: true,
  isNoAnswer: true,
  isPause: true,
  record: ({ fields, recorder }) => recorder.wait(permissionQuestion(titleOf(fields, recorder.cwd))),
};
export const NOTIFICATION: HookEvent = { isNoAnswer: true, isPause: true, record: notify };
export const SUBAGENT_START: HookEvent = { mayBeLate: true, record: startSubagent };
export const SUBAGENT_STOP: HookEvent = { isNoAnswer: true, record: stopSubagent };
export const TURN_END: HookEvent = { mayBeLate: true, isPause: true, record: endTurn };
export const INTERRUPTION: HookEvent = { isPause: true, record: ({ recorder }) => recorder.wait(TURN_STOPPED) };
export const COMPACTION: HookEvent = {
  mayBeLate: true,
  record: ({ recorder }) => recorder.log('info', 'compacting the context'),
};

export function permissionQuestion(title: string): string {
  return `${PERMISSION_PREFIX}${title}?`;
}

/**
 * Whether the session waits because of this participant: a sub-agent, or the session itself. The question of a sub-agent
 * that has ended counts as one of the session.
 */
export function isOwnQuestion({ attention, steps }: Execution, subagent: string | undefined): boolean {
  const asker = attention?.step;
  if (asker === subagent) return true;
  const step = asker === undefined ? undefined : steps.get(asker);
  return subagent === undefined && step !== undefined && isFinal(step.status);
}

/** Records the result of a tool call without further details of the response. */
export function recordToolResult(recorder: AgentRecorder, result: HookToolResult): void {
  recorder.result(result);
}

function recordCall({ call, fields, hooks, recorder, known }: HookContext, id: string): void {
  // delivered twice, for instance by the settings and by a plugin
  if (known?.steps.has(id)) return;
  const name = stringOf(fields['tool_name']) ?? 'tool';
  hooks.recordCall(recorder, { id, name, input: fields['tool_input'], parent: call.subagent });
}

function recordResult(context: HookContext): void {
  const { call, fields, hooks, recorder, known } = context;
  const id = stringOf(fields['tool_use_id']) ?? openTool(context)?.id ?? newToolId(context);
  const step = known?.steps.get(id);
  if (step && isFinal(step.status)) return;
  if (!step) recordCall(context, id);
  const response = fields['tool_response'];
  const content = stringOf(fields['error']) ?? responseText(response) ?? '';
  const isFailed = fields['error'] !== undefined || isFailure(response);
  const error = isFailed ? { error: firstLine(content) } : {};
  const durationMs = finiteOf(objectOf(response)?.['durationMs'] ?? fields['duration_ms']);
  hooks.recordResult(recorder, { id, content, parent: call.subagent, ...error, durationMs, response });
}

/** Creates an ID for a call without one, as those of Gemini CLI, from its time. */
function newToolId({ fields, known }: HookContext): string {
  const name = clip(stringOf(fields['tool_name']) ?? 'tool', TOOL_NAME_CHARS);
  const id = `${name} ${stringOf(fields['timestamp']) ?? '1'}`;
  let free = id;
  for (let number = 2; known?.steps.has(free); number++) free = `${id} ${number}`;
  return free;
}

/** Finds the call of a result without an ID: the first open one with the same input, else with the same tool. */
function openTool({ fields, recorder, known }: HookContext): Step | undefined {
  const prefix = `${clip(stringOf(fields['tool_name']) ?? 'tool', TOOL_NAME_CHARS)} `;
  const open = [...(known?.steps.values() ?? [])].filter(
    ({ id, status }) => status === 'running' && id.startsWith(prefix),
  );
  const subject = titleOf(fields, recorder.cwd).split(': ').slice(1).join(': ');
  return open.find(({ name }) => subject !== '' && name.endsWith(subject)) ?? open[0];
}

/** Returns the text of a tool's response, which each tool of each agent has in another field. */
export function responseText(response: unknown): string | undefined {
  const text = wordsOf(response);
  const fields = objectOf(response);
  if (text !== undefined || !fields) return text;
  const outputs = [stringOf(fields['stdout']), stringOf(fields['stderr'])].filter(
    (output) => output !== undefined && output !== '',
  );
  if (outputs.length > 0) return outputs.join('\n');
  const message = objectOf(fields['error'])?.['message'];
  const { content, returnDisplay, llmContent, file } = fields;
  const candidates = [message, content, returnDisplay, llmContent, objectOf(file)?.['content']];
  return candidates.map(wordsOf).find((candidate) => candidate !== undefined);
}

/** Whether a response is a failure. That of Codex is a text, which begins with the exit status, if it has one. */
function isFailure(response: unknown): boolean {
  if (typeof response === 'string') return /^Exit code: [1-9]/.test(response);
  const fields = objectOf(response);
  return fields?.['error'] !== undefined || fields?.['is_error'] === true;
}

function notify({ fields, recorder, known }: HookContext): void {
  const message = stringOf(fields['message']) ?? '';
  if (!QUESTIONS.test(stringOf(fields['notification_type']) ?? message)) recorder.log('info', message);
  // a known question has more details
  else if (known?.attention?.state !== 'waiting') recorder.wait(message);
}

/** Opens the step of a sub-agent, unless it is known. */
export function startSubagent({ call, fields, recorder, known }: HookContext): void {
  if (call.subagent === undefined || known?.steps.has(call.subagent)) return;
  const kind = stringOf(fields['agent_type']);
  const parent = callOfSubagent(known);
  const name = kind === undefined || kind === '' ? 'sub-agent' : kind;
  recorder.open(call.subagent, { name, kind: 'subagent', ...(parent !== undefined && { parent }) });
}

/** Guesses the call that started a sub-agent, which no hook names: the first open one without a sub-agent. */
function callOfSubagent(known: Execution | undefined): string | undefined {
  const steps = [...(known?.steps.values() ?? [])];
  const taken = new Set(steps.filter(({ kind }) => kind === 'subagent').map(({ parent }) => parent));
  return steps.find(({ id, kind, status }) => kind === 'subagent' && status === 'running' && !taken.has(id))?.id;
}

/** Closes the step of a sub-agent. Internal agents of Claude Code stop without having been started. */
function stopSubagent({ call, fields, recorder, known }: HookContext): void {
  const step = known?.steps.get(call.subagent ?? '');
  if (call.subagent === undefined || step?.status !== 'running') return;
  recorder.message('assistant-text', fields['last_assistant_message']);
  recorder.close(call.subagent, 'completed');
  // the call of a sub-agent in the background has returned before
  const parent = step.parent === undefined ? undefined : known?.steps.get(step.parent);
  if (parent?.kind === 'subagent' && hasReturned(parent, known)) recorder.close(parent.id, 'completed');
}

/** Whether a call has returned: another call, or the user's turn, has followed. */
function hasReturned(step: Step, known: Execution | undefined): boolean {
  const later = [...(known?.steps.values() ?? [])].slice([...(known?.steps.keys() ?? [])].indexOf(step.id) + 1);
  return (
    known?.attention?.state === 'waiting' || later.some(({ parent, kind }) => kind === 'tool' && parent === step.parent)
  );
}

function endTurn({ call, fields, recorder, known }: HookContext): void {
  const text = stringOf(fields['last_assistant_message'] ?? fields['prompt_response'])?.trim() ?? '';
  const lastLine = known?.tail.at(-1);
  if (lastLine === undefined || !text.endsWith(lastLine)) recorder.message('assistant-text', text);
  const tasks = fields['background_tasks'];
  if (call.subagent === undefined && Array.isArray(tasks) && tasks.length === 0) closeTools(recorder, known);
  recorder.finish({ status: 'completed' }, {});
  // the question of a sub-agent is answered before the next prompt
  if (known?.attention?.state === 'waiting' && !isOwnQuestion(known, call.subagent)) return;
  recorder.wait(text === '' ? TURN_OVER : `${TURN_OVER}: ${firstLine(text)}`);
}

/** Cancels the open tool calls: no task runs in the background, so their results are never reported. */
function closeTools(recorder: AgentRecorder, known: Execution | undefined): void {
  for (const { id, kind, status } of known?.steps.values() ?? []) {
    if (status === 'running' && kind === 'tool') recorder.close(id, 'cancelled');
  }
}
