// What it costs the daemon to look at the processes of 50 live runs, while somebody watches and while nobody does.
import { spawn } from 'node:child_process';
import path from 'node:path';
import { openClient, report, ROOT, startDaemon, usageOf, waitFor } from './harness.mjs';

const RUNS = 50;
const SECONDS = Number(process.env.RESOURCES_SECONDS ?? 60);
// five processes and now and then a sixth, some of which are others at each look: there is something to tell each time
const TREE = '(while :; do sleep 0.7; sleep 0.7 & sleep 0.7; done) & sleep 1000 & sleep 1000 & wait';
const PROCESSES = 5;

export async function main() {
  const daemon = await startDaemon();
  const client = await openClient(daemon.socket);
  await Promise.all(Array.from({ length: RUNS }, () => startRun(daemon.env)));
  const list = async () => (await client.request('list', { limit: RUNS })).executions;
  await waitFor('figures of all', async () => {
    const known = (await list()).filter(({ resources }) => resources?.cpu !== undefined);
    return known.length === RUNS;
  });
  try {
    report(`${RUNS} runs of ${PROCESSES} processes, nobody watches`, await costOf(daemon.pid), 'looked at every 30 s');
    let events = 0;
    const watcher = await openClient(daemon.socket, (push) => (events += push.events?.length ?? 0));
    await watcher.request('subscribe', { last: 0, rate: 10 });
    report('the same, watched', await costOf(daemon.pid), `aim: under 5 %; ${(events / SECONDS).toFixed(0)} events/s`);
    watcher.close();
  } finally {
    for (const { pid } of await list()) process.kill(-pid, 'SIGKILL');
    await waitFor('the ends of all', async () => (await list()).length === 0);
    client.close();
    await daemon.stop();
  }
}

function startRun(env) {
  const args = [path.join(ROOT, 'dist/cli.js'), 'run', '--detach', '--', 'sh', '-c', TREE];
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'ignore', 'inherit'] });
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`progress run: ${code}`))));
  });
}

/** Of one core, over a while. */
async function costOf(pid) {
  const begin = usageOf(pid);
  await new Promise((resolve) => setTimeout(resolve, SECONDS * 1000));
  const cpu = ((usageOf(pid).cpuSeconds - begin.cpuSeconds) / SECONDS) * 100;
  return `${cpu.toFixed(2)} %`;
}
