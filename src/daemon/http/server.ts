/** An HTTP server in front of the router: bounds, checks in their order, and an answer to everything. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { ProgressError } from '../../core/errors.js';
import type { Access } from './access.js';
import { readBody } from './body.js';
import type { Knock } from './guard.js';
import { bearerOf, checkForm, checkOrigin, isJson } from './guard.js';
import { rawResponse } from './headers.js';
import { sendError, sendRefusal } from './reply.js';
import type { HttpRoute, HttpRouter } from './route.js';

/** Through a Unix socket in a private directory come only programs of this user; over TCP comes any web page. */
export type Door = 'unix' | 'tcp';

export interface HttpServerOptions {
  door: Door;
  router: HttpRouter;
  access: Access;
  maxConnections: () => number;
  reject: (code: string) => void;
}

/** Connections that are refused with a status; above them they are closed without one. */
export const MAX_REFUSALS = 16;

const LIMITS = {
  maxHeaderSize: 8 * 1024,
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  connectionsCheckingInterval: 1_000,
  // Node would answer itself, without our headers
  requireHostHeader: false,
};

export function createHttpServer({ door, router, access, maxConnections, reject }: HttpServerOptions): Server {
  const server = createServer(LIMITS, (request, response) => {
    // the other end is gone; `close` follows
    response.on('error', () => undefined);
    if (refused.has(request.socket)) return;
    void serve(request, response).catch((thrown: unknown) => {
      const error = ProgressError.from(thrown);
      reject(error.code);
      if (response.headersSent) response.destroy();
      else sendError(response, error);
    });
  });
  const refused = new WeakSet<Duplex>();
  server.maxConnections = maxConnections() + MAX_REFUSALS;
  let open = 0;
  server.on('connection', (socket) => {
    open++;
    socket.once('close', () => open--);
    if (open <= maxConnections()) return;
    refused.add(socket);
    reject('too_many');
    closeWith(socket, 503, 'Service Unavailable');
  });

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const knock = knockOf(request);
    const malformed = checkForm(knock);
    if (malformed) return sendRefusal(response, malformed.status, malformed.message);
    const path = knock.url.split('?', 1)[0] ?? '/';
    const routes = router.find(path);
    if (door === 'tcp') {
      const refusal = checkOrigin(
        knock,
        routes.some((one) => one.document),
      );
      if (refusal) return sendRefusal(response, refusal.status, refusal.message);
    }
    const method = knock.method === 'HEAD' ? 'GET' : knock.method;
    const route = routes.find((one) => one.method === method);
    if (!route && (routes.length > 0 || !METHODS.has(method))) return refuseMethod(response, routes);
    if (door === 'tcp' && method === 'POST' && !isJson(knock)) {
      return sendRefusal(response, 415, 'the content type must be application/json');
    }
    // what does not exist is nobody's business either
    if (door === 'tcp' && !route?.open && !(await isLetIn(knock))) {
      return sendRefusal(response, 401, 'a token is needed', { 'WWW-Authenticate': 'Bearer' });
    }
    if (!route) return sendRefusal(response, 404, 'there is nothing at this address');
    const query = new URL(knock.url, 'http://localhost').searchParams;
    await route.serve({ request, response, query, body: () => readBody(request) });
  };

  const isLetIn = async (knock: Knock): Promise<boolean> => {
    const token = bearerOf(knock);
    if (token === undefined) return false;
    if (access.isToken(token)) return true;
    await delay(access.penalty(), undefined, { ref: false });
    return false;
  };

  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    const [status, reason] = CLIENT_ERRORS.get(error.code ?? '') ?? [400, 'Bad Request'];
    closeWith(socket, status, reason);
  });
  server.on('upgrade', (_request, socket) => closeWith(socket, 400, 'Bad Request'));
  server.on('connect', (_request, socket) => closeWith(socket, 405, 'Method Not Allowed'));
  server.on('checkExpectation', (_request, response) => sendRefusal(response, 417, 'nothing is expected'));
  return server;
}

/** For the other end to take what was said to it last. */
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
  // one that neither reads nor closes is not waited for
  setTimeout(() => socket.destroy(), LAST_WORDS_MS).unref();
}

function refuseMethod(response: ServerResponse, routes: readonly HttpRoute[]): void {
  const allowed = routes.flatMap(({ method }) => (method === 'GET' ? ['GET', 'HEAD'] : [method]));
  sendRefusal(response, 405, 'this method is not served here', { Allow: allowed.join(', ') });
}

function knockOf({ method = '', url = '', httpVersion, rawHeaders }: IncomingMessage): Knock {
  return { method, url, httpVersion, rawHeaders };
}
