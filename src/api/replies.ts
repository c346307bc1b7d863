/** The replies of the protocol, by operation: the fields in addition to `re`. The manual and the schemas derive from these types. */
import type { Severity } from '../core/state/alerts.js';
import type { ExecutionJson } from '../core/execution.js';
import type { LogLine } from '../core/events/log.js';
import type { QueueView } from '../core/state/queues.js';
import type { NameStatistics } from '../core/estimates/statistics.js';
import type { TypicalDuration } from '../core/estimates/typical-duration.js';
import type { Conditions } from './conditions.js';
import type { Op } from './requests.js';
import type { ChannelStatus, DaemonStatus, FollowStatus } from './status.js';

interface RepliesByOp {
  hello: HelloReply;
  emit: EmitReply;
  subscribe: SubscribeReply;
  unsubscribe: EmptyReply;
  list: ListReply;
  get: GetReply;
  log: LogReply;
  search: SearchReply;
  stats: StatsReply;
  timeline: Timeline;
  rerun: RerunReply;
  web: WebReply;
  move: MoveReply;
  queues: QueuesReply;
  attach: EmptyReply;
  control: ControlReply;
  prune: PruneReply;
  follow: FollowReply;
  notify: NotifyReply;
  rules: RulesReply;
  status: DaemonStatus;
  shutdown: EmptyReply;
}

/** An operation without a reply does not compile. */
type OfAllOps<Table extends Record<Op, object>> = Table;
export type Replies = OfAllOps<RepliesByOp>;

/** No fields but `re`. */
export type EmptyReply = Record<string, never>;

export interface HelloReply {
  /** Version of the protocol. */
  protocol: number;
  /** Version of the daemon. */
  version: string;
  /** ID of the journal, to which positions belong. */
  journal: string;
  /** Process ID of the daemon. */
  pid: number;
  /** Newest position. */
  seq: number;
}

export interface EmitReply {
  /** Position of the event; null for a duplicate. */
  seq: number | null;
  /** Execution that the event belongs to. */
  execution?: string;
  /** An event with this `source` and this `n`, or a higher one, had been written before. */
  duplicate?: true;
}

export interface SubscribeReply {
  /** Position after which the subscription starts. */
  after: number;
  /** Newest position. */
  seq: number;
  /** Full ID of the execution, if a name was given. */
  execution?: string;
  /** No such execution is known; the subscription waits for one with this ID. */
  unknown?: true;
}

export interface ListReply {
  /** The executions, newest first; see EXECUTIONS. */
  executions: ExecutionJson[];
  /** Shortest unique prefix of the ID of each execution, in the same order. */
  prefixes: string[];
  /** Position that the list reflects. */
  seq: number;
  /** If there are more: the `before` of the next page. */
  more?: number;
}

export interface GetReply {
  /** The execution, see EXECUTIONS. */
  execution: ExecutionJson;
  /** Position that the execution reflects. */
  seq: number;
}

export interface LogReply {
  /** Full ID of the execution. */
  execution: string;
  /** Consecutive lines, fewer than requested if they are long. Line numbers never change. */
  lines: LogLine[];
  /** Number of the last line of the log. */
  total: number;
  /** Position that the log reflects. */
  seq: number;
}

export interface SearchReply {
  /** Full ID of the execution. */
  execution: string;
  /** First and last number of consecutive matching lines; at most 50000 ranges. */
  ranges: [from: number, to: number][];
  /**
   * Positions of the matches as `[line,start,end]`, in UTF-16 units of the text without escape sequences, end exclusive; at
   * most 100 in a line and about 5000 in total.
   */
  marks?: [line: number, start: number, end: number][];
  /** Number of matching lines, those beyond the ranges included. */
  matched: number;
  /** Number of the last line of the log. */
  total: number;
  /** Position that the log reflects. */
  seq: number;
}

export interface StatsReply {
  /** Statistics by name and kind. */
  names: NameStatistics[];
  /** Number of further names, beyond `limit`; absent if there are none. */
  more?: number;
  /** Position that the statistics reflect. */
  seq: number;
}

export interface Timeline {
  /** Full ID of the execution. */
  execution: string;
  /** Line of the log at which each step last began. */
  steps: { step: string; line: number }[];
  /** Pauses, in milliseconds since 1970; the end is null while the run is paused. */
  pauses: [from: number, to: number | null][];
  /** Resource usage, at most 600 samples: milliseconds since 1970, CPU in percent of one core, memory in bytes. */
  samples: [at: number, cpu: number, rss: number][];
  /**
   * Typical duration: the median of at least 3, at most 20 completed executions of the same name, kind and directory. Absent
   * if there are fewer.
   */
  usual?: TypicalDuration;
  /** Number of the last line of the log. */
  total: number;
  /** Position that the timeline reflects. */
  seq: number;
}

export interface RerunReply {
  /** ID of the new execution. */
  execution: string;
}

export interface WebReply {
  /** URL of the viewer, or of the page of the execution; null while the daemon does not listen. */
  url: string | null;
  /** Code that admits one browser, once, within a minute; append it to the URL as `#c=CODE`. */
  code?: string;
  /** Private file that redirects to the URL with the code. */
  page?: string;
}

export interface MoveReply {
  /** Full ID of the execution. */
  execution: string;
  /** Name of its queue. */
  queue: string;
  /** Its position among the waiting runs, from 1 on. */
  position: number;
}

export interface QueuesReply {
  queues: QueueView[];
}

export interface ControlReply {
  /** Full ID of the execution. The command was recorded and passed on; events report its effect. */
  execution: string;
}

export interface PruneReply {
  /** IDs of the executions that were removed. */
  executions: string[];
  /** Bytes freed on disk. */
  freed: number;
}

export interface FollowReply {
  /** Status of each agent. */
  agents: FollowStatus[];
}

export interface NotifyReply {
  /** Channel, and position of the event that guarantees the delivery. Empty for a test. */
  pending: { channel: string; seq: number }[];
  /** Result of a test. */
  attempt?: Attempt;
}

export interface Attempt {
  outcome: 'sent' | 'failed' | 'unavailable';
  error?: string;
}

export interface RulesReply {
  /** The rules, in the order of evaluation. */
  rules: RuleView[];
  channels: ChannelStatus[];
}

/** A rule, how often it has fired, and when it did last. */
export interface RuleView {
  name: string;
  /** Conditions, see progress-alerts(7). */
  when: Conditions;
  /** Names of channels. */
  notify: readonly string[];
  severity?: Severity;
  /** Minimum interval between two alerts of a name, in milliseconds. */
  throttle: number;
  /** `streak`: once for all executions of a name, until one of them succeeds. */
  repeat: 'each' | 'streak';
  builtin?: true;
  /** Number of alerts. */
  fired: number;
  /** Time of the last alert. */
  at?: string;
}
