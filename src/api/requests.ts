/**
 * The requests of the protocol, by operation. Everything else derives from this table: the types, the validation, the query
 * of HTTP routes, the schemas, and the manual. A new optional field is one line here and its use in the handler, which takes
 * the default from the field.
 */
import { AGENTS } from '../core/agents.js';
import { ProgressError } from '../core/base/errors.js';
import { describeValue } from '../core/text/excerpt.js';
import type { Fields } from '../core/events/fields.js';
import type { Filter } from '../core/events/filter.js';
import { LEVELS } from '../core/events/filter.js';
import { LINE_CHARS, type LogFilter, PATTERN_CHARS } from '../core/events/log.js';
import type { Field, FieldsOf, FieldTable, Readable, RequestId, ValuesOf } from './fields.js';
import { choice, count, flag, isRequestId, name, object, ordinal, positive, readFields, reference } from './fields.js';
import { required, text, texts, time, withDefault } from './fields.js';
import { CONTROL } from './run-commands.js';

export type { RequestId } from './fields.js';
export type { ControlAction, ControlCommand, RunCommand } from './run-commands.js';

export const URGENCIES = ['low', 'normal', 'critical'] as const;
export type Urgency = (typeof URGENCIES)[number];

/** Messages per second. */
const MAX_RATE = 1_000;
const MAX_PAGE_LINES = 1_000;
/** Total time that a search may spend on a pattern: matching is linear in the text, but slow for a long pattern and log. */
export const SEARCH_SECONDS = 5;

/** A request without its fields `op` and `id`. */
interface RequestSpec {
  /** What the request does, as a sentence in the imperative. */
  readonly summary: string;
  readonly fields: FieldTable;
}

/** The ID of an execution, as requests that read accept it. */
const execution = required(name('Full ID, unique prefix of an ID, or name of the execution.'));

const FILTER = {
  execution: name('Only this execution: its full ID, or a name, which means the newest execution of that name.'),
  step: name('Only this step.'),
  types: texts('Only events of these types.'),
  level: choice(LEVELS, 'Lowest level of `log` events.'),
  stream: name('Only `output` events of this stream.'),
  details: texts('IDs of executions; `output`, `log` and `activity` events of all others are left out.'),
} satisfies FieldsOf<Filter>;

const LOG_FILTER = {
  text: text('Text that the line or its detail contains.'),
  caseSensitive: flag('Match the case of `text`.'),
  step: name('Only lines of this step.'),
  types: texts('Only lines of events of these types.'),
  stream: name('Only this stream of output; lines that are no output pass.'),
  level: choice(LEVELS, 'Lowest level of messages; lines that are no messages pass.'),
} satisfies FieldsOf<LogFilter>;

export const NOTICE = {
  title: required(name('Title of the notification.')),
  body: text('Text of the notification.'),
  channels: required(texts('Names of the channels.')),
  urgency: withDefault(choice(URGENCIES, 'Urgency.'), 'normal'),
  execution: name('Full ID of the execution that the notification is about.'),
};

export const REQUESTS = {
  hello: {
    summary: 'Agree on the version of the protocol.',
    fields: {
      protocol: count('Version of the protocol. Default: the version of the daemon.'),
      client: text('Name of the client, for the log of the daemon.'),
      ack: flag('Acknowledge the events of this connection.'),
    },
  },
  emit: {
    summary: 'Write one event, and reply when it is written.',
    fields: {
      event: required(object('The event, see progress-events(7).')),
      synced: flag('Reply only when the event is synced to disk.'),
    },
  },
  subscribe: {
    summary: 'Follow events, see SUBSCRIPTIONS.',
    fields: {
      ...FILTER,
      after: count('Start after this position; 0 is the beginning of the journal.'),
      journal: name('ID of the journal that `after` refers to.'),
      since: time('Start with the first event written at or after this RFC 3339 time.'),
      last: withDefault(
        count('Start with this number of the newest events that pass the filter.', { max: 10_000 }),
        100,
        ', or all events of one `execution`',
      ),
      rate: positive(
        MAX_RATE,
        'Maximum messages per second. Events are batched; only with `newest` some are left out.',
      ),
      newest: flag(
        'For displays of the newest state: of the output, messages and progress of an execution or step that one message would hold, include only the newest. Errors are included.',
      ),
    },
  },
  unsubscribe: {
    summary: 'End a subscription of this connection.',
    fields: { subscription: required(reference('ID of the `subscribe` request.')) },
  },
  list: {
    summary: 'List executions, newest first.',
    fields: {
      all: flag('Include finished executions.'),
      limit: withDefault(count('Maximum number of executions.', { max: 1_000 }), 200),
      before: count('Continue after the previous page: its `more`.'),
      text: text('Text that the ID, the name, the agent or a label contains, in any case.'),
      statuses: texts('Only executions with one of these statuses.'),
      since: time('Only executions that began at or after this RFC 3339 time.'),
    },
  },
  get: { summary: 'Return one execution with its steps and the newest lines of its output.', fields: { execution } },
  log: {
    summary: 'Return lines of the log of an execution by number.',
    fields: {
      execution,
      from: count('Number of the first line.'),
      last: count('Number of lines from the end, instead of `from`.', { max: MAX_PAGE_LINES }),
      limit: withDefault(count('Maximum number of lines.', { max: MAX_PAGE_LINES }), 500),
      untruncated: flag('Return long lines in full.'),
    },
  },
  search: {
    summary: 'Find the lines of a log that match.',
    fields: {
      execution,
      ...LOG_FILTER,
      regex: flag(
        `\`text\` is a regular expression (RE2) of at most ${PATTERN_CHARS} characters. It is matched against the first ${LINE_CHARS} characters of a line, without escape sequences, and of its detail; the search times out after ${SEARCH_SECONDS} seconds.`,
      ),
      from: count('First line to search.'),
      to: count('Last line to search.'),
      marks: flag('Return the positions of the matches within the lines.'),
    },
  },
  stats: {
    summary: 'Return statistics of finished executions in memory by name and kind, those that ended last first.',
    fields: {
      name: name(
        'Only this name, or that of this execution, with `details`: the name, or an ID or a unique prefix of one.',
      ),
      kind: name('Only this kind.'),
      since: time('Only executions that began at or after this RFC 3339 time.'),
      limit: withDefault(count('Maximum number of names.', { max: 20_000 }), 200),
    },
  },
  timeline: { summary: 'Return when steps began, pauses, and samples of resource usage.', fields: { execution } },
  rerun: { summary: 'Run the command of a run again, as progress-rerun(1) does.', fields: { execution } },
  web: {
    summary: 'Start or stop listening for browsers.',
    fields: {
      on: required(flag('Listen; false stops listening and revokes all access.')),
      port: count('TCP port. Default: the configured one, or the next that is free.'),
      execution: name('Execution whose page the URL leads to.'),
    },
  },
  move: {
    summary: 'Move a queued run within its queue.',
    fields: {
      execution,
      position: required(ordinal('Position among the waiting runs; 1 starts next. One beyond the last is the last.')),
      by: text('Name of the user or program that moves it.'),
    },
  },
  queues: { summary: 'List queues that are in use or configured, by name.', fields: {} },
  attach: {
    summary:
      'Receive the commands for a run on this connection, as its runner does. When the connection closes and the runner has ended, the run is `lost`.',
    fields: { run: required(name('ID of the run.')) },
  },
  control: {
    summary: 'Send a command to a run of progress-run(1).',
    fields: { execution, ...CONTROL, ifQueued: flag('Only while the run is queued.') },
  },
  prune: {
    summary:
      'Remove finished executions from the journal, except those that queued runs depend on. Subscribers receive a `journal_note` of the kind `pruned`.',
    fields: { executions: required(texts('Full IDs of the executions.')) },
  },
  follow: {
    summary:
      'Start or stop following the sessions of a coding agent until the daemon ends, as progress-follow(1) does.',
    fields: {
      agent: choice(AGENTS, 'Agent. Default: none, which only returns the status.'),
      on: withDefault(flag('Follow; false stops following.'), true),
    },
  },
  notify: {
    summary: 'Send a notification, as progress-notify(1) does.',
    fields: { ...NOTICE, test: flag('Try the first channel at once, and return the result.') },
  },
  rules: { summary: 'List the alert rules in effect, in the order of evaluation.', fields: {} },
  status: { summary: 'Return the status of the daemon.', fields: {} },
  shutdown: { summary: 'Sync all events, and stop the daemon.', fields: {} },
} satisfies Readonly<Record<string, RequestSpec>>;

export type Op = keyof typeof REQUESTS;
export const OPS = Object.keys(REQUESTS) as Op[];

/** Operations that change the connection they come on, so that HTTP cannot serve them. */
export type ConnectionOp = 'hello' | 'subscribe' | 'unsubscribe' | 'attach' | 'shutdown';
export type PlainOp = Exclude<Op, ConnectionOp>;

/** Fields of a request, as clients give them. */
export type Ask<K extends Op> = ValuesOf<(typeof REQUESTS)[K]['fields']>;
export type RequestOf<K extends Op> = Readable<{ op: K; id: RequestId } & Ask<K>>;
export type Request = { [K in Op]: RequestOf<K> }[Op];

/** A notification and its channels. */
export type Notice = ValuesOf<typeof NOTICE>;

/** Listed once: requests may come as often as events. */
const ENTRIES = new Map<Op, [string, Field<unknown>][]>(OPS.map((op) => [op, Object.entries(REQUESTS[op].fields)]));

/**
 * Validates a request and reduces it to its known fields. A field with null counts as absent.
 *
 * @throws {ProgressError} `unknown_op` or `bad_request`.
 */
export function toRequest(value: Fields): Request {
  const { op } = value;
  if (!isOp(op)) throw unknownOp(value);
  const refuse = (message: string) => new ProgressError('bad_request', `${op}: ${message}`);
  const id = requestId(value);
  if (id === undefined) throw refuse(`id must be a text or a number, not ${describeValue(value['id'])}`);
  return { op, id, ...readFields(ENTRIES.get(op) ?? [], value, refuse) } as Request;
}

/** Returns the ID for the reply to a request that may be invalid otherwise. */
export function requestId(value: Fields): RequestId | undefined {
  const { id } = value;
  return isRequestId(id) ? id : undefined;
}

function isOp(value: unknown): value is Op {
  return typeof value === 'string' && Object.hasOwn(REQUESTS, value);
}

function unknownOp(value: Fields): ProgressError {
  const advice = value['type'] === undefined ? '' : '; put a field "op" of an event into its "data"';
  const message = `unknown op ${describeValue(value['op'])}: known are ${OPS.join(', ')}${advice}`;
  return new ProgressError('unknown_op', message);
}
