/** The states of a session between two turns, as reasons of its attention. */
import type { NewEvent } from '../core/event.js';
import type { Execution } from '../core/execution.js';
import type { ReportedOutcome } from '../formats/parser.js';

/** It is the user's turn. */
export const TURN_OVER = 'its turn is over';
export const TURN_FAILED = 'its turn has failed: ';
export const TURN_STOPPED = 'its turn was interrupted';

/** Does this reason say that a turn has ended? Any other is a question. */
export function isTurnEnd(reason: string | undefined): boolean {
  return reason !== undefined && [TURN_OVER, TURN_FAILED, TURN_STOPPED].some((one) => reason.startsWith(one));
}

/** Why a session waits whose last turn ended so. */
export function turnReason({ status, error = '' }: ReportedOutcome): string {
  if (status === 'failed') return TURN_FAILED + error;
  return status === 'cancelled' ? TURN_STOPPED : TURN_OVER;
}

/** Says the session's file that the turn was interrupted which, for all that hooks have told, goes on? */
export function isStopped(
  { attentionReason, lastActivity }: Execution,
  claim: ReportedOutcome | undefined,
  claimedAt: string | undefined,
): boolean {
  return claim?.status === 'cancelled' && (claimedAt ?? '') >= lastActivity && !isTurnEnd(attentionReason);
}

/** What a turn leaves that was interrupted without an event: its calls are cancelled, and the session waits. */
export function interruption({ id, steps }: Execution): NewEvent[] {
  const open = [...steps.values()].filter(
    ({ kind, status }) => status === 'running' && (kind === 'tool' || kind === 'subagent'),
  );
  return [
    ...open.toReversed().map((step) => ({ type: 'step_cancelled', execution: id, step: step.id, data: {} })),
    { type: 'attention', execution: id, data: { state: 'waiting', reason: TURN_STOPPED } },
  ];
}
