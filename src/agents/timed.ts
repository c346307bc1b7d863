/** Adds the time of a line in a session file to its events. */
import { normalizeTime } from '../core/text/time.js';
import { stringOf } from '../formats/json.js';
import type { StreamEvent } from '../formats/parser.js';

/** @param timestamp time of the line; events keep the time at which they are read if it is not valid */
export function withTime(events: readonly StreamEvent[], timestamp: unknown): StreamEvent[] {
  const time = normalizeTime(stringOf(timestamp) ?? '');
  return events.map((event) => (time === undefined ? event : { ...event, time }));
}
