// One connection, many events: validated, journalled and folded, counted in the journal afterwards.
import { createReadStream, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { createGunzip } from 'node:zlib';
import { megabytes, openClient, report, startDaemon, thousands, usageOf, waitFor } from './harness.mjs';
import { measureRedis, measureSyslogNg } from './peers.mjs';

const EVENTS = Number(process.env.EVENTS ?? 1_000_000);
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
  if (found.count !== events || found.last !== journal.seq) {
    throw new Error(`sent ${events}, found ${found.count}; last seq ${found.last}, said ${journal.seq}`);
  }
  return { perSecond: events / seconds, cpuSeconds, rss, home: daemon.home };
}

/** Every output event of the journal, and the last seq. */
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
  const { perSecond, cpuSeconds, rss, home } = await measureIngest();
  rmSync(home, { recursive: true, force: true });
  report(
    `progress, ${thousands(EVENTS)} events, all found in the journal`,
    `${thousands(perSecond)}/s`,
    `${cpuSeconds} s of processor, ${megabytes(rss)}`,
  );
  reportPeer('Redis XADD, AOF everysec, 200 in flight', redis, perSecond, 'aim: 2');
  reportPeer('syslog-ng, unix-stream to file', syslogNg, perSecond, 'aim: 4');
}

function reportPeer(name, rate, ours, aim) {
  if (rate === undefined) return report(name, 'not installed');
  report(name, `${thousands(rate)}/s`, `we are at ${(ours / rate).toFixed(2)} of it; ${aim}`);
}
