/** What every event from outside passes, by whatever way it comes. */
import type { NewEvent } from '../core/event.js';
import { maskEvent } from '../core/mask.js';
import { checkProducer } from '../protocol/validate.js';

/** The daemon's own types refused, secrets masked. */
export function admit(event: NewEvent): NewEvent {
  return maskEvent(checkProducer(event));
}
