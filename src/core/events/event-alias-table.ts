/** Maps event types and fields of other event formats to those of this program. */
import { secondsToMs, toErrorText, toId, toMs, toNumber, toPercent, toTexts } from './conversions.js';
import type { EventData, FinalStatus } from './event.js';

/** Event formats: tasks with stories and criteria; tasks with agent invocations; executions with steps and streams. */
export type AliasFamily = 'stories' | 'invocations' | 'executions';

/** Translation of one foreign type. Fields that are not named stay in `data` unchanged. */
export interface AliasMeaning {
  type: string;
  /** Foreign field with the execution ID. */
  execution: string;
  /** Foreign field with the step ID, or a function that computes it. */
  step?: string | ((data: EventData) => string | undefined);
  /**
   * Foreign fields and the fields that they become, with a conversion if needed. A field that cannot be converted, or
   * whose target exists, is left unchanged.
   */
  fields?: AliasFields;
  /** Fields added if the event has none of that name. */
  defaults?: Readonly<Record<string, unknown>>;
}

export type AliasFields = Readonly<Record<string, string | readonly [ours: string, convert: Conversion]>>;

/** Converts a value; returns undefined if it cannot. */
export type Conversion = (value: unknown) => unknown;

/** Translation of a type, which may depend on the data. */
export type AliasRow = AliasMeaning | ((data: EventData) => AliasMeaning);

/** Fields of an end: result and duration. */
const RESULT: AliasFields = {
  duration_ms: ['durationMs', toMs],
  duration: ['durationMs', toMs],
  exit_code: ['exitCode', toNumber],
  exitCode: ['exitCode', toNumber],
  error_message: ['error', toErrorText],
  errorMessage: ['error', toErrorText],
  error: ['error', toErrorText],
  error_type: 'errorType',
  response: 'output',
};
const FAILURE: AliasFields = { ...RESULT, message: ['error', toErrorText] };
const MESSAGE: AliasFields = { content: 'message', text: 'message', msg: 'message' };
/** Fields that contain text of an agent. */
const TEXT: AliasFields = { content: 'text', message: 'text', output: 'text' };

const TASK = { execution: 'task_id' };
const STORY = { ...TASK, step: 'story_id', defaults: { kind: 'story' } };
/** Criteria have no IDs, so they are named after the story and the index: `us-3/ac-1`. */
const CRITERION = { ...TASK, step: toCriterionId, defaults: { kind: 'criterion' } };
const AGENT_TASK = { execution: 'taskId' };
const INVOCATION = { ...AGENT_TASK, step: 'invocationId' };
const EXECUTION = { execution: 'executionId' };
const STEP = { ...EXECUTION, step: 'stepId' };

/** A task with stories, and stories with acceptance criteria ("ac"). A duration without a unit is in seconds. */
const STORIES: Readonly<Record<string, AliasRow>> = {
  task_started: {
    ...TASK,
    type: 'execution_started',
    fields: {
      task_name: 'name',
      title: 'name',
      story_count: ['total', toNumber],
      estimated_duration: ['estimatedMs', secondsToMs],
    },
    defaults: { kind: 'task' },
  },
  story_started: {
    ...STORY,
    type: 'step_started',
    fields: {
      title: 'name',
      story_title: 'name',
      ac_count: ['total', toNumber],
      acceptance_criteria: ['criteria', toTexts],
    },
  },
  ac_completed: ended('step', {
    ...CRITERION,
    fields: { ...RESULT, story_id: ['parent', toId], ac_index: ['index', toNumber], ac_text: 'name' },
  }),
  story_completed: ended('step', { ...STORY, fields: { ...RESULT, title: 'name' } }),
  task_completed: ended('execution', { ...TASK, fields: { ...RESULT, task_name: 'name' } }),
  task_failed: { ...TASK, type: 'execution_failed', fields: { ...FAILURE, task_name: 'name' } },
  // an error that cannot be retried ends the story that it names; after any other the work continues
  error_occurred: (data) =>
    data['retryable'] === false && toId(data['story_id']) !== undefined
      ? { ...STORY, type: 'step_failed', fields: { error_type: 'errorType', error_message: ['error', toErrorText] } }
      : {
          ...TASK,
          step: 'story_id',
          type: 'log',
          fields: { ...MESSAGE, error_type: 'errorType', error_message: ['message', toErrorText] },
          defaults: { level: 'error' },
        },
};

/** Tasks that are worked on by successive invocations of agents. */
const INVOCATIONS: Readonly<Record<string, AliasRow>> = {
  'task.started': {
    ...AGENT_TASK,
    type: 'execution_started',
    fields: { taskName: 'name', title: 'name', prompt: 'input' },
    defaults: { kind: 'task' },
  },
  // a review waits for a person, unless the event names the agent that reviews
  'task.review': (data) =>
    ['role', 'provider', 'model', 'invocationId'].some((key) => data[key] !== undefined)
      ? { ...AGENT_TASK, type: 'progress', defaults: { message: 'review' } }
      : {
          ...AGENT_TASK,
          type: 'attention',
          fields: { message: 'reason' },
          defaults: { state: 'waiting', reason: 'review' },
        },
  'task.completed': ended('execution', { ...AGENT_TASK, fields: RESULT }),
  'task.failed': { ...AGENT_TASK, type: 'execution_failed', fields: FAILURE },
  'invocation.started': (data) => ({
    ...INVOCATION,
    type: 'step_started',
    fields: { prompt: 'input' },
    defaults: { kind: 'invocation', name: data['role'] },
  }),
  'invocation.activity': toActivity,
  'invocation.completed': ended('step', { ...INVOCATION, fields: RESULT, defaults: { kind: 'invocation' } }),
  'invocation.failed': { ...INVOCATION, type: 'step_failed', fields: FAILURE, defaults: { kind: 'invocation' } },
  'invocation.timeout': { ...INVOCATION, type: 'step_timeout', fields: FAILURE, defaults: { kind: 'invocation' } },
};

const STEP_FIELDS: AliasFields = {
  stepName: 'name',
  stepIndex: ['index', toNumber],
  progress: ['percent', toPercent],
  totalSteps: ['totalSteps', toNumber],
};
const EXECUTION_FIELDS: AliasFields = {
  workflowName: 'name',
  executionName: 'name',
  totalSteps: ['total', toNumber],
  estimatedDuration: ['estimatedMs', toMs],
  progress: ['percent', toPercent],
};

/** Executions with steps, output streams and resource figures. Most of these types have the same names as ours. */
const EXECUTIONS: Readonly<Record<string, AliasRow>> = {
  execution_started: {
    ...EXECUTION,
    type: 'execution_started',
    fields: EXECUTION_FIELDS,
    defaults: { kind: 'workflow' },
  },
  execution_completed: ended('execution', { ...EXECUTION, fields: { ...EXECUTION_FIELDS, ...RESULT } }),
  execution_failed: { ...EXECUTION, type: 'execution_failed', fields: { ...EXECUTION_FIELDS, ...FAILURE } },
  execution_cancelled: { ...EXECUTION, type: 'execution_cancelled', fields: { ...EXECUTION_FIELDS, ...RESULT } },
  step_started: { ...STEP, type: 'step_started', fields: STEP_FIELDS },
  step_completed: ended('step', { ...STEP, fields: { ...STEP_FIELDS, ...RESULT } }),
  step_failed: { ...STEP, type: 'step_failed', fields: { ...STEP_FIELDS, ...FAILURE } },
  step_skipped: { ...STEP, type: 'step_skipped', fields: { ...STEP_FIELDS, ...RESULT } },
  output_stream: { ...STEP, type: 'output', fields: { content: 'text' }, defaults: { stream: 'stdout' } },
  log_entry: {
    ...STEP,
    type: 'log',
    fields: { ...MESSAGE, context: 'fields', metadata: 'fields' },
    defaults: { level: 'info' },
  },
  resource_update: { ...EXECUTION, type: 'resource_update', fields: { memory: ['rss', toNumber] } },
};

/** Fields that identify a foreign event whose type has the same name as one of ours. */
const THEIR_FIELDS = ['executionId', 'stepId', 'stepName', 'workflowName'];

const TABLES: ReadonlyMap<string, readonly [AliasFamily, AliasRow]> = new Map(
  Object.entries({ stories: STORIES, invocations: INVOCATIONS, executions: EXECUTIONS }).flatMap(([vocabulary, rows]) =>
    Object.entries(rows).map(([type, row]) => [type, [vocabulary as AliasFamily, row] as const] as const),
  ),
);
const OURS: ReadonlySet<string> = new Set(
  Object.keys(EXECUTIONS).filter((type) => !['output_stream', 'log_entry'].includes(type)),
);

/** All foreign types, including those that have the same name as one of ours. */
export const FOREIGN_TYPES: readonly string[] = [...TABLES.keys()];

/** Returns the table row of a foreign event; undefined for any other event. */
export function aliasOf(type: string, data: EventData): AliasRow | undefined {
  const row = TABLES.get(type)?.[1];
  return row === undefined || (OURS.has(type) && !THEIR_FIELDS.some((key) => data[key] !== undefined))
    ? undefined
    : row;
}

/** Returns the event format of a translated event, by its original type in `data.as`. */
export function aliasFamilyOf({ as }: EventData): AliasFamily | undefined {
  return typeof as === 'string' ? TABLES.get(as)?.[0] : undefined;
}

/** Translations of `invocation.activity`, by the word that names the activity. */
const TOOL_CALL: Omit<AliasMeaning, 'execution'> = {
  type: 'activity',
  fields: { toolName: 'tool', name: 'tool', args: 'input', command: 'input', content: 'input', message: 'input' },
  defaults: { kind: 'tool-call' },
};
const AGENT_OUTPUT: Omit<AliasMeaning, 'execution'> = { type: 'output', fields: TEXT, defaults: { stream: 'stdout' } };
const AGENT_ERROR: Omit<AliasMeaning, 'execution'> = {
  type: 'log',
  fields: { ...MESSAGE, error: ['message', toErrorText] },
  defaults: { level: 'error' },
};
const AGENT_PROGRESS: Omit<AliasMeaning, 'execution'> = { type: 'progress', fields: MESSAGE };
const AGENT_TEXT: Omit<AliasMeaning, 'execution'> = {
  type: 'activity',
  fields: TEXT,
  defaults: { kind: 'assistant-text' },
};

const ACTIVITIES: ReadonlyMap<unknown, Omit<AliasMeaning, 'execution'>> = new Map<
  unknown,
  Omit<AliasMeaning, 'execution'>
>([
  ...['tool_exec', 'tool_call', 'tool_use', 'tool', 'exec', 'command', 'shell'].map(
    (word) => [word, TOOL_CALL] as const,
  ),
  ...['output', 'stdout'].map((word) => [word, AGENT_OUTPUT] as const),
  ['error', AGENT_ERROR],
  ['progress', AGENT_PROGRESS],
  ...['message', 'text', 'assistant', 'response'].map((word) => [word, AGENT_TEXT] as const),
]);
const OTHER_ACTIVITY: Omit<AliasMeaning, 'execution'> = { type: 'activity', fields: TEXT };
const PERCENT: Omit<AliasMeaning, 'execution'> = {
  type: 'progress',
  fields: { ...MESSAGE, percent: ['current', toPercent] },
  defaults: { total: 100, unit: '%' },
};
/** Fields that may contain that word. */
const ACTIVITY_WORDS = ['activity', 'activityType', 'activity_type', 'type', 'kind'];

/** Translates `invocation.activity`; `data` has been processed by `spreadActivity`. */
function toActivity(data: EventData): AliasMeaning {
  const field = ACTIVITY_WORDS.find((key) => ACTIVITIES.has(data[key]));
  const word = field === undefined ? undefined : data[field];
  const isPercent = word === 'progress' && data['percent'] !== undefined && data['current'] === undefined;
  const meaning = isPercent ? PERCENT : (ACTIVITIES.get(word) ?? otherActivity(data));
  // move the word out of the way of our own `kind`
  const fields = field === undefined ? meaning.fields : { [field]: 'activity', ...meaning.fields };
  return { ...INVOCATION, ...meaning, ...(fields && { fields }) };
}

/** Translates an unknown activity: its word becomes the kind; without a word it is text of the agent. */
function otherActivity(data: EventData): Omit<AliasMeaning, 'execution'> {
  const word = ['activityType', 'activity_type', 'type'].find((key) => typeof data[key] === 'string');
  if (word !== undefined) return { ...OTHER_ACTIVITY, fields: { ...OTHER_ACTIVITY.fields, [word]: 'kind' } };
  const { activity, kind } = data;
  if (typeof activity !== 'string') return kind === undefined ? AGENT_TEXT : OTHER_ACTIVITY;
  // next to a text field `activity` is the word, otherwise it is the text
  const hasText = ['text', ...Object.keys(TEXT)].some((key) => typeof data[key] === 'string');
  return hasText
    ? { ...OTHER_ACTIVITY, fields: { ...OTHER_ACTIVITY.fields, activity: 'kind' } }
    : { ...AGENT_TEXT, fields: { activity: 'text' } };
}

/** A word and its text: `exec: rg -n verified`. */
const WORD_AND_TEXT = /^([a-z][a-z_]*): *(.+)$/s;

/** Flattens `activity` into the data, if it is an object or a word with text. */
export function spreadActivity(data: EventData): EventData {
  const { activity, ...rest } = data;
  if (typeof activity === 'object' && activity !== null && !Array.isArray(activity)) {
    return { ...rest, ...(activity as EventData) };
  }
  const [, word, text] = typeof activity === 'string' ? (WORD_AND_TEXT.exec(activity) ?? []) : [];
  return word !== undefined && ACTIVITIES.has(word) ? { message: text, ...rest, activity: word } : data;
}

function toCriterionId(data: EventData): string | undefined {
  const story = toId(data['story_id']);
  const index = toId(data['ac_index']);
  return story === undefined || index === undefined ? undefined : criterionId(story, index);
}

/** Returns the ID of a criterion of a story, by its index from 0. */
export function criterionId(story: string, index: number | string): string | undefined {
  return toId(`${story}/ac-${index}`);
}

const OUTCOMES: ReadonlyMap<unknown, FinalStatus> = new Map<unknown, FinalStatus>([
  ...['failed', 'failure', 'fail', 'error', 'rejected'].map((word) => [word, 'failed'] as const),
  ...['cancelled', 'canceled', 'aborted'].map((word) => [word, 'cancelled'] as const),
  ...['timeout', 'timed_out'].map((word) => [word, 'timeout'] as const),
  ['skipped', 'skipped'],
]);

/** Returns the outcome that the data of an end are evidence of; undefined if there is none, which counts as completed. */
export function aliasOutcomeOf(data: EventData): FinalStatus | undefined {
  const { status, success } = data;
  const word = OUTCOMES.get(typeof status === 'string' ? status.toLowerCase() : status);
  if (word !== undefined) return word;
  if (success === false || success === 'false') return 'failed';
  const exitCode = toNumber(data['exitCode'] ?? data['exit_code']);
  if (exitCode !== undefined && exitCode !== 0) return 'failed';
  if (typeof status === 'string' || success === true || success === 'true') return 'completed';
  const error = ['error', 'error_message', 'errorMessage'].some((key) => toErrorText(data[key]) !== undefined);
  const failedStories = toNumber(data['stories_failed']) ?? 0;
  return error || failedStories > 0 ? 'failed' : undefined;
}

/** Translates an end: completed, unless the data are evidence of another outcome. */
function ended(what: 'execution' | 'step', meaning: Omit<AliasMeaning, 'type'>): AliasRow {
  return (data) => {
    const outcome = aliasOutcomeOf(data) ?? 'completed';
    // only steps can be skipped; a skipped execution counts as completed
    const known = what === 'execution' && outcome === 'skipped' ? 'completed' : outcome;
    return { ...meaning, type: `${what}_${known}` };
  };
}
