/** Builds the fields of requests. A field carries its type, its meaning, its check, its JSON Schema and its form in a query. */
import { describeValue } from '../core/text/excerpt.js';
import type { Fields } from '../core/events/fields.js';
import { isObject } from '../core/events/fields.js';
import { normalizeTime } from '../core/text/time.js';

export type JsonSchema = Readonly<Record<string, unknown>>;

/** How the query of a URL writes a value. A list is separated by commas or repeated. */
export type QueryForm = 'text' | 'number' | 'flag' | 'list';

export interface Field<T> {
  /** Whole sentences. Names of fields and values are in backticks; manual pages are written as `name(1)`. */
  readonly description: string;
  /** Accepted values, for errors: `KEY must be WANTED`. */
  readonly wanted: string;
  /** Returns the value to use; undefined if it is invalid. */
  readonly read: (value: unknown) => T | undefined;
  readonly schema: JsonSchema;
  /** Absent: only JSON can express the value. */
  readonly query?: QueryForm;
  readonly required?: true;
}

export interface RequiredField<T> extends Field<T> {
  readonly required: true;
}

/** Fields by name. */
export type FieldTable = Readonly<Record<string, Field<unknown>>>;

type TypeOf<F> = F extends Field<infer T> ? T : never;
type RequiredKeys<Table> = { [K in keyof Table]: Table[K] extends RequiredField<unknown> ? K : never }[keyof Table];

/** Writes an intersection as one object type, for messages of the compiler and editors. */
export type Readable<T> = { [K in keyof T]: T[K] };

/** Type of the values of a table of fields. An optional field may also be undefined, which counts as absent. */
export type ValuesOf<Table> = Readable<
  { [K in RequiredKeys<Table>]: TypeOf<Table[K]> } & {
    [K in Exclude<keyof Table, RequiredKeys<Table>>]?: TypeOf<Table[K]> | undefined;
  }
>;

/** Ties a table to an interface of `core`: a missing field, or one of another type, does not compile. */
export type FieldsOf<T> = { readonly [K in keyof T]-?: Field<Exclude<T[K], undefined>> };

export const flag = field<boolean>('true or false', isBoolean, { type: 'boolean' }, 'flag');
export const text = field<string>('a text', isText, { type: 'string' }, 'text');
export const name = field<string>('a text that is not empty', isName, { type: 'string', minLength: 1 }, 'text');
export const texts = field<readonly string[]>(
  'a list of texts',
  (value): value is string[] => Array.isArray(value) && value.every(isText),
  { type: 'array', items: { type: 'string' } },
  'list',
);
export const object = field<object>('an object', isObject, { type: 'object' });

/** RFC 3339 time; the value is converted to UTC. */
export function time(description: string): Field<string> {
  return {
    description,
    wanted: 'an RFC 3339 time such as "2026-11-20T12:48:46Z"',
    read: (value) => (typeof value === 'string' ? normalizeTime(value) : undefined),
    schema: { type: 'string', format: 'date-time' },
    query: 'text',
  };
}

/** One of the given texts. */
export function choice<const T extends string>(values: readonly T[], description: string): Field<T> {
  const isValue = (value: unknown): value is T => values.some((known) => known === value);
  return field(`one of ${values.join(', ')}`, isValue, { enum: values }, 'text')(description);
}

const wholeNumber = field<number>(
  `a whole number from 0 to ${Number.MAX_SAFE_INTEGER}`,
  isCount,
  { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
  'number',
);

/** A position in a list, from 1 on. */
export const ordinal = field<number>(
  'a whole number from 1 on',
  (value): value is number => isCount(value) && value > 0,
  { type: 'integer', minimum: 1, maximum: Number.MAX_SAFE_INTEGER },
  'number',
);

/** A whole number. One above `max` is accepted and read as `max`. */
export function count(description: string, { max }: { max?: number } = {}): Field<number> {
  if (max === undefined) return wholeNumber(description);
  const unbounded = wholeNumber(`${description} A larger number counts as ${max}.`);
  return {
    ...unbounded,
    read(value) {
      const number = unbounded.read(value);
      return number === undefined ? undefined : Math.min(number, max);
    },
  };
}

/** A number above 0; one above `max` is refused. */
export function positive(max: number, description: string): Field<number> {
  const isValid = (value: unknown): value is number => typeof value === 'number' && value > 0 && value <= max;
  const schema = { type: 'number', exclusiveMinimum: 0, maximum: max };
  return field(
    `a number above 0, at most ${max}`,
    isValid,
    schema,
    'number',
  )(`${description} Above 0, at most ${max}.`);
}

/** ID of a request or subscription, chosen by the client. */
export type RequestId = string | number;

export const reference = field<RequestId>('a text or a number', isRequestId, { type: ['string', 'number'] });

export type WithDefault<T> = Field<T> & { readonly default: T };

/**
 * Adds the value that the handler uses for an absent field.
 *
 * @param otherwise Continues the sentence about the default, when another value is used in some cases.
 */
export function withDefault<T>(one: Field<T>, value: NoInfer<T>, otherwise = ''): WithDefault<T> {
  const shown = typeof value === 'string' ? `\`${value}\`` : String(value);
  return {
    ...one,
    default: value,
    description: `${one.description} Default: ${shown}${otherwise}.`,
    // a default of the schema holds in every case
    schema: otherwise === '' ? { ...one.schema, default: value } : one.schema,
  };
}

export function required<T>(optional: Field<T>): RequiredField<T> {
  return { ...optional, required: true };
}

export function isRequestId(value: unknown): value is RequestId {
  return typeof value === 'string' || typeof value === 'number';
}

/**
 * Reads the values of a table of fields and drops all others. A field with null counts as absent.
 *
 * @param refuse Creates the error for an invalid or missing field.
 */
export function readFields(
  entries: readonly (readonly [key: string, field: Field<unknown>])[],
  given: Fields,
  refuse: (message: string) => Error,
): Fields {
  const values: Fields = {};
  for (const [key, { required: isRequired, read, wanted }] of entries) {
    const value = given[key] ?? undefined;
    if (value === undefined && !isRequired) continue;
    const result = read(value);
    if (result === undefined) throw refuse(`${key} must be ${wanted}, not ${describeValue(value)}`);
    values[key] = result;
  }
  return values;
}

/** Returns the JSON Schema of an object with these fields. Other fields are allowed, and ignored. */
export function objectSchema(table: FieldTable): JsonSchema {
  const entries = Object.entries(table);
  const required = entries.filter(([, one]) => one.required).map(([key]) => key);
  return {
    type: 'object',
    properties: Object.fromEntries(entries.map(([key, one]) => [key, fieldSchema(one)])),
    ...(required.length > 0 && { required }),
  };
}

export function fieldSchema({ description, schema }: Field<unknown>): JsonSchema {
  return { description, ...schema };
}

/** Creates a builder, which takes the description. */
function field<T>(wanted: string, isValid: (value: unknown) => value is T, schema: JsonSchema, query?: QueryForm) {
  const read = (value: unknown): T | undefined => (isValid(value) ? value : undefined);
  return (description: string): Field<T> => ({ description, wanted, read, schema, ...(query && { query }) });
}

function isBoolean(value: unknown): value is boolean {
  return typeof value === 'boolean';
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
