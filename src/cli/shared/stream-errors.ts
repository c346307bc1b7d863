/** Messages about a stream of events: a lost connection, and events that a reader did not get. */
import type { Gap } from '../../api/messages.js';
import type { Followed } from '../../client/follow.js';
import { complain } from './output.js';

/** Reports a lost connection at the first of its retries. */
export function reportLost(followed: Followed): void {
  if (followed.kind === 'lost' && followed.attempt === 0) complain(`${followed.error.message}; trying again`);
}

/** Events with a reason are in a file that cannot be read; without one they are lost. */
export function gapText({ from, to, why, reason }: Gap): string {
  return reason === undefined ? `events ${from} to ${to} are lost (${why})` : `events ${from} to ${to}: ${reason}`;
}
