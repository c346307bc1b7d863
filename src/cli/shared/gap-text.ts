/** Text for events that a reader could not get. */
import type { Gap } from '../../api/messages.js';

/** With a reason they are still in a file that cannot be read; without one they are lost. */
export function gapText({ from, to, why, reason }: Gap): string {
  return reason === undefined ? `events ${from} to ${to} are gone (${why})` : `events ${from} to ${to}: ${reason}`;
}
