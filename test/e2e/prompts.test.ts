/** From the prompt of a real shell to the daemon: while it is stopped, killed and back nothing waits and nothing is lost. */
import path from 'node:path';
import t from 'tap';
import { whyNo } from '../helpers/needs.js';
import { createHome, ROOT } from '../helpers/daemon.js';
import type { ShellName } from '../helpers/shell-session.js';
import { openShell } from '../helpers/shell-session.js';
import { waitFor } from '../helpers/wait.js';

const SHELLS: Record<ShellName, { load: string; status: string; failing: string }> = {
  bash: { load: '.', status: 'echo "status $?"', failing: '(exit 7)' },
  zsh: { load: '.', status: 'echo "status $?"', failing: '(exit 7)' },
  fish: { load: 'source', status: 'echo "status $status"', failing: 'sh -c "exit 7"' },
};

t.jobs = 3;
for (const [name, { load, status, failing }] of Object.entries(SHELLS) as [ShellName, (typeof SHELLS)[ShellName]][]) {
  const skip = whyNo(name) || whyNo('tmux');

  t.test(`${name}, and a daemon that hangs, dies and returns`, { skip }, async (t) => {
    const home = createHome(t);
    const daemon = await home.startDaemon();
    const PATH = `${ROOT}/bin:${process.env['PATH'] ?? ''}`;
    const shell = await openShell(t, name, { PROGRESS_HOME: home.directory, PATH, TMUX_PANE: '%5' });
    if (name === 'fish') await shell.run('set -e fish_private_mode');
    await shell.run(`${load} '${path.join(ROOT, 'hooks', `progress.${name}`)}'`);

    process.kill(daemon.pid, 'SIGSTOP');
    t.equal(await shell.run(failing), '', 'stopped: nothing is printed');
    t.equal(await shell.run(status), 'status 7', 'and the status stays');
    t.equal(await shell.run('progress emit log message=stopped; true'), '');
    await daemon.kill();
    t.equal(await shell.run(failing), '', 'dead');
    t.equal(await shell.run(status), 'status 7');
    t.equal(await shell.run('progress emit log message=dead; true'), '');

    await home.startDaemon();
    const client = await home.connect();
    const list = async () => (await client.call('list', { all: true })).executions.filter(({ argv }) => argv);
    const shown = await waitFor('all to arrive', async () => {
      const found = await list();
      return found.length === 6 && found.every(({ status }) => status !== 'running') && found;
    });
    const outcomes = shown.map(({ argv, status, exitCode }) => [argv?.[0], status, exitCode]);
    const once = [
      [failing, 'failed', 7],
      [status, 'completed', 0],
      ['progress emit log message=stopped; true', 'completed', 0],
      [failing, 'failed', 7],
      [status, 'completed', 0],
      ['progress emit log message=dead; true', 'completed', 0],
    ];
    t.strictSame(outcomes.toSorted(), once.toSorted());
    t.match(shown[0], { kind: 'command', cwd: process.cwd(), pid: shell.pid, tty: /^\/dev\/pts\//, tmux: '%5' });
    // an event inside of a line belongs to that
    const spoken = shown.find(({ argv }) => argv?.[0] === 'progress emit log message=dead; true');
    await client.close();
    t.match(home.progress(['logs', spoken?.id ?? '']).stdout, /dead/);
    await shell.run(failing);
    await waitFor('what is typed now', async () => home.progress(['ps', '--all']).stdout.split('\n').length === 9);
  });
}
