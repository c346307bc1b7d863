/** Events from a file that somebody wrote or saved: as they were sent, or as they stand in the journal. */
import type { EventData, ExecutionEvent, NewEvent } from '../core/event.js';
import type { Execution, ExecutionJson } from '../core/execution.js';
import { executionFromJson } from '../core/execution.js';
import { STARTS } from '../core/fold.js';
import { ProgressError } from '../errors.js';
import type { Fields } from '../protocol/validate.js';
import { isObject, parseLine, toNewEvent } from '../protocol/validate.js';

/** What an end may tell of its execution as well, when it is all that there is. */
const DESCRIBING = ['name', 'kind', 'argv', 'cwd', 'agent', 'queue', 'labels', 'parent'];

/** One JSON text, a list of them, or one on each line; an alert as a webhook gets it brings its execution. */
export function readStory(text: string, now = Date.now()): { events: ExecutionEvent[]; known?: Execution } {
  const values = parse(text);
  const [first] = values;
  if (values.length === 1 && first && isObject(first['event'])) {
    const event = stamp(toNewEvent(first['event']), 2, now);
    const { execution } = first;
    return { events: [event], ...(isObject(execution) && { known: toExecution(execution) }) };
  }
  const events = values.map((value, index) => stamp(toNewEvent(value), index + 2, now));
  const [only] = events;
  if (!only) throw new ProgressError('bad_event', 'there is no event in it');
  return { events: events.length === 1 ? [...introduction(only), only] : events };
}

function parse(text: string): Fields[] {
  try {
    const value: unknown = JSON.parse(text);
    const values = Array.isArray(value) ? value : [value];
    if (values.every(isObject)) return values;
  } catch {
    // several lines then, or an error that says where
  }
  return text.split('\n').flatMap((line, index) => (line.trim() === '' ? [] : [parseLine(line, index + 1)]));
}

function stamp(event: NewEvent, seq: number, now: number): ExecutionEvent {
  const execution = event.execution ?? event.source ?? 'default';
  return { ...event, execution, seq, time: event.time ?? new Date(now).toISOString() };
}

/** The start that a single event leaves out. */
function introduction({ type, time, execution, data }: ExecutionEvent): ExecutionEvent[] {
  const told: EventData = Object.fromEntries(
    DESCRIBING.filter((key) => data[key] !== undefined).map((key) => [key, data[key]]),
  );
  if (STARTS.has(type) || Object.keys(told).length === 0) return [];
  return [{ type: 'execution_started', seq: 1, time, ...(execution !== undefined && { execution }), data: told }];
}

/** As it was before its event: what that has changed, it changes again. */
function toExecution(value: Fields): Execution {
  const { endedAt: _endedAt, ...rest } = value as unknown as ExecutionJson;
  const lists = { steps: [], tail: [] };
  return executionFromJson({ ...lists, ...rest, status: 'running' });
}
