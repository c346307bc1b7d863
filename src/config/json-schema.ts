/** Derives a JSON Schema of the configuration, for editors, from the schema that validates it. */
import { alternativesOf, insideOf, type ValueType, type ValueMeaning, meaningOf } from './value-types.js';
import { SCHEMA } from './schema.js';
import { DURATION_UNITS, SIZE_UNITS, type Units } from '../core/text/quantity.js';

type JsonSchema = Record<string, unknown>;

/** Properties of valibot's schemas that are used here. */
interface Shape {
  type: string;
  wrapped?: ValueType<unknown>;
  default?: unknown;
  literal?: unknown;
}

/** Returns the JSON Schema (draft 2020-12), without constraints across several values, such as references to channels. */
export function configJsonSchema(): JsonSchema {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'The configuration of progress',
    ...toJsonSchema(SCHEMA),
  };
}

function toJsonSchema(schema: ValueType<unknown>): JsonSchema {
  const { type, wrapped, default: fallback, literal } = schema as ValueType<unknown> & Shape;
  if (wrapped) {
    const inner = toJsonSchema(wrapped);
    if (type === 'nullish') return { ...inner, type: ['object', 'null'] };
    return fallback === undefined ? inner : { ...inner, default: fallback };
  }
  if (literal !== undefined) return { const: literal };
  const alternatives = alternativesOf(schema);
  if (alternatives) return { anyOf: alternatives.map(toJsonSchema) };
  const { entries, value, item } = insideOf(schema, undefined);
  const meaning = meaningOf(schema);
  const description = meaning && { description: meaning.description };
  if (entries) return groupSchema(entries);
  if (value) return { type: 'object', ...description, additionalProperties: toJsonSchema(value) };
  if (item) return { type: 'array', ...description, items: toJsonSchema(item), maxItems: meaning?.max };
  return meaning ? { ...description, ...valueSchema(meaning) } : {};
}

function groupSchema(entries: Readonly<Record<string, ValueType<unknown>>>): JsonSchema {
  const required = Object.entries<ValueType<unknown>>(entries)
    .filter(([, { type }]) => !type.endsWith('optional') && type !== 'nullish')
    .map(([name]) => name);
  return {
    type: 'object',
    properties: Object.fromEntries(Object.entries(entries).map(([name, entry]) => [name, toJsonSchema(entry)])),
    ...(required.length > 0 && { required }),
    additionalProperties: false,
  };
}

function valueSchema({ type, min, max, values, item }: ValueMeaning): JsonSchema {
  switch (type) {
    case 'size':
      return quantitySchema(min, max, SIZE_UNITS);
    case 'duration':
      return quantitySchema(min, max, DURATION_UNITS);
    case 'number':
      return { type: 'integer', minimum: min, maximum: max };
    case 'decimal':
      return { type: 'number', minimum: min, maximum: max };
    case 'boolean':
      return { type: 'boolean' };
    case 'choice':
      return { enum: values };
    case 'list': {
      const one = item ? valueSchema(item) : {};
      return { anyOf: [one, { type: 'array', items: one, minItems: min, maxItems: max }] };
    }
    case 'text':
    case 'mapping':
      return { type: 'string', minLength: 1 };
  }
}

function quantitySchema(minimum: number | undefined, maximum: number | undefined, units: Units): JsonSchema {
  const pattern = `^\\d{1,15} ?(${Object.keys(units).join('|')})$`;
  return {
    anyOf: [
      { type: 'string', pattern },
      { type: 'integer', minimum, maximum },
    ],
  };
}
