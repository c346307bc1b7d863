/** Rings the bell of the terminal where the daemon asks for it. */
import type { ExecutionEvent } from '../../../core/events/event.js';
import { isBell } from '../../../terminal/plain.js';

/** Rings it once if one of the events is an alert for the terminal. */
export function ring(events: readonly ExecutionEvent[]): void {
  if (process.stdout.isTTY && events.some((event) => isBell(event, Date.now()))) process.stdout.write('\x07');
}
