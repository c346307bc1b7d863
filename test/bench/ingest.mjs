// Ingest: one connection, many events, validated, journalled and folded; counted in the journal afterwards.
import { createReadStream, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { createGunzip } from 'node:zlib';
import { figure, mebibytes, missing, openClient, sized, startDaemon, thousands, usageOf, waitFor } from './harness.mjs';
import { measureRedis, measureSyslogNg } from './peers.mjs';

const EVENTS = sized(1_000_000, 20_000);
const BYTES = 150;

/** Lines of about BYTES bytes with (source, n), a run that writes output. */
export function makeEvents(count, from = 0, execution = 'bench') {
  const lines = [];
  for (let n = from; n < from + count; n++) {
    const head = `{"type":"output","execution":"${execution}","source":"${execution}","n":${n},"data":{"stream":"stdout","line":${n},"text":"`;
    lines.push(`${head}${'x'.repeat(Math.max(1, BYTES - head.length - 4))}"}}\n`);
  }
  return lines.join('');
}

/** @throws {Error} If the journal does not hold every event once. */
export async function measureIngest(events = EVENTS, config = '') {
  const daemon = await startDaemon({ config });
  let acked = -1;
  const client = await openClient(daemon.socket, ({ ack }) => (acked = ack?.n ?? acked));
  await client.request('hello', { ack: true });
  const chunks = [];
  for (let at = 0; at < events; at += 10_000) chunks.push(makeEvents(Math.min(10_000, events - at), at));
  const begun = performance.now();
  for (const chunk of chunks) {
    if (!client.socket.write(chunk)) await new Promise((resolve) => client.socket.once('drain', resolve));
  }
  await waitFor('the last acknowledgement', () => acked === events - 1, 1);
  const seconds = (performance.now() - begun) / 1000;
  const { cpuSeconds, rss } = usageOf(daemon.pid);
  const { journal } = await client.request('status');
  client.close();
  await daemon.stop({ keep: true });
  const found = await countJournal(daemon.journal);
  rmSync(daemon.home, { recursive: true, force: true });
  if (found.count !== events || found.last !== journal.seq) {
    throw new Error(`sent ${events}, found ${found.count}; last seq ${found.last}, reported ${journal.seq}`);
  }
  return { perSecond: events / seconds, cpuSeconds, rss };
}

/** Counts the output events of a journal and finds its last seq. */
async function countJournal(directory) {
  let count = 0;
  let last = 0;
  const names = readdirSync(directory)
    .filter((name) => /^\d+\.jsonl(\.gz)?$/.test(name))
    .sort();
  for (const name of names) {
    const file = createReadStream(path.join(directory, name));
    let rest = '';
    for await (const chunk of name.endsWith('.gz') ? file.pipe(createGunzip()) : file) {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop();
      for (const line of lines) {
        const seq = Number(/^\{"seq":(\d+)/.exec(line)[1]);
        if (seq <= last) throw new Error(`seq ${seq} after ${last}`);
        last = seq;
        if (line.includes('"type":"output"')) count++;
      }
    }
  }
  return { count, last };
}

export async function main() {
  const redis = await measureRedis(EVENTS);
  const syslogNg = await measureSyslogNg(EVENTS);
  const { perSecond, cpuSeconds, rss } = await measureIngest();
  figure(`${thousands(EVENTS)} events, all found in the journal`, perSecond, '/s', { better: 'more' });
  figure('processor time of the daemon', cpuSeconds, 's', { better: 'less' });
  figure('memory of the daemon', mebibytes(rss), 'MiB', { better: 'less' });
  comparePeer('Redis', redis, perSecond, 2, 'XADD, AOF every second, 200 in flight');
  comparePeer('syslog-ng', syslogNg, perSecond, 4, 'unix-stream to a file');
}

function comparePeer(name, { rate, reason }, own, aim, note) {
  if (rate === undefined) return missing(name, reason);
  figure(name, rate, '/s', { note });
  figure(`relative to ${name}`, own / rate, 'x', { better: 'more', aim });
}
