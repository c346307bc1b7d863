import t from 'tap';
import { createProducer } from '../../src/client/producer.js';
import { encodeLine } from '../../src/protocol/lines.js';
import type { Line } from '../helpers/fake-daemon.js';
import { createPaths, HELLO, listenAs } from '../helpers/fake-daemon.js';
import { createHome } from '../helpers/daemon.js';
import { waitFor } from '../helpers/wait.js';

const MEGABYTE = 1024 * 1024;
const output = (bytes: number) => ({ type: 'output', execution: 'x', data: { text: 'a'.repeat(bytes) } });

/** Acknowledges everything at once. */
function acknowledge(line: Line): object | undefined {
  if (line['op'] === 'hello') return HELLO;
  return { ack: { source: line['source'], n: line['n'], seq: 1 } };
}

const greet = (line: Line) => (line['op'] === 'hello' ? HELLO : undefined);
const counts = (lines: Line[]) => lines.filter(({ op }) => op === undefined).map(({ n }) => n);

t.test('events are counted from 0, stamped when they were emitted, and acknowledged', async (t) => {
  const daemon = await listenAs(t, createPaths(t), acknowledge);
  const producer = createProducer({ paths: daemon.paths, source: 'me' });
  producer.emit({ type: 'log', data: { message: 'one' } });
  producer.emit({ type: 'log', data: { message: 'two' }, time: '2026-01-01T00:00:00.000Z' });
  t.equal(await producer.flush(5_000), 0);
  const events = daemon.lines.filter(({ op }) => op === undefined);
  t.match(events, [
    { source: 'me', n: 0, time: /^\d{4}-.*Z$/, data: { message: 'one' } },
    { source: 'me', n: 1, time: '2026-01-01T00:00:00.000Z' },
  ]);
  t.notOk('bytes' in events[0]!, 'what it needs for itself stays here');
  await producer.close();
});

t.test('what was not acknowledged is sent again over the next connection, in order, and nothing else', async (t) => {
  let acks = true;
  const answer = (line: Line) => (acks || line['op'] !== undefined ? acknowledge(line) : undefined);
  const daemon = await listenAs(t, createPaths(t), answer);
  const producer = createProducer({ paths: daemon.paths, source: 'me' });
  producer.emit({ type: 'log', data: {} });
  t.equal(await producer.flush(5_000), 0);
  acks = false;
  for (let more = 0; more < 3; more++) producer.emit({ type: 'log', data: {} });
  await waitFor('the events', () => counts(daemon.lines).length === 4);
  acks = true;
  for (const socket of daemon.sockets) socket.destroy();
  t.equal(await producer.flush(10_000), 0);
  t.strictSame(counts(daemon.lines), [0, 1, 2, 3, 1, 2, 3]);
  await producer.close();
});

t.test('events of a time without a daemon are kept, and written each once when there is one', async (t) => {
  const home = createHome(t);
  const producer = createProducer({ paths: home.paths, source: 'early' });
  for (let n = 0; n < 100; n++) producer.emit({ type: 'log', execution: 'x', data: { message: `${n}` } });
  const daemon = await home.startDaemon();
  t.equal(await producer.flush(10_000), 0);
  await daemon.kill();
  producer.emit({ type: 'execution_completed', execution: 'x', data: {} });
  await home.startDaemon();
  t.equal(await producer.flush(10_000), 0);
  await producer.close();
  const messages = home.progress(['logs', 'x', '--json']).stdout.trim().split('\n');
  t.strictSame(
    messages.map((line) => (JSON.parse(line) as { data: { message: string } }).data.message),
    Array.from({ length: 100 }, (_, n) => `${n}`),
  );
});

t.test('it is full at 8 MiB that the daemon has not acknowledged, and says when there is room', async (t) => {
  const daemon = await listenAs(t, createPaths(t), greet);
  let rooms = 0;
  const producer = createProducer({ paths: daemon.paths, source: 'me', onRoom: () => rooms++ });
  await waitFor('the greeting', () => daemon.lines.length === 1);
  await waitFor('the connection', () => {
    producer.emit(output(MEGABYTE / 8));
    return producer.full;
  });
  t.equal(rooms, 0);
  const [socket] = daemon.sockets;
  socket!.write(encodeLine({ ack: { source: 'somebody else', n: 1_000_000, seq: 1 } }));
  socket!.write(encodeLine({ ack: { source: 'me', n: 1_000_000, seq: 1 } }));
  await waitFor('room', () => rooms === 1);
  t.notOk(producer.full);
  await producer.close();
});

t.test('whoever waits for room goes on when the connection is lost', async (t) => {
  const daemon = await listenAs(t, createPaths(t), greet);
  let rooms = 0;
  const producer = createProducer({ paths: daemon.paths, source: 'me', onRoom: () => rooms++ });
  await waitFor('a full producer', () => {
    producer.emit(output(MEGABYTE / 8));
    return producer.full;
  });
  await daemon.close();
  await waitFor('room', () => rooms === 1);
  t.notOk(producer.full);
  await producer.close();
});

t.test('a daemon that refuses for now is not waited for, and gets everything in the end', async (t) => {
  let refuses = true;
  const daemon = await listenAs(t, createPaths(t), (line) => {
    if (line['op'] === undefined && refuses) return { error: { code: 'disk_full', message: 'full', retryable: true } };
    return acknowledge(line);
  });
  let rooms = 0;
  const producer = createProducer({ paths: daemon.paths, source: 'me', onRoom: () => rooms++ });
  producer.emit({ type: 'log', data: {} });
  await waitFor('the refusal', () => rooms === 1);
  for (let n = 0; n < 16; n++) producer.emit(output(MEGABYTE / 8));
  t.notOk(producer.full, 'what is refused fills nothing');
  refuses = false;
  t.equal(await producer.flush(10_000), 0);
  t.strictSame(
    counts(daemon.lines).slice(-17),
    Array.from({ length: 17 }, (_, n) => n),
  );
  await producer.close();
});

t.test('a daemon that hangs is not waited for longer than a few seconds', async (t) => {
  const daemon = await listenAs(t, createPaths(t), greet);
  let rooms = 0;
  const producer = createProducer({ paths: daemon.paths, source: 'me', onRoom: () => rooms++ });
  await waitFor('a full producer', () => {
    producer.emit(output(MEGABYTE / 8));
    return producer.full;
  });
  await waitFor('room', () => rooms === 1, 10_000);
  t.notOk(producer.full);
  await producer.close();
});

t.test('a bad event is not sent again', async (t) => {
  const daemon = await listenAs(t, createPaths(t), (line) => {
    if (line['op'] === 'hello') return HELLO;
    return line['n'] === 0 ? { error: { code: 'bad_event', message: 'wrong' } } : acknowledge(line);
  });
  const producer = createProducer({ paths: daemon.paths, source: 'me' });
  producer.emit({ type: 'log', data: {} });
  producer.emit({ type: 'log', data: {} });
  t.equal(await producer.flush(5_000), 0);
  t.strictSame(counts(daemon.lines), [0, 1]);
  await producer.close();
});

t.test('without a daemon the oldest output goes beyond 64 MiB, is counted, and said in the journal', async (t) => {
  const paths = createPaths(t);
  const producer = createProducer({ paths, source: 'me' });
  producer.emit({ type: 'execution_started', execution: 'x', data: {} });
  for (let n = 0; n < 80; n++) producer.emit(output(MEGABYTE));
  const daemon = await listenAs(t, paths, acknowledge);
  const unwritten = await producer.flush(20_000);
  t.ok(unwritten >= 16 && unwritten <= 60, `${unwritten} of 80 did not fit`);
  const events = daemon.lines.filter(({ op }) => op === undefined);
  t.equal(events[0]?.['type'], 'execution_started', 'only output is dropped');
  t.equal(events.filter(({ type }) => type === 'output').length, 80 - unwritten);
  t.match(events.at(-1), {
    type: 'log',
    execution: 'x',
    data: { level: 'warning', message: `${unwritten} events of` },
  });
  await producer.close();
});

t.test('flush tells how much is not written when the time is over', async (t) => {
  const daemon = await listenAs(t, createPaths(t), greet);
  const producer = createProducer({ paths: daemon.paths, source: 'me' });
  producer.emit({ type: 'log', data: {} });
  producer.emit({ type: 'log', data: {} });
  t.equal(await producer.flush(50), 2);
  await producer.close();
});
