import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import type { Test } from 'tap';
import { findInPath } from '../../../../src/platform/paths.js';
import { createHome, PROGRESS } from '../../../helpers/daemon.js';
import { BASH } from '../../../helpers/hook-shells.js';
import { isMissing, whyNo } from '../../../helpers/needs.js';
import { openShell } from '../../../helpers/shell-session.js';
import { waitFor } from '../../../helpers/wait.js';

/** System features that a run needs to type into the terminal without a helper. */
const PROGRAMS = ['node', 'sh', 'bash', 'env', 'sleep', 'stty', 'setsid', 'mkfifo', 'readlink', 'cat', 'ps'];

/** The kernel lets root type into a terminal, and other users where this is not 0. */
function isTypingAllowed(): boolean {
  const setting = '/proc/sys/dev/tty/legacy_tiocsti';
  return process.getuid?.() === 0 || !existsSync(setting) || readFileSync(setting, 'utf8').trim() !== '0';
}

/** The program itself: the first one in PATH may be a script that needs others. */
function findPython(): string {
  return spawnSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).stdout.trim();
}

/** A bash that has started a run which reads nothing. The run ends when `end` is called. */
async function open(t: Test, programs: readonly string[], begin = '') {
  const home = createHome(t);
  await home.startDaemon();
  const bin = path.join(home.directory, 'bin');
  mkdirSync(bin);
  for (const program of programs) {
    const file = program === 'python3' ? findPython() : findInPath(program, process.env['PATH'])[0];
    if (file !== undefined) symlinkSync(file, path.join(bin, program));
  }
  const shell = await openShell(t, BASH, { PROGRESS_HOME: home.directory, PATH: bin });
  const [script, begun, over] = ['script.sh', 'begun', 'over'].map((name) => path.join(home.directory, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(script, `${begin}\n: >${begun}\nuntil [ -e ${over} ]; do sleep 0.05; done\n`);
  await shell.enter(`${PROGRESS} run -- sh ${script}`);
  await waitFor('it to begin', () => existsSync(begun));
  return { shell, end: () => writeFileSync(over, '') };
}

t.test('type-ahead during a command', { skip: whyNo('tmux') }, async (t) => {
  for (const helper of ['perl', 'python3']) {
    t.test(`is returned to the shell, by ${helper}`, { skip: whyNo(helper) }, async (t) => {
      if (isMissing(t, 'a kernel that lets a user type into the terminal', isTypingAllowed())) return;
      const { shell, end } = await open(t, [...PROGRAMS, helper]);
      await shell.enter('echo first: $((6 * 7))');
      // an incomplete line, which can still be edited
      await shell.enter('echo second: $((6 * 8))');
      await shell.key('e');
      await shell.see(/^echo second.*\ne$/m);
      end();
      await shell.see(/^first: 42$[^]*^second: 48$[^]*^ready> e$/m);
      await shell.key('BSpace');
      t.match(await shell.run('stty -a'), /\bisig icanon .* echo /);
    });
  }

  t.test('is named if there is no helper', { skip: whyNo('setsid') }, async (t) => {
    const { shell, end } = await open(t, PROGRAMS);
    await shell.enter('echo ahead');
    await shell.see(/^echo ahead$/m);
    end();
    await shell.see(/^progress: input not read by the command, and not returned to the terminal: "echo ahead\\n"$/m);
  });

  t.test('is not named if it may be a password', { skip: whyNo('setsid') }, async (t) => {
    const { shell, end } = await open(t, PROGRAMS, 'stty -echo');
    await shell.enter('secret');
    end();
    await shell.see(/^progress: input not read by the command, .*: 7 bytes without echo$/m);
    t.notMatch(await shell.capture('history'), 'secret');
  });
});
