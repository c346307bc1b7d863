import { once } from 'node:events';
import { userInfo } from 'node:os';
import t from 'tap';
import type { ExecutionEvent } from '../../../src/core/events/event.js';
import { createHome } from '../../helpers/daemon.js';
import type { RunHomeWithDaemon } from '../../helpers/runs.js';
import { startRunHome, STUBBORN } from '../../helpers/runs.js';
import { openTmux } from '../../helpers/tmux.js';
import { waitFor } from '../../helpers/wait.js';
import { whyNo } from '../../helpers/needs.js';
import { collectOutput } from '../../helpers/output.js';

const SLEEP = ['sleep', '300'];

/** What was done to a run, according to the journal. */
async function controls(home: RunHomeWithDaemon, id: string): Promise<ExecutionEvent['data'][]> {
  const { stdout } = await home.invoke(['logs', id, '--type', 'control', '--json']);
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => (JSON.parse(line) as ExecutionEvent).data);
}

t.test('stop', async (t) => {
  const home = await startRunHome(t);
  const by = userInfo().username;

  t.test('sends SIGINT, waits for the end, and records who requested it', async (t) => {
    const id = await home.start(['--name', 'obedient'], ...SLEEP);
    t.strictSame(await home.invoke(['stop', 'obedient']), {
      status: 0,
      stdout: `${id} obedient: stopped by SIGINT\n`,
      stderr: '',
    });
    await waitFor('its processes to be gone', () => !home.isAlive(id));
    t.match(await home.get(id), { status: 'cancelled', outcome: { signal: 'SIGINT' } });
    t.strictSame(await controls(home, id), [
      { action: 'stop', by },
      { action: 'signal', signal: 'SIGINT', by },
    ]);
  });

  t.test('sends SIGKILL after the grace time, and with --kill at once', async (t) => {
    const slow = await home.start([], ...STUBBORN);
    const quick = await home.start([], ...STUBBORN);
    await Promise.all([slow, quick].map((id) => home.hear(id, 'ready')));
    t.match(await home.invoke(['stop', slow, '--grace', '100ms']), {
      status: 0,
      stdout: /: SIGINT did not end it, SIGKILL did\n$/,
    });
    t.match(await home.invoke(['stop', quick, '--kill']), { status: 0, stdout: /: killed by SIGKILL\n$/ });
    for (const id of [slow, quick])
      t.match(await home.get(id), { status: 'cancelled', outcome: { signal: 'SIGKILL' } });
    t.match((await controls(home, slow))[0], { action: 'stop', graceMs: 100 });
    t.match((await controls(home, quick))[0], { action: 'kill' });
  });

  t.test('tries all named runs, and returns the worst status', async (t) => {
    const over = await home.start([], 'true');
    await home.until(over, 'completed');
    const id = await home.start([], ...SLEEP);
    const outcome = await home.invoke(['stop', 'nothing', over, id, id]);
    t.match(outcome, { status: 66, stderr: 'progress: no execution "nothing"\n' });
    t.strictSame(
      outcome.stdout.split('\n').sort(),
      ['', `${over} true: has ended: completed`, `${id} sleep 300: stopped by SIGINT`].sort(),
    );
    t.match(await home.invoke(['stop', over]), { status: 0 }, 'what is over is stopped already');
  });

  t.test('--json prints each run as it ended', async (t) => {
    const id = await home.start([], ...SLEEP);
    t.match(JSON.parse((await home.invoke(['stop', id, '--json'])).stdout), {
      id,
      status: 'cancelled',
      outcome: { signal: 'SIGINT' },
    });
  });

  t.test('sends a signal by name or number, and does not wait', async (t) => {
    const id = await home.start([], 'sh', '-c', 'trap "echo got it" USR1; echo ready; while :; do sleep 0.1; done');
    await home.hear(id, 'ready');
    for (const signal of ['USR1', 'SIGUSR1', 'usr1', '10']) {
      t.match(await home.invoke(['stop', id, '--signal', signal]), { status: 0, stdout: /: SIGUSR1 was sent\n$/ });
    }
    await home.hear(id, 'got it');
    t.match(await home.get(id), { status: 'running' });
    t.match(await home.invoke(['stop', id, '--signal', 'SIGTRM']), {
      status: 64,
      stderr: /unknown signal "SIGTRM"; did you mean TERM\?/,
    });
    t.match(await home.invoke(['stop', id, '--signal', '99']), { status: 64, stderr: /unknown signal "99"/ });
    t.match(await home.invoke(['stop', id, '--signal', 'constructor']), { status: 64 });
    t.notMatch(await controls(home, id), [{ signal: 'SIGTERM' }]);
    t.match(await home.invoke(['stop', id, '--signal', 'KILL']), { status: 0 });
    t.match(await home.until(id, 'cancelled'), { outcome: { signal: 'SIGKILL' } });
  });

  t.test('dismisses a recorded execution by its ID only', async (t) => {
    const client = await home.connect();
    await client.call('emit', { event: { type: 'execution_started', execution: 'foreign', name: 'somebody else’s' } });
    await client.close();
    for (const args of [['pause'], ['stop', '--signal', 'TERM']]) {
      const stderr = /not started by `progress run`: it can only be dismissed/;
      t.match(await home.invoke([...args, 'foreign']), { status: 65, stdout: '', stderr });
    }
    t.match(await home.invoke(['stop', '--all']), { status: 0, stdout: 'Nothing to stop.\n', stderr: '' });
    t.match(await home.get('foreign'), { status: 'running' });
    t.match(await home.invoke(['stop', 'foreign']), { status: 0, stdout: /: dismissed;/, stderr: '' });
    t.match(await home.get('foreign'), {
      status: 'cancelled',
      outcome: { dismissed: true, error: /^dismissed by \w+/ },
    });
    // stopping and pausing an ended run have the same result
    for (const verb of ['stop', 'pause', 'resume']) {
      t.match(
        await home.invoke([verb, 'foreign']),
        { status: 0, stdout: /: has ended: cancelled\n$/, stderr: '' },
        verb,
      );
    }
    const late = await home.connect();
    await late.call('emit', { event: { type: 'execution_completed', execution: 'foreign', exitCode: 0 } });
    await late.close();
    const { status, outcome: { error, dismissed } = {} } = await home.get('foreign');
    t.strictSame({ status, error, dismissed }, { status: 'completed', error: undefined, dismissed: undefined });
  });

  t.test('a real-time signal is refused, with another way', async (t) => {
    for (const name of ['RTMIN+1', 'sigrtmax', '34'])
      t.match(await home.invoke(['stop', '--signal', name, 'any']), {
        status: 64,
        stderr: /not supported: use 'kill -s /,
      });
    t.match(await home.invoke(['stop', '--signal', 'RTMX', 'any']), { status: 64, stderr: /unknown signal "RTMX"/ });
  });

  t.test('selects by queue and by label; an empty selection is not an error', async (t) => {
    const a = await home.start(['--queue=q', '--label', 'team=x'], ...SLEEP);
    const b = await home.start(['--queue=q', '--label', 'team=y', '--label', 'x=1'], ...SLEEP);
    const c = await home.start(['--label', 'team=x'], ...SLEEP);
    await home.until(a, 'running');
    t.match(await home.invoke(['stop', '--queue', 'q', '--label', 'team=z']), {
      status: 0,
      stdout: 'Nothing to stop.\n',
    });
    t.match(await home.invoke(['stop', '--queue', 'q', '--label', 'team=y', '--label', 'x=1']), {
      status: 0,
      stdout: `${b} sleep 300: cancelled before it started\n`,
    });
    t.match(await home.get(a), { status: 'running' });
    t.match((await home.invoke(['stop', '--label', 'team=x'])).stdout.split('\n').length, 3);
    for (const id of [a, b, c]) t.match(await home.get(id), { status: 'cancelled' });
    t.match(await home.invoke(['stop', '--queue', 'other']), { status: 0, stdout: 'Nothing to stop.\n' });
  });

  t.test('--all excludes the run that it is called in, and those around it', async (t) => {
    const outer = await home.start(['--name', 'outer'], ...SLEEP);
    const inner = await home.invoke(['run', '--detach', '--name', 'inner', '--', ...SLEEP], {
      env: { PROGRESS_EXECUTION: outer },
    });
    const id = inner.stdout.trim();
    const other = await home.start(['--name', 'other'], ...SLEEP);
    t.match(await home.invoke(['stop', '--all'], { env: { PROGRESS_EXECUTION: id } }), {
      status: 0,
      stdout: `${other} other: stopped by SIGINT\n`,
    });
    t.match((await controls(home, other))[0], { by: `${by}, in ${id}` });
    t.equal((await home.invoke(['stop', '--all'])).stdout.trim().split('\n').length, 2);
  });

  t.test('wrong usage is refused with 64, and nothing is sent', async (t) => {
    const wrong = [
      ['stop'],
      ['stop', 'x', '--all'],
      ['stop', '--all', '--queue', 'q'],
      ['stop', '--label', 'nonsense'],
      ['stop', 'x', '--kill', '--grace', '1s'],
      ['stop', 'x', '--kill', '--signal', 'TERM'],
      ['stop', 'x', '--grace', 'soon'],
      ['stop', 'x', '--signal', ''],
    ];
    for (const words of wrong)
      t.match(await home.invoke(words), { status: 64, stdout: '', stderr: /./ }, words.join(' '));
  });

  t.test('Ctrl-C leaves the command, and the stop continues', async (t) => {
    const id = await home.start([], ...STUBBORN);
    await home.hear(id, 'ready');
    const stopping = home.spawn(['stop', id, '--grace', '2s'], { stdio: 'ignore', detached: true });
    await waitFor('SIGINT to be sent', async () =>
      (await controls(home, id)).some(({ signal }) => signal === 'SIGINT'),
    );
    process.kill(-stopping.pid!, 'SIGINT');
    t.strictSame(await once(stopping, 'exit'), [null, 'SIGINT']);
    t.match(await home.get(id), { status: 'running' });
    t.match(await home.until(id, 'cancelled'), { outcome: { signal: 'SIGKILL' } });
  });

  t.test('a killed daemon does not affect the stop', async (t) => {
    const id = await home.start([], ...STUBBORN);
    await home.hear(id, 'ready');
    const stopping = home.spawn(['stop', id, '--grace', '2s'], { stdio: ['ignore', 'pipe', 'ignore'] });
    const { ended } = collectOutput(stopping);
    await waitFor('SIGINT to be sent', async () =>
      (await controls(home, id)).some(({ signal }) => signal === 'SIGINT'),
    );
    await home.replaceDaemon();
    const stdout = `${id} ${STUBBORN.join(' ')}: SIGINT did not end it, SIGKILL did\n`;
    t.strictSame(await ended, { status: 0, signal: null, stdout, stderr: '' });
  });
});

t.test('pause and resume', async (t) => {
  const home = await startRunHome(t);
  const a = await home.start(['--name', 'a', '--queue=q'], ...SLEEP);
  const b = await home.start(['--name', 'b', '--queue=q'], ...SLEEP);
  await home.until(a, 'running');
  t.match(await home.invoke(['pause', 'b']), { status: 65, stderr: /is queued: it can only be stopped/ });
  t.strictSame(await home.invoke(['pause', 'a']), { status: 0, stdout: `${a} a: paused\n`, stderr: '' });
  t.match(await home.get(a), { status: 'paused' });
  t.match(await home.invoke(['pause', 'a']), { status: 0, stdout: `${a} a: is already paused\n` });
  t.match(await home.invoke(['pause', '--all']), { status: 0, stdout: 'Nothing to pause.\n' });
  t.match(await home.get(b), { status: 'queued' }, 'what is paused keeps its slot');
  t.match(JSON.parse((await home.invoke(['resume', '--queue', 'q', '--json'])).stdout), { id: a, status: 'running' });
  t.match(await home.invoke(['resume', 'a']), { status: 0, stdout: `${a} a: is not paused\n` });
  t.match(await home.invoke(['resume', '--all']), { status: 0, stdout: 'Nothing to resume.\n' });
  t.match(await home.invoke(['pause', 'a']), { status: 0 });
  t.match(
    await home.invoke(['stop', 'a']),
    { status: 0, stdout: `${a} a: stopped by SIGINT\n` },
    'a paused one obeys, too',
  );
  t.match(await home.invoke(['pause', 'a']), { status: 0, stdout: `${a} a: has ended: cancelled\n` });
  await home.until(b, 'running');
});

t.test('starts a daemon if there is none, and finds nothing', async (t) => {
  const home = createHome(t);
  t.match(await home.invoke(['stop', '--all']), { status: 0, stdout: 'Nothing to stop.\n' });
  t.match(await home.invoke(['stop', 'x']), { status: 66, stderr: 'progress: no execution "x"\n' });
});

t.test('at a terminal, the actor is the user and the terminal', { skip: whyNo('tmux') }, async (t) => {
  const home = await startRunHome(t);
  const id = await home.start([], ...SLEEP);
  const tmux = await openTmux(t, { columns: 100, rows: 20 }, { PROGRESS_HOME: home.directory });
  await tmux.enter(`${process.cwd()}/bin/progress stop ${id}`);
  await tmux.see(/stopped by SIGINT/);
  t.match((await controls(home, id))[0], { by: /^\S+, pts\/\d+$/ });
});
