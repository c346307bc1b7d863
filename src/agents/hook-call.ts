/** One call of an agent's hook, as hooks/claude-plugin/agent-hook leaves it in the spool. */
import type { EventData } from '../core/event.js';
import { numberOf, textOf } from '../core/event.js';
import { isIdentifier } from '../core/identifier.js';
import { normalizeTime } from '../core/time.js';
import { parsePartialObject } from '../formats/partial-json.js';
import type { Json } from '../formats/json.js';
import { objectOf, stringOf } from '../formats/json.js';

/** The type of such a line. */
export const HOOK_TYPE = 'agent_hook';

export interface HookCall {
  /** `claude`, `codex`, `gemini`... */
  agent: string;
  session: string;
  /** What has happened, in the agent's own words. */
  event: string;
  /** The sub-agent that it is about, if it is about one. */
  subagent?: string;
  /** RFC 3339, where the agent tells it. */
  time?: string;
  /** What called the hook: the agent itself, or a shell that it has started. */
  pid?: number;
  /** PROGRESS_EXECUTION of the agent: what it was started in. */
  within?: string;
  /** Everything that it tells. */
  fields: Json;
}

/** Undefined: it tells neither what has happened nor in which session. */
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
