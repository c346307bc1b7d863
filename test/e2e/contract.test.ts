import { readdirSync, rmSync } from 'node:fs';
import { createConnection } from 'node:net';
import path from 'node:path';
import type { Test } from 'tap';
import t from 'tap';
import type { Ask, Op } from '../../src/api/messages.js';
import { OPS } from '../../src/api/requests.js';
import { openStream, openWeb, type WebHome } from '../helpers/http.js';
import { readAll } from '../helpers/journal.js';
import { createValidator, readSchema } from '../helpers/schemas.js';
import { waitFor } from '../helpers/wait.js';

const protocol = createValidator(readSchema('protocol'), { isClosed: true });
const lines = createValidator(readSchema('protocol'));
const events = createValidator(readSchema('events'));
const http = createValidator(readSchema('http'), { isClosed: true });

const CONFIG = `
alerts: {desktop: false}
journal: {segmentSize: 64KiB}
channels: {ops: {type: command, command: ['true']}}
rules: [{name: r, when: {type: log, level: error}, notify: [ops]}, builtin]
`;

/** Fills a journal with executions of all sorts. */
async function openFilled(t: Test): Promise<WebHome> {
  const web = await openWeb(t, CONFIG);
  const send = async (event: object) => await web.client.call('emit', { event });
  await send({
    type: 'execution_started',
    execution: 'job',
    data: { name: 'make', argv: ['make'], labels: { a: 'b' } },
  });
  await send({ type: 'step_started', execution: 'job', step: 's', data: { name: 'Compile', needs: ['t'], index: 1 } });
  await send({ type: 'progress', execution: 'job', step: 's', data: { current: 1, total: 2, unit: 'files' } });
  await send({ type: 'output', execution: 'job', data: { stream: 'stdout', text: 'one\ntwo\n' } });
  await send({ type: 'log', execution: 'job', data: { level: 'error', message: 'bad', fields: { a: 1 } } });
  await send({
    type: 'activity',
    execution: 'job',
    data: { kind: 'tool-call', tool: 'Bash', input: { command: 'ls' } },
  });
  await send({ type: 'resource_update', execution: 'job', data: { cpu: 5, rss: 1_000, processes: 1 } });
  await send({ type: 'attention', execution: 'job', data: { state: 'waiting', reason: 'Continue?' } });
  await send({ type: 'execution_paused', execution: 'job', data: { by: 'me' } });
  await send({ type: 'queue_changed', data: { name: 'nightly', slots: 2 } });
  await send({ type: 'execution_queued', execution: 'waits', data: { queue: 'nightly' } });
  for (const id of ['old', 'older']) {
    await send({ type: 'execution_started', execution: id, data: { name: id } });
    await send({ type: 'execution_failed', execution: id, data: { exitCode: 1, error: 'no' } });
  }
  return web;
}

/** Starts a run and returns its ID. */
async function startRun({ home, client }: WebHome, ...command: string[]): Promise<string> {
  const { stdout } = home.progress(['run', '--detach', '--', ...command]);
  const id = stdout.trim();
  await waitFor('the run to be known', async () => {
    const { execution } = await client.call('get', { execution: id });
    return execution.status !== 'queued' && execution.process?.pid !== undefined;
  });
  return id;
}

t.test('every reply of a daemon has the fields that its schema names, and no others', async (t) => {
  const web = await openFilled(t);
  const { client } = web;
  const run = await startRun(web, 'sleep', '60');
  const requests: { [K in Op]: Ask<K>[] } = {
    hello: [{ protocol: 1 }],
    emit: [
      { event: { type: 'log', execution: 'job', source: 's', n: 1, message: 'x' }, synced: true },
      { event: { type: 'log', execution: 'job', source: 's', n: 1, message: 'x' } },
    ],
    subscribe: [{ execution: 'make', after: 0 }, { execution: 'nothing' }, { types: ['nothing'] }],
    unsubscribe: [{ subscription: 'subscription' }],
    list: [{}, { all: true, limit: 1 }],
    get: [{ execution: 'job' }, { execution: run }, { execution: 'old' }],
    log: [{ execution: 'job' }],
    search: [{ execution: 'job', text: 'o', regex: true, marks: true }],
    stats: [{}, { name: 'old' }],
    timeline: [{ execution: 'job' }],
    rerun: [{ execution: run }],
    move: [{ execution: 'waits', position: 2 }],
    queues: [{}],
    attach: [{ run: 'other' }],
    control: [{ execution: run, action: 'kill', by: 'test' }],
    follow: [{}, { agent: 'claude' }],
    notify: [
      { title: 'Hello', channels: ['ops'], execution: 'job' },
      { title: 'Hello', channels: ['ops'], test: true },
    ],
    rules: [{}],
    status: [{}],
    prune: [{ executions: ['old'] }],
    web: [{ on: true, execution: 'job' }, { on: false }],
    shutdown: [{}],
  };
  t.strictSame(Object.keys(requests).sort(), OPS.toSorted());
  const { length } = (await client.call('log', { execution: 'job' })).lines;
  t.ok(length > 5, 'the log has lines');
  for (const [op, asked] of Object.entries(requests) as [Op, object[]][]) {
    for (const fields of asked) {
      const reply = await client.call(op, fields, op === 'subscribe' ? 'subscription' : undefined);
      const problem = protocol.check(`/$defs/${op[0]?.toUpperCase()}${op.slice(1)}Reply`, reply);
      t.equal(problem, '', `${op} ${JSON.stringify(fields)}: ${JSON.stringify(reply)}`);
    }
  }
  const written = await readAll(web.home.paths.journal);
  t.ok(written.events.length > 20, 'the journal has events');
  for (const event of written.events) t.equal(events.check('/$defs/JournalEvent', event), '', JSON.stringify(event));
});

t.test('every line that a daemon sends without a request fits its schema', async (t) => {
  const web = await openFilled(t);
  const { home, client } = web;
  const run = await startRun(web, 'sleep', '60');
  const received: Record<string, unknown>[] = [];
  const socket = createConnection({ path: home.paths.socket });
  t.teardown(() => socket.destroy());
  let rest = '';
  socket.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n');
    rest = parts.pop() ?? '';
    received.push(...parts.map((part) => JSON.parse(part) as Record<string, unknown>));
  });
  const say = (line: unknown) => socket.write(typeof line === 'string' ? `${line}\n` : `${JSON.stringify(line)}\n`);
  const until = async (field: string) => {
    const find = () => received.find((line) => field in line);
    return await waitFor(`a line with ${field}`, find);
  };

  say('{"type":');
  await until('error');
  const event = { type: 'log', execution: 'job', source: 'p', n: 7, message: 'x' };
  say(event);
  say(event);
  await until('duplicate');
  say({ op: 'hello', id: 1, ack: true });
  say({ ...event, n: 8 });
  await until('ack');
  let attempt = 100;
  await waitFor('a command', async () => {
    // the runner may attach after us, and then it receives the command
    const id = ++attempt;
    say({ op: 'attach', id, run });
    await waitFor('the reply', () => received.some(({ re }) => re === id));
    await client.call('control', { execution: run, action: 'signal', signal: 'SIGCONT', by: 'test' });
    return received.some((line) => 'command' in line);
  });
  say({ op: 'subscribe', id: 's', execution: 'job', after: 0 });
  await until('events');
  say({ op: 'subscribe', id: 'r', after: 0, journal: 'another' });
  await until('reset');

  // a segment that another program has removed
  const message = 'x'.repeat(40_000);
  for (let n = 0; n < 4; n++)
    await client.call('emit', { event: { type: 'log', execution: 'big', message }, synced: true });
  const sealed = () => readdirSync(home.paths.journal).filter((name) => /^\d+\.jsonl/.test(name));
  await waitFor('a sealed segment', () => sealed().length > 0);
  for (const name of sealed().slice(0, 1)) rmSync(path.join(home.paths.journal, name));
  say({ op: 'subscribe', id: 'g', after: 0 });
  await until('gap');

  say({ op: 'subscribe', id: 'q', types: ['nothing'] });
  await waitFor('a position', async () => {
    await client.call('emit', { event: { type: 'log', execution: 'job', message: 'again' } });
    return received.some((line) => 'position' in line);
  });

  const names = {
    ...{ events: 'EventsPush', gap: 'GapPush', reset: 'ResetPush', position: 'PositionPush' },
    ...{ command: 'CommandMessage', ack: 'Ack', duplicate: 'Duplicate' },
  };
  for (const line of received) {
    t.equal(lines.check('/$defs/DaemonLine', line), '', JSON.stringify(line));
    const [, name] = Object.entries(names).find(([field]) => field in line && !('re' in line)) ?? [];
    if (name) t.equal(protocol.check(`/$defs/${name}`, line), '', `${name}: ${JSON.stringify(line)}`);
  }
  await client.call('control', { execution: run, action: 'kill' });
});

interface Operation {
  operationId: string;
  responses: Record<string, { content?: Record<string, unknown> }>;
}

t.test('every route replies with a status and a body that the OpenAPI document names', async (t) => {
  const web = await openFilled(t);
  const run = await startRun(web, 'sleep', '60');
  const { code = '' } = await web.client.call('web', { on: true });
  const document = readSchema('http') as unknown as { paths: Record<string, Record<string, Operation>> };
  const bodies: Readonly<Record<string, object>> = {
    emit: { type: 'log', execution: 'job', message: 'from a program' },
    openSession: { code },
    move: { position: 1 },
    signal: { signal: 'SIGCONT' },
  };
  const operations = Object.entries(document.paths).flatMap(([route, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ route, method, operation })),
  );
  for (const { route, method, operation } of operations) {
    const { operationId: id } = operation;
    const isEnd = id === 'stop' || id === 'kill';
    const started = isEnd ? await startRun(web, 'sleep', '60') : run;
    const execution = id === 'move' ? 'waits' : method === 'post' ? started : 'job';
    const target = route.replace('{execution}', execution).replace('{file}', 'style.css');
    const query = id === 'stream' ? '?after=0&once' : id === 'searchLog' ? '?text=o&regex&marks' : '';
    const options = method === 'post' ? { method: 'POST', body: JSON.stringify(bodies[id] ?? {}) } : {};
    const { status, text, json, headers } = await web.ask(target + query, options);
    const response = operation.responses[status];
    t.ok(response && status < 300, `${id}: ${status} ${text.slice(0, 200)}`);
    const type = headers['content-type']?.split(';', 1)[0] ?? '';
    const content = Object.keys(response?.content ?? {});
    t.ok(content.includes(type) || content.includes('*/*'), `${id}: ${type}`);
    if (type !== 'application/json') continue;
    const place = ['paths', route, method, 'responses', String(status), 'content', type, 'schema'];
    t.equal(http.check(`/${place.map(escape).join('/')}`, json), '', `${id}: ${text}`);
  }
  for (const refused of ['/api/v1/executions/none', '/api/v1/executions?limit=x', '/nothing']) {
    const { status, json } = await web.ask(refused);
    t.equal(http.check('/components/schemas/HttpError', json), '', `${refused}: ${status}`);
  }
  const stream = await openStream(t, web.home, '?after=0&once');
  await waitFor('the end of the stream', () => stream.messages.some(({ event }) => event === 'stream_position'));
  const [opening] = stream.messages;
  t.equal(http.check('/components/schemas/StreamOpen', JSON.parse(opening?.data ?? '')), '');
});

/** Escapes a key for a JSON Pointer in a URI. */
function escape(key: string): string {
  return encodeURIComponent(key.replaceAll('~', '~0').replaceAll('/', '~1'));
}
