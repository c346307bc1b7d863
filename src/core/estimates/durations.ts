/** Elapsed times of executions and steps. All in milliseconds. */
import type { Execution, Step } from '../execution.js';
import { isFinal } from '../execution.js';

/** Returns when a step ran, in milliseconds since 1970; the producer's duration wins over the start time. */
export function spanOf(step: Step, nowMs: number): { from: number; to: number } | undefined {
  const started = parseInstant(step.startedAt);
  const took = elapsedOf(step, nowMs);
  if (started === undefined || took === undefined) return undefined;
  const ended = isFinal(step.status) ? parseInstant(step.endedAt) : undefined;
  return ended === undefined ? { from: started, to: started + took } : { from: ended - took, to: ended };
}

/** Returns the elapsed time of an execution or step in milliseconds; after its end it no longer depends on `nowMs`. */
export function elapsedOf(item: Execution | Step, nowMs: number): number | undefined {
  if (isFinal(item.status) && item.durationMs !== undefined) return Math.max(0, item.durationMs);
  const started = parseInstant(item.startedAt);
  if (started === undefined) return undefined;
  const until = stoppedAt(item) ?? nowMs;
  return Math.max(0, until - started);
}

/** Returns when the clock stopped: at the end, or at the last activity of a paused execution. */
function stoppedAt(item: Execution | Step): number | undefined {
  if (isFinal(item.status)) return parseInstant(item.endedAt) ?? parseInstant(item.startedAt);
  return item.status === 'paused' && 'lastActivity' in item ? parseInstant(item.lastActivity) : undefined;
}

/** Minimum inactivity that is reported. */
const QUIET_MS = 30_000;

/** Returns the milliseconds since the last activity of a live execution; undefined if that is recent. */
export function quietOf({ status, attention, lastActivity }: Execution, nowMs: number): number | undefined {
  const last = parseInstant(lastActivity);
  if (isFinal(status) || last === undefined) return undefined;
  return attention?.state === 'silent' || nowMs - last >= QUIET_MS ? Math.max(0, nowMs - last) : undefined;
}

/** Returns the milliseconds since 1970 of an RFC 3339 time; undefined if it is absent or invalid. */
export function parseInstant(time: string | undefined): number | undefined {
  const ms = time === undefined ? NaN : Date.parse(time);
  return Number.isNaN(ms) ? undefined : ms;
}
