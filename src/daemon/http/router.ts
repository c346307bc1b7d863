/**
 * Routes HTTP requests by path. Routes call the same handlers as the socket.
 *
 * Over TCP, `guard.ts` checks host, origin, site, method, type and token, in this order, before any route runs; the
 * Unix socket needs none of these.
 */
import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import type { Config } from '../../config/load.js';
import type { Entrance } from '../../core/route.js';
import type { State } from '../../core/state.js';
import { ProgressError } from '../../core/errors.js';
import type { DaemonStatus, Replies, Request } from '../../api/messages.js';
import { toRequest } from '../../api/requests.js';
import type { Fields } from '../../core/fields.js';
import { isObject } from '../../core/fields.js';
import type { Intake } from '../intake/intake.js';
import type { Handlers, PlainOp } from '../requests/request-context.js';
import type { Access } from './access.js';
import type { Asset } from './assets.js';
import { buildOf, ENCODINGS } from './assets.js';
import { headerValues } from './guard.js';
import { SECURITY_HEADERS } from './headers.js';
import { metricsText } from './metrics.js';
import type { ParameterKind } from './query.js';
import { readQuery } from './query.js';
import { send, sendJson } from './reply.js';
import type { HttpCall, HttpRoute, HttpRouter } from './route.js';
import { StreamRoute } from './stream-route.js';

export interface RouterContext {
  intake: Intake;
  handlers: Handlers;
  status: () => DaemonStatus;
  state: State;
  access: Access;
  assets: ReadonlyMap<string, Asset>;
  config: () => Config['web'];
  reject: (code: string) => void;
}

type Parameters = Readonly<Record<string, ParameterKind>>;

const LIST_PARAMETERS: Parameters = {
  all: 'flag',
  limit: 'number',
  before: 'number',
  text: 'text',
  statuses: 'list',
  since: 'text',
};
const LOG_PARAMETERS: Parameters = { from: 'number', last: 'number', limit: 'number', whole: 'flag' };
const SEARCH_PARAMETERS: Parameters = {
  text: 'text',
  exact: 'flag',
  regex: 'flag',
  step: 'text',
  stream: 'text',
  level: 'text',
  from: 'number',
  to: 'number',
  marks: 'flag',
};
/** Parts of an execution that a GET reads: the operation and its parameters. */
const READABLE: ReadonlyMap<string, readonly [PlainOp, Parameters]> = new Map<string, [PlainOp, Parameters]>([
  ['', ['get', {}]],
  ['log', ['log', LOG_PARAMETERS]],
  ['search', ['search', SEARCH_PARAMETERS]],
  ['timeline', ['timeline', {}]],
]);
const CONTROLS: ReadonlySet<string> = new Set(['stop', 'kill', 'signal', 'pause', 'resume']);

/** Entrance of a client that nothing identifies: its events without execution and source share this name. */
const ANONYMOUS: Entrance = { name: 'http' };
/** Of the random part of a name. */
const NAME_BYTES = 5;

export class DaemonRouter implements HttpRouter {
  readonly #context: RouterContext;
  readonly #stream: StreamRoute;
  readonly #fixed: ReadonlyMap<string, HttpRoute[]>;
  readonly #entrances = new WeakMap<Socket, Entrance>();

  constructor(context: RouterContext) {
    this.#context = context;
    this.#stream = new StreamRoute({ ...context, viewer: buildOf(context.assets) });
    this.#fixed = new Map<string, HttpRoute[]>([
      ['/stream/progress', [this.#stream]],
      ['/emit', [{ method: 'POST', serve: (call) => this.#emit(call) }]],
      ['/metrics', [{ method: 'GET', serve: (call) => this.#sendMetrics(call) }]],
      ['/healthz', [{ method: 'GET', open: true, serve: (call) => this.#sendHealth(call) }]],
      ['/api/v1/session', [{ method: 'POST', open: true, serve: (call) => this.#openSession(call) }]],
      ['/api/v1/status', [this.#get('status', {})]],
      ['/api/v1/queues', [this.#get('queues', {})]],
      ['/api/v1/executions', [this.#get('list', LIST_PARAMETERS)]],
      ['/', this.#file('index.html', { document: true })],
    ]);
  }

  find(path: string): HttpRoute[] {
    const fixed = this.#fixed.get(path);
    if (fixed) return fixed;
    const [, id, part] = /^\/api\/v1\/executions\/([^/]+)(?:\/([a-z]+))?$/.exec(path) ?? [];
    if (id !== undefined) return this.#ofExecution(decode(id), part ?? '');
    if (/^\/executions\/[^/]+$/.test(path)) return this.#file('index.html', { document: true });
    const [, name] = /^\/assets\/([\w.-]+)$/.exec(path) ?? [];
    return name === undefined ? [] : this.#file(name);
  }

  #ofExecution(execution: string, part: string): HttpRoute[] {
    const readable = READABLE.get(part);
    if (readable) return [this.#get(...readable, { execution })];
    if (CONTROLS.has(part)) return [{ method: 'POST', serve: (call) => this.#control(call, part, execution) }];
    if (part === 'text') return [{ method: 'GET', serve: (call) => this.#sendLog(call, execution) }];
    if (part === 'rerun') return [{ method: 'POST', serve: (call) => this.#rerun(call, execution) }];
    return [];
  }

  /** Calls a handler with the checks of the socket. */
  async #ask<K extends PlainOp>(op: K, fields: Fields, entrance = ANONYMOUS): Promise<Replies[K]> {
    const { intake, handlers } = this.#context;
    const request = toRequest({ ...fields, op, id: 0 }) as Extract<Request, { op: K }>;
    return await handlers.ask(op, request, { producer: intake.producer('http', { entrance }) });
  }

  #get(op: PlainOp, parameters: Parameters, fixed: Fields = {}): HttpRoute {
    return {
      method: 'GET',
      serve: async ({ query, response }) => {
        sendJson(response, await this.#ask(op, { ...readQuery(query, parameters), ...fixed }));
      },
    };
  }

  async #control({ body, response }: HttpCall, action: string, execution: string): Promise<void> {
    const given = await body();
    const fields = isObject(given) ? given : {};
    sendJson(response, await this.#ask('control', { by: 'web', ...fields, action, execution }), 202);
  }

  async #rerun({ response }: HttpCall, execution: string): Promise<void> {
    sendJson(response, await this.#ask('rerun', { execution }), 201);
  }

  async #sendLog({ response }: HttpCall, execution: string): Promise<void> {
    const { id, text } = await this.#context.handlers.logText(execution);
    const name = `progress-${id.replace(/[^\w.-]/g, '_')}.log`;
    const type = 'text/plain; charset=utf-8';
    const disposition = `attachment; filename="${name}"`;
    response.writeHead(200, { ...SECURITY_HEADERS, 'Content-Type': type, 'Content-Disposition': disposition });
    // at the client's pace; it may close
    await pipeline(text, response).catch(() => undefined);
  }

  async #emit({ request, body, query, response }: HttpCall): Promise<void> {
    const fields = readQuery(query, { synced: 'flag' });
    const entrance = this.#entranceOf(request.socket);
    const reply = await this.#ask('emit', { ...fields, event: await body() }, entrance);
    sendJson(response, reply, reply.duplicate ? 200 : 201);
  }

  async #openSession({ body, response }: HttpCall): Promise<void> {
    const given = await body();
    const code = isObject(given) ? given['code'] : undefined;
    const token = typeof code === 'string' ? this.#context.access.redeem(code) : undefined;
    if (token === undefined) throw new ProgressError('no_permission', 'the code is wrong, used or too old');
    sendJson(response, { token });
  }

  #sendMetrics({ response }: HttpCall): void {
    const { status, state } = this.#context;
    const type = 'text/plain; version=0.0.4; charset=utf-8';
    send(response, { type, body: metricsText(status(), state, this.#stream.streams) });
  }

  #sendHealth({ response }: HttpCall): void {
    const { failure } = this.#context.status().journal;
    sendJson(response, { ok: !failure }, failure ? 503 : 200);
  }

  #file(name: string, more: Partial<HttpRoute> = {}): HttpRoute[] {
    const asset = this.#context.assets.get(name);
    if (!asset) return [];
    const serve = ({ request, response }: HttpCall) => sendAsset(request, response, asset);
    return [{ method: 'GET', open: true, serve, ...more }];
  }

  /** Clients must not share an execution that none of them has started, so each connection has its own name. */
  #entranceOf(socket: Socket): Entrance {
    const known = this.#entrances.get(socket);
    if (known) return known;
    const entrance: Entrance = { ...ANONYMOUS, ownName: `http-${randomBytes(NAME_BYTES).toString('hex')}` };
    this.#entrances.set(socket, entrance);
    return entrance;
  }
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
