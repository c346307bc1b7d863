/** Serializes an alert as one line of JSON, for programs and webhooks. */
import { clip } from '../../core/events/fields.js';
import type { Alert } from '../channel.js';

/** Bound that targets accept. A line of the journal can be four times as long. */
const MAX_BYTES = 64 * 1024;
/** Bounds of texts, lists and mappings in an alert that is longer. */
const TEXT_CHARS = 1_000;
const ITEMS = 20;
/** An execution has about fifty fields. */
const KEYS = 64;

/** Sets `clipped` if something was left out. */
export function toJson(alert: Alert): string {
  const whole = JSON.stringify(alert);
  if (fits(whole)) return whole;
  const clipped = JSON.stringify({ ...alert, clipped: true }, clipLong);
  return fits(clipped) ? clipped : JSON.stringify(outline(alert), clipLong);
}

function fits(json: string): boolean {
  return Buffer.byteLength(json) <= MAX_BYTES;
}

/** Clips long values; a list keeps its end, which is the newest. */
function clipLong(_key: string, value: unknown): unknown {
  if (typeof value === 'string') return clip(value, TEXT_CHARS);
  if (Array.isArray(value)) return value.slice(-ITEMS);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value);
  return entries.length > KEYS ? Object.fromEntries(entries.slice(0, KEYS)) : value;
}

/** Removes everything that may be long. */
function outline({ event, execution, ...alert }: Alert): object {
  return {
    ...alert,
    clipped: true,
    ...(event && { event: { seq: event.seq, time: event.time, type: event.type, execution: event.execution } }),
    ...(execution && {
      execution: { id: execution.id, name: execution.name, kind: execution.kind, status: execution.status },
    }),
  };
}
