/** Other programs' names for the same events: one table, and the function that applies it. */
import type { EventData, NewEvent } from './event.js';
import { isIdentifier } from './identifier.js';
import { DURATION_UNITS, parseQuantity } from './quantity.js';
import { readTime } from './time.js';

/** What one of their names means. Fields that are not named here stay in `data` as they are. */
interface Meaning {
  type: string;
  /** Their field that names the execution. */
  execution?: string;
  /** Their field that names the step, or how to make its id. */
  step?: string | ((data: EventData) => string | undefined);
  /** Theirs: ours, or ours with the conversion. One that has no value, or whose place is taken, stays. */
  fields?: Readonly<Record<string, string | readonly [string, Conversion]>>;
  /** Added where nothing is given. */
  defaults?: Readonly<Record<string, unknown>>;
}

/** Undefined: not convertible, so the field stays as it is. */
type Conversion = (value: unknown) => unknown;

/** A meaning may depend on what the event says. */
type Row = Meaning | ((data: EventData) => Meaning);

/** When something ended. */
const RESULT = {
  duration_ms: ['durationMs', toNumber],
  exit_code: ['exitCode', toNumber],
  error_message: 'error',
  errorMessage: 'error',
} as const;

const TASK = { execution: 'task_id' };
const STORY = { ...TASK, step: 'story_id', defaults: { kind: 'story' } };
/** Criteria have no ids of their own: `us-3/ac-1`, below `us-3`. */
const CRITERION = { ...TASK, step: toCriterionId, defaults: { kind: 'criterion' } };
const AGENT_TASK = { execution: 'taskId' };
const INVOCATION = { ...AGENT_TASK, step: 'invocationId' };
const OF_STEP = { execution: 'executionId', step: 'stepId' };

const TASK_NAMES = { taskName: 'name', title: 'name' };
/** Where an agent's words stand. */
const TEXT = { content: 'text', message: 'text', output: 'text' };
const MESSAGE = { content: 'message', text: 'message', msg: 'message' };

const VOCABULARY: ReadonlyMap<string, Row> = new Map<string, Row>([
  // A task with stories, and stories with acceptance criteria ("ac"). A duration without a unit is in seconds.
  [
    'task_started',
    {
      ...TASK,
      type: 'execution_started',
      fields: {
        task_name: 'name',
        story_count: ['total', toNumber],
        estimated_duration: ['estimatedMs', secondsToMs],
      },
      defaults: { kind: 'task' },
    },
  ],
  ['story_started', { ...STORY, type: 'step_started', fields: { title: 'name', ac_count: ['total', toNumber] } }],
  [
    'ac_completed',
    ended('step', {
      ...CRITERION,
      fields: { ...RESULT, story_id: ['parent', toId], ac_index: ['index', toNumber], ac_text: 'name' },
    }),
  ],
  ['story_completed', ended('step', { ...STORY, fields: { ...RESULT, title: 'name' } })],
  ['task_completed', ended('execution', { ...TASK, fields: { ...RESULT, task_name: 'name' } })],
  // an error that cannot be retried is the end of the story that it names; others are told, and the work goes on
  [
    'error_occurred',
    (data) =>
      data['retryable'] === false && toId(data['story_id']) !== undefined
        ? { ...STORY, type: 'step_failed', fields: { error_message: 'error' } }
        : {
            ...TASK,
            step: 'story_id',
            type: 'log',
            fields: { error_message: 'message' },
            defaults: { level: 'error' },
          },
  ],

  // Tasks that agents work on, one invocation of an agent after the other.
  ['task.started', { ...AGENT_TASK, type: 'execution_started', fields: TASK_NAMES, defaults: { kind: 'task' } }],
  // a review waits for a person, unless the event names the agent that does it
  [
    'task.review',
    (data) =>
      ['role', 'provider', 'model', 'invocationId'].some((key) => data[key] !== undefined)
        ? { ...AGENT_TASK, type: 'progress', defaults: { message: 'review' } }
        : {
            ...AGENT_TASK,
            type: 'attention',
            fields: { message: 'reason' },
            defaults: { state: 'waiting', reason: 'review' },
          },
  ],
  ['task.completed', ended('execution', { ...AGENT_TASK, fields: RESULT })],
  ['task.failed', { ...AGENT_TASK, type: 'execution_failed', fields: { ...RESULT, message: 'error' } }],
  [
    'invocation.started',
    (data) => ({ ...INVOCATION, type: 'step_started', defaults: { kind: 'invocation', name: data['role'] } }),
  ],
  ['invocation.activity', toActivity],
  ['invocation.completed', ended('step', { ...INVOCATION, fields: RESULT, defaults: { kind: 'invocation' } })],
  [
    'invocation.failed',
    {
      ...INVOCATION,
      type: 'step_failed',
      fields: { ...RESULT, message: 'error' },
      defaults: { kind: 'invocation' },
    },
  ],
  [
    'invocation.timeout',
    {
      ...INVOCATION,
      type: 'step_timeout',
      fields: { ...RESULT, message: 'error' },
      defaults: { kind: 'invocation' },
    },
  ],

  // Output and log lines of a step.
  ['output_stream', { ...OF_STEP, type: 'output', fields: { content: 'text' }, defaults: { stream: 'stdout' } }],
  [
    'log_entry',
    {
      ...OF_STEP,
      type: 'log',
      fields: { ...MESSAGE, level: ['level', toLevel], context: 'fields', metadata: 'fields' },
      defaults: { level: 'info' },
    },
  ],
]);

/** What an agent does in an invocation, by the word that says what it is: a tool it ran, its output, an error... */
const ACTIVITIES: ReadonlyMap<unknown, Meaning> = new Map<unknown, Meaning>([
  [
    'tool_exec',
    {
      type: 'activity',
      fields: { toolName: 'tool', name: 'tool', args: 'input', command: 'input', content: 'text', message: 'text' },
      defaults: { kind: 'tool-call' },
    },
  ],
  ['output', { type: 'output', fields: TEXT, defaults: { stream: 'stdout' } }],
  ['error', { type: 'log', fields: { ...MESSAGE, error: 'message' }, defaults: { level: 'error' } }],
  ['progress', { type: 'progress', fields: MESSAGE }],
]);
const OTHER_ACTIVITY: Meaning = { type: 'activity', fields: TEXT };
const PERCENT: Meaning = {
  type: 'progress',
  fields: { ...MESSAGE, percent: ['current', toNumber] },
  defaults: { total: 100, unit: '%' },
};
/** Fields that may hold the word. */
const ACTIVITY_WORDS = ['activity', 'activityType', 'type', 'kind'];

function toActivity(data: EventData): Meaning {
  const field = ACTIVITY_WORDS.find((key) => ACTIVITIES.has(data[key]));
  const word = field === undefined ? undefined : data[field];
  const isPercent = word === 'progress' && data['percent'] !== undefined && data['current'] === undefined;
  const meaning = isPercent ? PERCENT : (ACTIVITIES.get(word) ?? OTHER_ACTIVITY);
  // the word makes room for our own `kind`
  const fields = field === undefined ? meaning.fields : { [field]: 'activity', ...meaning.fields };
  return { ...INVOCATION, ...meaning, ...(fields && { fields }) };
}

const OUTCOMES: ReadonlyMap<unknown, string> = new Map([
  ['failed', 'failed'],
  ['failure', 'failed'],
  ['error', 'failed'],
  ['skipped', 'skipped'],
  ['cancelled', 'cancelled'],
  ['canceled', 'cancelled'],
  ['timeout', 'timeout'],
]);

/** Completed, unless the event's `status` (`passed`, `failed`...) says otherwise. */
function ended(what: 'execution' | 'step', meaning: Omit<Meaning, 'type'>): Row {
  return ({ status }) => {
    const outcome = OUTCOMES.get(status) ?? 'completed';
    // an execution that was skipped has ended well: only steps know the word
    const known = what === 'execution' && outcome === 'skipped' ? 'completed' : outcome;
    return { ...meaning, type: `${what}_${known}` };
  };
}

/** The event in our own words. One that is in our own words already is returned as it is. */
export function translate(event: NewEvent): NewEvent {
  const row = VOCABULARY.get(event.type);
  if (row === undefined) return event;
  const data = { ...event.data };
  const meaning = typeof row === 'function' ? row(data) : row;
  const translated: NewEvent = { ...event, type: meaning.type, data };
  const time = event.time ?? takeField(data, 'timestamp', readTime);
  const execution = event.execution ?? takeField(data, meaning.execution, toId);
  const step = event.step ?? takeStep(data, meaning.step);
  if (time !== undefined) translated.time = time;
  if (execution !== undefined) translated.execution = execution;
  if (step !== undefined) translated.step = step;
  renameFields(data, meaning.fields ?? {});
  for (const [key, value] of Object.entries(meaning.defaults ?? {})) {
    if (value !== undefined) data[key] ??= value;
  }
  data['as'] = event.type;
  return translated;
}

/** Takes a field out of `data`, unless it cannot be converted. */
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

function takeStep(data: EventData, step: Meaning['step']): string | undefined {
  return typeof step === 'function' ? step(data) : takeField(data, step, toId);
}

function renameFields(data: EventData, fields: NonNullable<Meaning['fields']>): void {
  for (const [theirs, rule] of Object.entries(fields)) {
    const [ours, convert] = typeof rule === 'string' ? [rule, keepValue] : rule;
    if (ours !== theirs && data[ours] !== undefined) continue;
    const value = takeField(data, theirs, convert);
    if (value !== undefined) data[ours] = value;
  }
}

function keepValue(value: unknown): unknown {
  return value ?? undefined;
}

function toCriterionId(data: EventData): string | undefined {
  const story = toId(data['story_id']);
  const index = toId(data['ac_index']);
  return story === undefined || index === undefined ? undefined : toId(`${story}/ac-${index}`);
}

function toId(value: unknown): string | undefined {
  const text = typeof value === 'number' ? String(value) : value;
  return isIdentifier(text) ? text : undefined;
}

/** Shells write numbers as texts. */
function toNumber(value: unknown): number | undefined {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
}

/** `90` is in seconds, `"15m"` says its unit. */
function secondsToMs(value: unknown): number | undefined {
  const seconds = toNumber(value);
  if (seconds !== undefined) return seconds * 1_000;
  return typeof value === 'string' ? parseQuantity(value, DURATION_UNITS) : undefined;
}

const LEVEL_NAMES: ReadonlyMap<string, string> = new Map([
  ['trace', 'debug'],
  ['debug', 'debug'],
  ['info', 'info'],
  ['notice', 'info'],
  ['warn', 'warning'],
  ['warning', 'warning'],
  ['error', 'error'],
  ['fatal', 'error'],
  ['critical', 'error'],
]);

function toLevel(value: unknown): string | undefined {
  return typeof value === 'string' ? LEVEL_NAMES.get(value.toLowerCase()) : undefined;
}
