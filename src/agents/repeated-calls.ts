/** Deduplicates hook calls that were delivered more than once: two settings files, or settings and a plugin, name the hook. */
import { createHash } from 'node:crypto';
import { evictOldest } from '../core/base/evict.js';
import { stringOf } from '../formats/json.js';
import type { HookCall } from './hook-call.js';
import { hookEventOf } from './registry.js';

/** Position of a line in the spool, and when it was written. */
export interface CallOrigin {
  source: string | undefined;
  n: number | undefined;
  /** Unix milliseconds; undefined if only the time of the file is known. */
  time: number | undefined;
}

interface SeenCall extends CallOrigin {
  phase: number;
}

interface Session {
  /** Counts the changes between working and waiting for the user. */
  phase: number;
  isWaiting: boolean;
  calls: Map<string, SeenCall>;
}

const MAX_SESSIONS = 256;
const MAX_CALLS = 256;
/** Copies of one call are delivered within this time; a user takes longer to repeat a prompt. */
const COPIES_MS = 2_000;
/** Fields that differ between any two calls. */
const IDS = ['tool_use_id', 'message_id', 'tool_calls', 'timestamp'] as const;
const PROMPT_IDS = ['prompt_id', 'turn_id'] as const;

export class RepeatedCalls {
  readonly #sessions = new Map<string, Session>();

  /**
   * Whether a call is a copy. Two calls with the same content are one if they have an ID, or if the session has not
   * changed between working and waiting since the first one. Reading the same line again is no copy.
   */
  isRepeated(call: HookCall, origin: CallOrigin): boolean {
    const session = this.#sessionOf(call);
    const isPause = hookEventOf(call.agent, call.event).isPause === true;
    const key = createHash('sha1')
      .update(JSON.stringify([call.event, call.fields]))
      .digest('base64');
    const seen = session.calls.get(key);
    const isSameLine =
      seen !== undefined && seen.source === origin.source && seen.n === origin.n && origin.n !== undefined;
    if (seen && !isSameLine && (hasId(call) || seen.phase === session.phase || isSoon(seen, origin))) return true;
    // another process continues the session, so its calls are no copies of earlier ones
    if (call.event === 'SessionStart') session.calls.clear();
    if (isPause !== session.isWaiting) session.phase++;
    session.isWaiting = isPause;
    session.calls.delete(key);
    session.calls.set(key, { ...origin, phase: session.phase });
    evictOldest(session.calls, MAX_CALLS);
    return false;
  }

  #sessionOf({ agent, session }: HookCall): Session {
    const key = `${agent} ${session}`;
    const found = this.#sessions.get(key) ?? { phase: 0, isWaiting: false, calls: new Map<string, SeenCall>() };
    this.#sessions.delete(key);
    this.#sessions.set(key, found);
    evictOldest(this.#sessions, MAX_SESSIONS);
    return found;
  }
}

function hasId({ event, fields }: HookCall): boolean {
  if (IDS.some((name) => fields[name] !== undefined)) return true;
  return event === 'UserPromptSubmit' && PROMPT_IDS.some((name) => stringOf(fields[name]) !== undefined);
}

function isSoon({ time: first }: CallOrigin, { time }: CallOrigin): boolean {
  return first !== undefined && time !== undefined && Math.abs(time - first) < COPIES_MS;
}
