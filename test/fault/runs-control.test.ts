/** Commands for runs that cannot be carried out, or not by their runner: the report matches what was done. */
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import type { Execution } from '../../src/core/execution.js';
import { RunControl } from '../../src/daemon/runs/run-control.js';
import { identityOf, isAlive, isStandingStill, readProcess } from '../../src/platform/processes.js';
import { createHome, PROGRESS } from '../helpers/daemon.js';
import { isMissing, isUnprivileged, whyNo } from '../helpers/needs.js';
import { startRunHome } from '../helpers/runs.js';
import { waitFor } from '../helpers/wait.js';

const SLEEP = ['sleep', '300'];

async function freeze(pid: number): Promise<void> {
  process.kill(pid, 'SIGSTOP');
  await waitFor('the runner to be stopped', () => isStandingStill(readProcess(pid)!));
}

/** Waits until the process is stopped. */
function stopNow(pid: number): void {
  process.kill(pid, 'SIGSTOP');
  while (!isStandingStill(readProcess(pid)!));
}

t.test('a stopped runner: pause and signals go to the processes, resume and stop continue it', async (t) => {
  const home = await startRunHome(t);
  const id = await home.run(SLEEP);
  const { runner, child } = await home.recordOf(id);
  await home.until(id, 'running');
  await freeze(runner.pid);
  t.match(await home.invoke(['stop', id, '--signal', 'CONT']), { status: 0, stdout: /: SIGCONT was sent\n$/ });
  t.match(await home.invoke(['pause', id]), { status: 0, stdout: /: paused\n$/ });
  t.ok(isStandingStill(readProcess(child.pid)!));
  t.match(await home.invoke(['resume', id]), { status: 0, stdout: /: resumed\n$/ });
  t.notOk(isStandingStill(readProcess(child.pid)!));
  for (const options of [[], ['--kill']]) {
    const other = await home.run(SLEEP);
    const record = await home.recordOf(other);
    await home.until(other, 'running');
    await freeze(record.runner.pid);
    t.match(await home.invoke(['stop', other, ...options]), { status: 0, stderr: '' }, options.join());
    t.match(await home.get(other), { status: 'cancelled' });
    t.notOk(isAlive(record.child));
  }
});

t.test('a runner that stays stopped: its processes are ended without it, and that is reported', async (t) => {
  const home = await startRunHome(t);
  const id = await home.run(SLEEP);
  const record = await home.recordOf(id);
  const execution = { id, status: 'running' } as unknown as Execution;
  const events: { type: string; data: object }[] = [];
  const runControl = new RunControl({
    state: { alive: new Map([[id, execution]]) },
    record: (_id, type, data) => events.push({ type, data }),
    isRun: () => true,
    recordOf: () => record,
    orphanOf: () => undefined,
    // like under a debugger: whenever it is continued, it is stopped again
    attachmentOf: () => ({ send: () => stopNow(record.runner.pid), closed: new Promise(() => {}) }),
    onStopped: () => undefined,
  });
  await runControl.control(execution, { action: 'stop', by: 'a test' });
  await waitFor('the report', () => events.some(({ data }) => 'error' in data));
  t.match(events, [
    { type: 'control', data: { action: 'stop' } },
    { type: 'control', data: { action: 'signal', signal: 'SIGINT', by: 'a test' } },
    { type: 'output', data: { text: /^stopped by SIGINT/ } },
    {
      type: 'control',
      data: { action: 'stop', code: 'unavailable', error: /have ended, but its runner, process \d+, is/ },
    },
  ]);
  t.notOk(isAlive(record.child));
  process.kill(record.runner.pid, 'SIGCONT');
  await home.until(id, 'final');
});

t.test('processes of another user: every command reports that it is not permitted', { skip: whyNo('setpriv') }, (t) => {
  if (isUnprivileged(t)) return void t.end();
  const home = createHome(t);
  // like sudo: the program changes the user of its process
  const tool = path.join(home.directory, 'as-root');
  copyFileSync(spawnSync('sh', ['-c', 'command -v setpriv'], { encoding: 'utf8' }).stdout.trim(), tool);
  chmodSync(tool, 0o4755);
  chmodSync(home.directory, 0o755);
  const nobody = 65_534;
  const own = path.join(home.directory, 'own');
  mkdirSync(own);
  chownSync(own, nobody, nobody);
  const user = ['--reuid', String(nobody), '--regid', String(nobody), '--clear-groups'];
  const asUser = (...args: string[]) =>
    spawnSync('setpriv', [...user, PROGRESS, ...args], {
      env: { ...home.env, HOME: own, PROGRESS_HOME: own, TMPDIR: own },
      cwd: own,
      encoding: 'utf8',
      timeout: 60_000,
    });
  const started = asUser('run', '--detach', '--', tool, '--reuid', '0', '--regid', '0', '--clear-groups', ...SLEEP);
  const id = started.stdout.trim();
  const show = () => JSON.parse(asUser('show', id, '--json').stdout) as { status: string; process: { pid: number } };
  t.teardown(() => {
    asUser('daemon', 'stop');
  });
  if (isMissing(t, 'programs that change their user', started.status === 0)) return void t.end();
  const { pid } = show().process;
  const child = identityOf(pid)!;
  t.teardown(() => void (isAlive(child) && process.kill(pid, 'SIGKILL')));
  const denied = { status: 77, stdout: '', stderr: /not permitted to signal \d+ \(sleep, root\): EPERM\n$/ };
  for (const args of [['pause'], ['stop'], ['stop', '--kill'], ['stop', '--signal', 'TERM']]) {
    const [verb = '', ...options] = args;
    t.match(asUser(verb, id, ...options), denied, args.join(' '));
    t.equal(show().status, 'running');
  }
  t.ok(isAlive(child));
  process.kill(pid, 'SIGKILL');
  const { status } = JSON.parse(asUser('wait', id, '--json').stdout || '{}') as { status?: string };
  t.equal(status ?? show().status, 'failed', 'no stop has ended it');
  t.end();
});
