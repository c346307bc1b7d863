/** Converts the JSON Schemas that are generated from types to draft 2020-12. */
import type { JsonSchema } from '../fields.js';

export type Definitions = Readonly<Record<string, JsonSchema>>;

export const DIALECT = 'https://json-schema.org/draft/2020-12/schema';

/** Converts schemas of draft 7. @param place Where the references are to point: `#/$defs/`. */
export function toDraft2020(definitions: Definitions, place: string): Definitions {
  return convert(definitions, place) as Definitions;
}

function convert(value: unknown, place: string): unknown {
  if (Array.isArray(value)) return value.map((item) => convert(item, place));
  if (typeof value === 'string') return value.replace(/^#\/definitions\//, place);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      // a tuple
      const name = key === 'items' && Array.isArray(inner) ? 'prefixItems' : key;
      return [name, convert(inner, place)];
    }),
  );
}

/** `execution_started` as the name of a definition: `ExecutionStarted`. */
export function pascalCase(name: string): string {
  return name.replace(/(?:^|_)([a-z])/g, (_match, letter: string) => letter.toUpperCase());
}
