/** One client: its lines in, events and requests told apart, its replies and pushes out. Everything is bounded. */
import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import type { Entrance } from '../../core/route.js';
import { ProgressError } from '../../core/errors.js';
import { splitEvent } from '../../protocol/encode.js';
import { createLineDecoder, encodeLine } from '../../protocol/lines.js';
import type { Duplicate, Reply, RequestId } from '../../api/messages.js';
import { MAX_LINE_BYTES } from '../../api/messages.js';
import { isReusable } from '../../protocol/raw-line.js';
import { requestId, toRequest } from '../../api/requests.js';
import { isRequest, parseExactly, toNewEvent } from '../../protocol/validate.js';
import type { Admit } from '../intake/intake.js';
import type { ClientConnection, Handlers } from '../requests/request-context.js';
import type { Ingest, Origin } from '../intake/ingest.js';
import { createSourceOrder } from '../intake/source-order.js';
import type { Subscriber } from '../read/subscribers.js';

/** Written to a socket and not taken by its reader. Beyond it a subscriber's cursor waits, */
const SUBSCRIBER_BUFFER_BYTES = 256 * 1024;
/** and beyond this its own lines are not read any more: it asks and does not listen. */
const REPLY_BUFFER_BYTES = 1024 * 1024;
/** Subscriptions on one connection. */
const MAX_SUBSCRIPTIONS = 64;
/** Requests that wait for those before them. Beyond it no more lines are read; those of one read come on top. */
const MAX_WAITING = 64;
/** Refused lines that are answered one by one, per second; the others are only counted. */
const MAX_ERRORS_PER_SECOND = 100;
/** Sources of one connection that are told of a duplicate. */
const MAX_REPEATED = 64;
/** Of the random part of a connection's name. */
const NAME_BYTES = 5;

export interface ConnectionContext {
  ingest: Ingest;
  admit: Admit;
  handlers: Pick<Handlers, 'answer'>;
  reject: (code: string) => void;
  now: () => number;
}

export function createConnection(socket: Socket, context: ConnectionContext): ClientConnection {
  const { ingest, admit, handlers, reject, now } = context;
  const subscriptions = new Map<RequestId, Subscriber>();
  const acks = new Map<string, { n: number; seq: number }>();
  const waiting: { value: Record<string, unknown>; line: number }[] = [];
  let answering = false;
  let errorsSince = 0;
  let errors = 0;

  const send = (value: unknown) => {
    if (socket.writable) socket.write(encodeLine(value));
    pace();
  };

  const isBehind = () => socket.writableLength > REPLY_BUFFER_BYTES;
  const isBusy = () => ingest.full || isBehind() || waiting.length >= MAX_WAITING;
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

  /** Of these sources it was said that something was written before. */
  const repeated = new Set<string>();
  /** Who asked for acknowledgements is told by these; others would never learn that they count from where they began. */
  const tellDuplicate = (source: string | undefined, n: number | undefined) => {
    if (connection.acks || source === undefined || n === undefined || repeated.has(source)) return;
    if (repeated.size >= MAX_REPEATED) return;
    repeated.add(source);
    send({ duplicate: { source, n } } satisfies Duplicate);
  };

  const order = createSourceOrder(() => socket.destroy());
  const entrance: Entrance = { name: `socket-${randomBytes(NAME_BYTES).toString('hex')}`, opened: [] };
  const origin: Origin = {
    entrance,
    refusal: order.refusal,
    written: ({ source, n, seq }) => acknowledge(source, n, seq),
    duplicate({ source, n }) {
      acknowledge(source, n, 0);
      tellDuplicate(source, n);
    },
    refused(event, error) {
      order.refused(event, error);
      fail(error);
    },
  };

  let answers = 0;
  const answer = async (value: Record<string, unknown>, line: number) => {
    const id = requestId(value);
    answers++;
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
      answers--;
    }
  };

  /** One after the other, and only while the replies are read: a few bytes may ask for megabytes. */
  const answerWaiting = async () => {
    if (answering) return;
    answering = true;
    for (let next; !isBehind() && (next = waiting.shift()) !== undefined;) await answer(next.value, next.line);
    answering = false;
    connection.resume();
  };

  const takeRequest = (value: Record<string, unknown>, line: number) => {
    // an event in a request keeps its place among the other events, and its reply is short
    if (value['op'] === 'emit') return void answer(value, line);
    waiting.push({ value, line });
    void answerWaiting();
  };

  const take = (text: string, line: number) => {
    try {
      const { value, exact } = parseExactly(text, line);
      if (isRequest(value)) return takeRequest(value, line);
      const event = admit(toNewEvent(value));
      if (exact && isReusable(text, value, event)) ingest.submit(event, text.length, origin, text);
      else ingest.submitParts(splitEvent(event, text.length), text.length, origin);
    } catch (thrown) {
      const error = ProgressError.from(thrown);
      fail(new ProgressError(error.code, error.message, { cause: error, line }));
    }
  };

  const decoder = createLineDecoder({ maxBytes: MAX_LINE_BYTES, onLine: take, onBad: fail });

  const connection: ClientConnection = {
    socket,
    subscriptions,
    acks: false,
    order,
    entrance,
    get isIdle() {
      return answers === 0 && waiting.length === 0;
    },
    sinkOf(id) {
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
    void answerWaiting();
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
