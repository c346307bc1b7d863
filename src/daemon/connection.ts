/** One client: its lines in, events and requests told apart, its replies and pushes out. Everything is bounded. */
import type { Socket } from 'node:net';
import type { NewEvent } from '../core/event.js';
import { ProgressError } from '../errors.js';
import { splitEvent } from '../protocol/encode.js';
import { createLineDecoder, encodeLine } from '../protocol/lines.js';
import type { Reply, RequestId } from '../protocol/messages.js';
import { MAX_LINE_BYTES } from '../protocol/messages.js';
import { isReusable } from '../protocol/raw-line.js';
import { requestId, toRequest } from '../protocol/requests.js';
import { isRequest, parseExactly, toNewEvent } from '../protocol/validate.js';
import type { Handlers } from './handlers.js';
import type { Ingest, Origin } from './ingest.js';
import type { Sink, Subscriber } from './subscribers.js';

/** Written to a socket and not taken by its reader. Beyond it a subscriber's cursor waits, */
const SUBSCRIBER_BUFFER_BYTES = 256 * 1024;
/** and beyond this its own lines are not read any more: it asks and does not listen. */
const REPLY_BUFFER_BYTES = 1024 * 1024;
/** Subscriptions on one connection. */
const MAX_SUBSCRIPTIONS = 64;
/** Requests that wait for their answer. Beyond it no more lines are read: each may hold files open. */
const MAX_ANSWERING = 1_024;
/** Producers on one connection, of each of which something was refused. */
const MAX_REFUSALS = 1_000;
/** Refused lines that are answered one by one, per second; the others are only counted. */
const MAX_ERRORS_PER_SECOND = 100;

export interface ConnectionContext {
  ingest: Ingest;
  handlers: Handlers;
  reject: (code: string) => void;
  now: () => number;
}

export interface Connection {
  readonly socket: Socket;
  readonly sink: Sink;
  readonly subscriptions: Map<RequestId, Subscriber>;
  /** Tells the highest n written from now on. */
  acks: boolean;
  /** Reads on, if the ingest and its own buffer allow. */
  resume(): void;
  /** Opens a subscription; one of the same id ends. */
  subscribe(id: RequestId, open: () => Subscriber): void;
  send(value: unknown): void;
  /** Tells of an error that no request caused, and counts it. */
  fail(error: ProgressError): void;
}

export function createConnection(socket: Socket, context: ConnectionContext): Connection {
  const { ingest, handlers, reject, now } = context;
  const subscriptions = new Map<RequestId, Subscriber>();
  const acks = new Map<string, { n: number; seq: number }>();
  /** By source, the first n that could not be written for a while. */
  const refusals = new Map<string, { n: number; error: ProgressError }>();
  let answering = 0;
  let errorsSince = 0;
  let errors = 0;

  const send = (value: unknown) => {
    if (socket.writable) socket.write(encodeLine(value));
    pace();
  };

  const isBusy = () => ingest.full || socket.writableLength > REPLY_BUFFER_BYTES || answering >= MAX_ANSWERING;
  const pace = () => {
    if (isBusy()) socket.pause();
  };

  const sendError = (error: ProgressError) => {
    const second = Math.floor(now() / 1_000);
    if (second !== errorsSince) [errorsSince, errors] = [second, 0];
    if (++errors <= MAX_ERRORS_PER_SECOND) send({ error });
  };

  const fail = (error: ProgressError) => {
    reject(error.code);
    sendError(error);
  };

  const sendAcks = () => {
    for (const [source, { n, seq }] of acks) send({ ack: { source, n, seq } });
    acks.clear();
  };
  /** Of many events that one write took, the last is told. */
  const acknowledge = (source: string | undefined, n: number | undefined, seq: number) => {
    if (!connection.acks || source === undefined || n === undefined) return;
    if (acks.size === 0) setImmediate(sendAcks);
    const said = acks.get(source);
    if (!said) acks.set(source, { n, seq });
    else if (n > said.n) {
      said.n = n;
      if (seq > 0) said.seq = seq;
    }
  };

  /** Whoever wants acks sends again, from there: what it has sent behind it would make that look written. */
  const holdBack = ({ source, n }: NewEvent, error: ProgressError) => {
    if (!connection.acks || source === undefined || n === undefined) return;
    if (n >= (refusals.get(source)?.n ?? Infinity)) return;
    refusals.set(source, { n, error });
    if (refusals.size > MAX_REFUSALS) socket.destroy();
  };

  const origin: Origin = {
    refusal({ source, n }) {
      if (refusals.size === 0 || source === undefined || n === undefined) return undefined;
      const earlier = refusals.get(source);
      if (earlier && n > earlier.n) return earlier.error;
      refusals.delete(source);
      return undefined;
    },
    written: ({ source, n, seq }) => acknowledge(source, n, seq),
    duplicate: ({ source, n }) => acknowledge(source, n, 0),
    refused(event, error) {
      holdBack(event, error);
      fail(error);
    },
  };

  const answer = async (value: Record<string, unknown>, line: number) => {
    const id = requestId(value);
    answering++;
    try {
      const request = toRequest(value);
      if (id === undefined) throw new ProgressError('bad_request', 'id must be a text or a number');
      const result = await handlers.answer(request, connection);
      if (result) send({ re: request.id, ...result } satisfies Reply);
    } catch (thrown) {
      const error = ProgressError.from(thrown);
      const located = new ProgressError(error.code, error.message, { cause: error, line: error.line ?? line });
      reject(error.code);
      if (id === undefined) sendError(located);
      else send({ re: id, error: located.toJSON() } satisfies Reply);
    } finally {
      if (answering-- === MAX_ANSWERING) connection.resume();
    }
  };

  const take = (text: string, line: number) => {
    try {
      const { value, exact } = parseExactly(text, line);
      if (isRequest(value)) return void answer(value, line);
      const event = checkProducer(toNewEvent(value));
      if (exact && isReusable(text, value, event)) ingest.submit(event, text.length, origin, text);
      else ingest.submitParts(splitEvent(event, text.length), text.length, origin);
    } catch (thrown) {
      const error = ProgressError.from(thrown);
      fail(new ProgressError(error.code, error.message, { cause: error, line }));
    }
  };

  const decoder = createLineDecoder({ maxBytes: MAX_LINE_BYTES, onLine: take, onBad: fail });

  const connection: Connection = {
    socket,
    subscriptions,
    acks: false,
    sink: {
      write(parts) {
        socket.cork();
        for (const part of parts) socket.write(part);
        socket.uncork();
        return socket.writableLength <= SUBSCRIBER_BUFFER_BYTES;
      },
      get blocked() {
        return socket.writableLength > SUBSCRIBER_BUFFER_BYTES;
      },
    },
    resume() {
      if (!isBusy()) socket.resume();
    },
    subscribe(id, open) {
      // gone while its beginning was looked for
      if (socket.destroyed) return;
      if (subscriptions.size >= MAX_SUBSCRIPTIONS && !subscriptions.has(id)) {
        throw new ProgressError('too_many', `more than ${MAX_SUBSCRIPTIONS} subscriptions on one connection`);
      }
      subscriptions.get(id)?.close();
      subscriptions.set(id, open());
    },
    send,
    fail,
  };

  socket.on('data', (chunk: Buffer) => {
    decoder.push(chunk);
    pace();
  });
  socket.on('end', () => {
    decoder.end();
  });
  socket.on('drain', () => {
    connection.resume();
    for (const subscriber of subscriptions.values()) subscriber.resume();
  });
  socket.on('close', () => {
    for (const subscriber of subscriptions.values()) subscriber.close();
    subscriptions.clear();
  });
  // ECONNRESET, EPIPE: the other end is gone, `close` follows
  socket.on('error', () => undefined);
  return connection;
}

/** Notes say what happened to the journal itself: from anyone else they would be forged. */
export function checkProducer(event: NewEvent): NewEvent {
  if (event.type !== 'journal_note') return event;
  throw new ProgressError('bad_event', 'type journal_note is the daemon’s own: use another type');
}
