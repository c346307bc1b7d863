// Latency from the write of one client to the read of another, at a steady rate.
import { figure, median, openClient, quantile, sized, startDaemon, waitFor } from './harness.mjs';

const SECONDS = sized(10, 1);
const PER_SECOND = 1_000;

async function measureLatency() {
  const daemon = await startDaemon();
  const sent = new Map();
  const took = [];
  const reader = await openClient(daemon.socket, ({ events = [] }) => {
    const now = performance.now();
    for (const event of events) if (sent.has(event.n)) took.push(now - sent.get(event.n));
  });
  await reader.request('subscribe', { last: 0 });
  const writer = await openClient(daemon.socket);
  const total = SECONDS * PER_SECOND;
  let n = 0;
  const begun = performance.now();
  await new Promise((resolve) => {
    // timers are coarse: at each tick all events that are due, each in a write of its own
    const timer = setInterval(() => {
      const due = Math.min(total, Math.floor(((performance.now() - begun) / 1000) * PER_SECOND));
      for (; n < due; n++) {
        sent.set(n, performance.now());
        writer.socket.write(
          `{"type":"progress","execution":"pace","source":"pace","n":${n},"data":{"current":${n}}}\n`,
        );
      }
      if (n < total) return;
      clearInterval(timer);
      resolve();
    }, 1);
  });
  await waitFor('all events', () => took.length >= total);
  writer.close();
  reader.close();
  await daemon.stop();
  if (took.length !== total) throw new Error(`sent ${total}, received ${took.length}`);
  return took;
}

export async function main() {
  const took = await measureLatency();
  const name = `write to read at ${PER_SECOND}/s`;
  figure(`${name}, p50`, median(took), 'ms', { better: 'less' });
  figure(`${name}, p99`, quantile(took, 0.99), 'ms', { better: 'less', aim: 2 });
  figure(`${name}, longest`, Math.max(...took), 'ms', { better: 'less' });
}
