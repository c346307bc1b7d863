/** Types of request handlers: the parts of the daemon that they use, and the client. */
import type { Socket } from 'node:net';
import type { Producer } from '../intake/intake.js';
import type { SubscriberSink, Subscriber } from '../read/subscriber.js';
import type { Alerts } from '../../alerts/alerts.js';
import type { State } from '../../core/state/state.js';
import { ProgressError } from '../../core/base/errors.js';
import type { Paths } from '../../platform/paths.js';
import type { Journal } from '../../journal/journal.js';
import type { DaemonStatus, Op, PlainOp } from '../../api/messages.js';
import type { Replies, Request, RequestId, RequestOf } from '../../api/messages.js';
import type { Runs } from '../runs/runs.js';
import type { SessionWatchers } from '../sessions/session-watchers.js';
import type { Pruning } from '../upkeep/pruning.js';
import type { Logs } from '../read/logs.js';
import type { Subscribers } from '../read/subscribers.js';
import type { OpenedSubscription } from '../read/subscription.js';

export interface HandlerContext {
  paths: Paths;
  version: string;
  state: State;
  journal: Journal;
  subscribers: Subscribers;
  runs: Runs;
  sessionWatchers: SessionWatchers;
  logs: Logs;
  pruning: Pruning;
  web: Web;
  alerts: Alerts;
  /** Takes what is in the spool: a client may ask for what a command wrote there just before. */
  catchUp: () => Promise<void>;
  status: () => DaemonStatus;
  shutdown: () => void;
}

export interface Handlers {
  /** Answers a request with the fields of the reply; with undefined when the handler has replied itself. */
  answer(request: Request, connection: ClientConnection): Promise<object | undefined>;
  /** Answers a request of a caller without a connection for pushes. */
  ask<K extends PlainOp>(op: K, request: RequestOf<K>, caller: Caller): Promise<Replies[K]>;
  /** Reads the whole log of an execution. */
  logText(execution: string): Promise<{ id: string; text: AsyncGenerator<string> }>;
  /** Opens a subscription; nothing is pushed before `start`. */
  open(request: RequestOf<'subscribe'>): Promise<OpenedSubscription>;
}

export interface ClientConnection {
  readonly socket: Socket;
  /** Creates the sink of a subscription. */
  sinkOf(id: RequestId): SubscriberSink;
  readonly subscriptions: Map<RequestId, Subscriber>;
  /** The client wants acknowledgements. */
  acks: boolean;
  /** Submits the client's events. */
  readonly producer: Producer;
  /** Whether no request is being answered. */
  readonly isIdle: boolean;
  /** Resumes reading, if intake and the connection's buffers allow it. */
  resume(): void;
  /** Opens a subscription, in place of one with the same ID. */
  subscribe(id: RequestId, open: () => Subscriber): void;
  send(value: unknown): void;
  /** Sends an error that no request caused, and counts it. */
  fail(error: ProgressError): void;
}

/** The client of a request that needs no connection. */
export type Caller = Pick<ClientConnection, 'producer'>;

/** Operations of the request `web`. */
export interface Web {
  /** Listens, on this port or any free one, and issues a code for one browser. */
  on(wanted: { port?: number | undefined; execution?: string | undefined }): Promise<Replies['web']>;
  /** Stops listening and revokes all access, that of open pages included. */
  off(): Promise<Replies['web']>;
}

/** `Answer` includes undefined where a handler may reply itself. */
type Handler<K extends Op, Caller, Answer> = (
  request: RequestOf<K>,
  caller: Caller,
  context: HandlerContext,
) => Promise<Answer> | Answer;
export type ConnectionHandler<K extends Op> = Handler<K, ClientConnection, Replies[K] | undefined>;
export type PlainHandler<K extends Op> = Handler<K, Caller, Replies[K]>;
