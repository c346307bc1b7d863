/** Folds the settings of queues, and the order of what waits in them. */
import { evictOldest } from '../base/evict.js';
import type { EventData } from '../events/event.js';
import { numberOf, textOf } from '../events/event.js';
import { clip, NAME_CHARS } from '../events/fields.js';
import type { Execution } from '../execution.js';
import { isSlots, moveInQueue, settingsOf } from '../state/queues.js';
import type { State } from '../state/state.js';

/** Queues kept; the oldest are evicted. */
const MAX_QUEUES = 1_000;

/** @param execution Execution that the event names, which a `position` moves */
export function foldQueue(state: State, data: EventData, execution: Execution | undefined): void {
  const position = numberOf(data, 'position');
  if (position !== undefined) {
    if (execution) moveInQueue(state, execution, position);
    return;
  }
  const given = textOf(data, 'name');
  if (given === undefined) return;
  const name = clip(given, NAME_CHARS);
  if (data['removed'] === true) {
    state.queues.delete(name);
    return;
  }
  const queue = state.queues.get(name) ?? { name };
  const slots = numberOf(data, 'slots');
  if (slots !== undefined && isSlots(slots)) queue.slots = slots;
  if (typeof data['paused'] === 'boolean') queue.paused = data['paused'];
  if (data['declared'] === true) queue.declared = settingsOf(queue);
  if (data['declared'] === false) delete queue.declared;
  state.queues.set(name, queue);
  evictOldest(state.queues, MAX_QUEUES);
}
