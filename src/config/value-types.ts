/** The kinds of value that the configuration takes: each is a schema with bounds and a description. */
import { homedir } from 'node:os';
import path from 'node:path';
import * as v from 'valibot';
import { DURATION_UNITS, parseQuantity, SIZE_UNITS, type Units } from '../core/quantity.js';
import { ProgressError } from '../core/errors.js';
import { compilePattern } from '../platform/patterns.js';

/** Enough to recognise a mistaken value by. */
const MAX_SHOWN_CHARS = 40;
/** A command line has room for as much as that; everything else is shorter. */
const MAX_TEXT_CHARS = 4_096;

/** What the manual, the messages and editors say about a value. */
export interface ValueMeaning {
  type: 'size' | 'duration' | 'number' | 'decimal' | 'choice' | 'boolean' | 'text' | 'list' | 'mapping';
  /** Of the value once it is read. */
  unit?: 'bytes' | 'milliseconds';
  /** Bounds of the value once it is read; of a list those of its length. */
  min?: number;
  max?: number;
  /** Of a choice. */
  values?: readonly string[];
  /** Of a list whose only item may stand without the list. */
  item?: ValueMeaning;
  /** What is accepted, in words. */
  wanted: string;
  description: string;
}

/** A schema of one value; what stands in the file may be anything. */
export type ValueType<Value> = v.GenericSchema<unknown, Value>;

/** What may be the name of an item in a mapping. */
export interface Naming {
  isName: (name: string) => boolean;
  /** In words. */
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

/** A number that may have a fraction. */
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

/** One line of text; `isRight` says more about it. What may be a secret is refused in words of its own. */
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

/** C0, DEL and C1: nothing that is meant for a person, a terminal or a header has them. */
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

/** Where a file is: absolute, once `~/` stands for the home directory. */
export function file(description: string): ValueType<string> {
  const wanted = 'the path of a file, from / or from ~/';
  const schema = v.pipe(
    text(wanted, description, (value) => /^~?\/./.test(value)),
    v.transform((value) => (value.startsWith('~/') ? path.join(homedir(), value.slice(2)) : value)),
  );
  return meaningful(schema, { type: 'text', wanted, description });
}

/** At most `max` values. */
export function listOf<Value>(item: ValueType<Value>, max: number, description: string): ValueType<readonly Value[]> {
  const wanted = `a list of at most ${max}`;
  const schema = v.pipe(v.array(item, wrong('a list')), v.maxLength(max, `is longer than ${max}`));
  return meaningful(schema, { type: 'list', max, wanted, description });
}

/** At least one value and at most `max`; a single one need not be written as a list. */
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

/** A program and its arguments; a text alone is a program, and a command line is no list. */
export function commandLine(max: number, description: string): ValueType<readonly string[]> {
  const words = oneOrMore(text('a word', 'A word.'), max, description);
  const message =
    'is a text with spaces; write a list of the program and its arguments, like [notify-send, "It failed"]';
  const isNoLine = v.check((value: unknown) => typeof value !== 'string' || !/\s/.test(value), message);
  return v.pipe(v.unknown(), isNoLine, words);
}

/** Keys that are known, each with its own schema. */
export function group<const Entries extends v.ObjectEntries>(entries: Entries) {
  return v.object(entries, wrong('a mapping of keys'));
}

/** Of these keys something is known, and of others nothing is said. */
export function looseGroup<const Entries extends v.ObjectEntries>(entries: Entries) {
  return v.looseObject(entries, wrong('a mapping of keys'));
}

/** Items under names that are chosen freely. */
export function mapping<Value>(
  value: ValueType<Value>,
  naming: Naming,
  description: string,
): ValueType<Readonly<Record<string, Value>>> {
  const wanted = 'a mapping of names';
  const schema = v.record(v.string(), value, wrong(wanted));
  return v.pipe(schema, v.metadata({ type: 'mapping', wanted, description, naming }));
}

/** One of several kinds: which, `pick` tells by the value, so that a wrong one is told what is wrong with it. */
export function either<Value>(
  options: readonly ValueType<Value>[],
  pick: (value: unknown) => ValueType<Value>,
): ValueType<Value> {
  return v.pipe(v.lazy(pick), v.metadata({ options }));
}

/** What a value is if nothing is given, as one would write it. */
export type Fallback = string | number | boolean | object;

export function withDefault<Value>(kind: ValueType<Value>, fallback: Fallback) {
  return v.optional(kind, fallback);
}

function meaningful<Value>(schema: ValueType<Value>, meaning: ValueMeaning): ValueType<Value> {
  return v.pipe(schema, v.metadata({ ...meaning }));
}

/** Undefined for what has none: a group, and one of several kinds. */
export function meaningOf(schema: ValueType<unknown>): ValueMeaning | undefined {
  const metadata: object = v.getMetadata(schema);
  return 'wanted' in metadata ? (metadata as ValueMeaning) : undefined;
}

/** Undefined for what is no choice between several kinds. */
export function alternativesOf(schema: ValueType<unknown>): readonly ValueType<unknown>[] | undefined {
  return (v.getMetadata(schema) as { options?: readonly ValueType<unknown>[] }).options;
}

/** What can stand in a value. */
export interface Inside {
  /** Of a group. */
  entries?: Readonly<Record<string, ValueType<unknown>>>;
  /** Of a mapping. */
  value?: ValueType<unknown>;
  naming?: Naming;
  /** Of a list. */
  item?: ValueType<unknown>;
}

/** As valibot keeps it in its schemas. */
interface Shape extends Inside {
  wrapped?: ValueType<unknown>;
  getter?: (value: unknown) => ValueType<unknown>;
}

/** Of a schema that allows one of several kinds, `value` says which. */
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

/** NaN for what is neither a whole number nor one with a unit. */
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

/** So that a key file pasted by mistake does not fill the screen. */
export function shorten(text: string): string {
  return text.length <= MAX_SHOWN_CHARS ? text : `${text.slice(0, MAX_SHOWN_CHARS)}...`;
}
