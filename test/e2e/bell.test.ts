import { writeFileSync } from 'node:fs';
import { spawn } from '@lydell/node-pty';
import t from 'tap';
import type { Test } from 'tap';
import { createHome, PROGRESS } from '../helpers/daemon.js';
import type { Home } from '../helpers/daemon.js';
import { waitFor } from '../helpers/wait.js';

/** A program in a terminal, and all output of the terminal so far. */
function openTerminal(t: Test, home: Home, words: [string, ...string[]]) {
  const [file, ...args] = words;
  const env = Object.fromEntries(Object.entries(home.env).filter(([, value]) => value !== undefined));
  const program = spawn(file, args, {
    env: { ...env, PS1: '$ ' },
  });
  let shown = '';
  let isGone = false;
  program.onData((text) => (shown += text));
  program.onExit(() => (isGone = true));
  t.teardown(async () => {
    if (!isGone) program.kill('SIGKILL');
    await waitFor(`${words.join(' ')} to be gone`, () => isGone);
  });
  return { type: (text: string) => program.write(text), shown: () => shown };
}

t.test('rings the terminal that a run was started in, and those with a watch', async (t) => {
  const home = createHome(t);
  writeFileSync(home.paths.config, 'rules:\n  - { name: broken, when: { status: failed }, notify: bell }\n');
  await home.startDaemon();
  home.progress(['notify', '--channel', 'bell', 'before']);
  const [shell, other] = [openTerminal(t, home, ['sh', '-i']), openTerminal(t, home, ['sh', '-i'])];
  const watcher = openTerminal(t, home, [PROGRESS, 'watch']);
  const boxed = openTerminal(t, home, [PROGRESS, 'watch', '--stream']);
  await waitFor('those who watch', () => watcher.shown().includes('before') && boxed.shown().includes('progress'));
  const earlier = watcher.shown().split('\x07').length;
  shell.type(`${PROGRESS} run --detach --name broken -- sh -c 'exit 3'\r`);
  for (const { shown } of [shell, boxed]) await waitFor('the bell', () => shown().includes('\x07'));
  await waitFor('that of the watcher', () => watcher.shown().split('\x07').length === earlier + 1);
  t.notMatch(other.shown(), '\x07');
  const { stdout } = home.progress(['notify', '--log']);
  t.match(stdout, /bell +broken +sent/);
});
