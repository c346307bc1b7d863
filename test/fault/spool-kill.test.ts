/** Lines written by shells reach the journal once each and in order, wherever the daemon is killed. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdirSync, readdirSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { createHome, isRunning } from '../helpers/daemon.js';
import { readAll } from '../helpers/journal.js';
import { shortOrLong } from '../helpers/long.js';
import { waitFor } from '../helpers/wait.js';

const ROUNDS = shortOrLong(2, 200);

t.test('kill -9 in a loop, while five shells and many commands write', async (t) => {
  const home = createHome(t);
  mkdirSync(home.paths.spool, { recursive: true, mode: 0o700 });
  // each line of the shared file names its writer; of other lines, the file does
  const script = `
    own=$1/sh-$$-k.ndjson i=0
    while [ ! -e "$1/.stop" ]; do
      i=$((i + 1))
      printf '{"type":"log","execution":"own-%s","data":{"message":"%s"}}\\n' $$ $i >> "$own"
      printf '{"type":"log","execution":"shared-%s","data":{"message":"%s"}}\\n' $$ $i >> "$1/shared.ndjson"
      [ $((i % 20)) -gt 0 ] || sleep 0.05
    done
    echo $i`;
  const writers = Array.from({ length: 5 }, () =>
    spawn('sh', ['-c', script, 'sh', home.paths.spool], { stdio: ['ignore', 'pipe', 'inherit'] }),
  );
  t.teardown(() => writers.forEach((writer) => writer.kill('SIGKILL')));
  const counts = writers.map(async ({ stdout }) => {
    let said = '';
    for await (const chunk of stdout) said += String(chunk);
    return Number(said);
  });
  let seen = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const daemon = await home.startDaemon();
    const client = await home.connect();
    const before = seen;
    await waitFor('some of it', async () => {
      seen = (await client.call('status', {})).journal.seq;
      return seen > before + 200;
    });
    await daemon.kill();
    await client.closed;
  }
  appendFileSync(path.join(home.paths.spool, '.stop'), '');
  const wanted = await Promise.all(counts);
  const daemon = await home.startDaemon();
  const numbers = async () => {
    const found = new Map<string, number[]>();
    for (const { type, execution = '', data } of (await readAll(home.paths.journal)).events) {
      if (type !== 'log') continue;
      const list = found.get(execution);
      if (list) list.push(Number(data['message']));
      else found.set(execution, [Number(data['message'])]);
    }
    return found;
  };
  const total = wanted.reduce((sum, count) => sum + 2 * count, 0);
  await waitFor('all of it', async () => [...(await numbers()).values()].flat().length >= total);
  const found = await numbers();
  for (const [index, { pid }] of writers.entries()) {
    const all = Array.from({ length: wanted[index]! }, (_, at) => at + 1);
    t.strictSame(found.get(`own-${pid}`), all, 'its own file');
    t.strictSame(found.get(`shared-${pid}`), all, 'the shared one');
  }
  t.ok(readdirSync(home.paths.spool).filter((name) => name.startsWith('shared-')).length >= 1);
  await daemon.kill();
});

t.test('open executions of a shell are lost when it has ended, unless their end comes later', async (t) => {
  const home = createHome(t);
  await home.startDaemon();
  const shell = spawn('sleep', ['1000'], { stdio: 'ignore' });
  t.teardown(() => shell.kill('SIGKILL'));
  const own = path.join(home.paths.spool, `sh-${shell.pid}-x.ndjson`);
  appendFileSync(own, '{"type":"execution_started","execution":"one","data":{"kind":"command"}}\n');
  appendFileSync(own, '{"type":"log","data":{"message":"belongs to it"}}\n');
  const client = await home.connect();
  const get = async () => (await client.call('get', { execution: 'one' }).catch(() => undefined))?.execution;
  await waitFor('its start', async () => (await get())?.status === 'running');
  const { events } = await readAll(home.paths.journal);
  await waitFor('its log', async () => (await readAll(home.paths.journal)).events.length === 2);
  t.ok(events.every(({ execution }) => execution === 'one'));
  shell.kill('SIGKILL');
  await once(shell, 'exit');
  await waitFor('the shell to be gone', () => !isRunning(shell.pid!));
  await client.close();
  // a daemon that starts now finds out soon, a running one at its next check
  const { pid } = await (await home.connect()).hello();
  process.kill(pid, 'SIGKILL');
  await waitFor('the daemon to be gone', () => !isRunning(pid));
  await home.startDaemon();
  const again = await home.connect();
  const status = async () => (await again.call('get', { execution: 'one' })).execution.status;
  await waitFor('the loss', async () => (await status()) === 'lost');
  appendFileSync(own, '{"type":"execution_completed","execution":"one","data":{"exitCode":0}}\n');
  await waitFor('its end', async () => (await status()) === 'completed');
  await again.close();
});
