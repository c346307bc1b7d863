/**
 * Shares one event stream among all pages of a browser. Runs in a shared worker, or in the page where there are none.
 *
 * A browser opens at most six connections to a host over HTTP/1, and each page needs some for its own requests. A page
 * first has the hub follow and then requests a snapshot, so that no event is missed in between.
 */
import type { ExecutionEvent } from '../../src/core/events/event.js';
import type { StreamConnection, ToHub, ToPage } from './hub-messages.js';
import type { Message } from './sse.js';
import type { StreamEnd } from './stream.js';
import { readStream } from './stream.js';

/** A page that the hub serves. */
export interface Member {
  send(message: ToPage): void;
}

interface Subscription {
  /** Execution whose details the page receives. */
  execution?: string | undefined;
  /** Requests to answer when the stream includes these details. */
  requests: number[];
}

/** First message of a stream. */
interface Greeting {
  journal: string;
  /** Position at which the stream begins. */
  after: number;
  viewer?: string;
  /** The daemon's clock, in milliseconds since 1970. */
  time: number;
  /** Interval of heartbeats in milliseconds. */
  heartbeat?: number;
}

/** Heartbeats that may be missing before the stream counts as dead, whatever the browser reports. */
const WATCHDOG_HEARTBEATS = 2.5;
/** Interval of heartbeats until the daemon has stated its own. */
const HEARTBEAT_MS = 10_000;
const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 15_000;
/** Streams without a message after which the hub polls instead. */
const SILENT_STREAMS = 2;
const POLL_MS = 2_000;
/** Polls after which a stream is tried again. */
const POLLS_BEFORE_STREAM = 15;
/** The time of the last message is published at this interval, rather than with every message. */
const HEARD_MS = 1_000;
/** Types of events that only pages about their execution receive. */
const DETAILS: ReadonlySet<string> = new Set(['output', 'log', 'activity']);

export class Hub {
  readonly #members = new Map<Member, Subscription>();
  #token: string | undefined;
  #connection: StreamConnection = { state: 'connecting', heardAt: Date.now(), attempt: 0, clockOffset: 0 };
  /** Position in the journal after the last event. */
  #position: number | undefined;
  #journal: string | undefined;
  #heartbeatMs = HEARTBEAT_MS;
  #isPolling = false;
  #polls = 0;
  #silentStreams = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #running: AbortController | undefined;
  /** Executions whose details the running stream includes. */
  #details = '';

  /** Adds a page. @returns The function that takes its messages. */
  join(member: Member): (message: ToHub) => void {
    return (message) => {
      switch (message.kind) {
        case 'join':
          return this.#add(member, message.token);
        case 'token':
          return this.#setToken(message.token);
        case 'follow':
          return this.#follow(member, message.request, message.execution);
        case 'retry':
          if (this.#connection.state === 'lost') this.#connect();
      }
    };
  }

  leave(member: Member): void {
    this.#members.delete(member);
    if (this.#members.size === 0) this.#connect();
  }

  #add(member: Member, token: string | undefined): void {
    this.#members.set(member, { requests: [] });
    this.#token ??= token;
    if (this.#token !== undefined) member.send({ kind: 'token', token: this.#token });
    const connection: StreamConnection =
      this.#token === undefined ? { ...this.#connection, state: 'refused' } : this.#connection;
    member.send({ kind: 'connection', connection });
    if (!this.#running && this.#timer === undefined) this.#connect();
  }

  #setToken(token: string): void {
    this.#token = token;
    this.#sendAll({ kind: 'token', token });
    this.#connect();
  }

  #follow(member: Member, request: number, execution: string | undefined): void {
    const subscription = this.#members.get(member);
    if (!subscription) return;
    subscription.execution = execution;
    subscription.requests.push(request);
    // a stream that includes everything is kept; otherwise another one continues at its position
    const isComplete = this.#running !== undefined && this.#details === this.#wantedDetails();
    if (isComplete && this.#connection.state === 'live') this.#answerRequests();
    else this.#connect();
  }

  #wantedDetails(): string {
    const ids = [...this.#members.values()].flatMap(({ execution }) => execution ?? []);
    return [...new Set(ids)].sort().join();
  }

  #answerRequests(): void {
    const position = this.#position;
    if (position === undefined) return;
    for (const [member, { requests }] of this.#members)
      for (const request of requests.splice(0)) member.send({ kind: 'ready', request, position });
  }

  /** Starts a stream or a poll, in place of the running one. Stops without pages or token. */
  #connect(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#running?.abort();
    if (this.#token === undefined || this.#members.size === 0) return;
    this.#isPolling = this.#silentStreams >= SILENT_STREAMS && this.#polls++ < POLLS_BEFORE_STREAM;
    if (!this.#isPolling) this.#polls = 0;
    this.#details = this.#wantedDetails();
    const controller = new AbortController();
    this.#running = controller;
    void readStream({
      query: this.#query(),
      token: this.#token,
      controller,
      watchdogMs: () => WATCHDOG_HEARTBEATS * this.#heartbeatMs,
      onMessage: (message) => {
        if (this.#running === controller) this.#take(message);
      },
    }).then((end) => {
      if (this.#running === controller) this.#onEnd(end);
    });
  }

  #query(): Record<string, string> {
    return {
      batches: '1',
      details: this.#details,
      ...(this.#position === undefined ? { last: '0' } : { after: String(this.#position) }),
      ...(this.#journal !== undefined && { journal: this.#journal }),
      ...(this.#isPolling && { once: '1' }),
    };
  }

  #onEnd(end: StreamEnd): void {
    this.#running = undefined;
    if (end === 'refused') {
      this.#token = undefined;
      this.#setConnection({ state: 'refused' });
    } else if (end === 'silent' && !this.#isPolling && ++this.#silentStreams >= SILENT_STREAMS) {
      this.#connect();
    } else if (end === 'ended' && this.#isPolling) {
      this.#timer = setTimeout(() => this.#connect(), POLL_MS);
    } else {
      const { attempt } = this.#connection;
      const wait = Math.min(FIRST_RETRY_MS * 2 ** attempt, LAST_RETRY_MS) * (0.8 + Math.random() * 0.4);
      this.#setConnection({ state: 'lost', attempt: attempt + 1, retryAt: Date.now() + wait });
      this.#timer = setTimeout(() => this.#connect(), wait);
    }
  }

  #take({ event, id, data }: Message): void {
    if (event === 'stream_open') return this.#open(JSON.parse(data) as Greeting);
    if (event === 'events') this.#publish(JSON.parse(data) as ExecutionEvent[]);
    else if (event === 'stream_gap' || event === 'stream_reset') this.#sendAll({ kind: 'reset' });
    if (id !== '') this.#position = Number(id);
    const heardAt = Date.now();
    if (heardAt - this.#connection.heardAt > HEARD_MS) this.#setConnection({ heardAt });
    else this.#connection.heardAt = heardAt;
  }

  #open({ journal, after, viewer, time, heartbeat = HEARTBEAT_MS }: Greeting): void {
    const heardAt = Date.now();
    this.#heartbeatMs = heartbeat;
    if (this.#journal !== undefined && this.#journal !== journal) this.#sendAll({ kind: 'reset' });
    this.#journal = journal;
    this.#position = Math.min(this.#position ?? after, after);
    if (!this.#isPolling) this.#silentStreams = 0;
    this.#setConnection({
      state: this.#isPolling ? 'polling' : 'live',
      attempt: 0,
      heardAt,
      clockOffset: time - heardAt,
      ...(viewer !== undefined && { viewer }),
    });
    this.#answerRequests();
  }

  #publish(events: readonly ExecutionEvent[]): void {
    for (const [member, { execution }] of this.#members) {
      const own = events.filter((event) => !DETAILS.has(event.type) || event.execution === execution);
      if (own.length > 0) member.send({ kind: 'events', events: own });
    }
  }

  #setConnection(change: Partial<StreamConnection>): void {
    const { retryAt: _before, ...rest } = this.#connection;
    this.#connection = { ...rest, ...change };
    this.#sendAll({ kind: 'connection', connection: this.#connection });
  }

  #sendAll(message: ToPage): void {
    for (const member of this.#members.keys()) member.send(message);
  }
}
