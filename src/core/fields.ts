/** Reading fields that a producer chose: wrong types count as absent, long texts are cut. */
import type { EventData } from './event.js';
import { numberOf, textOf } from './event.js';

/** An object that JSON.parse made: its keys are its own, `__proto__` too. */
export type Fields = Record<string, unknown>;

export function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Longer ones are cut in memory, not in the journal. */
export const NAME_CHARS = 512;
export const TEXT_CHARS = 4_096;

export function clip(text: string, chars: number): string {
  return text.length <= chars ? text : `${text.slice(0, chars - 1)}…`;
}

/** As many of them as fit into `chars` in all, the last one cut. */
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

/** Copies the named fields that are texts. */
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

/** Copies the named fields whatever they hold, as text: a value that is no text as JSON. */
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

/** Sets the fields that `read` has a value for. */
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
