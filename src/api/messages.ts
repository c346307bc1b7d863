/**
 * The protocol: NDJSON in both directions, one JSON object per line, UTF-8, "\n".
 *
 * A client sends two kinds of lines:
 *   an event    an object with `type`. Needs no greeting, and has no reply unless `hello` requested acks. An invalid
 *               one is answered with `{"error":{...}}`, where `line` counts the lines of this connection from 1.
 *   a request   an object with `op` and `id` (any text or number), see `requests.ts`. Has exactly one reply,
 *               `{"re":id,...}` with the fields of `replies.ts`, or `{"re":id,"error":{...}}`.
 *
 * The daemon also sends lines that no request caused: those of a subscription begin with `"on":id`; `command`, `ack`,
 * `duplicate` and `error` are recognised by their field.
 *
 * Unknown fields of a request are ignored; an unknown op is an error. Within a major version things are only added.
 */
import type { ErrorJson } from '../core/base/errors.js';
import type { EventData, ExecutionEvent } from '../core/events/event.js';
import type { RequestId, RunCommand } from './requests.js';

export type * from './replies.js';
export type * from './requests.js';
export type * from './status.js';
export { URGENCIES } from './requests.js';

export const PROTOCOL_VERSION = 1;

/** Maximum length of a line from a client. Longer ones are skipped and answered with `too_long`. */
export const MAX_LINE_BYTES = 256 * 1024;
/** Maximum nesting of a line; the event itself is level 1. */
export const MAX_LINE_DEPTH = 64;
/** Maximum length of a line from the daemon, which clients enforce; pages and batches are much shorter. */
export const MAX_REPLY_BYTES = 64 * 1024 * 1024;

export type Reply = { re: RequestId; error?: ErrorJson } & Record<string, unknown>;

/** A line of a subscription. */
export type Push = EventsPush | GapPush | ResetPush | PositionPush;

export interface EventsPush {
  on: RequestId;
  /** Events in the order of the journal. */
  events: ExecutionEvent[];
}

export interface GapPush {
  on: RequestId;
  gap: Gap;
}

export interface ResetPush {
  on: RequestId;
  reset: Reset;
}

export interface PositionPush {
  on: RequestId;
  /** Position after which to resume: no event passed the filter for a while. */
  position: number;
}

/** Events that the journal no longer has. */
export interface Gap {
  /** First missing position. */
  from: number;
  /** Last missing position. */
  to: number;
  /** `retention`: removed on purpose; `damage`: a file is damaged or cannot be read; `missing`: a file is missing. */
  why: 'retention' | 'damage' | 'missing';
  /** For `damage`: why the file cannot be read, if that may be temporary. */
  reason?: string;
}

/** The requested position is not of this journal: what the client knows from before is void. */
export interface Reset {
  /** `future`: the position was not reached yet; `foreign`: it belongs to another journal. */
  why: 'future' | 'foreign';
  /** Position after which events follow. */
  from: number;
}

/** A command to the runner that is attached to a run. */
export interface CommandMessage {
  command: RunCommand;
}

/** All events of a source up to `n` are written. */
export interface Ack {
  ack: {
    source: string;
    n: number;
    /** Position of the last of these events; 0 if it was a duplicate. */
    seq: number;
  };
}

/** An event was dropped as a duplicate. Sent once per source to producers that did not request acks. */
export interface Duplicate {
  duplicate: { source: string; n: number };
}

/** Event as written by a client: the envelope, with the data in `data` or next to the envelope fields. */
export type WireEvent = { type: string; data?: EventData } & Record<string, unknown>;
