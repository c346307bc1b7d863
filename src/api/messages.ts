/**
 * Defines the messages of the protocol: NDJSON in both directions, one JSON object per line, UTF-8, "\n".
 *
 * A client sends two kinds of lines:
 *   an event    an object with `type`. Needs no greeting, and has no reply unless `hello` requested acks. An invalid
 *               one is answered with `{"error":{...}}`, where `line` counts the lines of this connection from 1.
 *   a request   an object with `op` and `id` (any text or number). Has exactly one reply, `{"re":id,...}`, or
 *               `{"re":id,"error":{...}}`.
 *
 * After a `subscribe` with id S the daemon also pushes lines that begin with `"on":S`:
 *   events      in journal order, several per line
 *   gap         events that the journal no longer has
 *   reset       the requested position is not in this journal; events follow from `from`
 *   at          no event passed the filter for a while; resume after this seq
 * If `hello` requested acks, it pushes `{"ack":{source,n,seq}}`, the highest n of a source that is written. Otherwise it
 * pushes once per source `{"duplicate":{source,n}}`: an event was dropped because its n had been written before.
 *
 * Unknown fields of a request are ignored; an unknown op is an error. Within a major version things are only added.
 */
import type { Conditions } from './conditions.js';
import type { Severity } from '../core/alerts.js';
import type { AlertOutcome } from '../core/alerts.js';
import type { EventData, ExecutionEvent } from '../core/event.js';
import type { ExecutionJson } from '../core/execution.js';
import type { Filter } from '../core/filter.js';
import type { LogFilter, LogLine } from '../core/log.js';
import type { QueueView } from '../core/queues.js';
import type { TypicalDuration } from '../core/typical-duration.js';
import type { ErrorJson } from '../core/errors.js';
import type { Agent } from '../core/agents.js';

export const PROTOCOL_VERSION = 1;

/** Maximum length of a line from a client. Longer ones are skipped and answered with `too_long`. */
export const MAX_LINE_BYTES = 256 * 1024;
/** Maximum nesting of a line; the event itself is level 1. */
export const MAX_DEPTH = 64;
/** Maximum length of a line from the daemon, which clients enforce; pages and batches are much shorter. */
export const MAX_REPLY_BYTES = 64 * 1024 * 1024;

export interface SubscribeRequest extends Filter {
  op: 'subscribe';
  id: RequestId;
  /** Start after this seq. */
  after?: number;
  /** ID of the journal that `after` refers to. */
  journal?: string;
  /** Start at the first event written at or after this RFC 3339 time. */
  since?: string;
  /** Start with the newest `last` events that pass the filter. @default 100, or all of one execution */
  last?: number;
  /** Maximum messages per second, each with many events. @default unlimited */
  rate?: number;
}

export interface ListRequest {
  op: 'list';
  id: RequestId;
  /** Include ended executions. */
  all?: boolean;
  limit?: number;
  before?: number;
  /** Text that the name, the ID, the agent or a label contains. */
  text?: string;
  statuses?: string[];
  /** Only executions that began at or after this RFC 3339 time. */
  since?: string;
}

export interface SearchRequest extends LogFilter {
  op: 'search';
  id: RequestId;
  execution: string;
  /** `text` is a regular expression (RE2). */
  regex?: boolean;
  /** Range of lines to search, inclusive. */
  from?: number;
  to?: number;
  /** Return the positions of the matches within the lines. */
  marks?: boolean;
}

export type RequestId = string | number;

export type Request =
  | { op: 'hello'; id: RequestId; protocol?: number; client?: string; ack?: boolean }
  | { op: 'emit'; id: RequestId; event: unknown; synced?: boolean }
  | SubscribeRequest
  | { op: 'unsubscribe'; id: RequestId; subscription: RequestId }
  | ListRequest
  | { op: 'get'; id: RequestId; execution: string }
  | { op: 'log'; id: RequestId; execution: string; from?: number; last?: number; limit?: number; whole?: boolean }
  | SearchRequest
  | { op: 'timeline'; id: RequestId; execution: string }
  | { op: 'web'; id: RequestId; on: boolean; port?: number; execution?: string }
  | { op: 'queues'; id: RequestId }
  | { op: 'attach'; id: RequestId; run: string }
  | { op: 'rerun'; id: RequestId; execution: string }
  /** `ifQueued`: only while it is queued. */
  | ({ op: 'control'; id: RequestId; execution: string; ifQueued?: boolean } & ControlCommand)
  /** Removes ended executions, by full IDs, except those that open ones depend on. */
  | { op: 'prune'; id: RequestId; executions: string[] }
  /** Starts or stops following the sessions of an agent; without an agent it returns the status. `on` is the default. */
  | { op: 'follow'; id: RequestId; agent?: Agent; on?: boolean }
  /** Sends a notification; `test` tries a single channel at once. */
  | ({ op: 'notify'; id: RequestId; test?: boolean } & Notice)
  | { op: 'rules'; id: RequestId }
  | { op: 'status'; id: RequestId }
  | { op: 'shutdown'; id: RequestId };

/** A notification and its channels. */
export interface Notice {
  title: string;
  body?: string;
  channels: string[];
  /** @default 'normal' */
  urgency?: Urgency;
  /** Full ID of the execution that it is about. */
  execution?: string;
}

export const URGENCIES = ['low', 'normal', 'critical'] as const;
export type Urgency = (typeof URGENCIES)[number];

/** Command to a run. */
export interface ControlCommand {
  action: ControlAction;
  /** Name of the user or program that sends the command. */
  by?: string;
  /** For the action `signal`. */
  signal?: string;
  /** For the action `stop`: milliseconds until the run is killed. @default 5000 */
  graceMs?: number;
}

export const CONTROL_ACTIONS = ['stop', 'kill', 'signal', 'pause', 'resume'] as const;
export type ControlAction = (typeof CONTROL_ACTIONS)[number];

export type Op = Request['op'];

/** Fields of the replies in addition to `re`, by op. */
export interface Replies {
  hello: { protocol: number; version: string; journal: string; pid: number; seq: number };
  /** `seq` is null for a duplicate of a known (source, n). */
  emit: { seq: number | null; execution?: string; duplicate?: true };
  /**
   * `after`: where the stream begins; `seq`: the newest seq written; `execution`: the full ID of an execution that was
   * given by name or prefix; `unknown`: it does not exist yet.
   */
  subscribe: { after: number; seq: number; execution?: string; unknown?: true };
  unsubscribe: Record<string, never>;
  /**
   * Newest first. `prefixes`: the shortest unique prefix of each ID. `more`: the `before` of the next page. State as of
   * `seq`.
   */
  list: { executions: ExecutionJson[]; prefixes: string[]; seq: number; more?: number };
  /** State as of `seq`; the request may contain a unique prefix or a name. */
  get: { execution: ExecutionJson; seq: number };
  /** Consecutive lines, fewer than requested if they are long. `total`: the number of the last line. */
  log: { execution: string; lines: LogLine[]; total: number; seq: number };
  /**
   * Matching lines as inclusive ranges of line numbers; `matched` also counts lines beyond these. `marks`: positions of
   * the matches, as UTF-16 units of the text without escape sequences, end exclusive.
   */
  search: {
    execution: string;
    ranges: [number, number][];
    marks?: [line: number, start: number, end: number][];
    matched: number;
    total: number;
    seq: number;
  };
  timeline: Timeline;
  /** `execution`: ID of the new execution. */
  rerun: { execution: string };
  /**
   * URL of the viewer, or of the page of the execution; null while it is off. `code`: short-lived code that admits one
   * browser once. `page`: private file that redirects to it.
   */
  web: { url: string | null; code?: string; page?: string };
  queues: { queues: QueueView[] };
  /** Commands for this run are pushed on this connection from now on. */
  attach: Record<string, never>;
  /** `execution`: full ID. The command was passed on or is being executed; events report its effect. */
  control: { execution: string };
  /** IDs of the executions that were removed; `freed`: bytes on disk. */
  prune: { executions: string[]; freed: number };
  follow: { agents: FollowStatus[] };
  /** seq of the event that queues the delivery for each channel; for a test its result. */
  notify: { pending: { channel: string; seq: number }[]; attempt?: Attempt };
  /** Rules in effect, in the order of evaluation. */
  rules: { rules: RuleView[]; channels: ChannelStatus[] };
  status: DaemonStatus;
  shutdown: Record<string, never>;
}

export interface Timeline {
  execution: string;
  /** Line of the log at which each step last began. */
  steps: { step: string; line: number }[];
  /** Pauses in milliseconds since 1970; `to` is null while it is paused. */
  pauses: [from: number, to: number | null][];
  /** Resource samples, thinned out evenly: milliseconds since 1970, percent of one core, bytes. */
  samples: [at: number, cpu: number, rss: number][];
  /** Typical duration of earlier executions of the same name, kind and directory; absent if there are fewer than three. */
  usual?: TypicalDuration;
  total: number;
  seq: number;
}

export interface DaemonStatus {
  pid: number;
  version: string;
  protocol: number;
  startedAt: string;
  socket: string;
  /** Bytes. */
  rss: number;
  connections: number;
  subscribers: number;
  executions: { alive: number; ended: number; summarised: number };
  /** Since the start of this daemon. */
  counters: Counters;
  journal: JournalStatus;
  spool: SpoolStatus;
  /** Absent in replies of earlier versions. */
  alerts?: AlertsStatus;
  config: ConfigStatus;
}

export interface ConfigStatus {
  file: string;
  /** Time since which the values have been in effect. */
  since: string;
  /** Errors in the current file, one line each; if there are any, the previous values stay in effect. */
  problems: string[];
}

export interface AlertsStatus {
  /** Number of rules in effect. */
  rules: number;
  channels: ChannelStatus[];
}

export interface ChannelStatus {
  name: string;
  type: string;
  /** Number of alerts to be sent. */
  pending: number;
  /** Number of alerts held until the quiet hours end; absent if none. */
  held?: number;
  /** Number of alerts by outcome. */
  counts: Partial<Record<AlertOutcome, number>>;
  /** Time of the last successful delivery. */
  sentAt?: string;
  /** Error of the last failed attempt, unless a later one succeeded. */
  error?: string;
  /** Milliseconds until the next attempt. */
  nextMs?: number;
  /** Why the channel cannot deliver at present. */
  unavailable?: string;
}

/** A rule, how often it has fired, and when it did last. */
export interface RuleView {
  name: string;
  when: Conditions;
  notify: readonly string[];
  severity?: Severity;
  throttle: number;
  /** `streak`: once for all executions of a name, until one of them succeeds. */
  repeat: 'each' | 'streak';
  builtin?: true;
  fired: number;
  at?: string;
}

export interface Attempt {
  outcome: 'sent' | 'failed' | 'unavailable';
  error?: string;
}

export interface SpoolStatus {
  /** Number of files that are read. */
  files: number;
  /** Names of files that are not read. */
  leftAlone: string[];
  /** Why the directory cannot be used at present. */
  failure?: string;
}

/** Status of following the session files of an agent. */
export interface FollowStatus {
  agent: Agent;
  following: boolean;
  /** Following is enabled in the configuration. */
  configured: boolean;
  /** Directory of the session files. */
  directory: string;
  /** Number of files that are read. */
  files: number;
  /** Paths of files that are not read. */
  leftAlone: string[];
}

export interface Counters {
  /** Events written. */
  events: number;
  duplicates: number;
  /** Rejected lines by error code. */
  rejected: Record<string, number>;
  /** Connections refused because too many were open. */
  refusedConnections: number;
}

export interface JournalStatus {
  id: string;
  directory: string;
  /** The newest seq written, and the newest that is synced to disk. */
  seq: number;
  synced: number;
  segments: number;
  /** Size on disk; compressed segments count compressed. */
  bytes: number;
  /** Why nothing can be written at present. */
  failure?: ErrorJson;
  /** Segments that cannot be read at present; readers get a gap for them. */
  unreadable?: UnreadableSegment[];
}

export interface UnreadableSegment {
  /** First seq of the segment, from its file name. */
  segment: number;
  reason: string;
}

export type Reply = { re: RequestId; error?: ErrorJson } & Record<string, unknown>;

export interface Gap {
  from: number;
  to: number;
  why: 'retention' | 'damage' | 'missing';
  /** For `damage`: why the file cannot be read, if that may be temporary. */
  reason?: string;
}

export interface Reset {
  why: 'future' | 'foreign';
  from: number;
}

export type Push =
  | { on: RequestId; events: ExecutionEvent[] }
  | { on: RequestId; gap: Gap }
  | { on: RequestId; reset: Reset }
  | { on: RequestId; at: number };

/** Command to an attached runner. `start`: the run leaves its queue. */
export interface RunCommand {
  order: Omit<ControlCommand, 'action'> & { run: string; action: ControlAction | 'start' };
}

export interface Ack {
  ack: { source: string; n: number; seq: number };
}

/** Notice of a duplicate to a producer that did not request acks. */
export interface Duplicate {
  duplicate: { source: string; n: number };
}

/** Event as written by a client: the envelope, with the data in `data` or next to the envelope fields. */
export type WireEvent = { type: string; data?: EventData } & Record<string, unknown>;
