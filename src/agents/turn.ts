/** States of a session between two turns, as reasons of its attention. */
import type { NewEvent } from '../core/events/event.js';
import type { Execution } from '../core/execution.js';
import type { ReportedOutcome } from '../formats/parser.js';

/** The turn has ended, and the user is next. */
export const TURN_OVER = 'its turn is over';
export const TURN_FAILED = 'its turn has failed: ';
export const TURN_STOPPED = 'its turn was interrupted';

/** Whether this reason is the end of a turn; any other reason is a question. */
export function isTurnEnd(reason: string | undefined): boolean {
  return reason !== undefined && [TURN_OVER, TURN_FAILED, TURN_STOPPED].some((one) => reason.startsWith(one));
}

/** Returns the reason of the attention after a turn with this outcome. */
export function turnReason({ status, error = '' }: ReportedOutcome): string {
  if (status === 'failed') return TURN_FAILED + error;
  return status === 'cancelled' ? TURN_STOPPED : TURN_OVER;
}

/** Whether the session file reports an interruption of a turn that is still open according to hooks. */
export function isStopped(
  { attention, lastActivity }: Execution,
  claim: ReportedOutcome | undefined,
  claimedAt: string | undefined,
): boolean {
  return claim?.status === 'cancelled' && (claimedAt ?? '') >= lastActivity && !isTurnEnd(attention?.reason);
}

/** Returns the events of an interruption: open calls are cancelled, and the session waits. */
export function interruption({ id, steps }: Execution): NewEvent[] {
  const open = [...steps.values()].filter(
    ({ kind, status }) => status === 'running' && (kind === 'tool' || kind === 'subagent'),
  );
  return [
    ...open.toReversed().map((step) => ({ type: 'step_cancelled', execution: id, step: step.id, data: {} })),
    { type: 'attention', execution: id, data: { state: 'waiting', reason: TURN_STOPPED } },
  ];
}
