import { rmSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import type { Test } from 'tap';
import t from 'tap';
import type { Client } from '../../../src/client/client.js';
import type { Push } from '../../../src/api/messages.js';
import type { Home } from '../../helpers/daemon.js';
import { createHome } from '../../helpers/daemon.js';
import { waitFor } from '../../helpers/wait.js';

/** A daemon, a client, and the pushes that it received. */
async function open(t: Test): Promise<{ home: Home; client: Client; pushes: Push[]; emit: Emit }> {
  const home = createHome(t);
  await home.startDaemon();
  const pushes: Push[] = [];
  const client = await home.connect({ onPush: (push) => pushes.push(push) });
  t.teardown(() => client.destroy());
  const emit: Emit = async (...events) => {
    const seqs: number[] = [];
    for (const event of events) seqs.push((await client.call('emit', { event })).seq ?? 0);
    return seqs;
  };
  return { home, client, pushes, emit };
}
type Emit = (...events: Record<string, unknown>[]) => Promise<number[]>;

const start = (execution: string, more = {}) => ({ type: 'execution_started', execution, ...more });
const log = (execution: string, message = '') => ({ type: 'log', execution, message });
const ids = ({ executions }: { executions: { id: string }[] }) => executions.map(({ id }) => id);
const seqsOf = (pushes: Push[]) =>
  pushes.flatMap((push) => ('events' in push ? push.events.map(({ seq }) => seq) : []));

t.test('hello, emit, list, get, status', async (t) => {
  const { client, emit } = await open(t);
  const hello = await client.hello();
  t.match(hello, { protocol: 1, version: /^\d+\.\d+\.\d+/, journal: /./, pid: Number, seq: 0 });

  t.test('emit returns the position and the execution of the event', async (t) => {
    const reply = await client.call('emit', { event: { type: 'log', source: 'cron', n: 0 }, synced: true });
    t.match(reply, { seq: Number, execution: 'cron' });
    t.strictSame(await client.call('emit', { event: { type: 'log', source: 'cron', n: 0 } }), {
      seq: null,
      duplicate: true,
    });
    t.ok((await client.call('status', {})).journal.synced >= reply.seq!);
    await t.rejects(client.call('emit', { event: { type: '' } }), { code: 'bad_event' });
    for (const type of ['journal_note', 'alert_triggered'])
      await t.rejects(client.call('emit', { event: { type } }), { code: 'bad_event', message: /daemon’s own/ });
    const global = await client.call('emit', { event: { type: 'queue_changed', name: 'q' } });
    t.notOk('execution' in global);
  });

  t.test('a long text is written in parts, and a resend of it is one duplicate', async (t) => {
    const text = '\u0001'.repeat(43_300);
    const event = { type: 'output', execution: 'long', source: 'long', n: 1, text };
    t.type((await client.call('emit', { event })).seq, 'number');
    t.match(await client.call('emit', { event }), { seq: null });
    await t.rejects(client.call('emit', { event: { ...event, n: 2, text: text + text } }), { code: 'too_long' });
    const { execution } = await client.call('get', { execution: 'long' });
    const before = await client.call('status', {});
    t.ok(execution.lastSeq > execution.firstSeq);
    t.equal(before.counters.duplicates, 2);
  });

  t.test('list pages from the newest on; get accepts a prefix or a name', async (t) => {
    await emit(start('aa-1', { name: 'build' }), start('aa-2', { name: 'build' }), start('bb-1', { name: 'aa' }));
    await emit({ type: 'execution_completed', execution: 'aa-1' });
    const first = await client.call('list', { limit: 2 });
    t.strictSame(ids(first), ['bb-1', 'aa-2']);
    const second = await client.call('list', { limit: 2, before: first.more! });
    t.strictSame(ids(second), ['long', 'cron']);
    t.notOk(second.more);
    t.strictSame(ids(await client.call('list', { all: true, limit: 3 })), ['bb-1', 'aa-2', 'aa-1']);
    t.strictSame(ids(await client.call('list', { limit: 0 })), []);

    const get = async (execution: string) => (await client.call('get', { execution })).execution.id;
    t.equal(await get('aa-1'), 'aa-1');
    t.equal(await get('build'), 'aa-2', 'the newest of that name');
    t.equal(await get('aa'), 'bb-1', 'a name goes before a prefix');
    t.equal(await get('bb'), 'bb-1');
    await t.rejects(get('aa-'), {
      code: 'ambiguous',
      message: '"aa-" is ambiguous (aa-2, aa-1): use more characters of the ID',
    });
    await t.rejects(get('zz'), { code: 'not_found', message: 'no execution "zz"' });
    await t.rejects(client.call('get', { execution: '' }), { code: 'bad_request' });
  });

  t.test('a page with very many steps ends early, and the next one continues', async (t) => {
    for (const execution of ['many-1', 'many-2', 'many-3']) {
      for (let n = 0; n < 9_000; n++) client.send({ type: 'step_planned', execution, step: `${n}` });
    }
    await emit(log('many-3'));
    const first = await client.call('list', {});
    t.strictSame(ids(first).slice(0, 2), ['many-3', 'many-2']);
    t.equal(first.executions.length, 2);
    t.equal(ids(await client.call('list', { before: first.more! }))[0], 'many-1');
  });

  t.test('status has counters', async (t) => {
    const client2 = client;
    client2.send({ type: 'log', n: -1 });
    await t.rejects(client.call('fly' as never, {}), { code: 'unknown_op' });
    const status = await client.call('status', {});
    t.match(status, {
      connections: 1,
      subscribers: 0,
      executions: { ended: 1 },
      journal: { id: hello.journal, segments: Number },
    });
    t.match(status.counters.rejected, { bad_event: 4, unknown_op: 1, not_found: 1, ambiguous: 1, bad_request: 1 });
    t.ok(status.counters.events > 27_000);
  });
});

t.test('the error for a wrong version says what to do', async (t) => {
  const { home } = await open(t);
  const socket = createConnection({ path: home.paths.socket });
  let said = '';
  socket.setEncoding('utf8').on('data', (text: string) => (said += text));
  socket.write('{"op":"hello","id":1,"protocol":2}\n');
  await waitFor('the reply', () => said.endsWith('\n'));
  t.match(JSON.parse(said), {
    re: 1,
    error: { code: 'protocol_mismatch', message: /progress daemon restart/, line: 1 },
  });
  socket.destroy();
});

t.test('subscriptions', async (t) => {
  const { client, pushes, emit, home } = await open(t);
  const history = await emit(start('a'), log('a', '1'), log('b', '2'), log('a', '3'));

  t.test('a subscription to one execution begins with its first event, then continues live', async (t) => {
    pushes.length = 0;
    t.match(await client.call('subscribe', { execution: 'a' }, 'a'), { after: history[0]! - 1, seq: history[3] });
    const [next] = await emit(log('a', '4'));
    await waitFor('all', () => seqsOf(pushes).length === 4);
    t.strictSame(seqsOf(pushes), [history[0], history[1], history[3], next]);
    t.ok(pushes.every(({ on }) => on === 'a'));
    await client.call('unsubscribe', { subscription: 'a' });
    await emit(log('a', '5'));
    t.equal(seqsOf(pushes).length, 4, 'after unsubscribe nothing comes');
    await t.rejects(client.call('unsubscribe', { subscription: 'a' }), { code: 'not_found' });
  });

  t.test('one execution by name; an unknown one is reported, and received once it begins', async (t) => {
    pushes.length = 0;
    await emit(start('named-1', { name: 'nightly' }), start('named-2', { name: 'nightly' }));
    const newest = await client.call('subscribe', { execution: 'nightly' }, 'name');
    t.match(newest, { execution: 'named-2' });
    t.notOk(newest.unknown);
    const coming = await client.call('subscribe', { execution: 'named' }, 'coming');
    t.match(coming, { unknown: true }, 'a prefix is not looked for: it may be the ID of what comes');
    t.notOk(coming.execution);
    const [first, second] = await emit(log('nightly'), start('named'));
    await waitFor('both', () => seqsOf(pushes).length >= 2);
    t.match(pushes.at(-1), { on: 'coming', events: [{ seq: second }] });
    t.notOk(seqsOf(pushes).includes(first!), 'an execution whose ID is the name is another one');
    for (const subscription of ['name', 'coming']) await client.call('unsubscribe', { subscription });
  });

  t.test('another subscribe with the same ID replaces the first', async (t) => {
    pushes.length = 0;
    await client.call('subscribe', { last: 0, types: ['log'] }, 7);
    await client.call('subscribe', { last: 0, types: ['progress'] }, 7);
    await emit(log('a'), { type: 'progress', execution: 'a', current: 1 });
    await waitFor('it', () => pushes.length > 0);
    t.match(pushes, [{ on: 7, events: [{ type: 'progress' }] }]);
    t.equal((await client.call('status', {})).subscribers, 1);
    await client.call('unsubscribe', { subscription: 7 });
  });

  t.test('all conditions of a filter apply', async (t) => {
    pushes.length = 0;
    await client.call('subscribe', { last: 0, level: 'warning', stream: 'stderr', execution: 'a' }, 'f');
    await emit(
      { ...log('a'), level: 'info' },
      { ...log('a'), level: 'error' },
      { ...log('b'), level: 'error' },
      { type: 'output', execution: 'a', stream: 'stdout', text: '' },
      { type: 'output', execution: 'a', stream: 'stderr', text: '' },
    );
    await waitFor('both', () => seqsOf(pushes).length >= 2);
    await client.call('unsubscribe', { subscription: 'f' });
    t.equal(seqsOf(pushes).length, 2, 'and nothing else');
  });

  t.test('more than 64 subscriptions on one connection are refused', async (t) => {
    for (let n = 0; n < 64; n++) await client.call('subscribe', { last: 0 }, `s${n}`);
    await t.rejects(client.call('subscribe', { last: 0 }, 'one more'), { code: 'too_many' });
    await client.call('subscribe', { last: 0 }, 's0');
    for (let n = 0; n < 64; n++) await client.call('unsubscribe', { subscription: `s${n}` });
    t.equal((await client.call('status', {})).subscribers, 0);
  });

  t.test('a client that has closed before its subscription is opened is not subscribed', async (t) => {
    for (let n = 0; n < 20; n++) {
      const socket = createConnection({ path: home.paths.socket });
      await new Promise<void>((resolve) => socket.write('{"op":"subscribe","id":1,"last":100}\n', () => resolve()));
      socket.destroy();
    }
    await waitFor('the connections to close', async () => (await client.call('status', {})).connections === 1);
    t.equal((await client.call('status', {})).subscribers, 0);
  });
});

t.test('an open execution that is only a summary in memory is read from the journal', async (t) => {
  const home = createHome(t);
  writeFileSync(home.paths.config, 'memory: { open: 1 }\n');
  const check = async (when: string) => {
    const client = await home.connect();
    t.match((await client.call('status', {})).executions, { alive: 3 }, when);
    const { executions } = await client.call('list', {});
    t.strictSame(
      executions.map(({ id, summarised = false, steps }) => [id, summarised, steps.map((step) => step.id)]),
      [
        ['three', false, ['done', 'open']],
        ['two', true, ['open']],
        ['one', true, ['open']],
      ],
      when,
    );
    for (const execution of ['one', 'on', 'name of one']) {
      const found = await client.call('get', { execution });
      const steps = [
        { id: 'done', status: 'completed' },
        { id: 'open', status: 'running' },
      ];
      t.match(found.execution, { id: 'one', status: 'running', steps, tail: ['one says this'] }, when);
      t.equal(found.execution.summarised, undefined, when);
      t.equal(found.seq, (await client.call('list', {})).seq, when);
    }
    await client.close();
  };
  let daemon = await home.startDaemon();
  const client = await home.connect();
  for (const execution of ['one', 'two', 'three']) {
    await client.call('emit', { event: start(execution, { name: `name of ${execution}` }) });
    for (const event of [
      { type: 'step_completed', execution, step: 'done' },
      { type: 'step_started', execution, step: 'open' },
      { type: 'output', execution, data: { text: `${execution} says this` } },
    ])
      await client.call('emit', { event });
  }
  await client.close();
  await check('live');
  await daemon.kill('SIGTERM');
  daemon = await home.startDaemon();
  await check('out of a checkpoint');
  await daemon.kill('SIGKILL');
  rmSync(home.paths.checkpoint);
  await home.startDaemon();
  await check('out of the journal');
});

t.test('an ended execution that is only a summary in memory is read from the journal', async (t) => {
  const home = createHome(t);
  writeFileSync(home.paths.config, 'memory: { ended: 1, summaries: 1 }\n');
  await home.startDaemon();
  const client = await home.connect();
  for (const execution of ['one', 'two', 'three']) {
    await client.call('emit', { event: start(execution, { name: `name of ${execution}` }) });
    await client.call('emit', { event: { type: 'step_started', execution, step: 's' } });
    await client.call('emit', { event: { type: 'execution_completed', execution } });
  }
  t.match((await client.call('status', {})).executions, { ended: 1, summarised: 1 });
  t.strictSame(ids(await client.call('list', { all: true })), ['three', 'two']);
  for (const execution of ['one', 'two', 'on', 'three', 'name of two']) {
    const found = await client.call('get', { execution });
    t.match(found.execution, { status: 'completed', steps: [{ id: 's', status: 'cancelled' }] }, execution);
  }
  await t.rejects(client.call('get', { execution: 'name of one' }), { code: 'not_found' });
  await client.close();
});
