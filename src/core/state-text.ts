/** The state of an execution in words, with the clock of one that is inactive: the same in every face. */
import { quietOf } from './estimate.js';
import type { Execution } from './execution.js';
import { formatAge, statusWord } from './format.js';

/** The status in words, with the time for which a silent execution has been inactive: `running`, `quiet 2m`. */
export function stateWord(execution: Execution, nowMs: number): string {
  const { status, attention } = execution;
  const word = statusWord(status, attention);
  const quiet = status === 'running' && attention === 'silent' ? quietOf(execution, nowMs) : undefined;
  return quiet === undefined ? word : `${word} ${formatAge(quiet)}`;
}

/** `last activity 2m ago` where no other text says it; empty if that is recent. */
export function lastActivityText(execution: Execution, nowMs: number): string {
  const quiet = execution.attention === 'silent' ? undefined : quietOf(execution, nowMs);
  return quiet === undefined ? '' : `last activity ${formatAge(quiet)} ago`;
}
