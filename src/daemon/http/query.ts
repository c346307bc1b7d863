/** Reads the query of a URL into the fields of a request, which the protocol then validates. */
import type { Fields } from '../../core/fields.js';

export type ParameterKind = 'text' | 'number' | 'flag' | 'list';

/** Reads the named fields. A value of the wrong kind stays text, so that validation refuses it by name. */
export function readQuery(query: URLSearchParams, kinds: Readonly<Record<string, ParameterKind>>): Fields {
  const fields: Fields = {};
  for (const [name, kind] of Object.entries(kinds)) {
    const values = query.getAll(name);
    if (values.length > 0) fields[name] = kind === 'list' ? listOf(values) : valueOf(values.at(-1) ?? '', kind);
  }
  return fields;
}

function listOf(values: readonly string[]): string[] {
  return values.flatMap((value) => value.split(',')).filter((value) => value !== '');
}

function valueOf(text: string, kind: Exclude<ParameterKind, 'list'>): unknown {
  if (kind === 'number' && /^\d+(?:\.\d+)?$/.test(text)) return Number(text);
  if (kind === 'flag' && FLAGS.has(text)) return FLAGS.get(text);
  return text;
}

const FLAGS: ReadonlyMap<string, boolean> = new Map([
  ['', true],
  ['1', true],
  ['true', true],
  ['0', false],
  ['false', false],
]);
