import t from 'tap';
import type { RequestHead } from '../../../src/daemon/http/guard.js';
import { bearerOf, checkForm, checkOrigin, isJson } from '../../../src/daemon/http/guard.js';

const head = (headers: readonly (readonly [string, string])[], more: Partial<RequestHead> = {}): RequestHead => ({
  ...{ method: 'GET', url: '/', httpVersion: '1.1', rawHeaders: headers.flat() },
  ...more,
});
const HOST = ['Host', '127.0.0.1:7878'] as const;
const OWN = ['Origin', 'http://127.0.0.1:7878'] as const;
const site = (value: string, mode: string, dest: string) =>
  [
    ['Sec-Fetch-Site', value],
    ['Sec-Fetch-Mode', mode],
    ['Sec-Fetch-Dest', dest],
  ] as const;

t.test('the form of a request', (t) => {
  t.equal(checkForm(head([HOST])), undefined);
  for (const httpVersion of ['1.0', '0.9', '2.0']) t.match(checkForm(head([HOST], { httpVersion })), { status: 400 });
  for (const url of ['//evil.com/', 'http://127.0.0.1/', '*', '', 'evil.com:443', '\\evil'])
    t.match(checkForm(head([HOST], { url })), { status: 400 }, url);
  t.match(checkForm(head([])), { status: 400 }, 'no Host header');
  t.end();
});

t.test('exactly one host is needed, and it must be this machine', (t) => {
  t.equal(checkOrigin(head([HOST]), false), undefined);
  t.equal(checkOrigin(head([['HOST', 'LocalHost']]), false), undefined, 'in whatever case');
  for (const hosts of [[], [['Host', 'evil.com'] as const], [HOST, HOST], [HOST, ['host', 'evil.com'] as const]])
    t.match(checkOrigin(head(hosts), true), { status: 403 }, JSON.stringify(hosts));
  t.end();
});

t.test('the origin must be its own; it may be absent for safe methods and for programs that are no browser', (t) => {
  const post = { method: 'POST' };
  t.equal(checkOrigin(head([HOST, OWN], post), false), undefined);
  t.equal(checkOrigin(head([HOST], { method: 'HEAD' }), false), undefined);
  t.equal(checkOrigin(head([HOST], post), false), undefined, 'none, of a program that is no browser');
  for (const name of ['Referer', 'referer', 'Sec-Fetch-Mode', 'SEC-FETCH-DEST', 'Sec-Fetch-Whatever'])
    for (const method of ['POST', 'DELETE'])
      t.match(checkOrigin(head([HOST, [name, 'cors']], { method }), false), { status: 403 }, `${method} with ${name}`);
  t.match(checkOrigin(head([HOST, OWN, OWN], post), false), { status: 403 }, 'two');
  for (const value of ['http://evil.com', 'http://127.0.0.1:7879', 'https://127.0.0.1:7878', 'null', ''])
    for (const method of ['GET', 'POST'])
      t.match(checkOrigin(head([HOST, ['Origin', value]], { method }), false), { status: 403 }, `${method} ${value}`);
  t.end();
});

t.test('another site may only link to a page', (t) => {
  t.equal(checkOrigin(head([HOST, ...site('same-origin', 'cors', 'empty')]), false), undefined);
  for (const from of ['cross-site', 'same-site', 'none', 'invented']) {
    const link = site(from, 'navigate', 'document');
    t.equal(checkOrigin(head([HOST, ...link]), true), undefined, from);
    t.match(checkOrigin(head([HOST, ...link]), false), { status: 403 }, `${from}, what is no page`);
    const posted = head([HOST, OWN, ...link], { method: 'POST' });
    t.match(checkOrigin(posted, true), { status: 403 }, `${from}, a form that is sent`);
    for (const [mode, dest] of [
      ['no-cors', 'document'],
      ['navigate', 'iframe'],
      ['no-cors', 'image'],
    ] as const)
      t.match(checkOrigin(head([HOST, ...site(from, mode, dest)]), true), { status: 403 }, `${from} ${mode} ${dest}`);
  }
  t.end();
});

t.test('a body needs exactly one content type, JSON', (t) => {
  const typed = (...values: string[]) => isJson(head(values.map((value) => ['Content-Type', value] as const)));
  t.ok(typed('application/json'));
  t.ok(typed('Application/JSON; charset=utf-8'));
  t.notOk(typed());
  t.notOk(typed('application/json', 'application/json'));
  for (const type of ['text/plain', 'application/json-seq', 'application/json, text/plain', 'x-application/json'])
    t.notOk(typed(type), type);
  t.end();
});

t.test('exactly one bearer token is read', (t) => {
  const shown = (...values: string[]) => bearerOf(head(values.map((value) => ['Authorization', value] as const)));
  t.equal(shown('Bearer abc-_9'), 'abc-_9');
  t.equal(shown(), undefined);
  t.equal(shown('Bearer abc', 'Bearer abc'), undefined, 'two');
  for (const value of ['abc', 'Basic abc', 'XBearer abc', 'Bearer abc def', 'Bearer ', `Bearer ${'a'.repeat(201)}`])
    t.equal(shown(value), undefined, value.slice(0, 20));
  t.end();
});
