import { once } from 'node:events';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { connect as dial } from 'node:net';
import path from 'node:path';
import t from 'tap';
import type { WebHome } from '../../helpers/http.js';
import { openWeb } from '../../helpers/http.js';
import { waitFor } from '../../helpers/wait.js';

const ROUTES = [
  ['GET', '/'],
  ['GET', '/executions/x'],
  ['GET', '/assets/main.js'],
  ['GET', '/healthz'],
  ['GET', '/metrics'],
  ['GET', '/stream/progress?once'],
  ['GET', '/api/v1/executions'],
  ['GET', '/api/v1/executions/x'],
  ['GET', '/api/v1/executions/x/log'],
  ['GET', '/api/v1/executions/x/search'],
  ['GET', '/api/v1/executions/x/timeline'],
  ['GET', '/api/v1/stats'],
  ['GET', '/api/v1/queues'],
  ['GET', '/api/v1/status'],
  ['GET', '/nothing/here'],
  ['POST', '/emit'],
  ['POST', '/api/v1/session'],
  ['POST', '/api/v1/executions/x/stop'],
  ['POST', '/api/v1/executions/x/pause'],
] as const;
const EMIT = JSON.stringify({ type: 'log', execution: 'evil', message: 'was here' });

/** Empty when the process has ended meanwhile. */
function commandLineOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1');
  } catch {
    return '';
  }
}

/** Everything that a hostile request could have changed. */
async function stateOf({ client }: WebHome): Promise<unknown> {
  const { executions } = await client.call('list', { all: true });
  return executions;
}

/** For tests that change nothing. */
const shared = await openWeb(t);

t.test('a request for another host is refused on every route', async (t) => {
  const web = shared;
  const { port } = web;
  const bad = [
    ...['evil.com', '127.0.0.1.evil.com', 'localhost.evil', 'localhost.', '127.1', '0.0.0.0', '2130706433'],
    ...['017700000001', '127.0.0.555', '[::ffff:127.0.0.1]', '[::]', 'localhost:', '127.0.0.1:x', 'user@127.0.0.1'],
  ];
  for (const [method, route] of ROUTES) {
    for (const host of route === '/emit' || route === '/' ? bad : ['evil.com']) {
      const answer = await web.ask(route, {
        method,
        headers: { Host: host },
        ...(method === 'POST' && { body: EMIT }),
      });
      t.equal(answer.status, 403, `${method} ${route} at ${host}`);
      t.notMatch(answer.text, 'evil');
    }
  }
  for (const host of ['127.0.0.1', 'localhost', 'LocalHost', '[::1]', `localhost:${port}`, '127.0.0.1:9'])
    t.equal((await web.ask('/healthz', { headers: { Host: host } })).status, 200, host);
  const token = `Authorization: Bearer ${web.token}`;
  const shapes: [string, RegExp][] = [
    [`GET /healthz HTTP/1.1\r\n\r\n`, /^HTTP\/1\.1 400 /],
    [`GET /healthz HTTP/1.1\r\nHost: \r\nConnection: close\r\n\r\n`, /^HTTP\/1\.1 403 /],
    [`GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n`, /^HTTP\/1\.1 400 /],
    [`GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\nConnection: close\r\n\r\n`, /^HTTP\/1\.1 403 /],
    [`GET http://localhost/healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`, /^HTTP\/1\.1 400 /],
    [`GET //evil.com/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`, /^HTTP\/1\.1 400 /],
    [`OPTIONS * HTTP/1.1\r\nHost: localhost\r\n${token}\r\nConnection: close\r\n\r\n`, /^HTTP\/1\.1 400 /],
    [`CONNECT evil.com:80 HTTP/1.1\r\nHost: localhost\r\n\r\n`, /^HTTP\/1\.1 405 /],
    [`GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n`, /^HTTP\/1\.1 400 /],
  ];
  for (const [bytes, status] of shapes) t.match(await web.raw(bytes), status, bytes);
});

t.test('a program that is no browser needs only the token', async (t) => {
  const web = await openWeb(t);
  const { port, token } = web;
  const post = async (headers: Record<string, string>) =>
    await web.ask('/emit', {
      method: 'POST',
      body: EMIT,
      headers: { 'Content-Type': 'application/json', ...headers },
      isBare: true,
    });
  t.equal((await post({ Authorization: `Bearer ${token}` })).status, 201);
  t.equal((await post({})).status, 401);
  t.equal((await post({ Authorization: `Bearer ${token}x` })).status, 401);
  t.equal((await post({ Authorization: `Bearer ${token}`, Referer: `http://127.0.0.1:${port}/` })).status, 403);
});

t.test('requests that another site can send change nothing, and no response has a CORS header', async (t) => {
  const web = shared;
  const { port, token } = web;
  await web.client.call('emit', { event: { type: 'execution_started', execution: 'x' } });
  const before = await stateOf(web);
  const own = `http://127.0.0.1:${port}`;
  const host = `127.0.0.1:${port}`;
  const json = 'application/json';
  const cases: [string, Record<string, string>, number][] = [
    ['another origin', { Origin: 'http://evil.com', 'Content-Type': json }, 403],
    ['another port', { Origin: `http://127.0.0.1:${port + 1}`, 'Content-Type': json }, 403],
    ['another name of this machine', { Origin: `http://localhost:${port}`, 'Content-Type': json }, 403],
    ['https', { Origin: `https://127.0.0.1:${port}`, 'Content-Type': json }, 403],
    ['null', { Origin: 'null', 'Content-Type': json }, 403],
    ['a form', { Origin: own, 'Content-Type': 'application/x-www-form-urlencoded' }, 415],
    ['a form with a file', { Origin: own, 'Content-Type': 'multipart/form-data; boundary=x' }, 415],
    ['plain text', { Origin: own, 'Content-Type': 'text/plain' }, 415],
    ['a type that only begins well', { Origin: own, 'Content-Type': `${json}, text/plain` }, 415],
    ['no type', { Origin: own }, 415],
    ['another site', { Origin: own, 'Content-Type': json, 'Sec-Fetch-Site': 'cross-site' }, 403],
    ['the same site', { Origin: own, 'Content-Type': json, 'Sec-Fetch-Site': 'same-site' }, 403],
    ['a typed address', { Origin: own, 'Content-Type': json, 'Sec-Fetch-Site': 'none' }, 403],
  ];
  for (const [method, route] of ROUTES.filter(([method]) => method === 'POST')) {
    for (const [what, headers, status] of cases) {
      const all = { Host: host, Authorization: `Bearer ${token}`, ...headers };
      const bytes = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
      const head = `${method} ${route} HTTP/1.1\r\n${bytes.join('')}Content-Length: ${EMIT.length}\r\nConnection: close\r\n\r\n`;
      const answer = await web.raw(head + EMIT);
      t.match(answer, new RegExp(`^HTTP/1\\.1 ${status} `), `${route}: ${what}`);
      t.notMatch(answer, /access-control/i);
    }
    const withoutOrigin = async (...lines: string[]) => {
      const head = [`${method} ${route} HTTP/1.1`, `Host: ${host}`, `Content-Type: ${json}`, ...lines];
      return await web.raw([...head, `Content-Length: ${EMIT.length}`, 'Connection: close', '', EMIT].join('\r\n'));
    };
    const bearer = `Authorization: Bearer ${token}`;
    for (const line of [
      `Referer: ${own}/`,
      'Sec-Fetch-Site: same-origin',
      'Sec-Fetch-Mode: cors',
      'sec-fetch-dest: empty',
    ])
      t.match(await withoutOrigin(bearer, line), /^HTTP\/1\.1 403 /, `${route}: a page without an origin, ${line}`);
  }
  for (const [method, route] of ROUTES.filter(([method]) => method === 'GET')) {
    for (const site of ['cross-site', 'same-site', 'none']) {
      const image = { 'Sec-Fetch-Site': site, 'Sec-Fetch-Mode': 'no-cors', 'Sec-Fetch-Dest': 'image' };
      t.equal((await web.ask(route, { method, headers: image })).status, 403, `${route} as an image, ${site}`);
      const frame = { 'Sec-Fetch-Site': site, 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'iframe' };
      t.equal((await web.ask(route, { method, headers: frame })).status, 403, `${route} in a frame, ${site}`);
      const link = { 'Sec-Fetch-Site': site, 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'document' };
      const isPage = route === '/' || route === '/executions/x';
      t.equal((await web.ask(route, { headers: link })).status, isPage ? 200 : 403, `${route} by a link, ${site}`);
    }
  }
  t.strictSame(await stateOf(web), before);
});

t.test('only the token gives access', async (t) => {
  const web = await openWeb(t);
  const open = new Set(['/', '/executions/x', '/assets/main.js', '/healthz', '/api/v1/session']);
  for (const [method, route] of ROUTES) {
    for (const authorization of ['', 'Bearer wrong', `Basic ${web.token}`]) {
      if (authorization === 'Bearer wrong' && route !== '/emit') continue; // each costs a penalty
      const body = method === 'POST' ? { body: '{}' } : {};
      const answer = await web.ask(route, { method, headers: { Authorization: authorization }, ...body });
      if (open.has(route)) t.not(answer.status, 401, route);
      else t.equal(answer.status, 401, `${method} ${route} with ${authorization}`);
    }
  }
  const { client, token } = web;

  t.test('a code works once, and only the newest codes are kept', async (t) => {
    const { code = '' } = await client.call('web', { on: true });
    const redeem = async (given: unknown) => {
      const answer = await web.ask('/api/v1/session', { method: 'POST', body: JSON.stringify({ code: given }) });
      return answer.status === 200 ? answer.json['token'] : answer.status;
    };
    t.equal(await redeem(code), token);
    t.equal(await redeem(code), 403);
    for (const wrong of ['', 'x', 7, null, token]) t.equal(await redeem(wrong), 403);
    const { code: old = '' } = await client.call('web', { on: true });
    for (let count = 0; count < 16; count++) await client.call('web', { on: true });
    t.equal(await redeem(old), 403);
  });

  t.test('files with secrets are private, and no output contains the token', async (t) => {
    const { paths, directory } = web.home;
    for (const file of [paths.webToken, paths.web]) t.equal(statSync(file).mode & 0o777, 0o600, file);
    const pages = readdirSync(paths.runtime).filter((name) => name.startsWith('open-'));
    t.ok(pages.length > 0);
    for (const page of pages) t.equal(statSync(path.join(paths.runtime, page)).mode & 0o777, 0o600);
    const files = readdirSync(directory, { recursive: true, encoding: 'utf8' }).map((name) =>
      path.join(directory, name),
    );
    for (const file of files.filter((name) => statSync(name).isFile() && name !== paths.webToken))
      t.notOk(readFileSync(file, 'latin1').includes(token), file);
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      if (commandLineOf(pid).includes(token)) t.fail(`process ${pid} has the token in its arguments`);
    }
  });

  t.test('off revokes all access; on creates another token', async (t) => {
    const idle = dial({ host: '127.0.0.1', port: web.port });
    let isClosed = false;
    idle.on('error', () => undefined).on('close', () => (isClosed = true));
    idle.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await new Promise((resolve) => idle.once('data', resolve));
    // one that is busy, and would stay so
    const stream = dial({ host: '127.0.0.1', port: web.port });
    let isCut = false;
    stream.on('error', () => undefined).on('close', () => (isCut = true));
    stream.write(
      `GET /stream/progress HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${web.token}\r\nAccept: */*\r\n\r\n`,
    );
    const [head] = (await once(stream, 'data')) as [Buffer];
    t.match(head.toString(), /^HTTP\/1.1 200/);
    await client.call('web', { on: false });
    await t.rejects(web.ask('/healthz'));
    await waitFor('open connections to be closed', () => isClosed && isCut, 3_000);
    t.strictSame(
      readdirSync(web.home.paths.runtime).filter((name) => name.startsWith('open-')),
      [],
      'nothing leads there any more',
    );
    await client.call('web', { on: true, port: web.port });
    t.equal((await web.ask('/api/v1/executions')).status, 401);
  });
});

t.test('every response has the security headers', async (t) => {
  const web = shared;
  const wanted = {
    'content-security-policy':
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
      "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; " +
      'trusted-types progress',
    'permissions-policy': 'camera=(), microphone=(), geolocation=()',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'x-frame-options': 'DENY',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'cross-origin-embedder-policy': 'require-corp',
    'cache-control': 'no-store',
  };
  for (const [method, route] of ROUTES) {
    const body = method === 'POST' ? { body: '{' } : {};
    for (const headers of [{}, { Host: 'evil.com' }, { Authorization: '' }]) {
      const answer = await web.ask(route, { method, headers, ...body });
      t.match(answer.headers, wanted, `${method} ${route} ${answer.status}`);
      t.notOk('server' in answer.headers);
      t.notOk('set-cookie' in answer.headers);
    }
  }
  await web.client.call('emit', { event: { type: 'execution_started', execution: 'a "b"; c' } });
  const kept = await web.ask(`/api/v1/executions/${encodeURIComponent('a "b"; c')}/text`);
  t.match(kept.headers, { ...wanted, 'content-disposition': 'attachment; filename="progress-a__b___c.log"' });
  for (const bytes of ['GARBAGE\r\n\r\n', `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(10_000)}\r\n\r\n`])
    t.match(await web.raw(bytes), /^HTTP\/1\.1 4\d\d [\s\S]*Content-Security-Policy: default-src 'none'/);
});

t.test('only this machine reaches the port, and the response to a wrong token is delayed', async (t) => {
  const web = shared;
  const other = dial({ host: '127.0.0.2', port: web.port });
  const outcome = await new Promise((resolve) => {
    other.on('error', ({ message }) => resolve(message)).on('connect', () => resolve('connected'));
  });
  other.destroy();
  t.match(outcome, 'ECONNREFUSED', 'nothing listens on other addresses of this machine');
  const begun = performance.now();
  t.equal((await web.ask('/metrics', { headers: { Authorization: 'Bearer wrong' } })).status, 401);
  t.ok(performance.now() - begun > 95);
  const expecting = `POST /emit HTTP/1.1\r\nHost: localhost\r\nExpect: something\r\nConnection: close\r\n\r\n`;
  t.match(await web.raw(expecting), /^HTTP\/1\.1 417 [\s\S]*Content-Security-Policy: default-src 'none'/);
});

t.test('the URL decides which execution a command is for, not the body', async (t) => {
  const web = shared;
  for (const execution of ['x', 'other'])
    await web.client.call('emit', { event: { type: 'execution_started', execution } });
  const body = JSON.stringify({ execution: 'other', action: 'kill' });
  const answer = await web.ask('/api/v1/executions/nobody/pause', { method: 'POST', body });
  t.equal(answer.status, 404);
});

t.test('headers have a shorter timeout than bodies', async (t) => {
  const web = shared;
  const open = (text: string) => {
    const socket = dial({ host: '127.0.0.1', port: web.port });
    const slow = { isClosed: false };
    const drip = setInterval(() => socket.write('X'), 300);
    t.teardown(() => socket.destroy());
    socket.on('error', () => undefined).resume();
    socket.on('close', () => {
      clearInterval(drip);
      slow.isClosed = true;
    });
    socket.write(text);
    return slow;
  };
  const own = `Host: localhost\r\nOrigin: http://localhost\r\nAuthorization: Bearer ${web.token}\r\n`;
  const headers = open('GET /healthz HTTP/1.1\r\n');
  const body = open(`POST /emit HTTP/1.1\r\n${own}Content-Type: application/json\r\nContent-Length: 9999\r\n\r\n`);
  await waitFor('the slow headers to be cut off', () => headers.isClosed);
  t.equal((await web.ask('/healthz')).status, 200);
  t.notOk(body.isClosed);
  await waitFor('the slow body to be cut off', () => body.isClosed);
});

t.test('connections are bounded', async (t) => {
  const web = await openWeb(t, 'web: { maxStreams: 1 }\n');
  // one fate per connection: a refused one is also closed, and must not be counted twice
  const fates: ('answered' | 'refused' | 'closed')[] = [];
  const counted = (fate: (typeof fates)[number]) => fates.filter((other) => other === fate).length;
  for (let index = 0; index < 90; index++) {
    const socket = dial({ host: '127.0.0.1', port: web.port });
    t.teardown(() => socket.destroy());
    socket.on('error', () => undefined).on('close', () => (fates[index] ??= 'closed'));
    socket.once('data', (data: Buffer) => (fates[index] = data.includes('HTTP/1.1 503 ') ? 'refused' : 'answered'));
    socket.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n');
  }
  await waitFor('each to be answered, refused or closed', () => fates.filter(Boolean).length === 90);
  const answered = counted('answered');
  t.ok(answered >= 60 && answered <= 65, `about 64 are answered: ${answered}`);
  t.ok(counted('refused') > 0, 'and the first ones above the bound are refused in words');
});

t.test('unserved methods, oversized bodies and path traversal are refused', async (t) => {
  const web = shared;
  for (const method of ['OPTIONS', 'PUT', 'DELETE', 'PATCH', 'TRACE']) {
    for (const route of ['/', '/api/v1/executions', '/emit']) {
      const answer = await web.ask(route, { method, headers: { Origin: `http://127.0.0.1:${web.port}` } });
      t.equal(answer.status, 405, `${method} ${route}`);
      t.match(answer.headers['allow'], route === '/emit' ? 'POST' : 'GET, HEAD');
    }
  }
  t.equal((await web.ask('/emit')).status, 405);
  for (const method of ['PUT', 'OPTIONS']) {
    const answer = await web.ask('/nothing/here', { method, headers: { Origin: `http://127.0.0.1:${web.port}` } });
    t.equal(answer.status, 405, `${method} nowhere`);
  }
  const opening = `POST /emit HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\nAuthorization: Bearer ${web.token}\r\n`;
  const notUtf8 = `${opening}Content-Type: application/json\r\nContent-Length: 12\r\nConnection: close\r\n\r\n{"type":"\xff"}`;
  t.match(await web.raw(notUtf8), /^HTTP\/1\.1 400 [\s\S]*bad_utf8/);
  t.equal((await web.ask('/', { method: 'POST', body: '{}' })).status, 405);
  const head = await web.ask('/api/v1/executions', { method: 'HEAD' });
  t.match([head.status, head.text], [200, '']);
  t.equal((await web.ask('/emit', { method: 'POST', body: `{"a":"${'x'.repeat(300_000)}"}` })).status, 413);
  t.equal((await web.ask('/emit', { method: 'POST', body: '{' })).status, 400);
  t.equal((await web.ask('/emit', { method: 'POST', body: '[]' })).status, 400);
  const climbing = [
    ...['/assets/../../package.json', '/assets/..%2f..%2fpackage.json', '/assets/%2e%2e/daemon.js', '/assets/..'],
    ...['/assets/.%00.js', '/assets/app.js%00', '/assets/..\\daemon.js', '/assets/', '/__proto__', '/constructor'],
    ...['/executions/', '/executions/a/b', '/api/v1/executions/x/__proto__', '/api/v1/executions/%2e%2e%2fx/toString'],
  ];
  for (const route of climbing) t.equal((await web.ask(route)).status, 404, route);
  t.equal((await web.ask('/api/v1/executions/..%2f..%2fetc')).status, 404);
  t.equal((await web.ask('/api/v1/executions/%E0%A4%A')).status, 400);
});

t.test('smuggled requests are refused, pipelined ones answered one by one', async (t) => {
  const web = shared;
  const head = `Host: localhost\r\nAuthorization: Bearer ${web.token}\r\n`;
  const both = `POST /emit HTTP/1.1\r\n${head}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /metrics HTTP/1.1\r\n${head}\r\n`;
  const answer = await web.raw(both);
  t.match(answer, /^HTTP\/1\.1 400 /);
  t.notMatch(answer, 'progress_events_total');
  const two = await web.raw(
    `GET /healthz HTTP/1.1\r\n${head}\r\nGET /healthz HTTP/1.1\r\n${head}Connection: close\r\n\r\n`,
  );
  t.equal(two.match(/\{"ok":true\}/g)?.length, 2);
});

t.test('idle and slow connections are closed, and others are served meanwhile', async (t) => {
  const web = await openWeb(t, 'web: { maxStreams: 1000 }\n');
  const slow = dial({ host: '127.0.0.1', port: web.port });
  let closed = false;
  slow.on('error', () => undefined).on('close', () => (closed = true));
  const drip = setInterval(() => slow.write('X'), 500);
  t.teardown(() => clearInterval(drip));
  slow.write('GET /healthz HTTP/1.1\r\n');
  const idle = await Promise.all(
    Array.from({ length: 1_000 }, async () => {
      const socket = dial({ host: '127.0.0.1', port: web.port });
      socket.on('error', () => undefined).resume();
      t.teardown(() => socket.destroy());
      await new Promise((resolve) => socket.once('connect', resolve));
      return socket;
    }),
  );
  t.equal((await web.ask('/healthz')).status, 200);
  await waitFor('the slow one to be closed', () => closed);
  slow.destroy();
  await waitFor('the idle ones to be closed', () => idle.every((socket) => socket.destroyed));
  t.equal((await web.ask('/healthz')).status, 200);
});
