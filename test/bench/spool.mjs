// Latency from a line that a shell appends to the spool to a subscriber: one shell, then many at once.
import { spawn } from 'node:child_process';
import path from 'node:path';
import { figure, median, openClient, quantile, sized, startDaemon, waitFor } from './harness.mjs';

/** Each event holds the time of its writing; a read that times out waits without a fork. */
const WRITER = `
LC_ALL=C file=$1 lines=$2 pause=$3
exec 9<> <(:)
for ((i = 0; i < lines; i++)); do
  read -r -t "$pause" -u 9
  printf '{"type":"log","execution":"x","data":{"sent":%s}}\\n' "$EPOCHREALTIME" >> "$file"
done`;

/** Milliseconds from each write to its delivery; every line must be delivered once. */
async function measure(shells, lines, pause) {
  const daemon = await startDaemon();
  const took = [];
  const reader = await openClient(daemon.socket, ({ events = [] }) => {
    const now = performance.timeOrigin + performance.now();
    for (const { type, data } of events) if (type === 'log') took.push(now - data.sent * 1_000);
  });
  await reader.request('subscribe', { last: 0 });
  const begun = performance.now();
  for (let i = 0; i < shells; i++) {
    const file = path.join(daemon.home, 'state/spool', `bash-${i + 1}-bench.ndjson`);
    spawn('bash', ['-c', WRITER, 'bash', file, lines, pause], { stdio: ['ignore', 'ignore', 'inherit'] });
  }
  await waitFor('every line', () => took.length >= shells * lines, 20);
  const seconds = (performance.now() - begun) / 1_000;
  reader.close();
  await daemon.stop();
  if (took.length !== shells * lines) throw new Error(`${shells * lines} lines written, ${took.length} delivered`);
  return { p50: median(took), p99: quantile(took, 0.99), perSecond: took.length / seconds };
}

export async function main() {
  const one = await measure(1, sized(1_000, 50), '0.01');
  figure('one shell, an event at a time, p50', one.p50, 'ms', { better: 'less' });
  figure('one shell, an event at a time, p99', one.p99, 'ms', { better: 'less', aim: 10 });
  const shells = sized(50, 10);
  const many = await measure(shells, sized(200, 20), '0.045');
  figure(`${shells} shells at once`, many.perSecond, '/s', { better: 'more' });
  figure(`${shells} shells at once, p50`, many.p50, 'ms', { better: 'less' });
  figure(`${shells} shells at once, p99`, many.p99, 'ms', { better: 'less' });
}
