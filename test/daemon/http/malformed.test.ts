/** Malformed requests get the headers of every other response, over TCP and the Unix socket. */
import { once } from 'node:events';
import { createConnection, type NetConnectOpts } from 'node:net';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import t from 'tap';
import { createAccess } from '../../../src/daemon/http/access.js';
import { SECURITY_HEADERS } from '../../../src/daemon/http/headers.js';
import { createHttpServer, type Door } from '../../../src/daemon/http/server.js';

/** Malformed inputs, each with the status of its response. */
const REQUESTS: Readonly<Record<string, readonly [text: string, status: number]>> = {
  'no request line': ['hello\r\n\r\n', 400],
  'a method that does not exist': ['BREW / HTTP/1.1\r\nHost: localhost\r\n\r\n', 400],
  'a version that does not exist': ['GET / HTTP/7.7\r\nHost: localhost\r\n\r\n', 400],
  'no Host header': ['GET / HTTP/1.1\r\n\r\n', 400],
  'two lengths': ['POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n', 400],
  'a header without a name': ['GET / HTTP/1.1\r\nHost: localhost\r\n: x\r\n\r\n', 400],
  'headers that are too large': [`GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
  'an upgrade': ['GET / HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n', 400],
  'a tunnel': ['CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n', 405],
  'an expectation': ['GET / HTTP/1.1\r\nHost: localhost\r\nExpect: tea\r\nConnection: close\r\n\r\n', 417],
  'headers that do not end': ['GET / HTTP/1.1\r\nHost: localhost\r\n', 408],
};

/** The head of the response. Some responses leave the connection open. */
async function say(address: NetConnectOpts, text: string): Promise<string> {
  const socket = createConnection(address).setEncoding('utf8');
  socket.write(text);
  let heard = '';
  for await (const data of socket) {
    heard += String(data);
    if (heard.includes('\r\n\r\n')) break;
  }
  return heard;
}

for (const door of ['unix', 'tcp'] satisfies Door[]) {
  t.test(`over ${door}`, { jobs: Object.keys(REQUESTS).length }, async (t) => {
    const directory = t.testdir();
    const access = createAccess(path.join(directory, 'token'), Date.now);
    const router = { find: () => [] };
    const server = createHttpServer({ door, router, access, maxConnections: () => 100, reject: () => undefined });
    const where = path.join(directory, 's');
    server.listen(door === 'unix' ? { path: where } : { port: 0, host: '127.0.0.1' });
    await once(server, 'listening');
    t.teardown(() => {
      server.close();
      server.closeAllConnections();
    });
    const address = door === 'unix' ? { path: where } : { port: (server.address() as AddressInfo).port };
    await Promise.all(
      Object.entries(REQUESTS).map(async ([what, [text, status]]) => {
        const heard = await say(address, text);
        t.match(heard, new RegExp(`^HTTP/1\\.1 ${status} `), what);
        const lines = heard.toLowerCase().split('\r\n');
        for (const [name, value] of Object.entries(SECURITY_HEADERS)) {
          t.ok(lines.includes(`${name}: ${value}`.toLowerCase()), `${what}: ${name}`);
        }
      }),
    );
  });
}
