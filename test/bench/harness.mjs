// What all parts share: reporting figures, a private daemon of the measured program, raw sockets, usage of processes.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export { median, quantile } from './figures.mjs';

/** The checkout that holds the benchmarks, with their inputs. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** The built checkout that is measured. */
export const PRODUCT = path.resolve(process.env.BENCH_PRODUCT || ROOT);
export const PROGRESS = path.join(PRODUCT, 'bin/progress');
const DEADLINE_MS = 60_000;

const reported = new Set();

/** Chooses a size: the full one, or the reduced one of --quick. */
export const sized = (full, quick) => (process.env.BENCH_QUICK ? quick : full);

/**
 * Reports a figure.
 * @param name Unique within the part, the same in each run; it contains the size that was measured.
 * @param value In `unit`, unrounded.
 * @param details `better`: 'less' or 'more', absent for references, which no commit changes; `aim`: the value to reach;
 *   `note`: text for the reader of this run.
 */
export function figure(name, value, unit, { better, aim, note } = {}) {
  if (reported.has(name)) throw new Error(`two figures have the name '${name}'`);
  if (!Number.isFinite(value)) throw new Error(`'${name}' is ${value}, not a number`);
  reported.add(name);
  process.send({ figure: { name, value, unit, better, aim, note } });
}

/** Reports `own` relative to `base`, where noise has left both positive. */
export function ratio(name, own, base, details) {
  if (own > 0 && base > 0) figure(name, own / base, 'x', details);
  else missing(name, `lost in noise: ${own.toPrecision(2)} to ${base.toPrecision(2)}`);
}

/** Reports what cannot be measured here: a peer or tool that is not installed, a value below the noise. */
export function missing(name, reason = 'not installed') {
  process.send({ missing: { name, reason } });
}

/** Whether a program is installed; reports it as missing if not. */
export function hasPeer(command, name = command) {
  if (isInstalled(command)) return true;
  missing(name);
  return false;
}

/**
 * Starts a daemon and waits until it answers.
 * @returns Its home, environment, socket and PID; `startMs`, the time from its spawning until its first answer;
 *   `kill`, which waits for its end and keeps its home; `stop`, which removes the home unless `keep` is set.
 */
export async function startDaemon({ home = mkdtempSync(path.join(tmpdir(), 'home-')), config = '' } = {}) {
  if (config) writeFileSync(path.join(home, 'config.yaml'), config);
  const env = { ...process.env, PROGRESS_HOME: home };
  const socket = path.join(home, 'state/run/daemon.sock');
  const begun = performance.now();
  const flags = (process.env.BENCH_NODE_FLAGS ?? '').split(' ').filter(Boolean);
  const child = spawn(process.execPath, [...flags, path.join(PRODUCT, 'dist/daemon.js')], {
    env,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  await waitFor('the daemon', () => answers(socket, child), 1);
  const startMs = performance.now() - begun;
  const kill = async (signal = 'SIGKILL') => {
    child.kill(signal);
    await ended;
  };
  return {
    home,
    env,
    socket,
    startMs,
    pid: child.pid,
    journal: path.join(home, 'state/journal'),
    kill,
    async stop({ keep = false } = {}) {
      await kill('SIGTERM');
      if (!keep) rmSync(home, { recursive: true, force: true });
    },
  };
}

/** Whether this very process answers: the socket of one that was killed may still accept a connection, then reset it. */
async function answers(socket, child) {
  if (child.exitCode !== null || child.signalCode !== null) {
    throw new Error(`the daemon ended with ${child.signalCode ?? `status ${child.exitCode}`}`);
  }
  const client = await openClient(socket).catch(() => undefined);
  const reply = await client?.request('hello').catch(() => undefined);
  client?.close();
  return reply?.pid === child.pid;
}

/** Opens an NDJSON connection: requests get their replies, all other lines go to `onLine`. */
export async function openClient(socketPath, onLine = () => {}) {
  const socket = connect(socketPath);
  await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  const waiting = new Map();
  let ids = 0;
  let failure = new Error(`the connection to ${socketPath} is closed`);
  socket.on('error', (error) => (failure = error));
  socket.once('close', () => {
    for (const { reject } of waiting.values()) reject(failure);
    waiting.clear();
  });
  // readline passes errors of its input on
  const lines = createInterface({ input: socket }).on('error', () => {});
  lines.on('line', (line) => {
    const value = JSON.parse(line);
    if (value.re === undefined) return onLine(value);
    const { resolve, reject } = waiting.get(value.re);
    if (value.error) reject(new Error(value.error.message));
    else resolve(value);
    waiting.delete(value.re);
  });
  return {
    socket,
    request(op, fields = {}) {
      if (socket.destroyed) return Promise.reject(failure);
      const id = ++ids;
      socket.write(`${JSON.stringify({ op, id, ...fields })}\n`);
      return new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
    },
    close: () => socket.destroy(),
  };
}

/** Asks again until the answer is truthy, and returns it. */
export async function waitFor(what, ask, intervalMs = 5) {
  for (const deadline = performance.now() + DEADLINE_MS; performance.now() < deadline;) {
    const answer = await ask();
    if (answer) return answer;
    await new Promise((resolve) => setTimeout(resolve, intervalMs));
  }
  throw new Error(`timed out after ${DEADLINE_MS / 1_000} s waiting for ${what}`);
}

/** @returns Bytes of memory that a process holds, seconds of processor time and voluntary context switches so far. */
export function usageOf(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  const ticks = Number(stat[11]) + Number(stat[12]);
  const switches = Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(status)[1]);
  return { rss: Number(/VmRSS:\s+(\d+)/.exec(status)[1]) * 1024, cpuSeconds: ticks / 100, switches };
}

export const isInstalled = (command) => spawnSync('sh', ['-c', 'command -v "$1"', 'sh', command]).status === 0;

/** Bytes as MiB. */
export const mebibytes = (bytes) => bytes / 1024 / 1024;
export const thousands = (count) => `${Math.round(count / 1000)} k`;
