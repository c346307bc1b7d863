/** Validates against the schemas that the build has written. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { ROOT } from './daemon.js';

export type Schema = Record<string, unknown>;

export function readSchema(name: 'http' | 'events' | 'protocol' | 'config'): Schema {
  return JSON.parse(readFileSync(path.join(ROOT, 'dist/schema', `${name}.json`), 'utf8')) as Schema;
}

export interface Validator {
  /** Returns what is wrong with a value; empty if it is valid. @param place Where the schema is: `/$defs/ListReply`. */
  check: (place: string, value: unknown) => string;
}

/** @param isClosed Refuse fields that no schema names, as this version has no reason to send any. */
export function createValidator(document: Schema, { isClosed = false } = {}): Validator {
  const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
  ajv.addSchema(isClosed ? (close(document) as Schema) : document, 'document');
  return {
    check(place, value) {
      const validate = ajv.getSchema(`document#${place}`);
      if (!validate) return `no schema at ${place}`;
      return validate(value) === true ? '' : ajv.errorsText(validate.errors);
    },
  };
}

function close(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(close);
  if (typeof value !== 'object' || value === null) return value;
  const closed = Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, close(inner)]));
  const isObject = closed['type'] === 'object' && typeof closed['properties'] === 'object';
  // an object with `required` alone is one of several forms
  return isObject && !('additionalProperties' in closed) ? { ...closed, additionalProperties: false } : closed;
}
