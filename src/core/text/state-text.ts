/** Formats the status of an execution, with the inactivity of a silent one. */
import { parseInstant, quietOf } from '../estimates/durations.js';
import type { Execution, Status } from '../execution.js';
import { formatAge, statusWord } from './format.js';

/** Formats the status, with the time for which an execution is silent or waits for a person: `running`, `quiet 2m`. */
export function stateWord(execution: Execution, nowMs: number): string {
  const { status, attention } = execution;
  const word = statusWord(status, attention?.state);
  if (status !== 'running' || attention === undefined) return word;
  const since = attention.state === 'waiting' ? parseInstant(attention.since) : undefined;
  const ms = since === undefined ? quietOf(execution, nowMs) : Math.max(0, nowMs - since);
  return ms === undefined ? word : `${word} ${formatAge(ms)}`;
}

/** Why a command for an execution comes too late: `has ended: failed`. */
export function endedText(status: Status): string {
  return `has ended: ${status}`;
}

/** Formats the last activity (`last activity 2m ago`); empty if it is recent, or if `stateWord` shows it. */
export function lastActivityText(execution: Execution, nowMs: number): string {
  const quiet = execution.attention === undefined ? quietOf(execution, nowMs) : undefined;
  return quiet === undefined ? '' : `last activity ${formatAge(quiet)} ago`;
}
