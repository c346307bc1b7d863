/** Interprets the hook calls of Claude Code. */
import type { AgentHooks, HookContext, HookToolCall, HookToolResult } from '../hook-actions.js';
import * as common from '../hook-actions.js';
import { objectOf, objectsOf, stringOf } from '../../formats/json.js';
import type { AgentRecorder } from '../recorder.js';
import { firstLine, titleOf } from '../text.js';
import { TURN_FAILED, TURN_OVER } from '../turn.js';
import { ClaudeMessages, QUESTION_TOOLS } from './content.js';

/** Result of a call that the user or a rule has not allowed; the tool did not run. */
const DENIED = /permission|haven't granted|denied|rejected|not allowed|doesn't want|blocked|cancelled/i;
/** Message of a turn that has failed; not all versions have a hook for it. */
const API_ERROR = 'API Error: ';

const EVENTS = {
  SessionStart: common.SESSION_START,
  UserPromptSubmit: common.PROMPT,
  PreToolUse: common.TOOL_CALL,
  PostToolUse: common.TOOL_RESULT,
  PostToolUseFailure: common.TOOL_RESULT,
  PostToolBatch: { mayBeLate: true, record: closeDenied },
  PermissionRequest: { ...common.PERMISSION_REQUEST, record: askPermission },
  PermissionDenied: { mayBeLate: true, record: logDenied },
  Notification: common.NOTIFICATION,
  Elicitation: {
    isPause: true,
    record: ({ recorder, fields }: HookContext) => recorder.wait(stringOf(fields['message']) ?? 'a question'),
  },
  ElicitationResult: {},
  MessageDisplay: { mayBeLate: true, record: recordMessage },
  SubagentStart: common.SUBAGENT_START,
  SubagentStop: common.SUBAGENT_STOP,
  PreCompact: common.COMPACTION,
  Stop: common.TURN_END,
  StopFailure: { isPause: true, record: failTurn },
  SessionEnd: common.SESSION_END,
} as const satisfies AgentHooks['events'];

export type ClaudeEvent = keyof typeof EVENTS;

export const CLAUDE_HOOKS: AgentHooks = {
  events: EVENTS,
  recordCall,
  recordResult,
  unfinished: { type: 'execution_cancelled', data: {} },
  errorOf: (lastLine) => (lastLine.startsWith(API_ERROR) ? lastLine : undefined),
};

function recordCall(recorder: AgentRecorder, { id, name, input, parent }: HookToolCall): void {
  const content = [{ type: 'tool_use', id, name, input }];
  new ClaudeMessages(recorder).assistant({ message: { content }, parent_tool_use_id: parent });
}

function recordResult(recorder: AgentRecorder, result: HookToolResult): void {
  const { id, content: text, error, parent, durationMs, response } = result;
  const content = [{ type: 'tool_result', tool_use_id: id, content: text, is_error: error !== undefined }];
  const details = { totalDurationMs: durationMs, ...objectOf(response) };
  new ClaudeMessages(recorder).user({ message: { content }, tool_use_result: details, parent_tool_use_id: parent });
}

function askPermission(context: HookContext): void {
  const { fields, recorder, known } = context;
  // the call of such a tool has asked its question already
  if (known?.attention?.state === 'waiting' && QUESTION_TOOLS.has(stringOf(fields['tool_name']) ?? '')) return;
  recorder.wait(common.permissionQuestion(titleOf(fields, recorder.cwd)));
}

function logDenied({ recorder, fields }: HookContext): void {
  recorder.log('warning', `denied: ${titleOf(fields, recorder.cwd)}: ${stringOf(fields['reason']) ?? ''}`);
}

/** Closes the calls of a batch that were denied; no other hook reports their end. */
function closeDenied({ fields, recorder, known }: HookContext): void {
  for (const each of objectsOf(fields['tool_calls'])) {
    const id = stringOf(each['tool_use_id']);
    const step = id === undefined ? undefined : known?.steps.get(id);
    const content = common.responseText(each['tool_response']);
    if (step?.status !== 'running' || content === undefined || !DENIED.test(content)) continue;
    recorder.result({ id, content, error: firstLine(content) });
  }
}

/** Records a message, unless the end of its turn was earlier and has included it. */
function recordMessage({ recorder, fields, known }: HookContext): void {
  const text = stringOf(fields['delta'])?.trim() ?? '';
  const isLate = known?.attention?.state === 'waiting' && known.attention.reason?.startsWith(TURN_OVER) === true;
  if (isLate && text.split('\n').every((line) => known.tail.includes(line))) return;
  recorder.message('assistant-text', text);
}

function failTurn({ recorder, fields }: HookContext): void {
  const texts = ['error', 'error_details', 'last_assistant_message'].map((key) => stringOf(fields[key]));
  const details = texts.filter((text) => text !== undefined && text !== '' && text !== 'unknown');
  const reason = [...new Set(details)].join(': ');
  recorder.log('error', reason);
  recorder.wait(TURN_FAILED + reason);
}
