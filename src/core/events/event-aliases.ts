/** Translates events of other event formats, and normalizes the fields of native ones. */
import { formatText, keepValue, toId, toLevel, toNumber, toPercent, toTime } from './conversions.js';
import type { EventData, NewEvent } from './event.js';
import { textOf } from './event.js';
import type { AliasFields, AliasMeaning } from './event-alias-table.js';
import { aliasOutcomeOf, aliasOf, spreadActivity } from './event-alias-table.js';

/** Whether an event is of another event format. */
export function isAlias(type: string, data: EventData): boolean {
  return aliasOf(type, data) !== undefined;
}

/**
 * Translates an event into native types and fields. An event that needs no change is returned unchanged.
 *
 * @throws {TypeError} If `current`, `total` or `percent` of a `progress` event is not a number.
 */
export function translate(event: NewEvent): NewEvent {
  const row = aliasOf(event.type, event.data);
  return row === undefined ? normalize(event) : normalize(translateBy(row, event));
}

function translateBy(row: NonNullable<ReturnType<typeof aliasOf>>, event: NewEvent): NewEvent {
  const data = event.type === 'invocation.activity' ? spreadActivity(event.data) : { ...event.data };
  const meaning = typeof row === 'function' ? row(data) : row;
  const translated: NewEvent = { ...event, type: meaning.type, data };
  // the producer's time wins over the one that `progress emit` adds
  const time = takeTime(data, event.type) ?? event.time;
  const id = event.id ?? takeField(data, 'id', toId);
  const execution = event.execution ?? takeField(data, meaning.execution, toId);
  const step = event.step ?? takeStep(data, meaning.step);
  if (time !== undefined) translated.time = time;
  if (id !== undefined) translated.id = id;
  if (execution !== undefined) translated.execution = execution;
  if (step !== undefined) translated.step = step;
  keepErrorType(data);
  renameFields(data, meaning.fields ?? {});
  for (const [key, value] of Object.entries(meaning.defaults ?? {})) {
    if (value !== undefined) data[key] ??= value;
  }
  if (meaning.type === 'execution_failed') data['error'] ??= storiesError(data);
  if (data['error'] === undefined) Reflect.deleteProperty(data, 'error');
  const text = textOf(data, 'text');
  if (text !== undefined && data['formatting'] !== undefined) data['text'] = formatText(text, data['formatting']);
  data['as'] = event.type;
  return translated;
}

/** Takes the time of an event; starts and ends may have a field of their own for it. */
function takeTime(data: EventData, type: string): string | undefined {
  const own = type.endsWith('started') ? ['startTime'] : /(?:completed|failed|timeout)$/.test(type) ? ['endTime'] : [];
  const field = ['timestamp', 'time', ...own].find((key) => toTime(data[key]) !== undefined);
  return takeField(data, field, toTime);
}

/** Copies the type of an error object to `errorType`, before only its message is kept. */
function keepErrorType(data: EventData): void {
  const { error } = data;
  if (typeof error !== 'object' || error === null) return;
  const { type, name, code } = error as Record<string, unknown>;
  const word = [type, name, code].find((one) => typeof one === 'string' && one !== '');
  if (word !== undefined) data['errorType'] ??= word;
}

function storiesError(data: EventData): string | undefined {
  const failed = toNumber(data['stories_failed']) ?? 0;
  return failed === 0 ? undefined : `${failed} ${failed === 1 ? 'story' : 'stories'} failed`;
}

/** Removes a field from `data` and returns its converted value; leaves it if it cannot be converted. */
function takeField<T>(
  data: EventData,
  key: string | undefined,
  convert: (value: unknown) => T | undefined,
): T | undefined {
  if (key === undefined) return undefined;
  const value = convert(data[key]);
  if (value !== undefined) Reflect.deleteProperty(data, key);
  return value;
}

function takeStep(data: EventData, step: AliasMeaning['step']): string | undefined {
  return typeof step === 'function' ? step(data) : takeField(data, step, toId);
}

function renameFields(data: EventData, fields: AliasFields): void {
  for (const [theirs, rule] of Object.entries(fields)) {
    const [ours, convert] = typeof rule === 'string' ? [rule, keepValue] : rule;
    if (ours !== theirs && data[ours] !== undefined) continue;
    const value = takeField(data, theirs, convert);
    if (value !== undefined) data[ours] = value;
  }
}

/** Normalizes the fields of native types. */
function normalize(event: NewEvent): NewEvent {
  const { type, data } = event;
  if (type === 'log') return withLevel(event);
  if (type === 'progress') return withNumbers(event);
  // an outcome is never better than its own data
  if (type !== 'execution_completed' && type !== 'step_completed') return event;
  const isFailure = data['as'] === undefined && (data['success'] === false || data['status'] === 'failed');
  return isFailure ? { ...event, type: type.replace('completed', 'failed') } : event;
}

/** Spellings of a level that carry no more information than the level. */
const SPELLINGS: ReadonlySet<string> = new Set(['debug', 'info', 'warn', 'warning', 'err', 'error']);

/** Normalizes the level; the original stays in `levelGiven` if it carries more information. */
function withLevel(event: NewEvent): NewEvent {
  const { level } = event.data;
  const usual = toLevel(level);
  if (usual === undefined || usual === level) return event;
  const isSpelling = typeof level === 'string' && SPELLINGS.has(level.toLowerCase());
  return { ...event, data: { ...event.data, level: usual, ...(!isSpelling && { levelGiven: level }) } };
}

/** Converts numbers that were sent as text; anything else throws, so that the producer gets an error. */
function withNumbers(event: NewEvent): NewEvent {
  const { data } = event;
  const changes: EventData = {};
  for (const key of ['current', 'total'] as const) {
    const value = data[key];
    if (value === undefined || value === null || typeof value === 'number') continue;
    const number = toNumber(value);
    if (number === undefined) throw new TypeError(`${key} of progress must be a number, not ${JSON.stringify(value)}`);
    changes[key] = number;
  }
  if (data['percent'] !== undefined && data['current'] === undefined) {
    const percent = toPercent(data['percent']);
    if (percent === undefined)
      throw new TypeError(`percent of progress must be a number, not ${JSON.stringify(data['percent'])}`);
    Object.assign(changes, { current: percent, total: 100, unit: '%' });
  }
  for (const key of ['message', 'unit'] as const) {
    const value = data[key];
    if (value !== undefined && value !== null && typeof value !== 'string') changes[key] = JSON.stringify(value);
  }
  return Object.keys(changes).length === 0 ? event : { ...event, data: { ...data, ...changes } };
}

/** Whether an event ends a task without an outcome, which then follows from its stories or invocations. */
export function isUnstatedEnd({ type, data }: NewEvent): boolean {
  if (type !== 'execution_completed') return false;
  return (data['as'] === 'task_completed' || data['as'] === 'task.completed') && aliasOutcomeOf(data) === undefined;
}
