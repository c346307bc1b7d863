/** Reads events from a file, in the format of producers, of the journal, or of alerts. */
import type { EventData, ExecutionEvent, NewEvent } from '../../../core/events/event.js';
import type { Execution, ExecutionJson } from '../../../core/execution.js';
import { executionFromJson } from '../../../core/execution.js';
import { STARTS } from '../../../core/events/event.js';
import { ProgressError } from '../../../core/base/errors.js';
import type { Fields } from '../../../core/events/fields.js';
import { parseLine, toNewEvent } from '../../../protocol/validate.js';
import { isObject } from '../../../core/events/fields.js';

export interface EventFile {
  events: ExecutionEvent[];
  /** Executions before these events, from alerts. */
  known: Execution[];
  /** What was skipped, with its place and the reason. */
  notes: string[];
}

/** Fields of a single end that describe its execution. */
const DESCRIBING = ['name', 'kind', 'argv', 'cwd', 'agent', 'queue', 'labels', 'parent'];

/** Parses one JSON text, a list of them, or one per line: events, or alerts as a channel receives them. */
export function readEventFile(text: string, now = Date.now()): EventFile {
  const file: EventFile = { events: [], known: [], notes: [] };
  const seen = new Set<string>();
  for (const { value, where } of parse(text)) {
    const alert = toAlert(value);
    if (alert && !alert.event) {
      file.notes.push(`${where}: ${withoutEvent(alert.rule)}`);
      continue;
    }
    const event = stamp(
      naming(where, () => toNewEvent(alert?.event ?? value)),
      file.events.length + 2,
      now,
    );
    if (alert) {
      // rules with channels of their own, and further attempts, repeat it
      const same = JSON.stringify([event.execution, alert.event]);
      if (seen.has(same)) continue;
      seen.add(same);
      const { execution } = alert;
      if (execution && !file.known.some(({ id }) => id === execution['id'])) file.known.push(toExecution(execution));
    }
    file.events.push(event);
  }
  const [only, ...others] = file.events;
  if (!only) throw new ProgressError('bad_event', file.notes[0] ?? 'the file holds no event');
  if (others.length === 0 && file.known.length === 0) file.events.unshift(...introduction(only));
  return file;
}

/** Value and its place, as in `line 3`. */
interface Part {
  value: Fields;
  where: string;
}

function parse(text: string): Part[] {
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return [{ value, where: 'line 1' }];
    if (Array.isArray(value) && value.every(isObject))
      return value.map((item, index) => ({ value: item, where: `item ${index + 1}` }));
  } catch {
    // several lines, or an error that a line number explains
  }
  return text.split('\n').flatMap((line, index) => {
    const where = `line ${index + 1}`;
    return line.trim() === '' ? [] : [{ value: naming(where, () => parseLine(line, index + 1)), where }];
  });
}

/** Adds the place to errors. */
function naming<Value>(where: string, read: () => Value): Value {
  try {
    return read();
  } catch (cause) {
    const { code, message, line } = ProgressError.from(cause);
    throw new ProgressError(code, `${where}: ${message}`, { cause, line });
  }
}

interface GivenAlert {
  rule: string;
  event?: Fields;
  execution?: Fields;
}

/** @returns undefined for an event */
function toAlert({ type, rule, title, event, execution }: Fields): GivenAlert | undefined {
  const isAlert = isObject(event) || (typeof rule === 'string' && typeof title === 'string');
  if (!isAlert || type !== undefined) return undefined;
  return {
    rule: typeof rule === 'string' ? rule : '',
    ...(isObject(event) && { event }),
    ...(isObject(execution) && { execution }),
  };
}

function withoutEvent(rule: string): string {
  return `the alert of ${rule} has no event to test rules with; remove it, or use an alert of a rule about an event`;
}

function stamp(event: NewEvent, seq: number, now: number): ExecutionEvent {
  const execution = event.execution ?? event.source ?? 'default';
  return { ...event, execution, seq, time: event.time ?? new Date(now).toISOString() };
}

/** Start of the execution of a single event, from the fields of that event. */
function introduction({ type, time, execution, data }: ExecutionEvent): ExecutionEvent[] {
  const described: EventData = Object.fromEntries(
    DESCRIBING.filter((key) => data[key] !== undefined).map((key) => [key, data[key]]),
  );
  if (STARTS.has(type) || Object.keys(described).length === 0) return [];
  return [{ type: 'execution_started', seq: 1, time, ...(execution !== undefined && { execution }), data: described }];
}

/** Restores the state before the event, which is folded again, without alerts. */
function toExecution(value: Fields): Execution {
  const { endedAt: _endedAt, alerts: _alerts, alerted: _alerted, ...rest } = value as unknown as ExecutionJson;
  const lists = { steps: [], tail: [] };
  return executionFromJson({ ...lists, ...rest, status: 'running' });
}
