/**
 * Which address leads to what: a table, and what each does with its request.
 *
 * Routes call the same handlers as the socket. Over TCP, `guard.ts` checks host, origin, site, method, type and token,
 * in this order, before any route runs; the Unix socket needs none of these.
 */
import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import type { Config } from '../../config/load.js';
import type { Entrance } from '../../core/route.js';
import type { State } from '../../core/state.js';
import { ProgressError } from '../../core/errors.js';
import type { DaemonStatus, Replies, Request, SubscribeRequest } from '../../api/messages.js';
import { toRequest } from '../../api/requests.js';
import type { Fields } from '../../core/fields.js';
import { isObject } from '../../core/fields.js';
import { VERSION } from '../../core/version.js';
import type { Handlers, PlainOp } from '../requests/request-context.js';
import { createSourceOrder } from '../intake/source-order.js';
import type { OpenedSubscription } from '../read/subscription.js';
import type { Access } from './access.js';
import type { Asset } from './assets.js';
import { buildOf, ENCODINGS } from './assets.js';
import { headerValues } from './guard.js';
import { SECURITY_HEADERS } from './headers.js';
import { metricsText } from './metrics.js';
import type { ParameterKind } from './query.js';
import { readQuery } from './query.js';
import { send, sendJson } from './reply.js';
import type { StreamForm } from './stream.js';
import { serveStream } from './stream.js';

export interface RouterContext {
  handlers: Handlers;
  status: () => DaemonStatus;
  state: State;
  access: Access;
  assets: ReadonlyMap<string, Asset>;
  config: () => Config['web'];
  reject: (code: string) => void;
}

export interface HttpRoute {
  method: 'GET' | 'POST';
  /** A page: it may be linked to from anywhere. */
  document?: true;
  /** Nobody's secret, so it needs no token. */
  open?: true;
  serve(call: HttpCall): Promise<void> | void;
}

/** One request that has passed the checks. */
export interface HttpCall {
  request: IncomingMessage;
  response: ServerResponse;
  query: URLSearchParams;
  /** The body as JSON. */
  readonly body: () => Promise<unknown>;
}

export interface HttpRouter {
  /** By path; undefined where there is nothing. The methods of one path are few. */
  find(path: string): HttpRoute[];
  readonly streams: number;
}

/** Messages a second at the most, each with many events. */
const MAX_RATE = 10;
const MAX_EVENT_ID_CHARS = 200;

export function createHttpRouter(context: RouterContext): HttpRouter {
  const { handlers, assets, access, reject } = context;
  const viewer = buildOf(assets);
  let streams = 0;

  /** Asks as the socket does: the same checks, the same handler. */
  const ask = async <K extends PlainOp>(op: K, fields: Fields, entrance = ANONYMOUS): Promise<Replies[K]> => {
    const request = toRequest({ ...fields, op, id: 0 }) as Extract<Request, { op: K }>;
    return await handlers.ask(op, request, { order: createSourceOrder(() => undefined), entrance });
  };

  const get = (op: PlainOp, kinds: Readonly<Record<string, ParameterKind>>, fixed: Fields = {}): HttpRoute => ({
    method: 'GET',
    async serve({ query, response }) {
      sendJson(response, await ask(op, { ...readQuery(query, kinds), ...fixed }));
    },
  });

  const control = (action: string, execution: string): HttpRoute => ({
    method: 'POST',
    async serve({ body, response }) {
      const given = await body();
      const order = isObject(given) ? given : {};
      sendJson(response, await ask('control', { by: 'web', ...order, action, execution }), 202);
    },
  });

  const rerun = (execution: string): HttpRoute => ({
    method: 'POST',
    async serve({ response }) {
      sendJson(response, await ask('rerun', { execution }), 201);
    },
  });

  const follow: HttpRoute = {
    method: 'GET',
    async serve({ request, response, query }) {
      const { once, batches, event, ...fields } = readQuery(query, STREAM_FIELDS);
      const form = formOf(isOn('batches', batches), event);
      const isOnce = isOn('once', once);
      const rate =
        typeof fields['rate'] === 'number' ? Math.min(fields['rate'], MAX_RATE) : (fields['rate'] ?? MAX_RATE);
      const wanted = { ...fields, ...lastEventId(request), rate, op: 'subscribe', id: 0 };
      const subscribe = toRequest(wanted) as SubscribeRequest;
      const { maxStreams, heartbeat } = context.config();
      if (streams >= maxStreams) {
        throw new ProgressError(
          'too_many',
          `the number of streams is limited to ${maxStreams}: close some, or try again`,
        );
      }
      streams++;
      try {
        const opened = await handlers.open(subscribe);
        if (response.destroyed) return;
        const greeting = {
          ...greetingOf(context.status(), opened),
          heartbeat,
          ...(viewer !== undefined && { viewer }),
        };
        const onFailure = (error: unknown) => reject(ProgressError.from(error).code);
        await serveStream({ response, opened, greeting, form, once: isOnce, heartbeatMs: heartbeat, onFailure });
      } finally {
        streams--;
      }
    },
  };

  const logText = (execution: string): HttpRoute => ({
    method: 'GET',
    async serve({ response }) {
      const { id, text } = await handlers.logText(execution);
      const name = `progress-${id.replace(/[^\w.-]/g, '_')}.log`;
      const type = 'text/plain; charset=utf-8';
      const disposition = `attachment; filename="${name}"`;
      response.writeHead(200, { ...SECURITY_HEADERS, 'Content-Type': type, 'Content-Disposition': disposition });
      // at the pace of its reader, who may leave
      await pipeline(text, response).catch(() => undefined);
    },
  });

  const emit: HttpRoute = {
    method: 'POST',
    async serve({ request, body, query, response }) {
      const fields = readQuery(query, { synced: 'flag' });
      const reply = await ask('emit', { ...fields, event: await body() }, entranceOf(request));
      sendJson(response, reply, reply.duplicate ? 200 : 201);
    },
  };

  const session: HttpRoute = {
    method: 'POST',
    open: true,
    async serve({ body, response }) {
      const given = await body();
      const code = isObject(given) ? given['code'] : undefined;
      const token = typeof code === 'string' ? access.redeem(code) : undefined;
      if (token === undefined) throw new ProgressError('no_permission', 'the code is wrong, used or too old');
      sendJson(response, { token });
    },
  };

  const metrics: HttpRoute = {
    method: 'GET',
    serve({ response }) {
      const type = 'text/plain; version=0.0.4; charset=utf-8';
      send(response, { type, body: metricsText(context.status(), context.state, streams) });
    },
  };

  const health: HttpRoute = {
    method: 'GET',
    open: true,
    serve({ response }) {
      const { failure } = context.status().journal;
      sendJson(response, { ok: !failure }, failure ? 503 : 200);
    },
  };

  const file = (name: string, more: Partial<HttpRoute> = {}): HttpRoute[] => {
    const asset = assets.get(name);
    if (!asset) return [];
    const serve = ({ request, response }: HttpCall) => sendAsset(request, response, asset);
    return [{ method: 'GET', open: true, serve, ...more }];
  };

  const fixed = new Map<string, HttpRoute[]>([
    ['/stream/progress', [follow]],
    ['/emit', [emit]],
    ['/metrics', [metrics]],
    ['/healthz', [health]],
    ['/api/v1/session', [session]],
    ['/api/v1/status', [get('status', {})]],
    ['/api/v1/queues', [get('queues', {})]],
    ['/api/v1/executions', [get('list', LIST_FIELDS)]],
    ['/', file('index.html', { document: true })],
  ]);

  const ofExecution = (execution: string, part: string): HttpRoute[] => {
    switch (part) {
      case '':
        return [get('get', {}, { execution })];
      case 'log':
        return [get('log', { from: 'number', last: 'number', limit: 'number', whole: 'flag' }, { execution })];
      case 'search':
        return [get('search', SEARCH_FIELDS, { execution })];
      case 'timeline':
        return [get('timeline', {}, { execution })];
      case 'text':
        return [logText(execution)];
      case 'rerun':
        return [rerun(execution)];
      case 'stop':
      case 'kill':
      case 'signal':
      case 'pause':
      case 'resume':
        return [control(part, execution)];
      default:
        return [];
    }
  };

  return {
    find(path) {
      const known = fixed.get(path);
      if (known) return known;
      const [, id, part] = /^\/api\/v1\/executions\/([^/]+)(?:\/([a-z]+))?$/.exec(path) ?? [];
      if (id !== undefined) return ofExecution(decode(id), part ?? '');
      if (/^\/executions\/[^/]+$/.test(path)) return file('index.html', { document: true });
      const [, name] = /^\/assets\/([\w.-]+)$/.exec(path) ?? [];
      return name === undefined ? [] : file(name);
    },
    get streams() {
      return streams;
    },
  };
}

/** A client is known by nothing: its events without an execution or a source have this name. */
const ANONYMOUS: Entrance = { name: 'http' };

const ENTRANCES = new WeakMap<Socket, Entrance>();

/** Clients must not share an execution that none of them has started: those that stay connected are told apart. */
function entranceOf({ socket }: IncomingMessage): Entrance {
  const known = ENTRANCES.get(socket);
  if (known) return known;
  const entrance: Entrance = { ...ANONYMOUS, ownName: `http-${randomBytes(NAME_BYTES).toString('hex')}` };
  ENTRANCES.set(socket, entrance);
  return entrance;
}

/** Of the random part of a name. */
const NAME_BYTES = 5;

const LIST_FIELDS = {
  all: 'flag',
  limit: 'number',
  before: 'number',
  text: 'text',
  statuses: 'list',
  since: 'text',
} as const;
const SEARCH_FIELDS = {
  text: 'text',
  exact: 'flag',
  regex: 'flag',
  step: 'text',
  stream: 'text',
  level: 'text',
  from: 'number',
  to: 'number',
  marks: 'flag',
} as const;
const STREAM_FIELDS = {
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

/** EventSource takes a message without a name for `message`. */
function formOf(batches: boolean, event: unknown): StreamForm {
  if (event !== undefined && event !== 'message') {
    throw new ProgressError('bad_request', 'event must be message, or left out for messages named after their types');
  }
  if (batches) return 'batches';
  return event === undefined ? 'named' : 'unnamed';
}

function isOn(name: string, flag: unknown): boolean {
  if (flag === undefined || typeof flag === 'boolean') return flag ?? false;
  throw new ProgressError('bad_request', `${name} must be 1 or 0`);
}

/** What a stream's reader should know before anything else. */
function greetingOf({ journal, pid }: DaemonStatus, { reply }: OpenedSubscription) {
  return { version: VERSION, pid, journal: journal.id, seq: journal.seq, ...reply, time: Date.now() };
}

/** Where a browser that comes back stood; it speaks louder than the address that it first asked for. */
function lastEventId(request: IncomingMessage): Fields {
  const [value, another] = headerValues(request, 'last-event-id');
  if (value === undefined || value === '') return {};
  if (another !== undefined || value.length > MAX_EVENT_ID_CHARS || !/^\d+$/.test(value)) {
    throw new ProgressError('bad_request', 'Last-Event-ID must be one position');
  }
  return { after: Number(value) };
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch (cause) {
    throw new ProgressError('bad_request', 'the address is not encoded as it should be', { cause });
  }
}

function sendAsset(request: IncomingMessage, response: ServerResponse, { type, body, encoded }: Asset): void {
  const accepted = headerValues(request, 'accept-encoding')
    .join()
    .split(/[\s,;]+/);
  const encoding = ENCODINGS.find((name) => accepted.includes(name) && encoded[name]);
  const content = (encoding && encoded[encoding]) ?? body;
  const headers = { Vary: 'Accept-Encoding', ...(encoding && { 'Content-Encoding': encoding }) };
  send(response, { type, body: content, headers });
}
