/** Reads one call of an agent's hook, as hooks/claude-plugin/agent-hook writes it to the spool. */
import type { EventData } from '../core/events/event.js';
import { numberOf, textOf } from '../core/events/event.js';
import { isIdentifier } from '../core/events/identifier.js';
import { normalizeTime } from '../core/text/time.js';
import { parsePartialObject } from '../formats/partial-json.js';
import type { Json } from '../formats/json.js';
import { objectOf, stringOf } from '../formats/json.js';

/** Type of the spool line of a hook call. */
export const HOOK_TYPE = 'agent_hook';

export interface HookCall {
  /** Name of the agent; `claude`, `codex` or `gemini` if progress has set the hook. */
  agent: string;
  session: string;
  /** The agent's name of the hook event. */
  event: string;
  /** ID of the sub-agent that the event is about. */
  subagent?: string;
  /** RFC 3339, if the payload has it. */
  time?: string;
  /** Process that called the hook: the agent, or a shell that it started. */
  pid?: number;
  /** PROGRESS_EXECUTION of the agent: the execution that started it. */
  within?: string;
  /** The payload. */
  fields: Json;
}

/** @returns undefined if the payload has no session or no event */
export function readHookCall(data: EventData): HookCall | undefined {
  const fields = objectOf(data['payload']) ?? parsePartialObject(fromHex(data['beginning']), fromHex(data['end']));
  const [session, event] = [fields['session_id'], stringOf(fields['hook_event_name'])];
  if (!isIdentifier(session) || event === undefined) return undefined;
  const call: HookCall = { agent: textOf(data, 'agent') ?? 'agent', session, event, fields };
  const subagent = fields['agent_id'];
  const time = normalizeTime(stringOf(fields['timestamp']) ?? '');
  const pid = numberOf(data, 'pid');
  const within = data['within'];
  if (isIdentifier(subagent)) call.subagent = subagent;
  if (time !== undefined) call.time = time;
  if (pid !== undefined) call.pid = pid;
  if (isIdentifier(within)) call.within = within;
  return call;
}

function fromHex(value: unknown): string {
  return typeof value === 'string' ? Buffer.from(value, 'hex').toString('utf8') : '';
}
