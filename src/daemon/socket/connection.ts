/** One client on the socket: reads events and requests, writes replies and pushes. Every buffer is bounded. */
import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import type { Entrance } from '../../core/routing/route.js';
import { ProgressError } from '../../core/base/errors.js';
import { createLineDecoder, encodeLine } from '../../protocol/lines.js';
import type { Duplicate, Reply, RequestId } from '../../api/messages.js';
import { MAX_LINE_BYTES } from '../../api/messages.js';
import { isReusable } from '../../protocol/raw-line.js';
import { requestId, toRequest } from '../../api/requests.js';
import { isRequest, parseExactly, toNewEvent } from '../../protocol/validate.js';
import type { Origin } from '../intake/ingest.js';
import type { Intake, Producer } from '../intake/intake.js';
import type { Subscriber, SubscriberSink } from '../read/subscriber.js';
import type { ClientConnection, Handlers } from '../requests/request-context.js';

/** Bytes that the client has not read. Above it a subscriber's cursor waits. */
const SUBSCRIBER_BUFFER_BYTES = 256 * 1024;
/** Above it the client's own lines are not read any more: it sends requests and does not read the replies. */
const REPLY_BUFFER_BYTES = 1024 * 1024;
const MAX_SUBSCRIPTIONS = 64;
/** Requests that wait for earlier ones. Above it no more lines are read; those of one read may exceed it. */
const MAX_WAITING = 64;
/** Errors sent per second for lines that are no request; further ones are only counted. */
const MAX_ERRORS_PER_SECOND = 100;
/** Sources whose first duplicate is reported. */
const MAX_REPEATED = 64;
/** Of the random part of a connection's name. */
const NAME_BYTES = 5;

export interface ConnectionContext {
  intake: Intake;
  handlers: Pick<Handlers, 'answer'>;
  reject: (code: string) => void;
  now: () => number;
}

interface WaitingRequest {
  value: Record<string, unknown>;
  line: number;
}

export class Connection implements ClientConnection {
  readonly socket: Socket;
  readonly subscriptions = new Map<RequestId, Subscriber>();
  readonly producer: Producer;
  acks = false;
  readonly #context: ConnectionContext;
  readonly #origin: Origin;
  /** Acknowledgements of this turn, by source. */
  readonly #acks = new Map<string, { n: number; seq: number }>();
  /** Sources of which a duplicate was reported. */
  readonly #repeated = new Set<string>();
  readonly #waiting: WaitingRequest[] = [];
  #isAnswering = false;
  /** Requests that are being answered, `emit` included. */
  #answers = 0;
  #errorsSince = 0;
  #errors = 0;

  constructor(socket: Socket, context: ConnectionContext) {
    this.socket = socket;
    this.#context = context;
    const entrance: Entrance = { name: `socket-${randomBytes(NAME_BYTES).toString('hex')}`, opened: [] };
    this.producer = context.intake.producer('socket', { entrance, onExcess: () => socket.destroy() });
    this.#origin = this.producer.originOf({
      written: ({ source, n, seq }) => this.#acknowledge(source, n, seq),
      duplicate: ({ source, n }) => {
        this.#acknowledge(source, n, 0);
        this.#reportDuplicate(source, n);
      },
      refused: (_event, error) => this.fail(error),
    });
    this.#listen();
  }

  get isIdle(): boolean {
    return this.#answers === 0 && this.#waiting.length === 0;
  }

  sinkOf(id: RequestId): SubscriberSink {
    const { socket } = this;
    const name = JSON.stringify(id);
    return {
      write(kind, value) {
        socket.cork();
        for (const part of [`{"on":${name},"${kind}":`, value, '}\n']) socket.write(part);
        socket.uncork();
        return socket.writableLength <= SUBSCRIBER_BUFFER_BYTES;
      },
      get blocked() {
        return socket.writableLength > SUBSCRIBER_BUFFER_BYTES;
      },
    };
  }

  resume(): void {
    if (!this.#isBusy()) this.socket.resume();
  }

  subscribe(id: RequestId, open: () => Subscriber): void {
    // the client may have closed while the start of the subscription was searched
    if (this.socket.destroyed) return;
    const { subscriptions } = this;
    if (subscriptions.size >= MAX_SUBSCRIPTIONS && !subscriptions.has(id)) {
      throw new ProgressError('too_many', `more than ${MAX_SUBSCRIPTIONS} subscriptions on one connection`);
    }
    subscriptions.get(id)?.close();
    subscriptions.set(id, open());
  }

  send(value: unknown): void {
    if (this.socket.writable) this.socket.write(encodeLine(value));
    this.#applyBackpressure();
  }

  fail(error: ProgressError): void {
    this.#context.reject(error.code);
    this.#sendError(error);
  }

  #listen(): void {
    const { socket } = this;
    const decoder = createLineDecoder({
      maxBytes: MAX_LINE_BYTES,
      onLine: (text, line) => this.#take(text, line),
      onBad: (error) => this.fail(error),
    });
    socket.on('data', (chunk: Buffer) => {
      decoder.push(chunk);
      this.#applyBackpressure();
    });
    socket.on('end', () => {
      decoder.end();
    });
    socket.on('drain', () => {
      void this.#answerWaiting();
      this.resume();
      for (const subscriber of this.subscriptions.values()) subscriber.resume();
    });
    socket.on('close', () => {
      for (const subscriber of this.subscriptions.values()) subscriber.close();
      this.subscriptions.clear();
    });
    // ECONNRESET or EPIPE: the client has closed, and `close` follows
    socket.on('error', () => undefined);
  }

  #isBehind(): boolean {
    return this.socket.writableLength > REPLY_BUFFER_BYTES;
  }

  #isBusy(): boolean {
    return this.#context.intake.isFull || this.#isBehind() || this.#waiting.length >= MAX_WAITING;
  }

  #applyBackpressure(): void {
    if (this.#isBusy()) this.socket.pause();
  }

  #take(text: string, line: number): void {
    try {
      const { value, exact } = parseExactly(text, line);
      if (isRequest(value)) return this.#takeRequest(value, line);
      const event = this.producer.admit(toNewEvent(value));
      const reusable = exact && isReusable(text, value, event) ? text : undefined;
      this.producer.submit(event, text.length, this.#origin, reusable);
    } catch (thrown) {
      const error = ProgressError.from(thrown);
      this.fail(new ProgressError(error.code, error.message, { cause: error, line }));
    }
  }

  #takeRequest(value: Record<string, unknown>, line: number): void {
    // an event in a request keeps its place among the other events, and its reply is short
    if (value['op'] === 'emit') return void this.#answer(value, line);
    this.#waiting.push({ value, line });
    void this.#answerWaiting();
  }

  /** Answers one request after the other, and only while the client reads the replies: a short request may ask for much. */
  async #answerWaiting(): Promise<void> {
    if (this.#isAnswering) return;
    this.#isAnswering = true;
    for (let next; !this.#isBehind() && (next = this.#waiting.shift()) !== undefined;) {
      await this.#answer(next.value, next.line);
    }
    this.#isAnswering = false;
    this.resume();
  }

  async #answer(value: Record<string, unknown>, line: number): Promise<void> {
    const id = requestId(value);
    this.#answers++;
    try {
      const request = toRequest(value);
      if (id === undefined) throw new ProgressError('bad_request', 'id must be a text or a number');
      const result = await this.#context.handlers.answer(request, this);
      if (result) this.send({ re: request.id, ...result } satisfies Reply);
    } catch (thrown) {
      const error = ProgressError.from(thrown);
      const located = new ProgressError(error.code, error.message, { cause: error, line: error.line ?? line });
      this.#context.reject(error.code);
      if (id === undefined) this.#sendError(located);
      else this.send({ re: id, error: located.toJSON() } satisfies Reply);
    } finally {
      this.#answers--;
    }
  }

  #sendError(error: ProgressError): void {
    const second = Math.floor(this.#context.now() / 1_000);
    if (second !== this.#errorsSince) [this.#errorsSince, this.#errors] = [second, 0];
    if (++this.#errors <= MAX_ERRORS_PER_SECOND) this.send({ error });
  }

  /** Of the events that one write took, only the last of each source is acknowledged. */
  #acknowledge(source: string | undefined, n: number | undefined, seq: number): void {
    if (!this.acks || source === undefined || n === undefined) return;
    if (this.#acks.size === 0) setImmediate(() => this.#sendAcks());
    const pending = this.#acks.get(source);
    if (!pending) this.#acks.set(source, { n, seq });
    else if (n > pending.n) {
      pending.n = n;
      if (seq > 0) pending.seq = seq;
    }
  }

  #sendAcks(): void {
    for (const [source, { n, seq }] of this.#acks) this.send({ ack: { source, n, seq } });
    this.#acks.clear();
  }

  /**
   * Reports the first duplicate of a source to a client that did not ask for acknowledgements. Otherwise it would never
   * learn that it has to count from a higher n.
   */
  #reportDuplicate(source: string | undefined, n: number | undefined): void {
    const repeated = this.#repeated;
    if (this.acks || source === undefined || n === undefined || repeated.has(source)) return;
    if (repeated.size >= MAX_REPEATED) return;
    repeated.add(source);
    this.send({ duplicate: { source, n } } satisfies Duplicate);
  }
}
