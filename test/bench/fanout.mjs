// Many subscribers, all counted, and what they cost the daemon.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { makeEvents } from './ingest.mjs';
import { megabytes, openClient, report, startDaemon, thousands, usageOf } from './harness.mjs';

const SUBSCRIBERS = 100;
const PER_SECOND = 10_000;
const SECONDS = 10;
const TICK_MS = 20;

export async function main() {
  const daemon = await startDaemon();
  const before = usageOf(daemon.pid);
  const readers = spawn(
    process.execPath,
    [fileURLToPath(new URL('fanout-readers.mjs', import.meta.url)), daemon.socket, String(SUBSCRIBERS)],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  );
  const lines = createInterface({ input: readers.stdout })[Symbol.asyncIterator]();
  await lines.next(); // all have subscribed
  const writer = await openClient(daemon.socket);
  const total = PER_SECOND * SECONDS;
  let sent = 0;
  let peak = 0;
  const begun = performance.now();
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
  readers.stdin.end(`${total}\n`);
  const { value } = await lines.next(); // all have everything
  const seconds = (performance.now() - begun) / 1000;
  const { received, behind } = JSON.parse(value);
  if (received !== total * SUBSCRIBERS) throw new Error(`expected ${total * SUBSCRIBERS}, received ${received}`);
  const after = usageOf(daemon.pid);
  writer.close();
  await daemon.stop();
  report(
    `${SUBSCRIBERS} subscribers at ${thousands(PER_SECOND)}/s, delivered`,
    `${thousands(received / seconds)}/s`,
    `every event at every one of them; the last came ${behind} ms after it was sent`,
  );
  report(
    'memory before, during, after',
    megabytes(peak),
    `${megabytes(before.rss)}, ${megabytes(peak)}, ${megabytes(after.rss)}`,
  );
  report(
    'processor of the daemon',
    `${Math.round(((after.cpuSeconds - before.cpuSeconds) / seconds) * 100)} %`,
    'of one core',
  );
}
