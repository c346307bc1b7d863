/** Reads fields of untrusted data: wrong types count as absent, long texts are truncated. */
import type { EventData } from './event.js';
import { numberOf, textOf } from './event.js';

/** Object made by JSON.parse: its keys are own properties, `__proto__` included. */
export type Fields = Record<string, unknown>;

export function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Bounds in memory; the journal keeps the full texts. */
export const NAME_CHARS = 512;
export const TEXT_CHARS = 4_096;

export function clip(text: string, chars: number): string {
  return text.length <= chars ? text : `${text.slice(0, chars - 1)}…`;
}

/** Returns the texts that fit into `chars` in total, the last one truncated. */
export function clipAll(texts: readonly string[], chars: number): string[] {
  const kept: string[] = [];
  let left = chars;
  for (const text of texts) {
    if (left <= 0) break;
    kept.push(clip(text, left));
    left -= text.length + 1;
  }
  return kept;
}

/** Copies the named fields that are texts, truncated to `chars`. */
export function assignText<K extends string>(
  target: Partial<Record<K, string>>,
  data: EventData,
  keys: readonly K[],
  chars: number,
): void {
  assignFields(target, keys, (key) => clipGiven(textOf(data, key), chars));
}

/** Copies the named fields that are finite numbers. */
export function assignNumber<K extends string>(
  target: Partial<Record<K, number>>,
  data: EventData,
  keys: readonly K[],
): void {
  assignFields(target, keys, (key) => numberOf(data, key));
}

/** Copies the named fields as text, truncated to `chars`; other values as JSON. */
export function assignValue<K extends string>(
  target: Partial<Record<K, string>>,
  data: EventData,
  keys: readonly K[],
  chars: number,
): void {
  assignFields(target, keys, (key) => {
    const value = data[key] ?? undefined;
    return clipGiven(typeof value === 'string' || value === undefined ? value : JSON.stringify(value), chars);
  });
}

/** Sets the fields for which `read` returns a value. */
function assignFields<K extends string, T>(
  target: Partial<Record<K, T>>,
  keys: readonly K[],
  read: (key: K) => T | undefined,
): void {
  for (const key of keys) {
    const value = read(key);
    if (value !== undefined) target[key] = value;
  }
}

function clipGiven(text: string | undefined, chars: number): string | undefined {
  return text === undefined ? undefined : clip(text, chars);
}
