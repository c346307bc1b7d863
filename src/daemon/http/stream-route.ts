/** The route `/stream/progress`: checks its parameters, bounds the number of streams, and serves one. */
import type { IncomingMessage } from 'node:http';
import type { Config } from '../../config/load.js';
import type { Fields } from '../../core/fields.js';
import { ProgressError } from '../../core/errors.js';
import { VERSION } from '../../core/version.js';
import type { DaemonStatus, SubscribeRequest } from '../../api/messages.js';
import { toRequest } from '../../api/requests.js';
import type { OpenedSubscription } from '../read/subscription.js';
import type { Handlers } from '../requests/request-context.js';
import { headerValues } from './guard.js';
import { readQuery } from './query.js';
import type { HttpCall, HttpRoute } from './route.js';
import type { StreamForm } from './stream.js';
import { serveStream } from './stream.js';

export interface StreamRouteOptions {
  handlers: Pick<Handlers, 'open'>;
  status: () => DaemonStatus;
  config: () => Config['web'];
  /** Build of the viewer, so that an open page notices a newer one. */
  viewer: string | undefined;
  reject: (code: string) => void;
}

/** Upper bound of messages per second; one message holds many events. */
const MAX_RATE = 10;
const MAX_EVENT_ID_CHARS = 200;

const FIELDS = {
  execution: 'text',
  step: 'text',
  types: 'list',
  level: 'text',
  stream: 'text',
  details: 'list',
  after: 'number',
  journal: 'text',
  since: 'text',
  last: 'number',
  rate: 'number',
  once: 'flag',
  batches: 'flag',
  event: 'text',
} as const;

export class StreamRoute implements HttpRoute {
  readonly method = 'GET';
  readonly #options: StreamRouteOptions;
  #streams = 0;

  constructor(options: StreamRouteOptions) {
    this.#options = options;
  }

  /** Open streams. */
  get streams(): number {
    return this.#streams;
  }

  async serve({ request, response, query }: HttpCall): Promise<void> {
    const { handlers, status, config, viewer, reject } = this.#options;
    const { once, batches, event, ...fields } = readQuery(query, FIELDS);
    const form = formOf(readFlag('batches', batches), event);
    const isOnce = readFlag('once', once);
    const rate = boundedRate(fields['rate']);
    const wanted = { ...fields, ...lastEventId(request), rate, op: 'subscribe', id: 0 };
    const subscribe = toRequest(wanted) as SubscribeRequest;
    const { maxStreams, heartbeat } = config();
    if (this.#streams >= maxStreams) {
      throw new ProgressError(
        'too_many',
        `the number of streams is limited to ${maxStreams}: close some, or try again`,
      );
    }
    this.#streams++;
    try {
      const opened = await handlers.open(subscribe);
      if (response.destroyed) return;
      const greeting = { ...greetingOf(status(), opened), heartbeat, ...(viewer !== undefined && { viewer }) };
      const onFailure = (error: unknown) => reject(ProgressError.from(error).code);
      await serveStream({ response, opened, greeting, form, once: isOnce, heartbeatMs: heartbeat, onFailure });
    } finally {
      this.#streams--;
    }
  }
}

function boundedRate(rate: unknown): unknown {
  return typeof rate === 'number' ? Math.min(rate, MAX_RATE) : (rate ?? MAX_RATE);
}

/** EventSource dispatches a message without a name as `message`. */
function formOf(batches: boolean, event: unknown): StreamForm {
  if (event !== undefined && event !== 'message') {
    throw new ProgressError('bad_request', 'event must be message, or left out for messages named after their types');
  }
  if (batches) return 'batches';
  return event === undefined ? 'named' : 'unnamed';
}

function readFlag(name: string, flag: unknown): boolean {
  if (flag === undefined || typeof flag === 'boolean') return flag ?? false;
  throw new ProgressError('bad_request', `${name} must be 1 or 0`);
}

/** What a client needs to know before the first event. */
function greetingOf({ journal, pid }: DaemonStatus, { reply }: OpenedSubscription) {
  return { version: VERSION, pid, journal: journal.id, seq: journal.seq, ...reply, time: Date.now() };
}

/** The position of a browser that reconnects. It overrides `after` of the URL, which is that of the first connection. */
function lastEventId(request: IncomingMessage): Fields {
  const [value, another] = headerValues(request, 'last-event-id');
  if (value === undefined || value === '') return {};
  if (another !== undefined || value.length > MAX_EVENT_ID_CHARS || !/^\d+$/.test(value)) {
    throw new ProgressError('bad_request', 'Last-Event-ID must be one position');
  }
  return { after: Number(value) };
}
