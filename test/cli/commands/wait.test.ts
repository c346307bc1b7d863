import { writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { collectOutput } from '../../helpers/output.js';
import type { RunHomeWithDaemon } from '../../helpers/runs.js';
import { startRunHome } from '../../helpers/runs.js';
import { waitFor } from '../../helpers/wait.js';

const SLEEP = ['sleep', '300'];
const exitWith = (status: number) => ['sh', '-c', `exit ${status}`];

function startWait(home: RunHomeWithDaemon, ...words: string[]) {
  return collectOutput(home.spawn(['wait', ...words], { stdio: ['ignore', 'pipe', 'pipe'] }));
}

/** Waits until the daemon has that many subscribers. */
async function seeSubscribers(home: RunHomeWithDaemon, count: number): Promise<void> {
  const client = await home.connect();
  await waitFor('the wait to follow', async () => (await client.call('status', {})).subscribers === count);
  await client.close();
}

t.test('wait', async (t) => {
  const home = await startRunHome(t);

  t.test('one execution: exits with its status, at once if it has ended', async (t) => {
    const cases: [command: string[], status: number][] = [
      [['true'], 0],
      [exitWith(7), 7],
      [['sh', '-c', 'kill -TERM $$'], 143],
      [['no-such-command'], 127],
    ];
    for (const [command, status] of cases) {
      const id = await home.start([], ...command);
      t.match(await home.invoke(['wait', id]), { status, stderr: '' }, command.join(' '));
      t.match(await home.invoke(['wait', id]), { status, stderr: '' }, 'again');
    }
    const limited = await home.start(['--timeout=100ms'], ...SLEEP);
    t.match(await home.invoke(['wait', limited]), { status: 124, stdout: /timed out after/ });
    const stopped = await home.start(['--name', 'stopped'], ...SLEEP);
    await home.invoke(['stop', stopped]);
    t.match(await home.invoke(['wait', 'stopped']), { status: 130, stdout: /stopped cancelled after .* SIGINT/ });
  });

  t.test('follows a running execution', async (t) => {
    const id = await home.start(['--name', 'mine'], ...SLEEP);
    const { ended } = startWait(home, 'mine', id);
    await seeSubscribers(home, 1);
    await home.invoke(['stop', id]);
    const { stdout, ...rest } = await ended;
    t.strictSame(rest, { status: 130, signal: null, stderr: '' });
    t.equal(stdout.split('\n').length, 2, 'named twice, printed once');
  });

  t.test('several executions: waits for all; the first that has not completed decides', async (t) => {
    const well = await home.start([], 'true');
    const over = path.join(home.directory, 'over');
    const slow = await home.start([], 'sh', '-c', `until [ -e ${over} ]; do sleep 0.1; done; exit 3`);
    const quick = await home.start([], ...exitWith(4));
    const { ended } = startWait(home, well, slow, quick, '--json');
    await seeSubscribers(home, 1);
    await home.until(quick, 'failed');
    writeFileSync(over, '');
    const outcome = await ended;
    t.equal(outcome.status, 3);
    const printed = outcome.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { id: string; status: string });
    t.strictSame(new Set(printed.map(({ id }) => id)), new Set([well, slow, quick]));
    t.equal(printed.at(-1)?.id, slow, 'in the order in which they end');
    t.match(await home.invoke(['wait', well]), { status: 0 });
  });

  t.test('--any: the first that ends decides', async (t) => {
    const slow = await home.start([], ...SLEEP);
    const quick = await home.start([], 'sh', '-c', 'sleep 0.3; exit 5');
    t.match(await home.invoke(['wait', slow, quick, '--any']), { status: 5, stdout: /^.*exit 5.*\n$/ });
    t.match(await home.invoke(['wait', slow, quick, '--any']), { status: 5 }, 'one that is over already');
    t.match(await home.get(slow), { status: 'running' });
    await home.invoke(['stop', slow]);
  });

  t.test('--timeout ends the wait with 124, and lists what still runs', async (t) => {
    const over = await home.start([], 'true');
    const id = await home.start(['--name', 'long'], ...SLEEP);
    t.match(await home.invoke(['wait', over, id, '--timeout', '300ms']), {
      status: 124,
      stdout: /completed/,
      stderr: `progress: timed out after 300ms waiting for ${id} long\n`,
    });
    t.match(await home.get(id), { status: 'running' });
    await home.invoke(['stop', id]);
    t.match(await home.invoke(['wait', over, '--timeout', '300ms']), { status: 0, stderr: '' });
  });

  t.test('continues across restarts of the daemon', async (t) => {
    const id = await home.start([], 'sh', '-c', 'until [ -e go ]; do sleep 0.05; done; exit 9');
    const waiting = startWait(home, id);
    await seeSubscribers(home, 1);
    await home.daemon.kill();
    process.kill(-(await home.recordOf(id)).child.pid, 'SIGKILL');
    await waitFor('the run to end without a daemon', () => !home.isAlive(id));
    await home.replaceDaemon();
    t.match(await waiting.ended, { status: 137, stdout: /SIGKILL/, stderr: /trying again/ });
  });

  t.test('Ctrl-C ends the wait, and the run continues', async (t) => {
    const id = await home.start([], ...SLEEP);
    const { child, ended } = startWait(home, id);
    await seeSubscribers(home, 1);
    child.kill('SIGINT');
    t.match(await ended, { signal: 'SIGINT' });
    t.match(await home.get(id), { status: 'running' });
    await home.invoke(['stop', id]);
  });

  t.test('any execution can be waited for, also one without an exit status', async (t) => {
    const client = await home.connect();
    t.teardown(() => client.destroy());
    const emit = (type: string, execution: string, data = {}) =>
      client.call('emit', { event: { type, execution, data } });
    for (const how of ['completed', 'failed', 'cancelled', 'timeout', 'lost']) {
      await emit('execution_started', how);
      await emit(`execution_${how}`, how);
    }
    const statuses = { completed: 0, failed: 1, cancelled: 130, timeout: 124, lost: 1 };
    for (const [id, status] of Object.entries(statuses)) t.match(await home.invoke(['wait', id]), { status }, id);
  });

  t.test('wrong usage', async (t) => {
    t.match(await home.invoke(['wait']), { status: 64 });
    t.match(await home.invoke(['wait', 'nobody']), { status: 66, stderr: 'progress: no execution "nobody"\n' });
    t.match(await home.invoke(['wait', 'x', '--timeout', 'soon']), {
      status: 64,
      stderr: /--timeout: "soon" is not a duration/,
    });
  });
});
