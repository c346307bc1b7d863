/** Messages between the pages of a browser and the hub that they share. */
import type { ExecutionEvent } from '../../src/core/events/event.js';

/**
 * `polling`: the stream is replaced by repeated requests. `lost`: it is retried with backoff. `refused`: the daemon does
 * not accept the token, or there is none.
 */
export type StreamState = 'connecting' | 'live' | 'polling' | 'lost' | 'refused';

/** State of the stream. Times are milliseconds since 1970 by the clock of this machine. */
export interface StreamConnection {
  state: StreamState;
  /** Time of the last message from the daemon: the values are as they were then. */
  heardAt: number;
  /** Number of failed attempts since the last message. */
  attempt: number;
  /** Time of the next attempt. */
  retryAt?: number;
  /** Build of the viewer that the daemon serves. */
  viewer?: string;
  /** Milliseconds to add to the clock of this machine to get the daemon's. */
  clockOffset: number;
}

export type ToHub =
  /** The first message. `lock`: name of a lock that the page holds while it exists. */
  | { kind: 'join'; lock: string; token?: string }
  | { kind: 'token'; token: string }
  /** Replaces the execution whose details (output, messages, activity) the page receives. Answered by `ready`. */
  | { kind: 'follow'; request: number; execution?: string }
  /** Reconnect at once, if the connection is lost. */
  | { kind: 'retry' };

export type ToPage =
  | { kind: 'token'; token: string }
  | { kind: 'connection'; connection: StreamConnection }
  /** Every event after this position is delivered, if it has not been already. */
  | { kind: 'ready'; request: number; position: number }
  | { kind: 'events'; events: ExecutionEvent[] }
  /** Events are missing, or the journal is another one: a new snapshot is needed. */
  | { kind: 'reset' };
