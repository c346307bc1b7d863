/** The status of the daemon and of its parts, as the request `status` returns it. */
import type { Agent } from '../core/agents.js';
import type { AlertOutcome } from '../core/state/alerts.js';
import type { ErrorJson } from '../core/base/errors.js';

export interface DaemonStatus {
  /** Process ID. */
  pid: number;
  /** Version of the daemon. */
  version: string;
  /** Version of the protocol. */
  protocol: number;
  /** Time of the start. */
  startedAt: string;
  /** Path of the socket. */
  socket: string;
  /** Memory in bytes. */
  rss: number;
  /** Open connections on the socket. */
  connections: number;
  /** Subscriptions, streams over HTTP included. */
  subscribers: number;
  /** Executions in memory. */
  executions: ExecutionCounts;
  /** Counters since the start of the daemon. */
  counters: Counters;
  journal: JournalStatus;
  spool: SpoolStatus;
  alerts: AlertsStatus;
  config: ConfigStatus;
}

export interface ExecutionCounts {
  /** Open executions. */
  alive: number;
  /** Finished executions with all their steps. */
  ended: number;
  /** Finished executions of which a summary is in memory. */
  summarised: number;
}

export interface Counters {
  /** Events written. */
  events: number;
  /** Events that were dropped as duplicates. */
  duplicates: number;
  /** Rejected lines and requests, by error code. */
  rejected: Record<string, number>;
  /** Connections refused because too many were open. */
  refusedConnections: number;
}

export interface JournalStatus {
  /** ID of the journal. */
  id: string;
  directory: string;
  /** Newest position written. */
  seq: number;
  /** Newest position synced to disk. */
  synced: number;
  /** Number of segments. */
  segments: number;
  /** Size on disk; compressed segments count compressed. */
  bytes: number;
  /** Why nothing can be written at present. */
  failure?: ErrorJson;
  /** Segments that cannot be read at present; readers get a gap for them. */
  unreadable?: UnreadableSegment[];
}

export interface UnreadableSegment {
  /** First position of the segment, from its file name. */
  segment: number;
  reason: string;
}

export interface SpoolStatus {
  /** Number of files that are read. */
  files: number;
  /** Names of files that are not read. */
  skipped: string[];
  /** Why the directory cannot be used at present. */
  failure?: string;
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

export interface ConfigStatus {
  /** Path of the configuration file. */
  file: string;
  /** Time since which the values have been in effect. */
  since: string;
  /** Errors in the current file, one line each; if there are any, the previous values stay in effect. */
  problems: string[];
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
  skipped: string[];
}
