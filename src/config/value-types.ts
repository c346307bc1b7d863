/** Value types of the configuration: schemas with bounds and descriptions. */
import { homedir } from 'node:os';
import path from 'node:path';
import * as v from 'valibot';
import { DURATION_UNITS, parseQuantity, SIZE_UNITS, type Units } from '../core/text/quantity.js';
import { ProgressError } from '../core/base/errors.js';
import { compilePattern } from '../platform/patterns.js';

/** Maximum length of a value in a message. */
const MAX_SHOWN_CHARS = 40;
/** Maximum length of a text; a command line may be this long. */
const MAX_TEXT_CHARS = 4_096;

/** Description of a value, for the manual, messages and editors. */
export interface ValueMeaning {
  type: 'size' | 'duration' | 'number' | 'decimal' | 'choice' | 'boolean' | 'text' | 'list' | 'mapping';
  /** Unit of the parsed value. */
  unit?: 'bytes' | 'milliseconds';
  /** Bounds of the parsed value, or of the length of a list. */
  min?: number;
  max?: number;
  /** Values of a choice. */
  values?: readonly string[];
  /** Item of a list that may be written as a single value. */
  item?: ValueMeaning;
  /** Description of the accepted values. */
  wanted: string;
  description: string;
}

/** Schema of one value; the input may be anything. */
export type ValueType<Value> = v.GenericSchema<unknown, Value>;

/** Rule for the names in a mapping. */
export interface Naming {
  isName: (name: string) => boolean;
  /** Description of valid names. */
  wanted: string;
}

export function size(min: string, max: string, description: string): ValueType<number> {
  const wanted = `a size from ${min} to ${max}, as text like 16MiB or as a number of bytes`;
  return quantity(min, max, SIZE_UNITS, { type: 'size', unit: 'bytes', wanted, description });
}

export function duration(min: string, max: string, description: string): ValueType<number> {
  const wanted = `a duration from ${min} to ${max}, as text like 30s, 10m, 24h or 7d, or as a number of milliseconds`;
  return quantity(min, max, DURATION_UNITS, { type: 'duration', unit: 'milliseconds', wanted, description });
}

export function count(min: number, max: number, description: string): ValueType<number> {
  const wanted = `a whole number from ${min} to ${max}`;
  return quantity(min, max, {}, { type: 'number', wanted, description });
}

/** A number with optional decimals. */
export function decimal(min: number, max: number, description: string): ValueType<number> {
  const wanted = `a number from ${min} to ${max}`;
  const schema = v.custom<number>((value) => typeof value === 'number' && value >= min && value <= max, wrong(wanted));
  return meaningful(schema, { type: 'decimal', min, max, wanted, description });
}

function quantity<Text extends string | number>(
  min: Text,
  max: Text,
  units: Units,
  meaning: ValueMeaning,
): ValueType<number> {
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
  return meaningful(schema, { ...meaning, min: lowest, max: highest });
}

export function choice<const Value extends string>(values: readonly Value[], description: string): ValueType<Value> {
  const wanted = `one of ${values.join(', ')}`;
  return meaningful(v.picklist(values, wrong(wanted)), { type: 'choice', values, wanted, description });
}

export function flag(description: string): ValueType<boolean> {
  const wanted = 'true or false';
  return meaningful(v.boolean(wrong(wanted)), { type: 'boolean', wanted, description });
}

/**
 * One line of text.
 *
 * @param isRight Further condition on the text.
 * @param message Error for an invalid text; set it where the text may be a secret, which must not be shown.
 */
export function text(
  wanted: string,
  description: string,
  isRight: (value: string) => boolean = () => true,
  message: string | ((issue: { input: unknown }) => string) = wrong(wanted),
): ValueType<string> {
  const isText = (value: unknown): value is string =>
    typeof value === 'string' && value.length > 0 && value.length <= MAX_TEXT_CHARS && !CONTROL.test(value);
  const schema = v.custom<string>((value) => isText(value) && isRight(value), message);
  return meaningful(schema, { type: 'text', wanted, description });
}

/** C0, DEL and C1. */
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

/** A regular expression in the syntax of RE2. */
export function pattern(description: string): ValueType<string> {
  const wanted = 'a regular expression (RE2)';
  const schema = v.pipe(
    v.string(wrong(wanted)),
    v.rawCheck<string>(({ dataset, addIssue }) => {
      const message = dataset.typed ? whyNoPattern(dataset.value) : undefined;
      if (message !== undefined) addIssue({ message });
    }),
  );
  return meaningful(schema, { type: 'text', wanted, description });
}

function whyNoPattern(source: string): string | undefined {
  try {
    compilePattern(source, { code: 'bad_config' });
    return source === '' ? 'is empty, and so would be found everywhere' : undefined;
  } catch (error) {
    return ProgressError.from(error).message;
  }
}

/** The name of a variable in the daemon's environment. */
export function variable(description: string): ValueType<string> {
  return text('the name of a variable', description, (value) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(value));
}

/** An absolute path of a file; `~/` is replaced by the home directory. */
export function file(description: string): ValueType<string> {
  const wanted = 'the path of a file, from / or from ~/';
  const schema = v.pipe(
    text(wanted, description, (value) => /^~?\/./.test(value)),
    v.transform((value) => (value.startsWith('~/') ? path.join(homedir(), value.slice(2)) : value)),
  );
  return meaningful(schema, { type: 'text', wanted, description });
}

/** A list of at most `max` values. */
export function listOf<Value>(item: ValueType<Value>, max: number, description: string): ValueType<readonly Value[]> {
  const wanted = `a list of at most ${max}`;
  const schema = v.pipe(v.array(item, wrong('a list')), v.maxLength(max, `is longer than ${max}`));
  return meaningful(schema, { type: 'list', max, wanted, description });
}

/** From one to `max` values; a single one may be written without a list. */
export function oneOrMore<Value>(
  item: ValueType<Value>,
  max: number,
  description: string,
): ValueType<readonly Value[]> {
  const schema = v.pipe(
    v.unknown(),
    v.transform((value) => (Array.isArray(value) ? (value as unknown[]) : [value])),
    v.array(item),
    v.minLength(1, 'is empty'),
    v.maxLength(max, `is longer than ${max}`),
  );
  const { wanted, ...rest } = meaningOf(item) ?? { type: 'text', wanted: 'a text', description: '' };
  const meaning: ValueMeaning = { type: 'list', min: 1, max, item: { wanted, ...rest }, wanted, description };
  return meaningful(schema, meaning);
}

/** A program and its arguments as a list, or a program alone; a text with spaces is refused. */
export function commandLine(max: number, description: string): ValueType<readonly string[]> {
  const words = oneOrMore(text('a word', 'A word.'), max, description);
  const message =
    'is a text with spaces; write a list of the program and its arguments, like [notify-send, "It failed"]';
  const isNoLine = v.check((value: unknown) => typeof value !== 'string' || !/\s/.test(value), message);
  return v.pipe(v.unknown(), isNoLine, words);
}

/** A group of known keys, each with its own schema. */
export function group<const Entries extends v.ObjectEntries>(entries: Entries) {
  return v.object(entries, wrong('a mapping of keys'));
}

/** A group of which only some keys are validated. */
export function looseGroup<const Entries extends v.ObjectEntries>(entries: Entries) {
  return v.looseObject(entries, wrong('a mapping of keys'));
}

/** A mapping of freely chosen names to values. */
export function mapping<Value>(
  value: ValueType<Value>,
  naming: Naming,
  description: string,
): ValueType<Readonly<Record<string, Value>>> {
  const wanted = 'a mapping of names';
  const schema = v.record(v.string(), value, wrong(wanted));
  return v.pipe(schema, v.metadata({ type: 'mapping', wanted, description, naming }));
}

/** One of several alternatives, selected by `pick`, so that errors refer to the alternative that was meant. */
export function either<Value>(
  options: readonly ValueType<Value>[],
  pick: (value: unknown) => ValueType<Value>,
): ValueType<Value> {
  return v.pipe(v.lazy(pick), v.metadata({ options }));
}

/** Default of a value, as written in the file. */
export type Fallback = string | number | boolean | object;

export function withDefault<Value>(kind: ValueType<Value>, fallback: Fallback) {
  return v.optional(kind, fallback);
}

function meaningful<Value>(schema: ValueType<Value>, meaning: ValueMeaning): ValueType<Value> {
  return v.pipe(schema, v.metadata({ ...meaning }));
}

/** Returns the description of a value; undefined for groups and alternatives. */
export function meaningOf(schema: ValueType<unknown>): ValueMeaning | undefined {
  const metadata: object = v.getMetadata(schema);
  return 'wanted' in metadata ? (metadata as ValueMeaning) : undefined;
}

/** Returns the alternatives of a schema, if it has any. */
export function alternativesOf(schema: ValueType<unknown>): readonly ValueType<unknown>[] | undefined {
  return (v.getMetadata(schema) as { options?: readonly ValueType<unknown>[] }).options;
}

/** Schemas of the parts of a value. */
export interface Inside {
  /** Keys of a group. */
  entries?: Readonly<Record<string, ValueType<unknown>>>;
  /** Values and names of a mapping. */
  value?: ValueType<unknown>;
  naming?: Naming;
  /** Items of a list. */
  item?: ValueType<unknown>;
}

/** Properties of valibot's schemas. */
interface Shape extends Inside {
  wrapped?: ValueType<unknown>;
  getter?: (value: unknown) => ValueType<unknown>;
}

/** Returns the schemas of the parts of a value. @param value Selects between alternatives. */
export function insideOf(schema: ValueType<unknown>, value: unknown): Inside {
  const shape: ValueType<unknown> & Shape = schema;
  if (shape.wrapped) return insideOf(shape.wrapped, value);
  if (shape.getter) return insideOf(shape.getter(value), value);
  if (schema.type === 'loose_object') return {};
  const { entries, value: each, item } = shape;
  const { naming } = v.getMetadata(schema) as { naming?: Naming };
  return {
    ...(entries && { entries }),
    ...(each && { value: each }),
    ...(naming && { naming }),
    ...(item && { item }),
  };
}

/** Parses a whole number, or one with a unit; returns NaN for anything else. */
function toNumber(value: unknown, units: Units): number {
  if (typeof value === 'string') return parseQuantity(value, units) ?? NaN;
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : NaN;
}

export function wrong(wanted: string) {
  return ({ input }: { input: unknown }): string =>
    input === undefined ? 'is missing' : `is ${show(input)}, wanted ${wanted}`;
}

function show(value: unknown): string {
  if (value === null) return 'empty';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping';
  if (typeof value === 'number') return String(value); // JSON has no Infinity
  return JSON.stringify(typeof value === 'string' ? shorten(value) : value);
}

/** Truncates a value for a message, such as a key file that was pasted by mistake. */
export function shorten(text: string): string {
  return text.length <= MAX_SHOWN_CHARS ? text : `${text.slice(0, MAX_SHOWN_CHARS)}...`;
}
