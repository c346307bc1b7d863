/** Subscribers receive exactly the journal, whatever happens to the connection. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import type { Test } from 'tap';
import { follow } from '../../src/client/follow.js';
import type { Home } from '../helpers/daemon.js';
import { createHome } from '../helpers/daemon.js';
import { waitFor } from '../helpers/wait.js';
import { configure, SMALL_SEGMENTS } from './helpers/config.js';
import { checkJournal } from './helpers/journal-check.js';
import type { Line, LineClient } from './helpers/line-client.js';
import { openLines } from './helpers/line-client.js';
import { shortOrLong } from '../helpers/long.js';
import { collectOutput } from '../helpers/output.js';
import { residentBytes } from './helpers/process.js';
import { startResender } from './helpers/resender.js';

const CUTS = shortOrLong(24, 500);
const KILLS = shortOrLong(2, 40);
const MIB = 1024 * 1024;

function seqsOf({ events = [] }: Line): number[] {
  return events.map(({ seq }) => seq);
}

async function emitMany(
  client: LineClient,
  count: number,
  fields: Record<string, unknown>,
  padding = '',
): Promise<void> {
  for (let done = 0; done < count; done += 500) {
    let text = '';
    for (let i = done; i < Math.min(done + 500, count); i++) {
      text += `${JSON.stringify({ ...fields, data: { message: `${i}`, padding } })}\n`;
    }
    await client.write(text);
  }
}

/** When it is answered, all earlier messages of this connection are written. */
async function written(client: LineClient): Promise<number> {
  return Number((await client.ask({ op: 'emit', event: { type: 'log', data: { message: 'last' } } }))['seq']);
}

/** Takes part of the stream, drops the connection at a random point, and resumes at its position. */
async function takeInPieces(
  t: Test,
  home: Home,
  isOver: (last: number) => boolean,
): Promise<{ seqs: number[]; cuts: number }> {
  const seqs: number[] = [];
  let journal: string | undefined;
  let cuts = 0;
  for (; !isOver(seqs.at(-1) ?? 0); cuts++) {
    const client = await openLines(t, home.paths.socket, (line) => seqs.push(...seqsOf(line))).catch(() => undefined);
    if (!client) {
      await delay(20);
      continue;
    }
    const hello = await client.ask({ op: 'hello' }).catch(() => undefined);
    if (hello) {
      journal ??= String(hello['journal']);
      await client.write(`${JSON.stringify({ op: 'subscribe', id: 's', after: seqs.at(-1) ?? 0, journal })}\n`);
      await delay(Math.random() * 60);
    }
    client.close();
    await client.closed;
    const other = client.lines.find((line) => 'gap' in line || 'reset' in line);
    if (other) t.fail(`a subscriber received ${JSON.stringify(other)}`);
  }
  return { seqs, cuts };
}

t.test('a stream received in pieces, across rotation and compression and killed daemons, is the journal', async (t) => {
  const home = createHome(t);
  configure(home, SMALL_SEGMENTS);
  let daemon = await home.startDaemon();
  const resender = startResender({
    socket: home.paths.socket,
    source: 'load',
    burst: shortOrLong(10, 40),
    pauseMs: 10,
  });
  let end = Infinity;
  const isOver = (last: number) => last >= end;
  const abort = new AbortController();
  const followed: number[] = [];
  let cut = 0;
  const following = (async () => {
    const options = { paths: home.paths, start: false, subscribe: { after: 0 }, signal: abort.signal };
    for await (const item of follow(options)) {
      if (item.kind === 'connected' && cut++ < CUTS) setTimeout(() => item.client.destroy(), Math.random() * 80);
      if (item.kind === 'events') followed.push(...item.events.map(({ seq }) => seq));
      if (item.kind === 'gap' || item.kind === 'reset') t.fail(`follow reported a ${item.kind}`);
    }
  })();
  let pieces = 0;
  const raw = [0, 1].map(() => takeInPieces(t, home, (last) => isOver(last) || (pieces++, false)));

  for (let kill = 0; kill < KILLS; kill++) {
    const before = pieces;
    await waitFor('cuts', () => pieces > before + CUTS / (KILLS + 1), 120_000);
    await daemon.kill();
    daemon = await home.startDaemon();
  }
  await waitFor('cuts', () => pieces > CUTS && cut > CUTS / 6, 120_000);
  await resender.finish();
  const client = await openLines(t, home.paths.socket);
  end = await written(client);
  const results = await Promise.all(raw);
  await waitFor('the follower to catch up', () => isOver(followed.at(-1) ?? 0));
  abort.abort();
  await following;
  await daemon.kill('SIGTERM');

  const seqs = checkJournal(t, home.paths.journal)
    .map(({ seq }) => seq)
    .filter((seq) => seq <= end);
  for (const result of results) t.strictSame(result.seqs, seqs, `the union of ${result.cuts} pieces is the journal`);
  t.strictSame(followed, seqs, `what follow saw over ${cut} connections is the journal`);
});

t.test('with a daemon under load', async (t) => {
  const home = createHome(t);
  configure(home, SMALL_SEGMENTS);
  await home.startDaemon();
  const { socket } = home.paths;
  const first = await openLines(t, socket);
  await emitMany(first, 2_000, { type: 'log', execution: 'old' });
  const before = await written(first);
  const { journal } = await first.ask({ op: 'hello' });

  t.test('a subscription starts at the given position', async (t) => {
    const client = await openLines(t, socket);
    /** Events up to one that is written once the subscription is open; a filter has to pass that one. */
    const take = async (opening: Record<string, unknown>, event: object = { type: 'log' }): Promise<Line[]> => {
      const { re } = await client.ask({ op: 'subscribe', ...opening });
      const mine = () => client.lines.filter(({ on }) => on === re);
      const { seq } = await first.ask({ op: 'emit', event });
      await waitFor('the event written last', () => mine().flatMap(seqsOf).includes(Number(seq)));
      await client.ask({ op: 'unsubscribe', subscription: re });
      return mine();
    };
    const all = await take({ after: 0 });
    const stored = all.flatMap(({ events = [] }) => events);
    t.equal((await take({ last: 7 })).flatMap(seqsOf).length, 8, 'the last 7 and what comes');
    t.equal((await take({})).flatMap(seqsOf).length, 101, 'without a wish, the last 100 and what comes');
    const old = (await take({ execution: 'old' }, { type: 'log', execution: 'old' })).flatMap(
      ({ events = [] }) => events,
    );
    t.equal(old.length, 2_001, 'all of one execution');
    t.ok(old.every(({ execution }) => execution === 'old'));
    const since = (await take({ since: new Date(Date.now() - 3_600_000).toISOString() })).flatMap(seqsOf);
    t.ok(since.length >= stored.length, 'everything since an hour ago');
    const future = (await take({ since: new Date(Date.now() + 3_600_000).toISOString() })).flatMap(seqsOf);
    t.equal(future.length, 1, 'of the future nothing but what comes');
    const reset = await take({ after: before, journal: 'another' });
    t.match(reset[0], { reset: { why: 'foreign', from: 0 } });
    t.ok(reset.flatMap(seqsOf).length > stored.length, 'a foreign position begins at the beginning, and says so');
    const ahead = await take({ after: 2 ** 52, journal });
    t.match(ahead[0], { reset: { why: 'future' } });
    t.equal(ahead.flatMap(seqsOf).length, 1, 'a future position goes on at the end, and says so');
  });

  t.test('a subscriber whose filter passes nothing receives its position, and can resume there', async (t) => {
    const client = await openLines(t, socket);
    await client.write(`${JSON.stringify({ op: 'subscribe', id: 'f', after: before, types: ['rare'] })}\n`);
    const other = await openLines(t, socket);
    const position = await waitFor('a position', async () => {
      await other.write('{"type":"log","data":{}}\n');
      return client.lines.find((line) => typeof line['position'] === 'number');
    });
    const at = Number(position['position']);
    t.ok(at > before);
    client.close();
    await emitMany(other, 1, { type: 'rare' });
    const again = await openLines(t, socket);
    await again.write(`${JSON.stringify({ op: 'subscribe', id: 'f', after: at, journal, types: ['rare'] })}\n`);
    const rare = await waitFor('the rare one', () => again.lines.find(({ events }) => events));
    t.match(rare.events, [{ type: 'rare' }]);
  });

  t.test('a subscriber with a rate receives everything in few messages', async (t) => {
    const client = await openLines(t, socket);
    const from = await written(first);
    await client.ask({ op: 'subscribe', after: from, rate: 5 });
    const start = Date.now();
    for (let i = 0; i < 20; i++) {
      await emitMany(first, 500, { type: 'log' });
      await delay(50);
    }
    const end = await written(first);
    await waitFor('all of it', () => client.lines.flatMap(seqsOf).includes(end));
    const messages = client.lines.filter(({ events }) => events);
    t.equal(messages.flatMap(seqsOf).length, end - from);
    const most = ((Date.now() - start) / 1_000) * 5 + 2;
    t.ok(messages.length <= most, `${messages.length} messages, at most ${most.toFixed(0)}`);
  });

  t.test('a subscription that starts between history and present has no gap and no repetition', async (t) => {
    const resender = startResender({ socket, source: 'border', burst: 60, pauseMs: 1 });
    let wrong = 0;
    const rounds = shortOrLong(20, 1_000);
    for (let round = 0; round < rounds; round++) {
      const seqs: number[] = [];
      const client = await openLines(t, socket, (line) => seqs.push(...seqsOf(line)));
      const { seq: head } = await client.ask({ op: 'hello' });
      const opening = [{ after: head }, { last: 3 }, { after: Number(head) - 2_000 }, {}][round % 4]!;
      const { after } = await client.ask({ op: 'subscribe', ...opening });
      await waitFor('events from both sides of the border', () => (seqs.at(-1) ?? 0) > Number(head) + 100);
      // nothing was killed, so each seq is the next one
      if (seqs.some((seq, index) => seq !== Number(after) + 1 + index)) wrong++;
      client.close();
    }
    t.equal(wrong, 0, `of ${rounds} subscriptions`);
    await resender.finish();
  });

  t.test('closed subscriptions are forgotten', async (t) => {
    const clients = await Promise.all(Array.from({ length: 20 }, () => openLines(t, socket)));
    for (const client of clients) {
      await client.write(`${JSON.stringify({ op: 'subscribe', id: 1, last: 5_000 })}\n`);
      client.close(); // some before it is open
    }
    await waitFor('no subscriber', async () => (await first.ask({ op: 'status' }))['subscribers'] === 0);
  });
});

t.test('a stopped subscriber costs no memory, delays no others, and receives everything afterwards', async (t) => {
  if (!existsSync('/proc/self/status')) return t.pass('memory is read from /proc', { skip: true });
  const home = createHome(t);
  const daemon = await home.startDaemon();
  const { socket } = home.paths;
  const client = await openLines(t, socket);
  const after = await written(client);
  // more than the memory that it may take, in few events or in many
  const [before, count] = [shortOrLong(4_000, 20_000), shortOrLong(40_000, 2_000_000)];
  const padding = 'x'.repeat(shortOrLong(2_000, 200));
  const program = fileURLToPath(new URL('helpers/counting-subscriber.mjs', import.meta.url));
  const child = spawn(process.execPath, [program, socket, `${after}`, 'end'], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => child.kill('SIGKILL'));
  const output = collectOutput(child);
  await emitMany(client, 1, { type: 'log' });
  await waitFor('the subscriber to get the first event', () => output.stdout.startsWith('first'));
  child.kill('SIGSTOP');

  const other = await openLines(t, socket);
  let seen = 0;
  other.socket.removeAllListeners('data');
  let rest = '';
  other.socket.setEncoding('latin1').on('data', (chunk: string) => {
    seen = Math.max(seen, ...[...(rest + chunk).matchAll(/"seq":(\d+),/g)].map(([, seq]) => Number(seq)));
    rest = chunk.slice(-40);
  });
  await other.write(`${JSON.stringify({ op: 'subscribe', id: 1, after })}\n`);
  await emitMany(client, before, { type: 'log' }, padding);
  const early = await written(client);
  await waitFor('the other subscriber to have it', () => seen >= early);
  const memory = residentBytes(daemon.pid);
  const start = Date.now();
  await emitMany(client, count, { type: 'log' }, padding);
  const end = await written(client);
  const wroteMs = Date.now() - start;
  await waitFor('the other subscriber to have it', () => seen >= end);
  const seenMs = Date.now() - start;
  t.ok(seenMs < wroteMs * 1.3 + 2_000, `the other one is level ${seenMs - wroteMs} ms after the last write`);
  const grown = residentBytes(daemon.pid) - memory;
  t.ok(grown < 64 * MIB, `memory grew by ${(grown / MIB).toFixed(1)} MiB while ${count} events passed`);

  child.kill('SIGCONT');
  await emitMany(client, 1, { type: 'log' });
  await client.write('{"type":"log","data":{"message":"end"}}\n');
  await waitFor('the stopped one to be through', () => child.exitCode !== null, 120_000);
  t.strictSame(
    JSON.parse(output.stdout.split('\n')[1]!),
    { count: count + before + 5, disorder: 0 },
    'it gets every event once',
  );
});
