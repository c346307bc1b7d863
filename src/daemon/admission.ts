/** What every event from outside passes, by whatever way it comes. */
import type { NewEvent } from '../core/event.js';
import { maskEvent } from '../core/mask.js';
import { ProgressError } from '../errors.js';

/** Secrets masked. Notes say what happened to the journal itself: from anyone else they would be forged. */
export function admit(event: NewEvent): NewEvent {
  if (event.type !== 'journal_note') return maskEvent(event);
  throw new ProgressError('bad_event', 'type journal_note is the daemon’s own: use another type');
}
