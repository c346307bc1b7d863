/** Folds the attention that an execution needs. */
import type { ExecutionEvent } from '../events/event.js';
import { textOf } from '../events/event.js';
import type { Attention, Execution } from '../execution.js';
import { isFinal } from '../execution.js';
import { clip, NAME_CHARS, TEXT_CHARS } from '../events/fields.js';

export function setAttention(execution: Execution, event: ExecutionEvent): void {
  if (isFinal(execution.status)) return;
  const before = execution.attention;
  clearAttention(execution);
  const state = textOf(event.data, 'state');
  if (state !== 'waiting' && state !== 'silent') return;
  const attention: Attention = { state };
  const reason = textOf(event.data, 'reason');
  if (reason !== undefined) attention.reason = clip(reason, TEXT_CHARS);
  if (event.step !== undefined) attention.step = clip(event.step, NAME_CHARS);
  // a repeated event, with another reason, does not start the time again
  if (state === 'waiting') attention.since = (before?.state === state ? before.since : undefined) ?? event.time;
  execution.attention = attention;
}

export function clearAttention(execution: Execution): void {
  if (execution.attention !== undefined) delete execution.attention;
}

/** Updates the last activity; an active execution is no longer silent. */
export function noteActivity(execution: Execution, time: string): void {
  if (time > execution.lastActivity) execution.lastActivity = time;
  if (execution.attention?.state === 'silent') clearAttention(execution);
}
