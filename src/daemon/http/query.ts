/** Reads the query of a URL into the fields of a request, which the protocol then validates. */
import type { FieldTable, QueryForm } from '../../api/fields.js';
import type { Fields } from '../../core/events/fields.js';

/** Reads these fields. A value of the wrong form stays text, so that validation refuses it by name. */
export function readQuery(query: URLSearchParams, table: FieldTable): Fields {
  const fields: Fields = {};
  for (const [name, { query: form = 'text' }] of Object.entries(table)) {
    const values = query.getAll(name);
    if (values.length > 0) fields[name] = form === 'list' ? listOf(values) : valueOf(values.at(-1) ?? '', form);
  }
  return fields;
}

function listOf(values: readonly string[]): string[] {
  return values.flatMap((value) => value.split(',')).filter((value) => value !== '');
}

function valueOf(text: string, form: Exclude<QueryForm, 'list'>): unknown {
  if (form === 'number' && /^\d+(?:\.\d+)?$/.test(text)) return Number(text);
  if (form === 'flag' && FLAGS.has(text)) return FLAGS.get(text);
  return text;
}

const FLAGS: ReadonlyMap<string, boolean> = new Map([
  ['', true],
  ['1', true],
  ['true', true],
  ['0', false],
  ['false', false],
]);
