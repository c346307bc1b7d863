import { chmodSync, chownSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { Socket } from 'node:net';
import path from 'node:path';
import { Webhook } from 'standardwebhooks';
import t from 'tap';
import { createAlertChannel } from '../../../src/alerts/channels/create.js';
import type { WebhookConfig } from '../../../src/config/channel-schema.js';
import { alertFullOf, anAlert, anExecution, CONTROLS, hostileTexts, send } from '../../helpers/alerts.js';
import { createCertificate } from '../../helpers/certificate.js';
import { freePort } from '../../helpers/http.js';
import { isUnprivileged } from '../../helpers/needs.js';
import type { Answer } from '../../helpers/target.js';
import { listen, startTarget } from '../../helpers/target.js';
import { waitFor } from '../../helpers/wait.js';

const SECRET = `whsec_${Buffer.from('0123456789abcdef0123456789abcdef').toString('base64')}`;
/** A URL as a service issues it: all of it but the host is secret. */
const PATH = '/services/T0SECRETPATH/B0?key=SECRETQUERY';
const SECRETS = /SECRET|0123456789/;

function webhook(config: Partial<WebhookConfig>, env: NodeJS.ProcessEnv = {}) {
  const defaults = { type: 'webhook', template: 'json', headers: {}, timeout: 10_000 } as const;
  return createAlertChannel('ops', { ...defaults, ...config }, env);
}

const ok: Answer = (response) => response.end('ok');

t.test('sends the alert as signed JSON', async (t) => {
  const target = await startTarget(t, ok);
  const alert = anAlert({
    event: { seq: 7, time: '2026-11-20T12:48:46.123Z', type: 'execution_failed', data: { exitCode: 1 } },
    execution: anExecution(),
  });
  const env = { HOOK: target.url(PATH), SIGN: SECRET, TOKEN: 'tk_SECRET' };
  const config = { urlEnv: 'HOOK', secretEnv: 'SIGN', tokenEnv: 'TOKEN', headers: { 'X-Team': 'infra' } };
  t.strictSame(await send(webhook(config, env), alert), { outcome: 'sent' });
  const [asked] = target.asked;
  t.match(asked, { method: 'POST', path: PATH });
  t.strictSame(JSON.parse(asked!.body), JSON.parse(JSON.stringify(alert)));
  t.match(asked!.headers, {
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(asked!.body)),
    'user-agent': /^progress\/\d/,
    authorization: 'Bearer tk_SECRET',
    'x-team': 'infra',
    'webhook-id': alert.id,
  });
  t.strictSame(new Webhook(SECRET).verify(asked!.body, asked!.headers), JSON.parse(asked!.body));
  t.throws(() => new Webhook(SECRET).verify(`${asked!.body} `, asked!.headers), 'and nothing else');
  t.throws(() => new Webhook('whsec_c2VjcmV0').verify(asked!.body, asked!.headers));
  await waitFor('the connection to be closed', () => target.connections.size === 0);
});

t.test('the status of the response determines the outcome', async (t) => {
  let status = 200;
  let headers: Record<string, string> = {};
  const target = await startTarget(t, (response) => response.writeHead(status, headers).end('SECRET'));
  const channel = webhook({ url: target.url(PATH) });
  const host = `localhost:${target.port}`;
  for (status of [200, 201, 202, 204]) t.strictSame(await send(channel), { outcome: 'sent' }, String(status));
  for (status of [400, 401, 403, 404, 410, 413]) {
    t.strictSame(await send(channel), { outcome: 'failed', error: `${host} answered with ${status}` });
  }
  for (status of [408, 425, 429, 500, 502, 503, 504]) {
    t.strictSame(await send(channel), { outcome: 'retry', error: `${host} answered with ${status}` });
  }

  const asked = target.asked.length;
  headers = { location: target.url('/elsewhere') };
  for (status of [301, 302, 303, 307, 308]) {
    const error = `${host} answered with ${status}: redirects are not followed`;
    t.strictSame(await send(channel), { outcome: 'failed', error });
  }
  t.equal(target.asked.length, asked + 5, 'no redirect is followed');

  status = 429;
  const after = async (value: string) => {
    headers = { 'retry-after': value };
    const outcome = await send(channel);
    return 'after' in outcome ? outcome.after : undefined;
  };
  t.equal(await after('120'), 120_000);
  t.equal(await after('99999999'), 99_999_999_000, 'limited by the backoff');
  const date = (await after(new Date(Date.now() + 60_000).toUTCString())) ?? 0;
  t.ok(date > 30_000 && date <= 60_000, String(date));
  t.equal(await after(new Date(0).toUTCString()), 0, 'long ago');
  for (const nonsense of ['soon', '-5', '1e9']) t.notOk(await after(nonsense), nonsense);
});

t.test('a misbehaving target is bounded by the timeout, and retried', async (t) => {
  const answers: Record<string, Answer> = {
    '/hangs': () => undefined,
    '/closes': (response) => response.destroy(),
    '/cuts': (response) => response.socket?.end('HTTP/1.1 200 OK\r\nContent-Le'),
    '/is-none': (response) => response.socket?.end('220 smtp.example.com ESMTP\r\n'),
    '/drips': (response) => {
      const timer = setInterval(() => response.socket?.write('H'), 50);
      response.socket?.once('close', () => clearInterval(timer));
    },
  };
  const target = await startTarget(t, (response, { url = '' }) => answers[url]!(response, undefined as never));
  for (const [where, error] of [
    ['/hangs', 'no answer within 1 seconds'],
    ['/drips', /./],
    ['/closes', 'the connection was closed'],
    ['/cuts', /./],
    ['/is-none', /./],
  ] as const) {
    const outcome = await send(webhook({ url: target.url(where), timeout: 1_000 }));
    t.match(outcome, { outcome: 'retry', error }, where);
    await waitFor('its connection to be closed', () => target.connections.size === 0);
  }
  const unused = `http://localhost:${await freePort()}/`;
  t.match(await send(webhook({ url: unused })), { outcome: 'retry', error: /: the connection was refused$/ });
  t.match(await send(webhook({ url: 'http://nobody.invalid/' })), { outcome: 'retry', error: /^nobody\.invalid: / });
});

t.test('does not wait for the body of a response', async (t) => {
  const target = await startTarget(t, (response, { url }) => {
    response.writeHead(200);
    response.write('a'.repeat(1_000));
    if (url !== '/endless') return;
    const fill = (): void => {
      while (response.write('a'.repeat(65_536)));
      response.once('drain', fill);
    };
    fill();
  });
  for (const where of ['/hangs', '/endless']) {
    t.strictSame(await send(webhook({ url: target.url(where), timeout: 30_000 })), { outcome: 'sent' }, where);
    await waitFor('the connection to be closed', () => target.connections.size === 0);
  }
});

t.test('an aborted channel stops', async (t) => {
  const target = await startTarget(t, () => undefined);
  const stop = new AbortController();
  const sending = send(webhook({ url: target.url() }), anAlert(), stop.signal);
  await waitFor('the request', () => target.asked.length === 1);
  stop.abort();
  t.match(await sending, { outcome: 'retry', error: /interrupted/ });
  t.match(await send(webhook({ url: target.url() }), anAlert(), stop.signal), { outcome: 'retry' });
  t.equal(target.asked.length, 1);
});

t.test('verifies the server over TLS', async (t) => {
  const certificate = createCertificate(t);
  const target = await startTarget(t, ok, certificate);
  const refused = { outcome: 'retry', error: /DEPTH_ZERO_SELF_SIGNED_CERT$/ };
  t.match(await send(webhook({ url: target.url() })), refused);
  const trusting = { caFile: certificate.file };
  t.strictSame(await send(webhook({ url: target.url(), ...trusting })), { outcome: 'sent' });
  const other = await startTarget(t, ok, createCertificate(t, 'DNS:other.example'));
  t.match(await send(webhook({ url: other.url(), caFile: path.join(t.testdirName, 'cert.pem') })), {
    outcome: 'retry',
    error: /ERR_TLS_CERT_ALTNAME_INVALID$/,
  });
  t.strictSame(await send(webhook({ url: target.url(), caFile: '/nowhere/ca.pem' })), {
    outcome: 'retry',
    error: 'caFile: /nowhere/ca.pem does not exist',
  });
  t.equal(target.asked.length + other.asked.length, 1);
});

t.test('secrets are read for each alert, and only from private files', async (t) => {
  const target = await startTarget(t, ok);
  const directory = t.testdir();
  const file = path.join(directory, 'url');
  const channel = webhook({ urlFile: file, secretEnv: 'SIGN', tokenFile: file }, { SIGN: SECRET });
  const problem = async () => {
    const outcome = await send(channel);
    t.notMatch(JSON.stringify(outcome), SECRETS);
    return 'error' in outcome && `${outcome.outcome}: ${outcome.error}`;
  };
  t.equal(await problem(), `retry: url: ${file} does not exist`);
  writeFileSync(file, `${target.url(PATH)}\n`, { mode: 0o640 });
  t.equal(await problem(), `retry: url: ${file} can be read by others: chmod 600`);
  chmodSync(file, 0o604);
  t.equal(await problem(), `retry: url: ${file} can be read by others: chmod 600`);
  chmodSync(file, 0o600);
  t.equal(await problem(), false);
  t.match(target.asked, [{ path: PATH, headers: { authorization: `Bearer ${target.url(PATH)}` } }]);
  writeFileSync(file, `${target.url(PATH)}\nX-Evil: SECRET`);
  t.equal(await problem(), `retry: url: ${file} holds more than one line`);
  writeFileSync(file, ' \n');
  t.equal(await problem(), `retry: url: ${file} is empty`);
  writeFileSync(file, 'SECRET'.repeat(10_000));
  t.equal(await problem(), `retry: url: ${file} is longer than 16384 bytes`);
  if (!isUnprivileged(t)) {
    chownSync(file, 65_534, -1);
    t.equal(await problem(), `retry: url: ${file} belongs to another user`);
  }
  const variable = 'failed: secret: the daemon was started without the variable NONE';
  const outcome = await send(webhook({ url: target.url(), secretEnv: 'NONE' }));
  t.equal('error' in outcome && `${outcome.outcome}: ${outcome.error}`, variable);
  t.match(await send(webhook({ url: target.url(), secretEnv: 'SIGN' }, { SIGN: 'whsec_%SECRET%' })), {
    outcome: 'failed',
    error: /^the secret is invalid; it must be whsec_ and base64$/,
  });
  t.match(await send(webhook({ url: target.url(), tokenFile: directory })), { error: /is not a regular file$/ });
  t.equal(target.asked.length, 1);
});

t.test('no outcome reveals a secret', async (t) => {
  const target = await startTarget(t, (response, { url = '' }) => {
    if (url.includes('hang')) return;
    response.writeHead(Number(/status=(\d+)/.exec(url)?.[1]), { location: url }).end(url);
  });
  const urls = [
    ...[302, 404, 500].map((status) => target.url(`${PATH}&status=${status}`)),
    target.url(`${PATH}&hang`),
    ...['nonsense SECRET', 'file:///SECRET', 'ftp://SECRET/', 'http://user:SECRET@localhost/', 'http://[SECRET'],
    `http://localhost:${await freePort()}${PATH}`,
    `https://localhost:${target.port}${PATH}`,
    `http://localhost:99999${PATH}`,
  ];
  for (const HOOK of urls) {
    for (const template of ['json', 'ntfy'] as const) {
      const config = { urlEnv: 'HOOK', secretEnv: 'SIGN', tokenEnv: 'TOKEN', template, timeout: 1_000 };
      const outcome = await send(webhook(config, { HOOK, SIGN: SECRET, TOKEN: 'SECRET' }), anAlert({ body: 'SECRET' }));
      t.match(outcome, { outcome: /^(retry|failed)$/, error: /./ }, HOOK);
      t.notMatch(JSON.stringify(outcome), SECRETS, HOOK);
    }
  }
  const token = await send(webhook({ url: target.url(), tokenEnv: 'TOKEN' }, { TOKEN: 'SECRET\u2713' }));
  t.strictSame(token, { outcome: 'failed', error: 'the headers cannot be sent' });
});

t.test('uses the proxy of the environment, and respects no_proxy', async (t) => {
  const target = await startTarget(t, ok);
  const tunnels: string[] = [];
  const proxy = createServer((client: Socket) => {
    client.once('data', (request: Buffer) => {
      tunnels.push(request.toString().split('\r\n')[0] ?? '');
      const server = connect(target.port, 'localhost', () => client.write('HTTP/1.1 200 OK\r\n\r\n'));
      client.pipe(server).pipe(client);
      for (const socket of [client, server]) socket.on('error', () => undefined);
    });
  });
  const { port } = await listen(t, proxy);
  const env = { http_proxy: `http://localhost:${port}` };
  t.strictSame(await send(webhook({ url: target.url() }, env)), { outcome: 'sent' });
  t.strictSame(tunnels, [`CONNECT localhost:${target.port} HTTP/1.1`]);
  t.strictSame(await send(webhook({ url: target.url() }, { ...env, NO_PROXY: 'localhost' })), { outcome: 'sent' });
  t.equal(tunnels.length, 1);
  t.equal(target.asked.length, 2);
});

t.test('clips a megabyte of text and a thousand steps, and reports that', async (t) => {
  const target = await startTarget(t, ok);
  const steps = Array.from({ length: 5_000 }, (_, index) => ({ id: `s${index}`, name: 'x'.repeat(100), kind: 'step' }));
  const data = { text: 'x'.repeat(1_000_000), deep: { text: '✗'.repeat(500_000) } };
  const event = { seq: 1, time: '2026-11-20T12:48:46.123Z', type: 'output', execution: 'a', data };
  const execution = anExecution({ steps: steps.map((step) => ({ ...step, status: 'failed' })) });
  for (const template of ['json', 'slack', 'ntfy'] as const) {
    await send(
      webhook({ url: target.url('/topic'), template }),
      anAlert({ event, execution, body: 'y'.repeat(300_000) }),
    );
  }
  t.equal(target.asked.length, 3);
  for (const { body } of target.asked) t.ok(Buffer.byteLength(body) <= 64 * 1024, String(body.length));
  const json = JSON.parse(target.asked[0]!.body) as { execution: { steps: { id: string }[] } };
  t.match(json, { clipped: true, id: /./, title: /./, event: { data: { text: /^x{999}…$/ } } });
  t.equal(json.execution.steps.at(-1)?.id, 's4999', 'of the steps the newest are left');

  const labels = Object.fromEntries(steps.map(({ id }) => [`${id}${'k'.repeat(1_000)}`, 'v'.repeat(1_000)]));
  await send(webhook({ url: target.url() }), anAlert({ event: { ...event, data: labels }, execution }));
  const last = target.asked.at(-1)!.body;
  t.ok(Buffer.byteLength(last) <= 64 * 1024, String(last.length));
  t.match(JSON.parse(last), { clipped: true, event: { seq: 1, type: 'output' }, execution: { id: execution.id } });
});

t.test('hostile text is inert, in every field and template', async (t) => {
  const target = await startTarget(t, ok);
  const sentAs = async (template: 'json' | 'slack' | 'ntfy', text: string) => {
    t.strictSame(await send(webhook({ url: target.url('/topic'), template }), alertFullOf(text)), { outcome: 'sent' });
    return JSON.parse(target.asked.at(-1)!.body) as Record<string, unknown>;
  };
  for (const [index, text] of [...hostileTexts('/nowhere'), ...CONTROLS].entries()) {
    const what = `text ${index}`;
    t.strictSame(await sentAs('json', text), JSON.parse(JSON.stringify(alertFullOf(text))), what);
    t.notMatch(JSON.stringify(await sentAs('slack', text)), /[<>]|&(?!lt;|gt;|amp;)/, what);
    const { title, message, ...rest } = await sentAs('ntfy', text);
    t.strictSame(rest, { topic: 'topic', priority: 3, tags: ['failed'] }, what);
    t.notMatch(`${String(title)}${String(message)}`, /[\p{Cc}\p{Cs}\u202e\u2028]/u, what);
    t.strictSame(Object.keys(target.asked.at(-1)!.headers).toSorted(), HEADERS, what);
  }
});

/** Headers that are sent without a token and a signature. */
const HEADERS = 'connection content-length content-type host user-agent webhook-id webhook-timestamp'.split(' ');

t.test('Slack gets blocks of plain text within its limits', async (t) => {
  const target = await startTarget(t, ok);
  const channel = webhook({ url: target.url(), template: 'slack' });
  await send(channel, anAlert({ execution: anExecution(), rule: 'nightly' }));
  const plain = (text: string) => ({ type: 'plain_text', text, emoji: false });
  t.strictSame(JSON.parse(target.asked[0]!.body), {
    text: '✗ nightly build failed: exit 1 after 0:03',
    blocks: [
      { type: 'header', text: plain('✗ nightly build failed') },
      { type: 'section', text: plain('exit 1 after 0:03') },
      {
        type: 'context',
        elements: [plain('progress show 7hq2m4kd9x · rule nightly · 2026-11-20T12:48:46.123Z')],
      },
    ],
  });
  await send(channel, anAlert({ title: '&'.repeat(1_000), body: '' }));
  const { blocks } = JSON.parse(target.asked[1]!.body) as { blocks: { type: string; text: { text: string } }[] };
  t.equal(blocks.length, 2, 'an empty text is no section');
  t.match(blocks[0]!.text.text, /^(&amp;){29}…$/, '150 characters at most, none of them half');
});

t.test('ntfy gets JSON at the root, with the topic of the URL', async (t) => {
  const target = await startTarget(t, ok);
  const ntfy = (where: string) => webhook({ url: target.url(where), template: 'ntfy' });
  await send(ntfy('/my-topic?auth=x'), anAlert({ title: '✗ näch­tlich 👩‍🚀', urgency: 'critical', rule: 'nightly' }));
  await send(ntfy('/sub/folder/topic_2'), anAlert({ body: '', urgency: 'low' }));
  t.match(target.asked, [{ path: '/?auth=x' }, { path: '/sub/folder/' }]);
  t.strictSame(
    target.asked.map(({ body }) => JSON.parse(body) as unknown),
    [
      { topic: 'my-topic', title: '✗ näch­tlich 👩‍🚀', message: 'exit 1 after 0:03', priority: 5, tags: ['nightly'] },
      {
        topic: 'topic_2',
        title: '✗ nightly build failed',
        message: '✗ nightly build failed',
        priority: 2,
        tags: ['failed'],
      },
    ],
  );
  for (const where of ['/', '/a/', '/a%0db', '/a.b']) {
    t.match(await send(ntfy(where)), { outcome: 'failed', error: /^the URL of an ntfy topic ends with its name/ });
  }
});
