/** Serves a subscription as server-sent events. A heartbeat sends the position when no message was sent for a while. */
import type { ServerResponse } from 'node:http';
import type { ExecutionEvent } from '../../core/events/event.js';
import type { Batch } from '../../journal/lines.js';
import type { OpenedSubscription } from '../read/subscription.js';
import type { SubscriberSink } from '../read/subscriber.js';
import { SECURITY_HEADERS } from './headers.js';

export interface StreamOptions {
  response: ServerResponse;
  opened: OpenedSubscription;
  /** Content of the first message. */
  greeting: object;
  form: StreamForm;
  /** End the stream after all events in the journal so far were sent. */
  once: boolean;
  /** The position is sent after this time without a message. */
  heartbeatMs: number;
  onFailure: (error: unknown) => void;
}

/** Form of events: a message for each event, with its type as `event` (`named`) or without; or a message for many. */
export type StreamForm = 'named' | 'unnamed' | 'batches';

/** Number of bytes that the client has not read yet, above which the cursor waits. */
const BUFFER_BYTES = 256 * 1024;
/** Delay of a browser's reconnection, in milliseconds. */
const RETRY_MS = 1_000;

/** Prefix of the `event` of messages about the stream. No event type starts with it, and EventSource emits an `open` itself. */
const CONTROL_PREFIX = 'stream_';

/** Serves a subscription on a response. Resolves when that is closed. */
export async function serveStream(options: StreamOptions): Promise<void> {
  const { response, opened, greeting, form, once, heartbeatMs, onFailure } = options;
  response.writeHead(200, {
    ...SECURITY_HEADERS,
    'Content-Type': 'text/event-stream; charset=utf-8',
    // keeps proxies from buffering the response
    'X-Accel-Buffering': 'no',
  });
  response.write(`retry: ${RETRY_MS}\nevent: ${CONTROL_PREFIX}open\ndata: ${JSON.stringify(greeting)}\n\n`);

  let sentAt = performance.now();
  let resume = () => {};
  const isBlocked = () => response.writableLength > BUFFER_BYTES;
  const sink: SubscriberSink = {
    ...(form !== 'batches' && {
      writeEvents(batch: Batch) {
        sentAt = performance.now();
        response.write(messagesOf(batch, form), () => resume());
        return !isBlocked();
      },
    }),
    write(kind, value, cursor) {
      sentAt = performance.now();
      response.write(`id: ${cursor}\nevent: ${kind === 'events' ? kind : CONTROL_PREFIX + kind}\ndata: `);
      response.write(value);
      // a response does not emit `drain` after every write that was buffered, so each write resumes
      response.write('\n\n', () => resume());
      return !isBlocked();
    },
    get blocked() {
      return isBlocked();
    },
  };
  const subscriber = opened.start(sink, (error) => {
    onFailure(error);
    response.destroy();
  });
  resume = () => subscriber.resume();
  const sendPosition = () => {
    if (!isBlocked()) sink.write('position', String(subscriber.cursor), subscriber.cursor);
  };
  const heartbeat = setInterval(() => {
    if (performance.now() - sentAt >= heartbeatMs / 2) sendPosition();
  }, heartbeatMs);
  const closed = new Promise<void>((resolve) => response.once('close', () => resolve()));
  if (once) {
    void subscriber.level().then(() => {
      sendPosition();
      response.end();
    });
  }
  await closed;
  clearInterval(heartbeat);
  subscriber.close();
}

/** Cache of encoded messages by lines, so that they are encoded once for all streams. */
const encoded: Record<'named' | 'unnamed', WeakMap<Batch['lines'], Buffer>> = {
  named: new WeakMap(),
  unnamed: new WeakMap(),
};

/** Encodes a message for each event. Neither a type nor JSON contains line ends. */
function messagesOf({ events, lines }: Batch, form: 'named' | 'unnamed'): Buffer {
  const known = encoded[form].get(lines);
  if (known) return known;
  const messageOf = ({ seq, type }: ExecutionEvent, line: string) =>
    `id: ${seq}\n${form === 'named' ? `event: ${type}\n` : ''}data: ${line}\n\n`;
  const messages = Buffer.from(events.map((event, index) => messageOf(event, lines[index] ?? '')).join(''));
  encoded[form].set(lines, messages);
  return messages;
}
