/** Interprets the hook calls of Gemini CLI. */
import type { AgentHooks } from '../hook-actions.js';
import * as common from '../hook-actions.js';
import { recordToolCall } from './tools.js';

export const GEMINI_HOOKS: AgentHooks = {
  // without those of the model: each piece of text calls one, with the whole conversation
  events: {
    SessionStart: common.SESSION_START,
    BeforeAgent: common.PROMPT,
    BeforeTool: common.TOOL_CALL,
    AfterTool: common.TOOL_RESULT,
    AfterAgent: common.TURN_END,
    Notification: common.NOTIFICATION,
    SessionEnd: common.SESSION_END,
  },
  recordCall: (recorder, { id, name, input }) => recordToolCall(recorder, id, name, input),
  recordResult: common.recordToolResult,
  unfinished: common.LOST,
};
