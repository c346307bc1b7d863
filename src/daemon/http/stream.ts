/** Server-sent events: a subscription as `id`, `event` and `data`, with a heartbeat that carries the position. */
import type { ServerResponse } from 'node:http';
import type { ExecutionEvent } from '../../core/event.js';
import type { Batch } from '../../journal/lines.js';
import type { OpenedSubscription } from '../read/subscription.js';
import type { SubscriberSink } from '../read/subscriber.js';
import { SECURITY_HEADERS } from './headers.js';

export interface StreamOptions {
  response: ServerResponse;
  opened: OpenedSubscription;
  /** What the first message tells. */
  greeting: object;
  form: StreamForm;
  /** End when everything written so far is told. */
  once: boolean;
  /** The position is told again when nothing else was told for so long. */
  heartbeatMs: number;
  onFailure: (error: unknown) => void;
}

/** How events are written: one message for each, with or without the name of its type, or a message for many. */
export type StreamForm = 'named' | 'unnamed' | 'batches';

/** Written to the socket and not taken by its reader: beyond it the cursor waits. */
const BUFFER_BYTES = 256 * 1024;
/** How soon a browser comes back, in milliseconds. */
const RETRY_MS = 1_000;

/** Of what tells about the stream itself: types of events begin otherwise, and EventSource has an `open` of its own. */
const CONTROL_PREFIX = 'stream_';

/** Returns when the response is closed. */
export async function serveStream(options: StreamOptions): Promise<void> {
  const { response, opened, greeting, form, once, heartbeatMs, onFailure } = options;
  response.writeHead(200, {
    ...SECURITY_HEADERS,
    'Content-Type': 'text/event-stream; charset=utf-8',
    // proxies that gather responses would keep it
    'X-Accel-Buffering': 'no',
  });
  response.write(`retry: ${RETRY_MS}\nevent: ${CONTROL_PREFIX}open\ndata: ${JSON.stringify(greeting)}\n\n`);

  let saidAt = performance.now();
  let resume = () => {};
  const isBlocked = () => response.writableLength > BUFFER_BYTES;
  const sink: SubscriberSink = {
    ...(form !== 'batches' && {
      writeEvents(batch: Batch) {
        saidAt = performance.now();
        response.write(messagesOf(batch, form), () => resume());
        return !isBlocked();
      },
    }),
    write(kind, value, cursor) {
      saidAt = performance.now();
      response.write(`id: ${cursor}\nevent: ${kind === 'events' ? kind : CONTROL_PREFIX + kind}\ndata: `);
      response.write(value);
      // `drain` is not to be relied on: a response tells of it only after some of its writes
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
  const sayPosition = () => {
    if (!isBlocked()) sink.write('at', String(subscriber.cursor), subscriber.cursor);
  };
  const heartbeat = setInterval(() => {
    if (performance.now() - saidAt >= heartbeatMs / 2) sayPosition();
  }, heartbeatMs);
  const closed = new Promise<void>((resolve) => response.once('close', () => resolve()));
  if (once) {
    void subscriber.level().then(() => {
      sayPosition();
      response.end();
    });
  }
  await closed;
  clearInterval(heartbeat);
  subscriber.close();
}

/** By their lines: what many streams send is put together once. */
const encoded: Record<'named' | 'unnamed', WeakMap<Batch['lines'], Buffer>> = {
  named: new WeakMap(),
  unnamed: new WeakMap(),
};

/** A message for each event. A type has no line ends, and JSON has none either. */
function messagesOf({ events, lines }: Batch, form: 'named' | 'unnamed'): Buffer {
  const known = encoded[form].get(lines);
  if (known) return known;
  const messageOf = ({ seq, type }: ExecutionEvent, line: string) =>
    `id: ${seq}\n${form === 'named' ? `event: ${type}\n` : ''}data: ${line}\n\n`;
  const messages = Buffer.from(events.map((event, index) => messageOf(event, lines[index] ?? '')).join(''));
  encoded[form].set(lines, messages);
  return messages;
}
