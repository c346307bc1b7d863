// What all benchmarks share: a private daemon of the built program, raw sockets, figures.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const DEADLINE_MS = 60_000;

/** A daemon with a home of its own; `stop` removes everything. */
export async function startDaemon({ home = mkdtempSync(path.join(tmpdir(), 'progress-bench-')), config = '' } = {}) {
  if (config) writeFileSync(path.join(home, 'config.yaml'), config);
  const env = { ...process.env, PROGRESS_HOME: home };
  delete env.XDG_RUNTIME_DIR;
  const socket = path.join(home, 'state/run/daemon.sock');
  const begun = performance.now();
  const flags = (process.env.BENCH_NODE_FLAGS ?? '').split(' ').filter(Boolean);
  const child = spawn(process.execPath, [...flags, path.join(ROOT, 'dist/daemon.js')], {
    env,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const client = await waitFor('the daemon', () => openClient(socket).catch(() => undefined), 1);
  const startMs = performance.now() - begun;
  client.close();
  return {
    home,
    env,
    socket,
    startMs,
    pid: child.pid,
    journal: path.join(home, 'state/journal'),
    async stop({ keep = false } = {}) {
      child.kill('SIGTERM');
      await new Promise((resolve) => child.once('exit', resolve));
      if (!keep) rmSync(home, { recursive: true, force: true });
    },
  };
}

/** NDJSON over the socket: requests with replies, and everything else to `onLine`. */
export async function openClient(socketPath, onLine = () => {}) {
  const socket = connect(socketPath);
  await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  const waiting = new Map();
  let ids = 0;
  createInterface({ input: socket }).on('line', (line) => {
    const value = JSON.parse(line);
    if (value.re === undefined) return onLine(value);
    waiting.get(value.re)?.(value);
    waiting.delete(value.re);
  });
  return {
    socket,
    request(op, fields = {}) {
      const id = ++ids;
      socket.write(`${JSON.stringify({ op, id, ...fields })}\n`);
      return new Promise((resolve) => waiting.set(id, resolve));
    },
    close: () => socket.destroy(),
  };
}

export async function waitFor(what, ask, intervalMs = 5) {
  for (const deadline = performance.now() + DEADLINE_MS; performance.now() < deadline;) {
    const answer = await ask();
    if (answer) return answer;
    await new Promise((resolve) => setTimeout(resolve, intervalMs));
  }
  throw new Error(`waited in vain for ${what}`);
}

/** Bytes of memory that a process holds, and seconds of processor that it has used. */
export function usageOf(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  const ticks = Number(stat[11]) + Number(stat[12]);
  const switches = Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(status)[1]);
  return { rss: Number(/VmRSS:\s+(\d+)/.exec(status)[1]) * 1024, cpuSeconds: ticks / 100, switches };
}

export const isInstalled = (command) => spawnSync('sh', ['-c', `command -v ${command}`]).status === 0;

export function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}

export const median = (values) => quantile(values, 0.5);
export const megabytes = (bytes) => `${(bytes / 1024 / 1024).toFixed(0)} MiB`;
export const thousands = (count) => `${Math.round(count / 1000)} k`;

/** One line of the report: what, how much, and against the aim or the peer. */
export function report(what, value, note = '') {
  console.log(`  ${what.padEnd(52)} ${String(value).padStart(14)}  ${note}`.trimEnd());
}
