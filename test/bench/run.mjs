// What a run costs: its start and end, its output, its memory; and how soon runs find a daemon that is started again.
import { spawn, spawnSync } from 'node:child_process';
import { createWriteStream, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { isInstalled, median, megabytes, openClient, report, ROOT, startDaemon, usageOf, waitFor } from './harness.mjs';

const PROGRESS = path.join(ROOT, 'bin/progress');
const ROUNDS = 15;
const GIGABYTE = 1024 ** 3;
const RUNS = 50;

export async function main() {
  const daemon = await startDaemon();
  const directory = mkdtempSync(path.join(tmpdir(), 'progress-bench-'));
  await measureStart(daemon.env, directory);
  await measureOutput(daemon.env, directory);
  await measureMany(daemon);
  rmSync(directory, { recursive: true, force: true });
}

/** Wall time beyond that of the command itself. */
async function measureStart(env, directory) {
  const shells = {
    'node -e 0': `${process.execPath} -e 0`,
    'progress run -- true': `${PROGRESS} run -- true`,
    'progress run --detach -- true': `${PROGRESS} run --detach -- true`,
    // enqueued, run, and waited for
    ...(isInstalled('tsp') && { 'tsp -w $(tsp true)': `TS_SOCKET=${directory}/tsp sh -c 'tsp -w $(tsp true)'` }),
    ...(isInstalled('pueue') && { 'pueue add -- true': 'pueue add -- true' }),
    ...(isInstalled('pm2') && { 'pm2 start': `PM2_HOME=${directory}/pm2 pm2 start --no-autorestart -f true` }),
  };
  const times = new Map(Object.keys(shells).map((name) => [name, []]));
  const timeOf = (line) => {
    const begun = performance.now();
    spawnSync('sh', ['-c', line], { env, stdio: 'ignore' });
    return performance.now() - begun;
  };
  const bare = [];
  for (const line of Object.values(shells)) timeOf(line);
  for (let round = 0; round < ROUNDS; round++) {
    bare.push(timeOf('true'));
    for (const [name, line] of Object.entries(shells)) times.get(name).push(timeOf(line));
  }
  const base = median(times.get('node -e 0')) - median(bare);
  report('node -e 0', `${base.toFixed(0)} ms`);
  for (const name of Object.keys(shells).slice(1)) {
    const aim = name === 'progress run -- true' ? 'aim: 1.3' : '';
    report(name, `${((median(times.get(name)) - median(bare)) / base).toFixed(2)} x`, aim);
  }
  if (isInstalled('tsp')) spawnSync('tsp', ['-K'], { env: { ...env, TS_SOCKET: `${directory}/tsp` } });
  if (isInstalled('pm2'))
    spawnSync('pm2', ['kill'], { env: { ...env, PM2_HOME: `${directory}/pm2` }, stdio: 'ignore' });
}

/** Into a file, through us and through others. */
async function measureOutput(env, directory) {
  const big = path.join(directory, 'big');
  writeFileSync(big, '');
  await fillWithLines(big);
  const output = path.join(directory, 'output');
  for (const [title, command] of [
    ['seq 1 20000000', 'seq 1 20000000'],
    ['cat of 1 GB', `cat ${big}`],
  ]) {
    const seconds = (line) => {
      const times = [0, 1, 2].map(() => {
        const begun = performance.now();
        spawnSync('sh', ['-c', `${line} > ${output}`], { env });
        return (performance.now() - begun) / 1000;
      });
      return median(times);
    };
    const base = seconds(`${command} | cat`);
    const own = seconds(`${PROGRESS} run -- ${command}`);
    report(`${title} through | cat`, `${base.toFixed(2)} s`);
    report('the same through progress run', `${(own / base).toFixed(2)} x`, `${own.toFixed(2)} s; aim: 2`);
    if (isInstalled('script')) {
      const peer = seconds(`script -qec '${command}' /dev/null`);
      report('the same through script', `${(peer / base).toFixed(2)} x`, `on a terminal; ${peer.toFixed(2)} s`);
    }
    const { peak } = await peakOf(env, command);
    report('memory of the runner meanwhile, at most', megabytes(peak), 'aim: 80 MB');
  }
  truncateSync(big);
}

async function fillWithLines(file) {
  const block = Buffer.from(`${'0123456789 '.repeat(9)}\n`.repeat(9_000));
  const stream = createWriteStream(file);
  for (let written = 0; written < GIGABYTE; written += block.length) {
    if (!stream.write(block)) await new Promise((resolve) => stream.once('drain', resolve));
  }
  await new Promise((resolve) => stream.end(resolve));
}

/** VmHWM of a runner on its own. */
async function peakOf(env, command) {
  const child = spawn('sh', ['-c', `exec ${process.execPath} ${ROOT}/dist/cli.js run -- ${command} > /dev/null`], {
    env,
  });
  let peak = 0;
  const look = setInterval(() => {
    try {
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
      peak = Math.max(peak, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024);
    } catch {
      // it has ended
    }
  }, 20);
  await new Promise((resolve) => child.once('exit', resolve));
  clearInterval(look);
  return { peak };
}

async function measureMany(daemon) {
  const begun = performance.now();
  const started = Array.from({ length: RUNS }, () => detach(daemon.env));
  await Promise.all(started);
  report(`${RUNS} runs at once, detached`, `${((performance.now() - begun) / 1000).toFixed(1)} s`);
  const client = await openClient(daemon.socket);
  await waitFor('all of them', async () => (await client.request('list', { limit: RUNS })).executions.length === RUNS);
  const runners = (await client.request('list', { limit: RUNS })).executions.map(({ id }) => runnerOf(daemon.home, id));
  report(
    'private memory of a runner',
    megabytes(median(runners.map(privateBytes))),
    `resident ${megabytes(median(runners.map((pid) => usageOf(pid).rss)))}`,
  );
  client.close();

  process.kill(daemon.pid, 'SIGKILL');
  const again = await startDaemon({ home: daemon.home });
  const listening = performance.now();
  const second = await openClient(again.socket);
  const connections = async () => (await second.request('status')).connections;
  await waitFor('all to be attached', async () => (await connections()) === RUNS + 1, 2);
  report(`${RUNS} runs attached to a new daemon`, `${(performance.now() - listening).toFixed(0)} ms`, 'aim: 1,000 ms');
  const { executions } = await second.request('list', { limit: RUNS });
  await Promise.all(executions.map(({ id }) => second.request('control', { execution: id, action: 'kill' })));
  await waitFor('their ends', async () => (await second.request('list')).executions.length === 0);
  second.close();
  await again.stop();
}

function detach(env) {
  const child = spawn(PROGRESS, ['run', '--detach', '--', 'sleep', '1000'], { env, stdio: 'ignore' });
  return new Promise((resolve) => child.once('exit', resolve));
}

function runnerOf(home, id) {
  return JSON.parse(readFileSync(path.join(home, 'state/runs', id, 'runner.json'), 'utf8')).runner.pid;
}

function privateBytes(pid) {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  return ['Private_Clean', 'Private_Dirty'].reduce(
    (sum, key) => sum + Number(new RegExp(`${key}:\\s+(\\d+)`).exec(rollup)[1]) * 1024,
    0,
  );
}
