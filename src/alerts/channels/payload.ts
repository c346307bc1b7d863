/** An alert as one line of JSON, for programs and for whoever listens behind a URL. */
import { clip } from '../../core/fields.js';
import type { Alert } from '../channel.js';

/** What anybody takes. A line of the journal may have four times as much, and an execution thousands of steps. */
const MAX_BYTES = 64 * 1024;
/** Of what is longer: what each text, list and mapping in it keeps. */
const TEXT_CHARS = 1_000;
const ITEMS = 20;
/** An execution has some fifty fields itself. */
const KEYS = 64;

/** Where something was left out it says so: `clipped`. */
export function toJson(alert: Alert): string {
  const whole = JSON.stringify(alert);
  if (fits(whole)) return whole;
  const clipped = JSON.stringify({ ...alert, clipped: true }, clipLong);
  return fits(clipped) ? clipped : JSON.stringify(outline(alert), clipLong);
}

function fits(json: string): boolean {
  return Buffer.byteLength(json) <= MAX_BYTES;
}

/** Of a list the end: it is the newest. */
function clipLong(_key: string, value: unknown): unknown {
  if (typeof value === 'string') return clip(value, TEXT_CHARS);
  if (Array.isArray(value)) return value.slice(-ITEMS);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value);
  return entries.length > KEYS ? Object.fromEntries(entries.slice(0, KEYS)) : value;
}

/** Without anything that may be long. */
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
