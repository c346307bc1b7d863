/** Interprets the hook calls of Codex, which has names and fields of Claude Code. */
import { objectOf, stringOf } from '../../formats/json.js';
import type { AgentHooks, HookToolCall } from '../hook-actions.js';
import * as common from '../hook-actions.js';
import type { AgentRecorder } from '../recorder.js';
import { toolName } from '../text.js';
import { recordPatch } from './items.js';

export const CODEX_HOOKS: AgentHooks = {
  events: {
    SessionStart: common.SESSION_START,
    UserPromptSubmit: common.PROMPT,
    PreToolUse: common.TOOL_CALL,
    PermissionRequest: common.PERMISSION_REQUEST,
    PostToolUse: common.TOOL_RESULT,
    PreCompact: common.COMPACTION,
    Stop: common.TURN_END,
    SubagentStart: common.SUBAGENT_START,
    SubagentStop: common.SUBAGENT_STOP,
    Interrupt: common.INTERRUPTION,
    SessionEnd: common.SESSION_END,
  },
  recordCall,
  recordResult: common.recordToolResult,
  unfinished: { ...common.LOST, type: 'execution_failed' },
};

function recordCall(recorder: AgentRecorder, { id, name, input, parent }: HookToolCall): void {
  const patch = stringOf(objectOf(input)?.['command']);
  if (name === 'apply_patch' && patch !== undefined) recordPatch(recorder, id, patch);
  else recorder.call({ id, tool: toolName(name), input: objectOf(input) ?? {}, parent });
}
