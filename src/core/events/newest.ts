/** Leaves out of a batch what newer events in it supersede, for displays that show the newest line and count only. */
import type { ExecutionEvent } from './event.js';

/** Types of which a display shows the newest only. Errors among messages are kept: they are shown until the end. */
const SUPERSEDED_TYPES: ReadonlySet<string> = new Set(['output', 'log', 'progress']);

/** Whether each event is kept: all but those that a later one of the same kind, execution and step supersedes. */
export function keepNewest(events: readonly ExecutionEvent[]): boolean[] {
  const seen = new Set<string>();
  const kept = events.map(() => true);
  for (let index = events.length - 1; index >= 0; index--) {
    const event = events[index];
    if (!event || !SUPERSEDED_TYPES.has(event.type) || event.data['level'] === 'error') continue;
    // counts and messages of progress may come apart: each event leaves what it does not name
    const fields = event.type === 'progress' ? Object.keys(event.data).join() : event.data['stream'];
    const key = JSON.stringify([event.type, event.execution, event.step, fields]);
    kept[index] = !seen.has(key);
    seen.add(key);
  }
  return kept;
}
