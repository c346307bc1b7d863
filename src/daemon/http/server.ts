/** HTTP server in front of the router: bounds connections, checks requests in order, and answers every one. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { ProgressError } from '../../core/base/errors.js';
import type { Access } from './access.js';
import { readBody } from './body.js';
import type { RequestHead } from './guard.js';
import { bearerOf, checkForm, checkOrigin, isJson } from './guard.js';
import { rawResponse } from './headers.js';
import { sendError, sendRefusal } from './reply.js';
import type { HttpRoute, HttpRouter } from './route.js';

/** Only programs of this user reach a Unix socket in a private directory; any web page reaches a TCP port. */
export type Door = 'unix' | 'tcp';

export interface HttpServerOptions {
  door: Door;
  router: HttpRouter;
  access: Access;
  maxConnections: () => number;
  reject: (code: string) => void;
}

/** Connections above the bound that are refused with a status; further ones are closed without one. */
export const MAX_REFUSALS = 16;

const LIMITS = {
  maxHeaderSize: 8 * 1024,
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  connectionsCheckingInterval: 1_000,
  // Node would reply without the security headers
  requireHostHeader: false,
};

export function createHttpServer(options: HttpServerOptions): Server {
  return new RequestGate(options).server;
}

/** Checks connections and requests before a route handles them. */
class RequestGate {
  readonly server: Server;
  readonly #options: HttpServerOptions;
  readonly #refused = new WeakSet<Duplex>();
  #open = 0;

  constructor(options: HttpServerOptions) {
    this.#options = options;
    const server = createServer(LIMITS, (request, response) => this.#onRequest(request, response));
    server.maxConnections = options.maxConnections() + MAX_REFUSALS;
    server.on('connection', (socket) => this.#onConnection(socket));
    server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
      const [status, reason] = CLIENT_ERRORS.get(error.code ?? '') ?? [400, 'Bad Request'];
      closeWith(socket, status, reason);
    });
    server.on('upgrade', (_request, socket) => closeWith(socket, 400, 'Bad Request'));
    server.on('connect', (_request, socket) => closeWith(socket, 405, 'Method Not Allowed'));
    server.on('checkExpectation', (_request, response) => sendRefusal(response, 417, 'expectations are not supported'));
    this.server = server;
  }

  #onConnection(socket: Duplex): void {
    const { maxConnections, reject } = this.#options;
    this.#open++;
    socket.once('close', () => this.#open--);
    if (this.#open <= maxConnections()) return;
    this.#refused.add(socket);
    reject('too_many');
    closeWith(socket, 503, 'Service Unavailable');
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    // the client has closed, and `close` follows
    response.on('error', () => undefined);
    if (this.#refused.has(request.socket)) return;
    void this.#serve(request, response).catch((thrown: unknown) => {
      const error = ProgressError.from(thrown);
      this.#options.reject(error.code);
      if (response.headersSent) response.destroy();
      else sendError(response, error);
    });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { door, router } = this.#options;
    const isTcp = door === 'tcp';
    const head = headOf(request);
    const malformed = checkForm(head);
    if (malformed) return sendRefusal(response, malformed.status, malformed.message);
    const routes = router.find(head.url.split('?', 1)[0] ?? '/');
    const isDocument = routes.some((one) => one.document);
    const refusal = isTcp ? checkOrigin(head, isDocument) : undefined;
    if (refusal) return sendRefusal(response, refusal.status, refusal.message);
    const method = head.method === 'HEAD' ? 'GET' : head.method;
    const route = routes.find((one) => one.method === method);
    if (!route && (routes.length > 0 || !METHODS.has(method))) return refuseMethod(response, routes);
    if (isTcp && method === 'POST' && !isJson(head)) {
      return sendRefusal(response, 415, 'the content type must be application/json');
    }
    // also for unknown paths: which paths exist is not public
    if (isTcp && !route?.open && !(await this.#isAuthorized(head))) {
      return sendRefusal(response, 401, 'a bearer token is required', { 'WWW-Authenticate': 'Bearer' });
    }
    if (!route) return sendRefusal(response, 404, 'the path does not exist');
    const query = new URL(head.url, 'http://localhost').searchParams;
    await route.serve({ request, response, query, body: () => readBody(request) });
  }

  async #isAuthorized(head: RequestHead): Promise<boolean> {
    const { access } = this.#options;
    const token = bearerOf(head);
    if (token === undefined) return false;
    if (access.isToken(token)) return true;
    await delay(access.penalty(), undefined, { ref: false });
    return false;
  }
}

/** Time for a client to read the last response. */
const LAST_WORDS_MS = 500;

const METHODS: ReadonlySet<string> = new Set(['GET', 'POST']);

const CLIENT_ERRORS: ReadonlyMap<string, readonly [number, string]> = new Map([
  ['HPE_HEADER_OVERFLOW', [431, 'Request Header Fields Too Large']],
  ['ERR_HTTP_REQUEST_TIMEOUT', [408, 'Request Timeout']],
]);

function closeWith(socket: Duplex, status: number, reason: string): void {
  socket.on('error', () => undefined);
  if (!socket.writable) return void socket.destroy();
  socket.end(rawResponse(status, reason));
  // a client may neither read nor close
  setTimeout(() => socket.destroy(), LAST_WORDS_MS).unref();
}

function refuseMethod(response: ServerResponse, routes: readonly HttpRoute[]): void {
  const allowed = routes.flatMap(({ method }) => (method === 'GET' ? ['GET', 'HEAD'] : [method]));
  sendRefusal(response, 405, 'the method is not allowed', { Allow: allowed.join(', ') });
}

function headOf({ method = '', url = '', httpVersion, rawHeaders }: IncomingMessage): RequestHead {
  return { method, url, httpVersion, rawHeaders };
}
