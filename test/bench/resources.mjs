// Cost of sampling the processes of 50 live runs, with and without a subscriber.
import { spawn } from 'node:child_process';
import path from 'node:path';
import { figure, openClient, PRODUCT, sized, startDaemon, usageOf, waitFor } from './harness.mjs';

const RUNS = sized(50, 5);
const SECONDS = sized(60, 3);
// five processes and at times a sixth, some replaced between two samples: each sample has something to report
const TREE = '(while :; do sleep 0.7; sleep 0.7 & sleep 0.7; done) & sleep 1000 & sleep 1000 & wait';
const PROCESSES = 5;

export async function main() {
  const daemon = await startDaemon();
  const client = await openClient(daemon.socket);
  await Promise.all(Array.from({ length: RUNS }, () => startRun(daemon.env)));
  await waitForSamples(daemon, client);
  const name = `${RUNS} runs of ${PROCESSES} processes`;
  const idle = await costOf(daemon.pid);
  figure(`${name}, no subscriber`, idle, '%', { better: 'less', note: 'of one core; a sample every 30 s' });
  let events = 0;
  const watcher = await watch(daemon, (push) => (events += push.events?.length ?? 0));
  const watched = await costOf(daemon.pid);
  const note = `of one core; ${(events / SECONDS).toFixed(0)} events/s`;
  figure(`${name}, one subscriber`, watched, '%', { better: 'less', aim: 5, note });
  watcher.close();
  const { executions } = await client.request('list', { limit: RUNS });
  await Promise.all(executions.map(({ id }) => client.request('control', { execution: id, action: 'kill' })));
  await waitFor('the ends of all runs', async () => (await client.request('list')).executions.length === 0);
  client.close();
  await daemon.stop();
}

/** Until all runs have been sampled twice, which is soon while there is a subscriber. */
async function waitForSamples(daemon, client) {
  const watcher = await watch(daemon);
  await waitFor('samples of all runs', async () => {
    const { executions } = await client.request('list', { limit: RUNS });
    return executions.filter(({ resources }) => resources?.cpu !== undefined).length === RUNS;
  });
  watcher.close();
}

async function watch(daemon, onPush) {
  const watcher = await openClient(daemon.socket, onPush);
  await watcher.request('subscribe', { last: 0, rate: 10 });
  return watcher;
}

function startRun(env) {
  const args = [path.join(PRODUCT, 'dist/cli.js'), 'run', '--detach', '--', 'sh', '-c', TREE];
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'ignore', 'inherit'] });
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`progress run ended with ${code}`))));
  });
}

/** Percent of one core over SECONDS. */
async function costOf(pid) {
  const begin = usageOf(pid);
  await new Promise((resolve) => setTimeout(resolve, SECONDS * 1000));
  return ((usageOf(pid).cpuSeconds - begin.cpuSeconds) / SECONDS) * 100;
}
