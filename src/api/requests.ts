/** Validates requests by a table of the fields of each op. */
import { LEVELS } from '../core/filter.js';
import { normalizeTime } from '../core/time.js';
import { ProgressError } from '../core/errors.js';
import { AGENTS } from '../core/agents.js';
import { describeValue } from '../core/excerpt.js';
import type { Op, Request, RequestId } from './messages.js';
import { CONTROL_ACTIONS, URGENCIES } from './messages.js';
import type { Fields } from '../core/fields.js';
import { isObject } from '../core/fields.js';

/** Messages per second. */
const MAX_RATE = 1_000;
const ID_WANTED = 'a text or a number';

interface Field {
  wanted: string;
  /** Returns the value to use; undefined if it is invalid. */
  read: (value: unknown) => unknown;
  required?: true;
}

/** All fields of an op except `op` and `id`: a missing one does not compile. */
type Shape<K extends Op> = Readonly<Record<keyof Omit<Extract<Request, { op: K }>, 'op' | 'id'>, Field>>;

const text = field('a text', (value) => typeof value === 'string');
const name = field('a text that is not empty', (value) => typeof value === 'string' && value !== '');
const flag = field('true or false', (value) => typeof value === 'boolean');
const count = field(`a whole number from 0 to ${Number.MAX_SAFE_INTEGER}`, isCount);
const texts = field(
  'a list of texts',
  (value) => Array.isArray(value) && value.every((item) => typeof item === 'string'),
);
const object = field('an object', isObject);
const level = field(`one of ${LEVELS.join(', ')}`, (value) => LEVELS.some((known) => known === value));
const action = field(`one of ${CONTROL_ACTIONS.join(', ')}`, (value) =>
  CONTROL_ACTIONS.some((known) => known === value),
);
const urgency = field(`one of ${URGENCIES.join(', ')}`, (value) => URGENCIES.some((known) => known === value));
const agent = field(`one of ${AGENTS.join(', ')}`, (value) => AGENTS.some((known) => known === value));
const rate = field(`a number above 0, at most ${MAX_RATE}`, isRate);
const reference = field(ID_WANTED, isRequestId);
const time: Field = {
  wanted: 'an RFC 3339 time such as "2026-11-20T12:48:46Z"',
  read: (value) => (typeof value === 'string' ? normalizeTime(value) : undefined),
};

const SHAPES: { readonly [K in Op]: Shape<K> } = {
  hello: { protocol: count, client: text, ack: flag },
  emit: { event: required(object), synced: flag },
  subscribe: {
    execution: name,
    step: name,
    types: texts,
    level,
    stream: name,
    details: texts,
    after: count,
    journal: name,
    since: time,
    last: count,
    rate,
  },
  unsubscribe: { subscription: required(reference) },
  list: { all: flag, limit: count, before: count, text, statuses: texts, since: time },
  get: { execution: required(name) },
  log: { execution: required(name), from: count, last: count, limit: count, whole: flag },
  search: {
    execution: required(name),
    text,
    exact: flag,
    regex: flag,
    step: name,
    stream: name,
    level,
    from: count,
    to: count,
    marks: flag,
  },
  timeline: { execution: required(name) },
  rerun: { execution: required(name) },
  web: { on: required(flag), port: count, execution: name },
  queues: {},
  attach: { run: required(name) },
  control: {
    execution: required(name),
    action: required(action),
    by: text,
    signal: name,
    graceMs: count,
    ifQueued: flag,
  },
  prune: { executions: required(texts) },
  follow: { agent, on: flag },
  notify: { title: required(name), body: text, channels: required(texts), urgency, execution: name, test: flag },
  rules: {},
  status: {},
  shutdown: {},
};
const OPS = Object.keys(SHAPES);

/**
 * Validates a request and reduces it to its known fields. A field with null counts as absent.
 *
 * @throws {ProgressError} `unknown_op` or `bad_request`.
 */
export function toRequest(value: Fields): Request {
  const { op } = value;
  if (!isOp(op)) throw unknownOp(value);
  const id = requestId(value);
  if (id === undefined) throw badRequest(op, 'id', ID_WANTED, value['id']);
  const request: Fields = { op, id };
  for (const [key, shape] of Object.entries<Field>(SHAPES[op])) {
    const given = value[key] ?? undefined;
    if (given === undefined && !shape.required) continue;
    const read = shape.read(given);
    if (read === undefined) throw badRequest(op, key, shape.wanted, given);
    request[key] = read;
  }
  return request as Request;
}

/** Returns the ID for the reply to a request that may be invalid otherwise. */
export function requestId(value: Fields): RequestId | undefined {
  const { id } = value;
  return isRequestId(id) ? id : undefined;
}

function isRequestId(value: unknown): value is RequestId {
  return typeof value === 'string' || typeof value === 'number';
}

function isOp(value: unknown): value is Op {
  return typeof value === 'string' && Object.hasOwn(SHAPES, value);
}

function isCount(value: unknown): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isRate(value: unknown): boolean {
  return typeof value === 'number' && value > 0 && value <= MAX_RATE;
}

function field(wanted: string, accepts: (value: unknown) => boolean): Field {
  return { wanted, read: (value) => (accepts(value) ? value : undefined) };
}

function required(optional: Field): Field {
  return { ...optional, required: true };
}

function unknownOp(value: Fields): ProgressError {
  const advice = value['type'] === undefined ? '' : '; a field "op" of an event belongs into its "data"';
  const message = `unknown op ${describeValue(value['op'])}: known are ${OPS.join(', ')}${advice}`;
  return new ProgressError('unknown_op', message);
}

function badRequest(op: Op, key: string, wanted: string, given: unknown): ProgressError {
  return new ProgressError('bad_request', `${op}: ${key} must be ${wanted}, not ${describeValue(given)}`);
}
