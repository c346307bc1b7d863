/** Formats the status of an execution, with the inactivity of a silent one. */
import { quietOf } from '../estimates/durations.js';
import type { Execution, Status } from '../execution.js';
import { formatAge, statusWord } from './format.js';

/** Formats the status, with the inactivity of a silent execution: `running`, `quiet 2m`. */
export function stateWord(execution: Execution, nowMs: number): string {
  const { status } = execution;
  const attention = execution.attention?.state;
  const word = statusWord(status, attention);
  const quiet = status === 'running' && attention === 'silent' ? quietOf(execution, nowMs) : undefined;
  return quiet === undefined ? word : `${word} ${formatAge(quiet)}`;
}

/** Why a command for an execution comes too late: `has ended: failed`. */
export function endedText(status: Status): string {
  return `has ended: ${status}`;
}

/** Formats the last activity (`last activity 2m ago`); empty if it is recent, or if `stateWord` shows it. */
export function lastActivityText(execution: Execution, nowMs: number): string {
  const quiet = execution.attention?.state === 'silent' ? undefined : quietOf(execution, nowMs);
  return quiet === undefined ? '' : `last activity ${formatAge(quiet)} ago`;
}
