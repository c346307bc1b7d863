import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import type { Test } from 'tap';
import { createHome, PROGRESS } from '../../../helpers/daemon.js';
import { BASH } from '../../../helpers/hook-shells.js';
import { openShell } from '../../../helpers/shell-session.js';
import { waitFor } from '../../../helpers/wait.js';
import { whyNo } from '../../../helpers/needs.js';

const MODES = 'stty -a | grep -o -E " -?(icanon|echo)\\b" | xargs echo modes';

/** A bash on a terminal, and the command line that runs a script with redirected output. */
async function open(t: Test) {
  const home = createHome(t);
  await home.startDaemon();
  const shell = await openShell(t, BASH, { PROGRESS_HOME: home.directory });
  let scripts = 0;
  return {
    home,
    shell,
    file: (name: string) => path.join(home.directory, name),
    line: (script: string) => {
      const file = path.join(home.directory, `script${scripts++}.sh`);
      writeFileSync(file, script);
      return `${PROGRESS} run --name it -- sh ${file}`;
    },
  };
}

t.test('a command with redirected output', { skip: whyNo('tmux') }, async (t) => {
  t.test('asks on the terminal, and reads the answer there', async (t) => {
    const { shell, home, line } = await open(t);
    const script = 'printf "Word: " >/dev/tty; read -r word </dev/tty; echo "<$word>"; test -t 1 || echo redirected';
    await shell.enter(`${line(script)} | cat`);
    await shell.see(/^Word:$/m);
    const text = await shell.untilPrompt(() => shell.enter('one'));
    // the echo and the output of cat reach the terminal by different ways, in either order
    t.match(text, /<one>\nredirected$/m);
    t.match(text, /^(?:Word: )?one$/m);
    t.match(await shell.run(MODES), /^modes icanon echo$/m);
    const { stdout } = await home.invoke(['logs', 'it']);
    t.match(stdout, /<one>/);
    t.notMatch(stdout, /Word/, 'what is said at the terminal is no output');
  });

  t.test('does so without messages on the terminal, and with echo turned off', async (t) => {
    const { shell, line } = await open(t);
    const script =
      'stty -echo </dev/tty; echo hidden? >&2; read -r word </dev/tty; stty echo </dev/tty; echo "<$word>"';
    await shell.enter(`${line(script)} | sed s/z/Z/`);
    await shell.see(/^hidden\?$/m);
    const text = await shell.untilPrompt(() => shell.enter('zero'));
    t.match(text, /<Zero>/);
    t.match(await shell.run(MODES), /^modes icanon echo$/m);
  });

  t.test('is interrupted from the terminal', async (t) => {
    const { shell, line } = await open(t);
    await shell.enter(`${line('printf "Word: " >/dev/tty; read -r word </dev/tty; echo not interrupted')} | cat`);
    await shell.see(/^Word:$/m);
    t.notMatch(await shell.untilPrompt(() => shell.key('C-c')), /not interrupted/);
    t.match(await shell.run('echo status ${PIPESTATUS[0]}'), /status 130/);
    t.match(await shell.run(MODES), /^modes icanon echo$/m);
  });

  t.test('leaves type-ahead to the shell', async (t) => {
    const { shell, line, file } = await open(t);
    await shell.enter(`${line(`: >${file('begun')}; until [ -e ${file('over')} ]; do sleep 0.1; done`)} | cat`);
    await waitFor('it to begin', () => existsSync(file('begun')));
    await shell.enter('echo typed ahead: $((6 * 7))');
    writeFileSync(file('over'), '');
    await shell.see(/^typed ahead: 42$/m);
  });

  t.test('leaves keys to a pager in the pipeline', { skip: whyNo('less') }, async (t) => {
    const { shell, line } = await open(t);
    const script = 'sleep 1; exec 3<>/dev/tty; seq 500; sleep 1';
    await shell.enter(`${line(script)} | LESS= less`);
    await shell.see(/^20$/m);
    await shell.key('G');
    await shell.see(/^500$/m);
    await shell.untilPrompt(() => shell.key('q'));
    t.match(await shell.run(MODES), /^modes icanon echo$/m);
  });
});
