/** The kinds of value that a configuration key takes: each is a schema with bounds, a default and a description. */
import * as v from 'valibot';
import { DURATION_UNITS, parseQuantity, SIZE_UNITS, type Units } from './core/quantity.js';

/** Enough to recognise a mistaken value by. */
const MAX_SHOWN_CHARS = 40;

/** What the manual and the messages say about a key. */
export interface ConfigKey {
  /** With its group: `journal.segmentSize`. */
  key: string;
  type: 'size' | 'duration' | 'number' | 'choice' | 'boolean';
  /** Of the value once it is read. */
  unit?: 'bytes' | 'milliseconds';
  /** As one would write it. */
  default: string;
  /** What is accepted, in words. */
  wanted: string;
  description: string;
}

/** A value as it stands in the file, or as it is once it is read. */
export type Plain = string | number | boolean;

export type Meaning = Omit<ConfigKey, 'key' | 'default'>;

export function size(fallback: string, min: string, max: string, description: string) {
  const wanted = `a size from ${min} to ${max}, as text like 16MiB or as a number of bytes`;
  return quantity(fallback, min, max, SIZE_UNITS, { type: 'size', unit: 'bytes', wanted, description });
}

export function duration(fallback: string, min: string, max: string, description: string) {
  const wanted = `a duration from ${min} to ${max}, as text like 30s, 10m, 24h or 7d, or as a number of milliseconds`;
  return quantity(fallback, min, max, DURATION_UNITS, { type: 'duration', unit: 'milliseconds', wanted, description });
}

export function count(fallback: number, min: number, max: number, description: string) {
  const wanted = `a whole number from ${min} to ${max}`;
  return quantity(fallback, min, max, {}, { type: 'number', wanted, description });
}

function quantity<Text extends string | number>(fallback: Text, min: Text, max: Text, units: Units, meaning: Meaning) {
  const [lowest, highest] = [toNumber(min, units), toNumber(max, units)];
  const schema = v.pipe(
    v.unknown(),
    v.rawTransform<unknown, number>(({ dataset: { value }, addIssue, NEVER }) => {
      const number = toNumber(value, units);
      if (number >= lowest && number <= highest) return number;
      addIssue({ message: wrong(meaning.wanted)({ input: value }) });
      return NEVER;
    }),
  );
  return setting(schema, fallback, meaning);
}

export function choice<const Value extends string>(values: readonly Value[], fallback: Value, description: string) {
  const wanted = `one of ${values.join(', ')}`;
  return setting(v.picklist(values, wrong(wanted)), fallback, { type: 'choice', wanted, description });
}

export function flag(fallback: boolean, description: string) {
  const wanted = 'true or false';
  return setting(v.boolean(wrong(wanted)), fallback, { type: 'boolean', wanted, description });
}

function setting<Value>(schema: v.GenericSchema<unknown, Value>, fallback: Plain, meaning: Meaning) {
  return v.optional(v.pipe(schema, v.metadata<Value, Meaning>(meaning)), fallback);
}

/** NaN for what is neither a whole number nor one with a unit. */
function toNumber(value: unknown, units: Units): number {
  if (typeof value === 'string') return parseQuantity(value, units) ?? NaN;
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : NaN;
}

export function wrong(wanted: string) {
  return ({ input }: { input: unknown }): string => `is ${show(input)}, wanted ${wanted}`;
}

function show(value: unknown): string {
  if (value === null) return 'empty';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping';
  if (typeof value === 'number') return String(value); // JSON has no Infinity
  return JSON.stringify(typeof value === 'string' ? shorten(value) : value);
}

/** So that a key file pasted by mistake does not fill the screen. */
export function shorten(text: string): string {
  return text.length <= MAX_SHOWN_CHARS ? text : `${text.slice(0, MAX_SHOWN_CHARS)}...`;
}
