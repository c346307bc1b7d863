/**
 * The wire, used by both ends. NDJSON both ways: one JSON object a line, UTF-8, "\n".
 *
 * A client sends two kinds of line:
 *   an event    an object with `type`. No greeting needed, no reply unless `hello` asked for acks. A bad one is
 *               answered with `{"error":{...}}`, where `line` counts the lines of this connection from 1.
 *   a request   an object with `op` and `id` (any text or number). Exactly one reply, `{"re":id,...}`, or
 *               `{"re":id,"error":{...}}`.
 *
 * The daemon also pushes, after a `subscribe` with id S, lines that begin with `"on":S`:
 *   events      in journal order, several in one line
 *   gap         events that the journal no longer holds
 *   reset       the position asked for is not of this journal; events follow from `from`
 *   at          nothing passed the filter for a while; resume after this seq
 * and, where `hello` asked for acks, `{"ack":{source,n,seq}}`: the highest n of this source that is written; elsewhere,
 * once for each source, `{"duplicate":{source,n}}`: an event of this source was not written, as its n had been taken.
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

/** One line from a client. Longer ones are skipped to their end and answered with `too_long`. */
export const MAX_LINE_BYTES = 256 * 1024;
/** Nesting of a line: the event itself is 1. */
export const MAX_DEPTH = 64;
/** One line from the daemon: pages and batches stay well below, the client refuses what is beyond. */
export const MAX_REPLY_BYTES = 64 * 1024 * 1024;

export interface SubscribeRequest extends Filter {
  op: 'subscribe';
  id: RequestId;
  /** Start behind this seq. */
  after?: number;
  /** The journal that `after` is a position of. */
  journal?: string;
  /** Start at the first event written at or after this RFC 3339 time. */
  since?: string;
  /** Start with the newest `last` events that pass the filter. Default: 100, or all of one execution. */
  last?: number;
  /** At most this many messages a second, each with many events. Default: as they come. */
  rate?: number;
}

export interface ListRequest {
  op: 'list';
  id: RequestId;
  /** Ended ones too. */
  all?: boolean;
  limit?: number;
  before?: number;
  /** Text that stands in the name, the id, the agent or a label. */
  text?: string;
  statuses?: string[];
  /** Nothing that began before this RFC 3339 time. */
  since?: string;
}

export interface SearchRequest extends LogFilter {
  op: 'search';
  id: RequestId;
  execution: string;
  /** `text` is a regular expression as RE2 knows them. */
  regex?: boolean;
  /** Only these lines, both ends included. */
  from?: number;
  to?: number;
  /** Where in the lines it was found is wanted too. */
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
  /** `ifQueued`: only while it waits for its turn. */
  | { op: 'rerun'; id: RequestId; execution: string }
  | ({ op: 'control'; id: RequestId; execution: string; ifQueued?: boolean } & ControlCommand)
  /** Removes these, by full ids: what is alive, or waited for by something alive, stays. */
  | { op: 'prune'; id: RequestId; executions: string[] }
  /** Begins to follow the sessions of this agent, or ends it; without an agent it only asks. Default: `on`. */
  | { op: 'follow'; id: RequestId; agent?: Agent; on?: boolean }
  /** Tells somebody something; `test` tries the one channel at once. */
  | ({ op: 'notify'; id: RequestId; test?: boolean } & Notice)
  | { op: 'rules'; id: RequestId }
  | { op: 'status'; id: RequestId }
  | { op: 'shutdown'; id: RequestId };

/** What is to be told, and over which channels. */
export interface Notice {
  title: string;
  body?: string;
  channels: string[];
  /** Default: `normal`. */
  urgency?: Urgency;
  /** What it is about: its full id. */
  execution?: string;
}

export const URGENCIES = ['low', 'normal', 'critical'] as const;
export type Urgency = (typeof URGENCIES)[number];

/** What is asked of a run. `by`: who asks, in words. */
export interface ControlCommand {
  action: ControlAction;
  by?: string;
  /** Of the action `signal`. */
  signal?: string;
  /** Of the action `stop`: milliseconds until it is killed. Default: 5,000. */
  graceMs?: number;
}

export const CONTROL_ACTIONS = ['stop', 'kill', 'signal', 'pause', 'resume'] as const;
export type ControlAction = (typeof CONTROL_ACTIONS)[number];

export type Op = Request['op'];

/** What each op answers, besides `re`. */
export interface Replies {
  hello: { protocol: number; version: string; journal: string; pid: number; seq: number };
  /** `seq` is null when (source, n) had been taken before. */
  emit: { seq: number | null; execution?: string; duplicate?: true };
  /**
   * `after`: where the stream begins; `seq`: the newest written at that moment; `execution`: the full ID of one that was
   * asked for by another name; `unknown`: there is none yet.
   */
  subscribe: { after: number; seq: number; execution?: string; unknown?: true };
  unsubscribe: Record<string, never>;
  /**
   * Newest first; `prefixes` beside them: of each id the shortest that no other known one begins with. `more` holds
   * the `before` of the next page. State as of `seq`.
   */
  list: { executions: ExecutionJson[]; prefixes: string[]; seq: number; more?: number };
  /** `execution` may be a unique prefix or a name. State as of `seq`. */
  get: { execution: ExecutionJson; seq: number };
  /** Lines in order, without a hole; fewer than asked for where they are long. `total`: the number of the last one. */
  log: { execution: string; lines: LogLine[]; total: number; seq: number };
  /**
   * Of which lines the filter holds, as ranges of numbers, both ends included; `matched` counts beyond these. `marks`:
   * where in a line, as UTF-16 units of its text without escape sequences, the end not included.
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
  /** `execution`: the new one's id. */
  rerun: { execution: string };
  /**
   * Where the viewer is, or the page of the execution; null while it is off. `code` lets one browser in, once and soon;
   * `page` is a private file that leads there.
   */
  web: { url: string | null; code?: string; page?: string };
  queues: { queues: QueueView[] };
  /** From now on orders for this run are pushed on this connection. */
  attach: Record<string, never>;
  /** `execution`: its full id. The order was passed on, or is carried out; events tell what comes of it. */
  control: { execution: string };
  /** Those that are gone, from everywhere; `freed`: bytes on disk. */
  prune: { executions: string[]; freed: number };
  follow: { agents: FollowStatus[] };
  /** Of each channel the seq of the event that makes it certain to be told; of a test what came of it. */
  notify: { pending: { channel: string; seq: number }[]; attempt?: Attempt };
  /** Those in effect, in the order in which they are asked. */
  rules: { rules: RuleView[]; channels: ChannelStatus[] };
  status: DaemonStatus;
  shutdown: Record<string, never>;
}

export interface Timeline {
  execution: string;
  /** Where in the log each step began last. */
  steps: { step: string; line: number }[];
  /** From when to when it was paused, in milliseconds since 1970; null: it still is. */
  pauses: [from: number, to: number | null][];
  /** Milliseconds since 1970, percent of one core, bytes; thinned out evenly. */
  samples: [at: number, cpu: number, rss: number][];
  /** What former ones of the same name, kind and directory took; absent where there are fewer than three. */
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
  /** bytes */
  rss: number;
  connections: number;
  subscribers: number;
  executions: { alive: number; ended: number; summarised: number };
  /** Since the start of this daemon. */
  counters: Counters;
  journal: JournalStatus;
  spool: SpoolStatus;
  /** Absent where the daemon is of an earlier version. */
  alerts?: AlertsStatus;
  config: ConfigStatus;
}

export interface ConfigStatus {
  file: string;
  /** Since when the values in effect hold. */
  since: string;
  /** What is wrong with the file as it is now, a line each; the values from before hold then. */
  problems: string[];
}

export interface AlertsStatus {
  /** How many are in effect. */
  rules: number;
  channels: ChannelStatus[];
}

export interface ChannelStatus {
  name: string;
  type: string;
  /** Alerts that are to be sent. */
  pending: number;
  /** Alerts that are held until its quiet hours end; absent where there are none. */
  held?: number;
  /** How many there were, by what became of them. */
  counts: Partial<Record<AlertOutcome, number>>;
  /** When the last one was sent. */
  sentAt?: string;
  /** Why the last attempt has failed, if none was successful since. */
  error?: string;
  /** Milliseconds until the next attempt. */
  nextMs?: number;
  /** Why nobody can be told over it at the moment. */
  unavailable?: string;
}

/** A rule, how often it has fired, and when last. */
export interface RuleView {
  name: string;
  when: Conditions;
  notify: readonly string[];
  severity?: Severity;
  throttle: number;
  /** `streak`: of executions of one name once, until one of them succeeds. */
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
  /** That are read. */
  files: number;
  /** Names of what lies there and is not read. */
  leftAlone: string[];
  /** Why the directory cannot be used at the moment. */
  failure?: string;
}

/** Of one agent whose sessions can be followed through their files. */
export interface FollowStatus {
  agent: Agent;
  following: boolean;
  /** The configuration says that it is to be followed. */
  configured: boolean;
  /** Where its sessions lie. */
  directory: string;
  /** That are read. */
  files: number;
  /** Paths of what lies there and is not read. */
  leftAlone: string[];
}

export interface Counters {
  /** Events written. */
  events: number;
  duplicates: number;
  /** Lines refused, by error code. */
  rejected: Record<string, number>;
  /** Connections turned away because too many were open. */
  refusedConnections: number;
}

export interface JournalStatus {
  id: string;
  directory: string;
  /** The newest seq written, and the newest that is synced to disk. */
  seq: number;
  synced: number;
  segments: number;
  /** On disk, compressed ones as they are. */
  bytes: number;
  /** Why nothing can be written right now. */
  failure?: ErrorJson;
  /** Segments that cannot be read right now; readers get a gap for them. */
  unreadable?: UnreadableSegment[];
}

export interface UnreadableSegment {
  /** The seq that its name begins with. */
  segment: number;
  reason: string;
}

export type Reply = { re: RequestId; error?: ErrorJson } & Record<string, unknown>;

export interface Gap {
  from: number;
  to: number;
  why: 'retention' | 'damage' | 'missing';
  /** Of damage: why the file cannot be read, when it may become readable again. */
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

/** To a runner that is attached. `start`: it has waited in a queue, and its turn has come. */
export interface RunCommand {
  order: Omit<ControlCommand, 'action'> & { run: string; action: ControlAction | 'start' };
}

export interface Ack {
  ack: { source: string; n: number; seq: number };
}

/** To a producer that did not ask for acks. */
export interface Duplicate {
  duplicate: { source: string; n: number };
}

/** What a client may write as an event: the envelope, and in a flat one its data beside it. */
export type WireEvent = { type: string; data?: EventData } & Record<string, unknown>;
