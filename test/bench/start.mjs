// A daemon that starts on a large journal, and the first page of one execution in the middle of it.
import { rmSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { median, openClient, report, ROOT, startDaemon, waitFor } from './harness.mjs';

const GIGABYTE = 1024 ** 3;
const EXECUTIONS = 200;

export async function main() {
  const home = await fill(Number(process.env.JOURNAL_BYTES ?? GIGABYTE));
  const times = [];
  let daemon;
  for (let round = 0; round < 3; round++) {
    await daemon?.stop({ keep: true });
    daemon = await startDaemon({ home });
    times.push(daemon.startMs);
  }
  const empty = await startDaemon();
  await empty.stop();
  report(
    'start with a 1 GB journal',
    `${median(times).toFixed(0)} ms`,
    `with an empty one ${empty.startMs.toFixed(0)} ms; aim: 300 ms`,
  );

  const client = await openClient(daemon.socket);
  const first = await firstPage(client, 'job-77', 1);
  const again = await firstPage(client, 'job-99', 2);
  report(
    'first page of one execution in it',
    `${first.toFixed(0)} ms`,
    `of another one ${again.toFixed(0)} ms; aim: 50 ms`,
  );
  client.close();

  await daemon.stop({ keep: true });
  rmSync(path.join(home, 'state/checkpoint.json'));
  daemon = await startDaemon({ home });
  report('the same without its checkpoint', `${daemon.startMs.toFixed(0)} ms`, 'everything is read again');
  await daemon.stop();
}

/** From the request to its first events. */
async function firstPage(client, execution, id) {
  const begun = performance.now();
  const arrived = new Promise((resolve) => {
    const take = (chunk) => {
      if (!chunk.includes('"events":')) return;
      client.socket.off('data', take);
      resolve(performance.now() - begun);
    };
    client.socket.on('data', take);
  });
  client.socket.write(`${JSON.stringify({ op: 'subscribe', id: `page-${id}`, execution, last: 100 })}\n`);
  const took = await arrived;
  client.socket.write(`${JSON.stringify({ op: 'unsubscribe', id: `end-${id}`, subscription: `page-${id}` })}\n`);
  return took;
}

/** Jobs one after the other, four at a time, uncompressed as far as the daemon has not come to it. */
async function fill(bytes) {
  const daemon = await startDaemon({ config: 'journal:\n  retainSize: 8GiB\n' });
  const client = await openClient(daemon.socket);
  const text = 'y'.repeat(400);
  const linesPerJob = Math.floor(bytes / EXECUTIONS / 560);
  for (let job = 0; job < EXECUTIONS; job += 4) {
    const ids = [0, 1, 2, 3].map((offset) => `job-${job + offset}`);
    const send = async (lines) => {
      if (!client.socket.write(lines)) await new Promise((resolve) => client.socket.once('drain', resolve));
    };
    await send(ids.map((id) => `{"type":"execution_started","execution":"${id}","data":{"name":"${id}"}}\n`).join(''));
    for (let line = 0; line < linesPerJob; line += 50) {
      let chunk = '';
      for (let one = line; one < line + 50; one++) {
        for (const id of ids)
          chunk += `{"type":"output","execution":"${id}","data":{"stream":"stdout","line":${one},"text":"${text}"}}\n`;
      }
      await send(chunk);
    }
    await send(ids.map((id) => `{"type":"execution_completed","execution":"${id}"}\n`).join(''));
  }
  await waitFor('everything to be written', async () => {
    const { executions } = await client.request('status');
    return executions.ended === EXECUTIONS;
  });
  client.close();
  await daemon.stop({ keep: true });
  return daemon.home;
}

/** Wall time of commands as multiples of the least that Node takes. */
export async function measureCommands() {
  const daemon = await startDaemon();
  const commands = {
    'node -e 0': [process.execPath, ['-e', '0']],
    'progress --version': [path.join(ROOT, 'bin/progress'), ['--version']],
    'progress ps': [path.join(ROOT, 'bin/progress'), ['ps']],
    'progress emit': [path.join(ROOT, 'bin/progress'), ['emit', 'log', 'message=x']],
  };
  const times = new Map(Object.keys(commands).map((name) => [name, []]));
  for (let round = 0; round < 25; round++) {
    for (const [name, [file, args]] of Object.entries(commands)) {
      const begun = performance.now();
      spawnSync(file, args, { env: daemon.env });
      times.get(name).push(performance.now() - begun);
    }
  }
  await daemon.stop();
  const base = median(times.get('node -e 0'));
  report('node -e 0', `${base.toFixed(0)} ms`);
  for (const [name, aim] of [
    ['progress --version', 'aim: 1.2'],
    ['progress ps', 'aim: 1.6'],
    ['progress emit', ''],
  ]) {
    report(name, `${(median(times.get(name)) / base).toFixed(2)} x`, aim);
  }
}
