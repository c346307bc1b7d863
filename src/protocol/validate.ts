/** Validates untrusted lines as events; the only entry point for foreign data. Requests are validated in requests.ts. */
import type { Fields } from '../core/events/fields.js';
import { isObject } from '../core/events/fields.js';
import type { EventData, NewEvent } from '../core/events/event.js';
import { isIdentifier, MAX_ID_CHARS, MAX_TYPE_CHARS } from '../core/events/identifier.js';
import { readTime } from '../core/text/time.js';
import { toId, toTime } from '../core/events/conversions.js';
import { isAlias, translate } from '../core/events/event-aliases.js';
import { ProgressError } from '../core/base/errors.js';
import { describeValue, quoteAround } from '../core/text/excerpt.js';
import { findJsonError } from './json-error.js';
import { MAX_LINE_DEPTH } from '../api/messages.js';

/** An escape for half of a surrogate pair, the only way for one into a text that was valid UTF-8. */
const SURROGATE_ESCAPE = /\\u[dD][89a-fA-F]/;
const LONE_SURROGATE = /\p{Surrogate}/gu;
const REPLACEMENT = '\ufffd';

export interface Parsed {
  value: Fields;
  /** Whether encoding the value yields the same text. */
  exact: boolean;
}

/**
 * Parses a line as an object of at most MAX_LINE_DEPTH levels with well-formed texts; infinite numbers become null.
 *
 * @param line Line number, for errors.
 * @throws {ProgressError} `bad_json`, `bad_event` or `too_deep`.
 */
export function parseLine(text: string, line: number): Fields {
  return parseExactly(text, line).value;
}

/** Parses a line as `parseLine` does, and reports whether its text can be reused. */
export function parseExactly(text: string, line: number): Parsed {
  const value = parseJson(text, line);
  if (!isObject(value)) {
    throw new ProgressError('bad_event', `a line must hold one JSON object, not ${describeValue(value)}`, { line });
  }
  const tidied = tidy(value, 1);
  if (tidied === 'deep') {
    throw new ProgressError('too_deep', `the line nests deeper than ${MAX_LINE_DEPTH} levels: flatten its data`, {
      line,
    });
  }
  if (!text.includes('\\u')) return { value, exact: tidied === 'same' };
  return { value: SURROGATE_ESCAPE.test(text) ? (wellFormed(value) as Fields) : value, exact: false };
}

function parseJson(text: string, line: number): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const at = findJsonError(text);
    const place = at < text.length ? `at column ${at + 1}, near ${quoteAround(text, at)}` : 'it ends too early';
    throw new ProgressError('bad_json', `the line is not JSON: ${place}`, { line, cause });
  }
}

/** Replaces Infinity, which JSON cannot represent, by null. Stops at MAX_LINE_DEPTH. */
function tidy(container: Fields | unknown[], depth: number): Tidied {
  if (depth > MAX_LINE_DEPTH) return 'deep';
  let result: Tidied = 'same';
  if (Array.isArray(container)) {
    // for-in would be slow: a line may contain a hundred thousand numbers
    for (let index = 0; index < container.length; index++) {
      const value: unknown = container[index];
      if (isInfinite(value)) container[index] = null;
      result = combine(result, tidyValue(value, depth));
    }
  } else {
    for (const key in container) {
      const value = container[key];
      if (isInfinite(value)) container[key] = null;
      result = combine(result, tidyValue(value, depth));
    }
  }
  return result;
}

type Tidied = 'same' | 'changed' | 'deep';

function tidyValue(value: unknown, depth: number): Tidied {
  if (typeof value === 'object' && value !== null) return tidy(value as Fields, depth + 1);
  return isInfinite(value) ? 'changed' : 'same';
}

function isInfinite(value: unknown): boolean {
  return value === Infinity || value === -Infinity;
}

function combine(a: Tidied, b: Tidied): Tidied {
  if (a === 'deep' || b === 'deep') return 'deep';
  return a === 'changed' ? a : b;
}

function wellFormed(value: unknown): unknown {
  if (typeof value === 'string') return value.replace(LONE_SURROGATE, REPLACEMENT);
  if (Array.isArray(value)) return value.map(wellFormed);
  if (!isObject(value)) return value;
  // fromEntries defines properties, so a key `__proto__` is preserved
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key.replace(LONE_SURROGATE, REPLACEMENT), wellFormed(item)]),
  );
}

/** Whether a value is a request, for `toRequest`, rather than an event, for `toNewEvent`. */
export function isRequest(value: Fields): boolean {
  return value['op'] !== undefined;
}

const EXAMPLE = '{"type":"log","data":{"message":"hello"}}';
const ID_WANTED = `a text of 1 to ${MAX_ID_CHARS} characters without control characters`;
const TYPE_WANTED = `a text of 1 to ${MAX_TYPE_CHARS} characters without control characters`;
const TIME_WANTED = 'an RFC 3339 time such as "2026-11-20T12:48:46.123Z", or seconds since 1970';
const COUNT_WANTED = `a whole number from 0 to ${Number.MAX_SAFE_INTEGER}`;

/**
 * Validates an event: checks the envelope, moves other fields into `data` and translates other event formats. A field
 * with null counts as absent.
 *
 * @throws {ProgressError} `bad_event`.
 */
export function toNewEvent(given: unknown): NewEvent {
  if (!isObject(given)) throw badEvent('an event', 'an object', given);
  const { value, id } = toPlain(given);
  const { type, time, execution, step, source, n, approximate, sender } = value;
  if (type === undefined) {
    throw new ProgressError('bad_event', `an event needs "type", as in ${EXAMPLE}; a request needs "op" and "id"`);
  }
  if (!isIdentifier(type, MAX_TYPE_CHARS)) throw badEvent('type', TYPE_WANTED, type);
  const event: NewEvent = { type, data: dataOf(value) };
  if (isGiven(time)) event.time = checkTime(time);
  if (isGiven(approximate) && checkFlag(approximate)) event.approximate = true;
  if (isGiven(execution)) event.execution = checkId('execution', execution);
  if (value['lookup'] === true) event.lookup = true;
  if (value['inherited'] === true) event.inherited = true;
  if (isGiven(step)) event.step = checkId('step', step);
  if (isGiven(source)) event.source = checkId('source', source);
  if (isGiven(n)) event.n = checkCount(n);
  if (id !== undefined) event.id = id;
  if (isSender(sender)) event.sender = sender;
  try {
    return translate(event);
  } catch (cause) {
    throw cause instanceof TypeError ? new ProgressError('bad_event', cause.message, { cause }) : cause;
  }
}

/** An event with its type in `type`, and the ID that was found. */
interface Plain {
  value: Fields;
  id?: string | undefined;
}

/**
 * Normalizes two other forms of events: those with the type in `event`, and those that `progress emit TYPE --data LINE`
 * nests in the data of another event. Their `id` and `timestamp` become the ID and the time.
 */
function toPlain(given: Fields): Plain {
  if (given['type'] === undefined && given['event'] !== undefined) return unwrap(given);
  const { data, ...envelope } = given;
  const { type } = given;
  if (typeof type !== 'string' || !isObject(data)) return { value: given };
  const isNamed = data['type'] === type || data['event'] === type;
  if (!isNamed && !(isObject(data['data']) && isAlias(type, data))) return { value: given };
  const inner = data['event'] === type || isObject(data['data']) ? unwrap({ ...data, event: type }) : { value: data };
  const { type: _type, ...fields } = inner.value;
  // the fields of a nested flat event are data, never part of the envelope
  if (!isObject(data['data'])) return { ...inner, value: { ...envelope, data: fields } };
  return { ...inner, value: { ...envelope, ...fields, type } };
}

/** Unwraps `{"event":TYPE,"data":{...},"timestamp":1790000000.25,"id":"..."}`. */
function unwrap({ event, type: _type, id, timestamp, ...rest }: Fields): Plain {
  const time = toTime(timestamp);
  const late = time === undefined && isGiven(timestamp) ? { timestamp } : {};
  return { value: { ...rest, ...late, ...(time !== undefined && { time }), type: event }, id: toId(id) };
}

/** Types that only the daemon writes: by any other producer they would be forged. */
const OWN_TYPES: ReadonlySet<string> = new Set(['journal_note', 'alert_triggered']);

/** Refuses types that are reserved for the daemon. @throws {ProgressError} `bad_event`. */
export function checkProducer(event: NewEvent): NewEvent {
  if (!OWN_TYPES.has(event.type)) return event;
  throw new ProgressError('bad_event', `type ${event.type} is the daemon’s own: use another type`);
}

/** Whether a field is present; null counts as absent. */
export function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}

const ENVELOPE: ReadonlySet<string> = new Set([
  'seq',
  'time',
  'approximate',
  'type',
  'execution',
  'step',
  'source',
  'n',
  'data',
]);

/** Returns the data of an event. `lookup` and `inherited` belong to the envelope only if they are `true`. */
function dataOf(value: Fields): EventData {
  const data = value['data'] ?? {};
  if (!isObject(data)) throw badEvent('data', 'an object', data);
  for (const key in value) {
    if (!isEnvelope(key, value)) return { ...flatFields(value), ...data };
  }
  return data;
}

function isEnvelope(key: string, value: Fields): boolean {
  if (key === 'lookup' || key === 'inherited') return value[key] === true;
  return ENVELOPE.has(key) || (key === 'sender' && isSender(value[key]));
}

function flatFields(value: Fields): EventData {
  const flat: EventData = {};
  for (const key in value) {
    if (isEnvelope(key, value)) continue;
    // an assignment would set the prototype
    if (key === '__proto__') Object.defineProperty(flat, key, { ...WRITABLE, value: value[key] });
    else flat[key] = value[key];
  }
  return flat;
}

const WRITABLE = { configurable: true, enumerable: true, writable: true };

function checkId(field: string, value: unknown): string {
  if (isIdentifier(value)) return value;
  throw badEvent(field, ID_WANTED, value);
}

function checkTime(value: unknown): string {
  const time = readTime(value);
  if (time === undefined) throw badEvent('time', TIME_WANTED, value);
  return time;
}

function checkCount(value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw badEvent('n', COUNT_WANTED, value);
}

/** Maximum length of `sender`. */
const MAX_SENDERS = 16;

/** Whether `sender` is valid; anything else of that name is data. */
function isSender(value: unknown): value is string[] {
  return Array.isArray(value) && value.length <= MAX_SENDERS && value.every((name) => isIdentifier(name));
}

function checkFlag(value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  throw badEvent('approximate', 'true or absent', value);
}

function badEvent(field: string, wanted: string, given: unknown): ProgressError {
  return new ProgressError('bad_event', `${field} must be ${wanted}, not ${describeValue(given)}`);
}
