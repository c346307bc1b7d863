/** What request handlers are given: the parts of the daemon, and the connection or caller that asks. */
import type { Socket } from 'node:net';
import type { RequestId } from '../../api/messages.js';
import type { Producer } from '../intake/intake.js';
import type { SubscriberSink, Subscriber } from '../read/subscriber.js';
import type { Alerts } from '../../alerts/alerts.js';
import type { State } from '../../core/state.js';
import { ProgressError } from '../../core/errors.js';
import type { Paths } from '../../platform/paths.js';
import type { Journal } from '../../journal/journal.js';
import type { DaemonStatus, Op, Replies, Request, SubscribeRequest } from '../../api/messages.js';
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
  following: SessionWatchers;
  logs: Logs;
  pruning: Pruning;
  web: Web;
  alerts: Alerts;
  /** Takes what lies in the spool: somebody may have written there, and ask for it at once. */
  catchUp: () => Promise<void>;
  status: () => DaemonStatus;
  shutdown: () => void;
}

export interface Handlers {
  /** The reply's fields; undefined when the handler has replied itself. */
  answer(request: Request, connection: ClientConnection): Promise<object | undefined>;
  /** The same for a caller that has no connection to follow events on. */
  ask<K extends PlainOp>(op: K, request: Extract<Request, { op: K }>, caller: Caller): Promise<Replies[K]>;
  /** The whole log of the execution that the text means. */
  logText(execution: string): Promise<{ id: string; text: AsyncGenerator<string> }>;
  /** Looks for where the stream begins; nothing is pushed yet. */
  open(request: SubscribeRequest): Promise<OpenedSubscription>;
}

export interface ClientConnection {
  readonly socket: Socket;
  /** For the subscription of that id. */
  sinkOf(id: RequestId): SubscriberSink;
  readonly subscriptions: Map<RequestId, Subscriber>;
  /** Tells the highest n written from now on. */
  acks: boolean;
  /** Its way into the daemon. */
  readonly producer: Producer;
  /** No request is being answered. */
  readonly isIdle: boolean;
  /** Reads on, if the ingest and its own buffer allow. */
  resume(): void;
  /** Opens a subscription; one of the same id ends. */
  subscribe(id: RequestId, open: () => Subscriber): void;
  send(value: unknown): void;
  /** Tells of an error that no request caused, and counts it. */
  fail(error: ProgressError): void;
}

/** The client of a request that needs no connection. */
export type Caller = Pick<ClientConnection, 'producer'>;

/** What the request `web` does. */
export interface Web {
  /** Listens, on this port or wherever there is room, and lets one browser in. */
  on(wanted: { port?: number | undefined; execution?: string | undefined }): Promise<Replies['web']>;
  /** Nobody is let in any more, open pages included. */
  off(): Promise<Replies['web']>;
}

/** These change something about the connection that they come on. */
export type BoundOp = 'hello' | 'subscribe' | 'unsubscribe' | 'attach' | 'shutdown';
export type PlainOp = Exclude<Op, BoundOp>;

/** `Answer`: with undefined where a handler may reply itself. */
type Handler<K extends Op, Caller, Answer> = (
  request: Extract<Request, { op: K }>,
  caller: Caller,
  context: HandlerContext,
) => Promise<Answer> | Answer;
export type BoundHandler<K extends Op> = Handler<K, ClientConnection, Replies[K] | undefined>;
export type PlainHandler<K extends Op> = Handler<K, Caller, Replies[K]>;
