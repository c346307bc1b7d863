import { writeFileSync } from 'node:fs';
import t from 'tap';
import { createHome, isRunning } from '../../../helpers/daemon.js';
import { collectOutput } from '../../../helpers/output.js';
import { waitFor } from '../../../helpers/wait.js';

interface Status {
  pid: number;
  counters: { rejected: Record<string, number> };
}

t.test('status, stop, restart', async (t) => {
  const home = createHome(t);
  const daemon = (...args: string[]) => home.invoke(['daemon', ...args]);
  t.match(await daemon('status'), { status: 69, stdout: '', stderr: 'progress: no daemon is running' });
  t.strictSame(await daemon('stop'), { status: 0, stdout: '', stderr: '' }, 'it is no error if none runs');
  t.strictSame(JSON.parse((await daemon('stop', '--json')).stdout), { stopped: null });

  const started = await daemon('start', '--json');
  t.equal(started.status, 0);
  const { pid } = JSON.parse(started.stdout) as Status;
  t.ok(isRunning(pid));
  t.match(JSON.parse((await daemon('start', '--json')).stdout), { pid }, 'one that runs stays');
  const again = JSON.parse((await daemon('restart', '--json')).stdout) as Status;
  t.not(again.pid, pid);
  await waitFor('the first one to be gone', () => !isRunning(pid));
  t.strictSame(JSON.parse((await daemon('stop', '--json')).stdout), { stopped: again.pid });
  await waitFor('the second one to be gone', () => !isRunning(again.pid));
  t.match(await daemon('status'), { status: 69 });
});

t.test('status prints as text what it prints as JSON', async (t) => {
  const home = createHome(t);
  const { pid } = await home.startDaemon();
  const client = await home.connect();
  await client.call('subscribe', {});
  client.send({ type: 'log', n: -1 });
  await client.call('emit', { event: { type: 'execution_started', execution: 'x' } });
  const { stdout } = await home.invoke(['daemon', 'status']);
  t.match(stdout, new RegExp(`^running +pid ${pid}, version \\d.*, for \\d`, 'm'));
  t.match(stdout, `socket       ${home.paths.socket}\n`);
  t.match(stdout, /^connections +2, 1 subscribed, 0 refused$/m);
  t.match(stdout, /^executions +1 alive, 0 ended, 0 summarised$/m);
  t.match(stdout, /^events +1 written, 0 repeated, refused: 1 bad_event$/m);
  t.match(stdout, `journal      ${home.paths.journal}\n`);
  const status = JSON.parse((await home.invoke(['daemon', 'status', '--json'])).stdout) as Status;
  t.match(status, { pid, counters: { rejected: { bad_event: 1 } } });
  await client.close();
});

t.test('in the foreground it logs until it is stopped', async (t) => {
  const home = createHome(t);
  const child = home.spawn(['daemon', 'run'], { stdio: ['ignore', 'pipe', 'pipe'] });
  const output = collectOutput(child);
  await waitFor('it to listen', () => output.stderr.includes('listening on'));
  t.match(JSON.parse((await home.invoke(['daemon', 'status', '--json'])).stdout), { pid: child.pid });
  const second = home.progress(['daemon', 'run']);
  t.match(second, { status: 69, stderr: 'progress: another daemon of this state directory is running' });
  t.equal((await home.invoke(['daemon', 'stop'])).status, 0);
  t.match(await output.ended, { status: 0, stderr: /leaving: a client requested it\n.*stopped\n$/s });
});

t.test('SIGTERM stops it cleanly', async (t) => {
  const home = createHome(t);
  const child = home.spawn(['daemon', 'run'], { stdio: ['ignore', 'ignore', 'pipe'] });
  const output = collectOutput(child);
  await waitFor('it to listen', () => output.stderr.includes('listening on'));
  child.kill('SIGTERM');
  t.match(await output.ended, { status: 0, stderr: 'leaving: SIGTERM' });
});

t.test('an invalid configuration is reported with its place', (t) => {
  const home = createHome(t);
  writeFileSync(home.paths.config, 'watch: { rate: 0 }\n');
  for (const action of ['run', 'restart']) {
    const { status, stderr } = home.progress(['daemon', action]);
    t.equal(status, 78, action);
    t.match(stderr, `${home.paths.config}:1:16: watch.rate: `);
  }
  t.end();
});

t.test('a hanging daemon is distinguished from one that does not run', { timeout: 60_000 }, async (t) => {
  const home = createHome(t);
  const { pid } = await home.startDaemon();
  process.kill(pid, 'SIGSTOP');
  t.teardown(() => process.kill(pid, 'SIGCONT'));
  const child = home.spawn(['daemon', 'status'], { stdio: ['ignore', 'pipe', 'pipe'] });
  const stderr = /^progress: timed out after \d+ s waiting for the daemon/;
  t.match(await collectOutput(child).ended, { status: 69, stderr });
});
