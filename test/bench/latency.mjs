// From the write of one client to the read of another, at a steady pace.
import { median, openClient, quantile, report, startDaemon } from './harness.mjs';

const SECONDS = 10;
const PER_SECOND = 1_000;

export async function measureLatency() {
  const daemon = await startDaemon();
  const sent = new Map();
  const took = [];
  const reader = await openClient(daemon.socket, ({ events = [] }) => {
    const now = performance.now();
    for (const event of events) if (sent.has(event.n)) took.push(now - sent.get(event.n));
  });
  await reader.request('subscribe', { last: 0 });
  const writer = await openClient(daemon.socket);
  let n = 0;
  const begun = performance.now();
  await new Promise((resolve) => {
    // timers are coarse: at each tick whatever is due by now, each event in a write of its own
    const timer = setInterval(() => {
      const due = Math.min(SECONDS * PER_SECOND, Math.floor(((performance.now() - begun) / 1000) * PER_SECOND));
      for (; n < due; n++) {
        sent.set(n, performance.now());
        writer.socket.write(
          `{"type":"progress","execution":"pace","source":"pace","n":${n},"data":{"current":${n}}}\n`,
        );
      }
      if (n < SECONDS * PER_SECOND) return;
      clearInterval(timer);
      setTimeout(resolve, 500);
    }, 1);
  });
  writer.close();
  reader.close();
  await daemon.stop();
  if (took.length !== n) throw new Error(`sent ${n}, received ${took.length}`);
  return { p50: median(took), p99: quantile(took, 0.99), max: Math.max(...took) };
}

export async function main() {
  const { p50, p99, max } = await measureLatency();
  report(`write to read, ${PER_SECOND}/s, p50`, `${p50.toFixed(2)} ms`);
  report('p99', `${p99.toFixed(2)} ms`, `aim: under 2 ms; longest ${max.toFixed(1)} ms`);
}
