/** Replies of HTTP routes that no request of the protocol has. */

/** Reply of `POST /api/v1/session`. */
export interface SessionReply {
  /** Bearer token. */
  token: string;
}

/** Reply of `GET /healthz`. */
export interface HealthReply {
  /** The journal can be written. */
  ok: boolean;
}

/** Body of an error: `code` is absent where the request was refused before it was read. */
export interface HttpError {
  error: {
    code?: string;
    message: string;
    line?: number;
    /** The same request may succeed later. */
    retryable?: true;
  };
}

/** First message of a stream, `stream_open`. */
export interface StreamOpen {
  /** Version of the daemon. */
  version: string;
  /** Process ID of the daemon. */
  pid: number;
  /** ID of the journal, to which positions belong. */
  journal: string;
  /** Newest position. */
  seq: number;
  /** Position after which the stream starts. */
  after: number;
  /** Full ID of the execution, if a name was given. */
  execution?: string;
  /** No such execution is known; the stream waits for one with this ID. */
  unknown?: true;
  /** Clock of the daemon, in milliseconds since 1970. */
  time: number;
  /** Interval of `stream_position` while nothing else is sent, in milliseconds. */
  heartbeat: number;
  /** Build of the viewer. */
  viewer?: string;
}
