/** Events from a file that somebody wrote or saved: as they were sent, as they stand in the journal, or in alerts. */
import type { EventData, ExecutionEvent, NewEvent } from '../../../core/event.js';
import type { Execution, ExecutionJson } from '../../../core/execution.js';
import { executionFromJson } from '../../../core/execution.js';
import { STARTS } from '../../../core/fold.js';
import { ProgressError } from '../../../core/errors.js';
import type { Fields } from '../../../core/fields.js';
import { parseLine, toNewEvent } from '../../../protocol/validate.js';
import { isObject } from '../../../core/fields.js';

export interface Story {
  events: ExecutionEvent[];
  /** Executions as they were before these, where alerts bring them. */
  known: Execution[];
  /** Of what is left out, where it stands and why. */
  notes: string[];
}

/** What an end may tell of its execution as well, when it is all that there is. */
const DESCRIBING = ['name', 'kind', 'argv', 'cwd', 'agent', 'queue', 'labels', 'parent'];

/** One JSON text, a list of them, or one on each line: events, or alerts as a channel gets them. */
export function readStory(text: string, now = Date.now()): Story {
  const story: Story = { events: [], known: [], notes: [] };
  const told = new Set<string>();
  for (const { value, where } of parse(text)) {
    const alert = toAlert(value);
    if (alert && !alert.event) {
      story.notes.push(`${where}: ${withoutEvent(alert.rule)}`);
      continue;
    }
    const event = stamp(
      naming(where, () => toNewEvent(alert?.event ?? value)),
      story.events.length + 2,
      now,
    );
    if (alert) {
      // rules with channels of their own, and further attempts, repeat it
      const same = JSON.stringify([event.execution, alert.event]);
      if (told.has(same)) continue;
      told.add(same);
      const { execution } = alert;
      if (execution && !story.known.some(({ id }) => id === execution['id'])) story.known.push(toExecution(execution));
    }
    story.events.push(event);
  }
  const [only, ...others] = story.events;
  if (!only) throw new ProgressError('bad_event', story.notes[0] ?? 'there is no event in it');
  if (others.length === 0 && story.known.length === 0) story.events.unshift(...introduction(only));
  return story;
}

/** A value, and where it stands, as in `line 3`. */
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
    // several lines then, or an error that says where
  }
  return text.split('\n').flatMap((line, index) => {
    const where = `line ${index + 1}`;
    return line.trim() === '' ? [] : [{ value: naming(where, () => parseLine(line, index + 1)), where }];
  });
}

/** What goes wrong is told with where it does. */
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

/** Undefined for what is an event itself. */
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
  return `the alert of ${rule} has no event that rules could be asked about: leave it out, or give an alert of a rule about an event`;
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

/** As it was before its event: what that has changed, it changes again, and nobody was told of it. */
function toExecution(value: Fields): Execution {
  const { endedAt: _endedAt, alerts: _alerts, alerted: _alerted, ...rest } = value as unknown as ExecutionJson;
  const lists = { steps: [], tail: [] };
  return executionFromJson({ ...lists, ...rest, status: 'running' });
}
