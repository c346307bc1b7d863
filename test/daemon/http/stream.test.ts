import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { serveStream } from '../../../src/daemon/http/stream.js';
import type { SubscriberSink } from '../../../src/daemon/read/subscriber.js';
import type { OpenedSubscription } from '../../../src/daemon/read/subscription.js';
import type { Home } from '../../helpers/daemon.js';
import { createHome } from '../../helpers/daemon.js';
import type { OpenStream } from '../../helpers/http.js';
import { createEventReader, openStream, writtenSeqs } from '../../helpers/http.js';
import type { Message } from '../../helpers/http.js';
import { waitFor } from '../../helpers/wait.js';

const kinds = ({ messages }: OpenStream) => messages.map(({ event }) => event).filter((event) => event !== undefined);

async function emit(home: Home, count: number, type = 'log', execution = 'x'): Promise<void> {
  const client = await home.connect();
  const events = Array.from({ length: count }, (_, index) => ({ type, execution, message: `m${index}` }));
  await Promise.all(events.map((event) => client.call('emit', { event })));
  await client.close();
}

t.test('a stream begins at the given position, continues live, and its IDs are positions', async (t) => {
  const home = createHome(t);
  await home.startDaemon();
  await emit(home, 20);
  const all = await openStream(t, home, '?after=0');
  t.match(all.headers, {
    'content-type': /^text\/event-stream/,
    'x-accel-buffering': 'no',
    'cache-control': 'no-store',
  });
  await waitFor('the past', () => all.seqs().length === 20);
  t.match(all.messages[0], { event: 'stream_open', data: /"journal":"/ });
  await emit(home, 5);
  await waitFor('what comes', () => all.seqs().length === 25);
  t.strictSame(all.seqs(), await writtenSeqs(home));
  for (const { event, id, data } of all.messages.slice(1))
    t.match(JSON.parse(data ?? ''), { seq: Number(id), type: event }, 'a message is one event, named after its type');

  t.test('Last-Event-ID overrides after', async (t) => {
    const seqs = await writtenSeqs(home);
    const resumed = await openStream(t, home, '?after=0', { 'Last-Event-ID': String(seqs[9]) });
    await waitFor('the rest', () => resumed.seqs().length === 15);
    t.strictSame(resumed.seqs(), seqs.slice(10));
  });

  t.test('messages without names, for onmessage; many events in one message', async (t) => {
    const unnamed = await openStream(t, home, '?after=0&event=message');
    await waitFor('the past', () => unnamed.seqs().length === 25);
    t.strictSame([...new Set(unnamed.messages.map(({ event }) => event))], ['stream_open', undefined]);
    const batches = await openStream(t, home, '?after=0&batches');
    await waitFor('the past', () => batches.seqs().length === 25);
    t.strictSame(batches.seqs(), unnamed.seqs());
    for (const { event, id, data } of batches.messages.slice(1)) {
      t.equal(event, 'events');
      t.equal(Number(id), (JSON.parse(data ?? '') as { seq: number }[]).at(-1)?.seq);
    }
  });

  t.test('last returns the newest events, and once ends the stream after them', async (t) => {
    const newest = await openStream(t, home, '?last=3&once');
    await waitFor('the position', () => kinds(newest).includes('stream_position'));
    t.strictSame(newest.seqs(), (await writtenSeqs(home)).slice(-3));
    t.equal(Number(newest.messages.at(-1)?.id), (await writtenSeqs(home)).at(-1));
  });

  t.test('filters: types, one execution, and details of the named executions only', async (t) => {
    await emit(home, 3, 'progress', 'y');
    await emit(home, 3, 'log', 'y');
    const of = async (query: string, count: number) => {
      const stream = await openStream(t, home, `?after=0&${query}`);
      await waitFor(query, () => stream.seqs().length >= count);
      stream.close();
      return stream.seqs().length;
    };
    t.equal(await of('types=progress', 3), 3);
    t.equal(await of('execution=y', 6), 6);
    t.equal(await of('details=', 3), 3);
    t.equal(await of('details=y', 6), 6);
    t.equal(await of('details=x,y', 31), 31);
  });

  t.test('an execution by name; an unknown one, as the first message reports', async (t) => {
    const client = await home.connect();
    t.teardown(() => client.destroy());
    const start = { type: 'execution_started', execution: 'b1', data: { name: 'build it' } };
    await client.call('emit', { event: start });
    const named = await openStream(t, home, '?execution=build%20it');
    await waitFor('the start', () => named.seqs().length === 1);
    t.match(JSON.parse(named.messages[0]?.data ?? ''), { execution: 'b1' });
    t.notOk('unknown' in (JSON.parse(named.messages[0]?.data ?? '') as object));
    const coming = await openStream(t, home, '?execution=b');
    t.match(JSON.parse(coming.messages[0]?.data ?? ''), { unknown: true }, 'not the one that it is a prefix of');
    await client.call('emit', { event: { ...start, execution: 'b' } });
    await waitFor('it', () => coming.seqs().length === 1);
  });
});

t.test('invalid positions are refused; those of another journal or of the future cause a reset', async (t) => {
  const home = createHome(t);
  await home.startDaemon();
  await emit(home, 5);
  const refused = [
    '?after=-1',
    '?after=NaN',
    '?after=1e400',
    '?rate=0',
    '?level=loud',
    '?since=yesterday',
    '?once=maybe',
    '?batches=maybe',
    '?event=log',
  ];
  for (const query of refused) t.equal((await openStream(t, home, query)).status, 400, query);
  const ids = ['x', '-1', '1.5', '1e400', '9'.repeat(201), '12\t3'];
  for (const id of ids) t.equal((await openStream(t, home, '', { 'Last-Event-ID': id })).status, 400, id);
  t.equal((await openStream(t, home, '', { 'Last-Event-ID': ['1', '2'] })).status, 400, 'two');
  const future = await openStream(t, home, '?after=9007199254740991');
  await waitFor('the reset', () => kinds(future).includes('stream_reset'));
  t.match(future.messages.find(({ event }) => event === 'stream_reset')?.data, '"why":"future"');
  const foreign = await openStream(t, home, '?after=1&journal=other');
  await waitFor('the reset', () => kinds(foreign).includes('stream_reset'));
  await waitFor('everything', () => foreign.seqs().length === 5);
});

t.test('with a killed daemon and cut connections a client receives the journal, nothing twice', async (t) => {
  const home = createHome(t);
  let daemon = await home.startDaemon();
  const seen: number[] = [];
  let position = 0;
  for (let round = 0; round < 12; round++) {
    const stream = await openStream(t, home, '', { 'Last-Event-ID': String(position) });
    const emitting = emit(home, 40).catch(() => undefined);
    await delay(round % 4); // cut somewhere else each time
    if (round === 6) {
      await daemon.kill();
      await emitting;
      daemon = await home.startDaemon();
    }
    stream.close();
    seen.push(...stream.seqs());
    position = Math.max(position, seen.at(-1) ?? 0);
    await emitting;
  }
  const rest = await openStream(t, home, `?after=${position}&once`);
  await waitFor('the end', () => kinds(rest).includes('stream_position'));
  t.strictSame([...seen, ...rest.seqs()], await writtenSeqs(home));
});

t.test('a stream above the bound is refused as retryable', async (t) => {
  const home = createHome(t);
  (await import('node:fs')).writeFileSync(home.paths.config, 'web: { maxStreams: 2 }\n');
  await home.startDaemon();
  const [first] = [await openStream(t, home), await openStream(t, home)];
  const third = await openStream(t, home);
  t.match([third.status, third.headers['retry-after']], [503, '5']);
  first.close();
  await waitFor('the place', async () => (await openStream(t, home, '?once')).status === 200);
});

t.test('a client that pauses reading receives everything afterwards', async (t) => {
  const home = createHome(t);
  await home.startDaemon();
  const { request } = await import('node:http');
  let text = '';
  const response = await new Promise<import('node:http').IncomingMessage>((resolve) => {
    const path = '/stream/progress?after=0';
    const asking = request({ socketPath: home.paths.httpSocket, path, agent: false }, resolve);
    t.teardown(() => asking.destroy());
    asking.end();
  });
  response.pause();
  const client = await home.connect();
  t.teardown(() => client.destroy());
  const message = 'x'.repeat(100_000);
  for (let count = 0; count < 100; count++)
    await client.call('emit', { event: { type: 'log', execution: 'x', n: count, source: 's', message } });
  // it blocks, and other clients are served
  t.equal((await client.call('status', {})).subscribers, 1);
  response
    .setEncoding('utf8')
    .on('data', (chunk: string) => (text += chunk))
    .resume();
  await waitFor('everything', () => (text.match(/"seq":/g)?.length ?? 0) > 100);
  const seqs = [...text.matchAll(/\{"seq":(\d+),"time"/g)].map(([, seq]) => Number(seq));
  t.strictSame(seqs, await writtenSeqs(home));
});

t.test('the buffer of a client that does not read is bounded', async (t) => {
  const response = new ServerResponse(new IncomingMessage(new Socket()));
  const sinks: { sink: SubscriberSink; closed: boolean }[] = [];
  const opened: OpenedSubscription = {
    reply: { after: 0 },
    start(sink) {
      const one = { sink, closed: false };
      sinks.push(one);
      return { cursor: 0, level: async () => undefined, resume: () => undefined, close: () => (one.closed = true) };
    },
  };
  const options = {
    greeting: {},
    form: 'batches' as const,
    once: false,
    heartbeatMs: 60_000,
    onFailure: (error: unknown) => t.error(error),
  };
  const served = serveStream({ response, opened, ...options });
  const { sink } = sinks[0]!;
  t.ok(sink.write('events', '[]', 1));
  t.notOk(sink.blocked);
  t.notOk(sink.write('events', 'x'.repeat(300 * 1024), 2), 'so the cursor waits');
  t.ok(sink.blocked);
  response.emit('close');
  await served;
  t.ok(sinks[0]?.closed);
});

t.test('the rate bounds messages, not events', async (t) => {
  const home = createHome(t);
  await home.startDaemon();
  const stream = await openStream(t, home, '?after=0&batches&rate=1000');
  const began = performance.now();
  for (let round = 0; round < 20; round++) await emit(home, 50);
  await waitFor('all of it', () => stream.seqs().length === 1_000);
  const seconds = (performance.now() - began) / 1_000;
  const batches = kinds(stream).filter((kind) => kind === 'events').length;
  t.ok(batches <= 10 * seconds + 2, `${batches} messages in ${seconds} s`);
});

t.test('a standard parser reads the stream, wherever it is cut', async (t) => {
  const home = createHome(t);
  await home.startDaemon();
  const client = await home.connect();
  await client.call('emit', { event: { type: 'log', message: 'a\r\nb\u2028c\u0000d\nevent: forged\n\ndata: forged' } });
  await client.close();
  const { request } = await import('node:http');
  const text = await new Promise<string>((resolve) => {
    const path = '/stream/progress?after=0&once';
    request({ socketPath: home.paths.httpSocket, path }, (response) => {
      let all = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (all += chunk));
      response.on('end', () => resolve(all));
    }).end();
  });
  t.match(text, /^retry: \d+$/m);
  for (const size of [1, 2, 3, 7, 1_000]) {
    const messages: Message[] = [];
    const read = createEventReader((message) => messages.push(message));
    for (let at = 0; at < text.length; at += size) read(text.slice(at, at + size));
    t.strictSame(
      messages.map(({ event }) => event),
      ['stream_open', 'log', 'stream_position'],
      `pieces of ${size}`,
    );
    t.match(JSON.parse(messages[1]?.data ?? ''), { data: { message: /forged$/ } });
  }
});
