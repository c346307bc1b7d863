// Fan-out: many subscribers, whose events are all counted, and what they cost the daemon.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { makeEvents } from './ingest.mjs';
import { figure, mebibytes, openClient, sized, startDaemon, thousands, usageOf } from './harness.mjs';

const SUBSCRIBERS = sized(100, 20);
const PER_SECOND = sized(10_000, 2_000);
const SECONDS = sized(10, 1);
const TICK_MS = 20;

export async function main() {
  const daemon = await startDaemon();
  const before = usageOf(daemon.pid);
  const program = fileURLToPath(new URL('fanout-readers.mjs', import.meta.url));
  const readers = spawn(process.execPath, [program, daemon.socket, String(SUBSCRIBERS)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: readers.stdout })[Symbol.asyncIterator]();
  await lines.next(); // all have subscribed
  const total = PER_SECOND * SECONDS;
  const begun = performance.now();
  const peak = await writeSteadily(daemon, total, begun);
  readers.stdin.end(`${total}\n`);
  const { value } = await lines.next(); // all have everything
  if (value === undefined) throw new Error('the subscribers ended before they had all events');
  const seconds = (performance.now() - begun) / 1000;
  const { received, behind } = JSON.parse(value);
  if (received !== total * SUBSCRIBERS) throw new Error(`expected ${total * SUBSCRIBERS}, received ${received}`);
  const after = usageOf(daemon.pid);
  await daemon.stop();
  const name = `${SUBSCRIBERS} subscribers at ${thousands(PER_SECOND)}/s`;
  figure(`${name}, delivered`, received / seconds, '/s', { better: 'more', note: 'each got every event' });
  figure(`${name}, last event after`, behind, 'ms', { better: 'less' });
  figure('memory before', mebibytes(before.rss), 'MiB', { better: 'less' });
  figure('memory, peak', mebibytes(peak), 'MiB', { better: 'less' });
  figure('memory after', mebibytes(after.rss), 'MiB', { better: 'less' });
  figure('processor, of one core', ((after.cpuSeconds - before.cpuSeconds) / seconds) * 100, '%', { better: 'less' });
}

/** Writes at the rate, slower where the socket is full; returns the highest memory of the daemon meanwhile. */
async function writeSteadily(daemon, total, begun) {
  const writer = await openClient(daemon.socket);
  let sent = 0;
  let peak = 0;
  await new Promise((resolve) => {
    const timer = setInterval(() => {
      const due = Math.min(total, Math.floor(((performance.now() - begun) / 1000) * PER_SECOND));
      if (due > sent && !writer.socket.writableNeedDrain) {
        writer.socket.write(makeEvents(due - sent, sent));
        sent = due;
      }
      peak = Math.max(peak, usageOf(daemon.pid).rss);
      if (sent < total) return;
      clearInterval(timer);
      resolve();
    }, TICK_MS);
  });
  // what is written already arrives; an open connection would cost memory
  writer.socket.end();
  return peak;
}
