/** Maps the outcome of an execution to the exit status of a command that waits for it. */
import { constants } from 'node:os';
import type { Execution } from '../../core/execution.js';
import { isFinal } from '../../core/execution.js';

/** Status for an execution that has not ended, as if interrupted. */
const LEFT_STATUS = 128 + constants.signals.SIGINT;
/** As in timeout(1). */
export const TIMEOUT_STATUS = 124;

/** Follows the conventions of shells and timeout(1); without an exit code, the outcome decides. */
export function exitStatusOf(execution: Execution | undefined): number {
  if (!execution || !isFinal(execution.status)) return LEFT_STATUS;
  const { status, outcome: { exitCode, signal } = {} } = execution;
  if (status === 'timeout') return TIMEOUT_STATUS;
  // a command can exit with 0 although its task failed
  if (exitCode !== undefined && (exitCode !== 0 || status === 'completed')) return exitCode;
  const number = signal === undefined ? undefined : constants.signals[signal as NodeJS.Signals];
  if (number !== undefined) return 128 + number;
  if (status === 'completed') return 0;
  return status === 'cancelled' ? LEFT_STATUS : 1;
}
