/** While the daemon is stopped, killed and back, a real shell never blocks and loses no event. */
import t from 'tap';
import { createHome, ROOT } from '../helpers/daemon.js';
import { HOOK_SHELLS } from '../helpers/hook-shells.js';
import { openHooked } from '../helpers/shell-session.js';
import { waitFor } from '../helpers/wait.js';

t.jobs = 3;
for (const hooked of HOOK_SHELLS) {
  const [failing, status, shown] = hooked.failure;
  const exitCode = parseInt(shown);

  t.test(`${hooked.name}: a daemon that hangs, dies and returns`, { skip: hooked.skipInTmux }, async (t) => {
    const home = createHome(t);
    const daemon = await home.startDaemon();
    const PATH = `${ROOT}/bin:${process.env['PATH'] ?? ''}`;
    const shell = await openHooked(t, hooked, [], { PROGRESS_HOME: home.directory, PATH, TMUX_PANE: '%5' });

    process.kill(daemon.pid, 'SIGSTOP');
    t.equal(await shell.run(failing), '', 'stopped: nothing is printed');
    t.equal(await shell.run(status), shown, 'and the status stays');
    t.equal(await shell.run('progress emit log message=stopped; true'), '');
    await daemon.kill();
    t.equal(await shell.run(failing), '', 'dead');
    t.equal(await shell.run(status), shown);
    t.equal(await shell.run('progress emit log message=dead; true'), '');

    await home.startDaemon();
    const client = await home.connect();
    const list = async () =>
      (await client.call('list', { all: true })).executions.filter(({ process: { argv } = {} }) => argv);
    const found = await waitFor('all to arrive', async () => {
      const all = await list();
      return all.length === 6 && all.every(({ status }) => status !== 'running') && all;
    });
    const outcomes = found.map(({ process: { argv } = {}, status, outcome: { exitCode } = {} }) => [
      argv?.[0],
      status,
      exitCode,
    ]);
    const once = [
      [failing, 'failed', exitCode],
      [status, 'completed', 0],
      ['progress emit log message=stopped; true', 'completed', 0],
      [failing, 'failed', exitCode],
      [status, 'completed', 0],
      ['progress emit log message=dead; true', 'completed', 0],
    ];
    t.strictSame(outcomes.toSorted(), once.toSorted());
    t.match(found[0], {
      kind: 'command',
      process: { cwd: process.cwd(), pid: shell.pid, tty: /^\/dev\/pts\//, tmux: '%5' },
    });
    // an event inside a command line belongs to its execution
    const spoken = found.find(({ process: { argv } = {} }) => argv?.[0] === 'progress emit log message=dead; true');
    await client.close();
    t.match(home.progress(['logs', spoken?.id ?? '']).stdout, /dead/);
    await shell.run(failing);
    await waitFor('what is typed now', async () => home.progress(['ps', '--all']).stdout.split('\n').length === 9);
  });
}
