// Cost of a run: its start and end, its output, its memory; and how soon runs reconnect to a restarted daemon.
import { spawn, spawnSync } from 'node:child_process';
import { createWriteStream, mkdtempSync, readFileSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  figure,
  hasPeer,
  mebibytes,
  median,
  missing,
  openClient,
  PRODUCT,
  PROGRESS,
  ratio,
  sized,
  startDaemon,
  usageOf,
  waitFor,
} from './harness.mjs';
import { queueCommands } from './peers.mjs';

const ROUNDS = sized(15, 3);
const OUTPUT_ROUNDS = sized(3, 1);
const COUNT = sized(20_000_000, 200_000);
const MEBIBYTES = sized(1024, 16);
const RUNS = sized(50, 5);
const SAMPLE_MS = 20;

export async function main() {
  const daemon = await startDaemon();
  const directory = mkdtempSync(path.join(tmpdir(), 'run-'));
  await measureStart(daemon.env, directory);
  await measureOutput(daemon.env, directory);
  await measureMany(daemon);
}

/** Wall time of a run beyond that of its command, relative to the start of Node. */
async function measureStart(env, directory) {
  const commands = {
    'node -e 0': `${process.execPath} -e 0`,
    'progress run -- true': `${PROGRESS} run -- true`,
    'progress run --detach -- true': `${PROGRESS} run --detach -- true`,
    ...(await queueCommands(env, directory)),
  };
  const timeOf = (line) => {
    const begun = performance.now();
    const { status } = spawnSync('sh', ['-c', line], { env, stdio: 'ignore' });
    return { ms: performance.now() - begun, status };
  };
  const times = new Map();
  for (const [name, line] of Object.entries(commands)) {
    const { status } = timeOf(line); // warms caches, and starts the daemons of peers
    if (status === 0) times.set(name, []);
    else if (line.startsWith(PROGRESS)) throw new Error(`${name} ended with status ${status}`);
    else missing(name, `ended with status ${status}`);
  }
  const bare = [];
  for (let round = 0; round < ROUNDS; round++) {
    bare.push(timeOf('true').ms);
    for (const [name, list] of times) list.push(timeOf(commands[name]).ms);
  }
  const beyond = (name) => median(times.get(name)) - median(bare);
  const base = beyond('node -e 0');
  figure('node -e 0', base, 'ms');
  for (const name of times.keys()) {
    if (name === 'node -e 0') continue;
    const isOurs = name.startsWith('progress');
    const aim = name === 'progress run -- true' ? 1.3 : undefined;
    ratio(`${name}, relative to node -e 0`, beyond(name), base, { aim, ...(isOurs && { better: 'less' }) });
    if (isOurs) continue;
    ratio(`progress run, relative to ${name}`, beyond('progress run -- true'), beyond(name), { better: 'less' });
  }
}

/** Output into a file, by a run and by other programs. */
async function measureOutput(env, directory) {
  const big = path.join(directory, 'big');
  await fillWithLines(big);
  const output = path.join(directory, 'output');
  const hasScript = hasPeer('script');
  for (const [title, command] of [
    [`seq 1 ${COUNT}`, `seq 1 ${COUNT}`],
    [`cat of ${MEBIBYTES} MiB`, `cat ${big}`],
  ]) {
    const lines = {
      cat: `${command} | cat`,
      run: `${PROGRESS} run -- ${command}`,
      ...(hasScript && { script: `script -qec '${command}' /dev/null` }),
    };
    const seconds = secondsOf(lines, output, env);
    figure(`${title} | cat`, seconds.cat, 's');
    figure(`${title} by progress run`, seconds.run, 's', { better: 'less' });
    figure(`${title} by progress run, relative to | cat`, seconds.run / seconds.cat, 'x', { better: 'less', aim: 2 });
    if (hasScript) {
      figure(`${title} by script`, seconds.script, 's', { note: 'on a terminal' });
      figure(`${title}, relative to script`, seconds.run / seconds.script, 'x', { better: 'less' });
    }
    const peak = await peakOf(env, command);
    figure(`${title}, peak memory of the runner`, mebibytes(peak), 'MiB', { better: 'less', aim: 80 });
  }
  truncateSync(big);
}

/** Median seconds of each command line, which run in turn. */
function secondsOf(lines, output, env) {
  const times = new Map(Object.keys(lines).map((name) => [name, []]));
  for (let round = 0; round < OUTPUT_ROUNDS; round++) {
    for (const [name, list] of times) {
      const begun = performance.now();
      const { status, stderr } = spawnSync('sh', ['-c', `${lines[name]} > ${output}`], { env, encoding: 'utf8' });
      if (status !== 0) throw new Error(`${lines[name]} ended with status ${status}: ${stderr}`);
      list.push((performance.now() - begun) / 1000);
    }
  }
  return Object.fromEntries([...times].map(([name, list]) => [name, median(list)]));
}

async function fillWithLines(file) {
  const block = Buffer.from(`${'0123456789 '.repeat(9)}\n`.repeat(9_000));
  const stream = createWriteStream(file);
  for (let written = 0; written < MEBIBYTES * 1024 ** 2; written += block.length) {
    if (!stream.write(block)) await new Promise((resolve) => stream.once('drain', resolve));
  }
  await new Promise((resolve) => stream.end(resolve));
}

/** Peak memory (VmHWM) of a runner. */
async function peakOf(env, command) {
  const line = `exec ${process.execPath} ${PRODUCT}/dist/cli.js run -- ${command} > /dev/null`;
  const child = spawn('sh', ['-c', line], { env, stdio: ['ignore', 'inherit', 'inherit'] });
  let peak = 0;
  const sampling = setInterval(() => {
    try {
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
      peak = Math.max(peak, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024);
    } catch {
      // it has ended
    }
  }, SAMPLE_MS);
  const status = await new Promise((resolve) => child.once('exit', resolve));
  clearInterval(sampling);
  if (status !== 0) throw new Error(`the run of ${command} ended with status ${status}`);
  return peak;
}

async function measureMany(daemon) {
  const begun = performance.now();
  await Promise.all(Array.from({ length: RUNS }, () => detach(daemon.env)));
  figure(`${RUNS} detached runs at once`, (performance.now() - begun) / 1000, 's', { better: 'less' });
  const client = await openClient(daemon.socket);
  const live = async () => (await client.request('list', { limit: RUNS })).executions;
  await waitFor('all runs to be listed', async () => (await live()).length === RUNS);
  const runners = (await live()).map(({ id }) => runnerOf(daemon.home, id));
  client.close();
  const memory = mebibytes(median(runners.map(privateBytes)));
  const note = `resident: ${mebibytes(median(runners.map((pid) => usageOf(pid).rss))).toFixed(0)} MiB`;
  figure('private memory of a runner', memory, 'MiB', { better: 'less', note });
  await measureReconnection(daemon);
}

/** The daemon is killed; the time counts from the first answer of the next one. */
async function measureReconnection(daemon) {
  await daemon.kill();
  const next = await startDaemon({ home: daemon.home });
  const listening = performance.now();
  const client = await openClient(next.socket);
  const connections = async () => (await client.request('status')).connections;
  await waitFor('all runs to reconnect', async () => (await connections()) === RUNS + 1, 2);
  const name = `${RUNS} runs reconnect to a new daemon`;
  figure(name, performance.now() - listening, 'ms', { better: 'less', aim: 1_000 });
  const { executions } = await client.request('list', { limit: RUNS });
  await Promise.all(executions.map(({ id }) => client.request('control', { execution: id, action: 'kill' })));
  await waitFor('the ends of all runs', async () => (await client.request('list')).executions.length === 0);
  client.close();
  await next.stop();
}

function detach(env) {
  const child = spawn(PROGRESS, ['run', '--detach', '--', 'sleep', '1000'], { env, stdio: 'ignore' });
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`progress run ended with ${code}`))));
  });
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
