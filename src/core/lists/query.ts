/**
 * Filters executions by a text as typed in a search field: `status:failed agent:claude nightly -label:team=web`.
 *
 * Terms are separated by spaces, and all must hold. `KEY:A,B` wants one of the values; any other term is a text that the
 * execution mentions. A minus before a term negates it; quotes keep spaces together. Nothing that is typed is an error:
 * what is no known key is a text.
 */
import type { Execution } from '../execution.js';
import { isFailure, isFinal } from '../execution.js';
import { mentions } from './lookup.js';

export const QUERY_KEYS = ['status', 'agent', 'queue', 'kind', 'label', 'name', 'id'] as const;
type QueryKey = (typeof QUERY_KEYS)[number];

export type Query = readonly Term[];

interface Term {
  /** Absent for a text. */
  key?: QueryKey;
  /** In lower case; any of them. */
  values: readonly string[];
  isNegated: boolean;
}

export function parseQuery(text: string): Query {
  return words(text).map(toTerm);
}

export function matchesQuery(execution: Execution, query: Query): boolean {
  return query.every((term) => holds(execution, term) !== term.isNegated);
}

/** Splits at spaces outside of quotes; a quote that is not closed yet ends with the text. */
function words(text: string): string[] {
  return [...text.matchAll(/(?:[^\s"]|"[^"]*(?:"|$))+/g)].map(([word]) => word.replaceAll('"', ''));
}

function toTerm(word: string): Term {
  const isNegated = word.length > 1 && word.startsWith('-');
  const term = isNegated ? word.slice(1) : word;
  const colon = term.indexOf(':');
  const key = QUERY_KEYS.find((known) => known === term.slice(0, Math.max(0, colon)).toLowerCase());
  if (key === undefined) return { values: [term.toLowerCase()], isNegated };
  const values = term
    .slice(colon + 1)
    .toLowerCase()
    .split(',');
  return { key, values: values.filter((value) => value !== ''), isNegated };
}

function holds(execution: Execution, { key, values }: Term): boolean {
  // a key that has no value yet is still being typed
  if (values.length === 0) return true;
  return values.some((value) => (key === undefined ? mentions(execution, value) : HAS[key](execution, value)));
}

const HAS: Readonly<Record<QueryKey, (execution: Execution, value: string) => boolean>> = {
  status: hasStatus,
  agent: ({ agent }, value) => contains(agent?.name, value),
  queue: ({ queue }, value) => queue?.toLowerCase() === value,
  kind: ({ kind }, value) => kind.toLowerCase() === value,
  label: hasLabel,
  name: ({ name }, value) => contains(name, value),
  id: ({ id }, value) => id.toLowerCase().startsWith(value),
};

/** `active`, `finished` and `bad` stand for several statuses; a beginning is enough. */
function hasStatus({ status, attention }: Execution, value: string): boolean {
  if ('active'.startsWith(value) && !isFinal(status)) return true;
  if ('finished'.startsWith(value) && isFinal(status)) return true;
  if (value === 'bad') return isFailure(status);
  return status.startsWith(value) || (attention?.state.startsWith(value) ?? false);
}

/** `team` or `team=web`. */
function hasLabel({ labels = {} }: Execution, value: string): boolean {
  return Object.entries(labels).some(([name, given]) => {
    const label = `${name}=${given}`.toLowerCase();
    return value.includes('=') ? label === value : name.toLowerCase() === value;
  });
}

function contains(text: string | undefined, value: string): boolean {
  return text?.toLowerCase().includes(value) ?? false;
}
