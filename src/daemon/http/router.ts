/**
 * Routes HTTP requests by the table of `api/http-routes.ts`. Routes call the same handlers as the socket.
 *
 * Over TCP, `guard.ts` checks host, origin, site, method, type and token, in this order, before any route runs; the
 * Unix socket needs none of these.
 */
import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import type { Config } from '../../config/load.js';
import type { Entrance } from '../../core/routing/route.js';
import type { State } from '../../core/state/state.js';
import { ProgressError } from '../../core/base/errors.js';
import type { DaemonStatus, PlainOp, Replies, RequestOf } from '../../api/messages.js';
import type { HealthReply, SessionReply } from '../../api/http-replies.js';
import type { ApiRoute, CustomRouteId, RequestRoute } from '../../api/http-routes.js';
import { HTTP_ROUTES, parametersOf } from '../../api/http-routes.js';
import { toRequest } from '../../api/requests.js';
import type { Fields } from '../../core/events/fields.js';
import type { Intake } from '../intake/intake.js';
import type { Handlers } from '../requests/request-context.js';
import type { Access } from './access.js';
import type { Asset } from './assets.js';
import { buildOf, ENCODINGS } from './assets.js';
import { headerValues } from './guard.js';
import { SECURITY_HEADERS } from './headers.js';
import { metricsText } from './metrics.js';
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

/** Page of the viewer; it reads the execution from its own path. */
const PAGE = 'index.html';

const MATCHERS = HTTP_ROUTES.map((route) => ({
  route,
  names: parametersOf(route.path),
  pattern: new RegExp(`^${route.path.replace(/\{\w+\}/g, '([^/]+)')}$`),
}));

/** Entrance of a client that nothing identifies: its events without execution and source share this name. */
const ANONYMOUS: Entrance = { name: 'http' };
/** Of the random part of a name. */
const NAME_BYTES = 5;

/** Serves a request. `params`: the parameters of the path, by name. */
type Serve = (call: HttpCall, params: Readonly<Record<string, string>>) => Promise<void> | void;

export class DaemonRouter implements HttpRouter {
  readonly #context: RouterContext;
  readonly #stream: StreamRoute;
  readonly #custom: Readonly<Record<CustomRouteId, Serve>>;
  readonly #entrances = new WeakMap<Socket, Entrance>();

  constructor(context: RouterContext) {
    this.#context = context;
    this.#stream = new StreamRoute({ ...context, viewer: buildOf(context.assets) });
    this.#custom = {
      text: (call, { execution = '' }) => this.#sendLog(call, execution),
      stream: (call) => this.#stream.serve(call),
      metrics: (call) => this.#sendMetrics(call),
      health: (call) => this.#sendHealth(call),
      session: (call) => this.#openSession(call),
      page: (call) => this.#sendAsset(call, PAGE),
      asset: (call, { file = '' }) => this.#sendAsset(call, file),
    };
  }

  find(path: string): HttpRoute[] {
    return MATCHERS.flatMap(({ route, pattern, names }) => {
      const values = pattern.exec(path)?.slice(1);
      if (!values || !this.#isThere(route, values)) return [];
      const serve = (call: HttpCall) => {
        const params = Object.fromEntries(names.map((name, index) => [name, decode(values[index] ?? '')]));
        return route.serve === 'request' ? this.#answer(route, call, params) : this.#custom[route.serve](call, params);
      };
      const { method, document, open } = route;
      return [{ method, serve, ...(document && { document }), ...(open && { open }) }];
    });
  }

  /** Whether the file of a route exists; a source checkout that was not built has none. */
  #isThere({ serve }: ApiRoute, [file = '']: readonly string[]): boolean {
    if (serve === 'page') return this.#context.assets.has(PAGE);
    return serve !== 'asset' || this.#context.assets.has(file);
  }

  /** Calls a request handler with the checks of the socket. */
  async #answer(route: RequestRoute, call: HttpCall, params: Fields): Promise<void> {
    const { op, body, defaults, fixed, status } = route;
    const { request, response, query } = call;
    const content = body === undefined ? {} : await call.body();
    const given = typeof body === 'string' ? { [body]: content } : content;
    const fields = { ...defaults, ...given, ...readQuery(query, route.query), ...fixed, ...params };
    const reply = await this.#ask(op, fields, this.#entranceOf(request.socket));
    sendJson(response, reply, 'duplicate' in reply ? 200 : status);
  }

  async #ask<K extends PlainOp>(op: K, fields: Fields, entrance: Entrance): Promise<Replies[K]> {
    const { intake, handlers } = this.#context;
    const request = toRequest({ ...fields, op, id: 0 }) as RequestOf<K>;
    return await handlers.ask(op, request, { producer: intake.producer('http', { entrance }) });
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

  async #openSession({ body, response }: HttpCall): Promise<void> {
    const { code } = await body();
    const token = typeof code === 'string' ? this.#context.access.redeem(code) : undefined;
    if (token === undefined) throw new ProgressError('no_permission', 'the code is wrong, used or expired');
    sendJson(response, { token } satisfies SessionReply);
  }

  #sendMetrics({ response }: HttpCall): void {
    const { status, state } = this.#context;
    const type = 'text/plain; version=0.0.4; charset=utf-8';
    send(response, { type, body: metricsText(status(), state, this.#stream.streams) });
  }

  #sendHealth({ response }: HttpCall): void {
    const { failure } = this.#context.status().journal;
    sendJson(response, { ok: !failure } satisfies HealthReply, failure ? 503 : 200);
  }

  #sendAsset({ request, response }: HttpCall, name: string): void {
    const asset = this.#context.assets.get(name);
    if (asset) sendAsset(request, response, asset);
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
    throw new ProgressError('bad_request', 'the path is not percent-encoded correctly', { cause });
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
