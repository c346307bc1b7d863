/** The route `/stream/progress`: checks its parameters, bounds the number of streams, and serves one. */
import type { IncomingMessage } from 'node:http';
import type { Config } from '../../config/load.js';
import type { Fields } from '../../core/events/fields.js';
import { ProgressError } from '../../core/base/errors.js';
import { VERSION } from '../../core/base/version.js';
import type { DaemonStatus, RequestOf } from '../../api/messages.js';
import { readFields, type ValuesOf } from '../../api/fields.js';
import type { StreamOpen } from '../../api/http-replies.js';
import { STREAM_FIELDS } from '../../api/http-routes.js';
import { REQUESTS, toRequest } from '../../api/requests.js';
import type { OpenedSubscription } from '../read/subscription.js';
import type { Handlers } from '../requests/request-context.js';
import { headerValues } from './guard.js';
import { readQuery } from './query.js';
import type { HttpCall } from './route.js';
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

const OWN_FIELDS = Object.entries(STREAM_FIELDS);

export class StreamRoute {
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
    const own = readFields(OWN_FIELDS, readQuery(query, STREAM_FIELDS), badRequest) as ValuesOf<typeof STREAM_FIELDS>;
    const form = own.batches ? 'batches' : own.event === undefined ? 'named' : 'unnamed';
    const fields = readQuery(query, REQUESTS.subscribe.fields);
    const rate = boundedRate(fields['rate']);
    const wanted = { ...fields, ...lastEventId(request), rate, op: 'subscribe', id: 0 };
    const subscribe = toRequest(wanted) as RequestOf<'subscribe'>;
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
      const greeting: StreamOpen = {
        ...greetingOf(status(), opened),
        heartbeat,
        ...(viewer !== undefined && { viewer }),
      };
      const onFailure = (error: unknown) => reject(ProgressError.from(error).code);
      await serveStream({
        response,
        opened,
        greeting,
        form,
        once: own.once ?? false,
        heartbeatMs: heartbeat,
        onFailure,
      });
    } finally {
      this.#streams--;
    }
  }
}

function boundedRate(rate: unknown): unknown {
  return typeof rate === 'number' ? Math.min(rate, MAX_RATE) : (rate ?? MAX_RATE);
}

function badRequest(message: string): ProgressError {
  return new ProgressError('bad_request', message);
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
    throw badRequest('Last-Event-ID must be one position');
  }
  return { after: Number(value) };
}
