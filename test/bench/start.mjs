// Start of a daemon on a large journal, and the first page of one execution in the middle of it; start of commands.
import { rmSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { figure, median, openClient, PROGRESS, sized, startDaemon, waitFor } from './harness.mjs';

const JOURNAL_MEBIBYTES = sized(1024, 32);
const EXECUTIONS = 200;
/** Lines of one job that are written at once. */
const BATCH = 50;
const STARTS = 3;

export async function main() {
  const home = await fill(JOURNAL_MEBIBYTES * 1024 ** 2);
  const times = [];
  let daemon;
  for (let round = 0; round < STARTS; round++) {
    await daemon?.stop({ keep: true });
    daemon = await startDaemon({ home });
    times.push(daemon.startMs);
  }
  const empty = await startDaemon();
  await empty.stop();
  const journal = `a journal of ${JOURNAL_MEBIBYTES} MiB`;
  figure(`start with ${journal}`, median(times), 'ms', { better: 'less', aim: 300 });
  figure('start with an empty one', empty.startMs, 'ms', { better: 'less' });

  const client = await openClient(daemon.socket);
  const first = await firstPage(client, 'job-77');
  const again = await firstPage(client, 'job-99');
  client.close();
  figure('first page of one execution in it', first, 'ms', { better: 'less', aim: 50 });
  figure('first page of another one', again, 'ms', { better: 'less' });

  await daemon.stop({ keep: true });
  rmSync(path.join(home, 'state/checkpoint.json'));
  daemon = await startDaemon({ home });
  figure(`start with ${journal}, no checkpoint`, daemon.startMs, 'ms', { better: 'less', note: 'reads all of it' });
  await daemon.stop();
}

/** From the request to its first events. */
async function firstPage(client, execution) {
  const begun = performance.now();
  const arrived = new Promise((resolve) => {
    const take = (chunk) => {
      if (!chunk.includes('"events":')) return;
      client.socket.off('data', take);
      resolve(performance.now() - begun);
    };
    client.socket.on('data', take);
  });
  const subscription = await client.request('subscribe', { execution, last: 100 });
  const took = await arrived;
  await client.request('unsubscribe', { subscription: subscription.re });
  return took;
}

/** Jobs one after the other, four at a time, uncompressed where the daemon has not compressed them yet. */
async function fill(bytes) {
  const daemon = await startDaemon({ config: 'journal:\n  retainSize: 8GiB\n' });
  const client = await openClient(daemon.socket);
  const text = 'y'.repeat(400);
  const linesPerJob = Math.floor(bytes / EXECUTIONS / 560);
  const send = async (lines) => {
    if (!client.socket.write(lines)) await new Promise((resolve) => client.socket.once('drain', resolve));
  };
  for (let job = 0; job < EXECUTIONS; job += 4) {
    const ids = [0, 1, 2, 3].map((offset) => `job-${job + offset}`);
    await send(ids.map((id) => `{"type":"execution_started","execution":"${id}","data":{"name":"${id}"}}\n`).join(''));
    for (let line = 0; line < linesPerJob; line += BATCH) {
      let chunk = '';
      for (let one = line; one < line + BATCH; one++) {
        for (const id of ids)
          chunk += `{"type":"output","execution":"${id}","data":{"stream":"stdout","line":${one},"text":"${text}"}}\n`;
      }
      await send(chunk);
    }
    await send(ids.map((id) => `{"type":"execution_completed","execution":"${id}"}\n`).join(''));
  }
  await waitFor('the daemon to write everything', async () => {
    const { executions } = await client.request('status');
    return executions.ended === EXECUTIONS;
  });
  client.close();
  await daemon.stop({ keep: true });
  return daemon.home;
}

/** Wall time of commands as multiples of the start of Node. */
export async function measureCommands() {
  const daemon = await startDaemon();
  const commands = {
    'node -e 0': [process.execPath, ['-e', '0']],
    'progress --version': [PROGRESS, ['--version']],
    'progress ps': [PROGRESS, ['ps']],
    'progress emit': [PROGRESS, ['emit', 'log', 'message=x']],
  };
  const times = new Map(Object.keys(commands).map((name) => [name, []]));
  for (let round = 0; round < sized(25, 3); round++) {
    for (const [name, [file, args]] of Object.entries(commands)) {
      const begun = performance.now();
      const { status, stderr } = spawnSync(file, args, { env: daemon.env });
      times.get(name).push(performance.now() - begun);
      if (status !== 0) throw new Error(`${name} ended with ${status}: ${stderr}`);
    }
  }
  await daemon.stop();
  const base = median(times.get('node -e 0'));
  figure('node -e 0', base, 'ms');
  for (const [name, aim] of [['progress --version', 1.2], ['progress ps', 1.6], ['progress emit']]) {
    figure(name, median(times.get(name)) / base, 'x', { better: 'less', aim });
  }
}
