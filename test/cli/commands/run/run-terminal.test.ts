import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import type { Test } from 'tap';
import { readProcess } from '../../../../src/platform/processes.js';
import type { Home } from '../../../helpers/daemon.js';
import { createHome, PROGRESS } from '../../../helpers/daemon.js';
import { BASH } from '../../../helpers/hook-shells.js';
import type { ShellSession } from '../../../helpers/shell-session.js';
import { openShell } from '../../../helpers/shell-session.js';
import { waitFor } from '../../../helpers/wait.js';
import { whyNo } from '../../../helpers/needs.js';

const skip = whyNo('tmux');
const COUNTING = 'n=0; while :; do n=$((n+1)); echo $n > $0; sleep 0.02; done';

interface Scene {
  home: Home;
  shell: ShellSession;
  /** The command line that runs a script as a run. */
  line: (script: string, options?: string) => string;
  /** A file in which a script counts while it runs. */
  count: () => number;
  show: (name: string) => Promise<Record<string, unknown>>;
}

/** A bash on a new terminal. */
async function open(t: Test): Promise<Scene> {
  const home = createHome(t);
  await home.startDaemon();
  const shell = await openShell(t, BASH, { PROGRESS_HOME: home.directory });
  const counter = path.join(home.directory, 'counter');
  let scripts = 0;
  return {
    home,
    shell,
    line(script, options = '') {
      const file = path.join(home.directory, `script${scripts++}.sh`);
      writeFileSync(file, `set -- ${counter}\n${script.replaceAll('$0', '$1')}\n`);
      return `${PROGRESS} run ${options} -- sh ${file}`;
    },
    count: () => {
      try {
        return Number(readFileSync(counter, 'utf8'));
      } catch {
        return 0;
      }
    },
    show: async (name) => JSON.parse((await home.invoke(['show', '--json', name])).stdout) as Record<string, unknown>,
  };
}

const goesOn = async ({ count }: Scene) => {
  const before = count();
  await waitFor('it to go on', () => count() > before + 2);
};

/** The prompt may follow the key. */
const interrupt = async (shell: ShellSession) => {
  await shell.key('C-c');
  await shell.see(/\^C\s*ready>\s*$/);
};

t.test('in a bash', { skip }, async (t) => {
  t.test('Ctrl-C ends a loop of the shell, as without progress', async (t) => {
    const { shell, line, count } = await open(t);
    await shell.enter(`while :; do ${line(COUNTING)}; done`);
    await waitFor('it to run', () => count() > 2);
    await interrupt(shell);
    t.match(await shell.run('echo status $?'), /status 130/);
  });

  t.test('the run has a terminal with colours and the size of the outer one; both are logged', async (t) => {
    const { shell, line, home } = await open(t);
    const script =
      'test -t 0 && test -t 1 && test -t 2 && echo terminal; stty size; printf "\\033[31mred\\033[0m\\n"; exit 7';
    t.match(await shell.run(line(script, '--name it')), /terminal\n50 300\nred/);
    t.match(await shell.run('echo status $?'), /status 7/);
    await waitFor(
      'the log',
      async () =>
        (await home.invoke(['logs', '--raw', 'it'])).stdout.includes('red') ||
        (await home.invoke(['logs', 'it'])).stdout.includes('red'),
    );
  });

  t.test('in a pipe, or with stderr redirected, the run has the same descriptors as without progress', async (t) => {
    const { shell, line, home } = await open(t);
    const script = 'test -t 1 && echo terminal || echo pipe; echo err >&2';
    t.match(await shell.run(`${line(script)} 2>$HOME/err | cat`), /^pipe/m);
    t.equal(readFileSync(path.join(shell.home, 'err'), 'utf8'), 'err\n');
    t.match(await shell.run(`${line(script, '--name apart')} 2>$HOME/err2`), /^terminal/m);
    t.equal(readFileSync(path.join(shell.home, 'err2'), 'utf8'), 'err\n');
    t.match(await shell.run(`echo typed | ${line('cat')}`), /^typed/m);
    await waitFor(
      'the log',
      async () => (await home.invoke(['logs', 'apart', '--stream', 'stderr'])).stdout === 'err\n',
    );
  });

  t.test('a failure to start ends the run with its status', async (t) => {
    const { shell } = await open(t);
    const run = (words: string) => shell.run(`${PROGRESS} ${words}; echo status $?`);
    t.match(await run('run -- no-such-command'), /^progress: no-such-command: command not found\nstatus 127/m);
    t.match(await run('rerun no-such-command'), /^progress: no-such-command: command not found\nstatus 127/m);
    t.match(await run('run --cwd /missing -- true'), /^progress: cannot start in \/missing: .*\nstatus 126/m);
    t.match(await run('run --stream --pty -- /'), /failed .*exit 126[^]*is a directory[^]*\nstatus 126/);
  });

  t.test('Ctrl-C ends a queued run', async (t) => {
    const { shell, home, show } = await open(t);
    home.progress(['queue', 'set', 'one', '--slots', '1']);
    home.progress(['run', '--detach', '--queue', 'one', '--', 'sleep', '600']);
    await shell.enter(`${PROGRESS} run --queue one --name second -- true`);
    await shell.see(/queued; 'progress show/);
    await shell.untilPrompt(() => shell.key('C-c'));
    t.match(await shell.run('echo status $?'), /status 130/);
    await waitFor('its end', async () => (await show('second'))['status'] === 'cancelled');
  });

  t.test('Ctrl-C is passed to the command', async (t) => {
    const scene = await open(t);
    const { shell, line, show } = scene;
    await shell.enter(line(COUNTING, '--name it'));
    await goesOn(scene);
    await interrupt(shell);
    t.match(await shell.run('echo status $?'), /status 130/);
    await waitFor('its end', async () => (await show('it'))['status'] === 'cancelled');
    t.match(
      await shell.run('stty -a | grep -o -E " -?(icanon|echo|isig)\\b" | xargs echo modes'),
      /modes.* icanon echo/,
    );
  });

  t.test('Ctrl-Z stops the run; it continues in the background, and in the foreground again', async (t) => {
    const scene = await open(t);
    const { shell, line, show, count } = scene;
    await shell.enter(line(COUNTING, '--name it'));
    await goesOn(scene);
    await shell.untilPrompt(() => shell.key('C-z'));
    await waitFor('it to be paused', async () => (await show('it'))['status'] === 'paused');
    t.match(readProcess(((await show('it'))['process'] as { pid: number }).pid)?.state, /[TD]/);
    const before = count();
    t.match(await shell.run('jobs'), /Stopped/);
    t.equal(count(), before);
    await shell.run('bg');
    await goesOn(scene);
    await waitFor('it to run', async () => (await show('it'))['status'] === 'running');
    t.match(await shell.run('jobs'), /Running/);
    await shell.enter('fg');
    await goesOn(scene);
    await interrupt(shell);
    t.match(await shell.run('echo status $?'), /status 130/);
  });

  t.test('a background job is not stopped, and ends; in the foreground it receives keys', async (t) => {
    const scene = await open(t);
    const { shell, line } = scene;
    await shell.run(`${line(COUNTING, '--name it')} &`);
    await goesOn(scene);
    t.match(await shell.run('jobs'), /Running/);
    await shell.enter('fg');
    await goesOn(scene);
    await interrupt(shell);
    t.match(await shell.run('echo status $?'), /status 130/);
    await shell.run(`${line('sleep 0.2; echo bye')} & wait; jobs`);
    t.notMatch(await shell.run('jobs'), /Stopped/);
  });

  t.test('the run receives changes of the size', async (t) => {
    const { shell, line } = await open(t);
    await shell.enter(line('trap "stty size; exit" WINCH; echo up; while :; do sleep 0.02; done'));
    await shell.see(/^up$/m);
    await shell.resize(120, 40);
    await shell.see(/^40 120$/m);
  });
});

t.test('a terminal gets the same bytes as without progress', { skip: whyNo('script') }, (t) => {
  const home = createHome(t);
  const script = path.join(home.directory, 'print.sh');
  writeFileSync(
    script,
    String.raw`printf 'one\ntwo\r\n\033[1mthree\033[0m\n\n'; seq 1 2000; stty -onlcr; printf 'bare\nfour\r\nfive\r'; stty onlcr; printf 'six\nno newline'`,
  );
  const textOf = (command: string) => {
    const { stdout } = spawnSync('script', ['-qec', command, '/dev/null'], {
      env: home.env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    // script(1) types a NUL at the end of its input, which may be echoed
    return stdout.toString('latin1').replaceAll(/\0|\^@/g, '');
  };
  const [bare, wrapped] = [`sh ${script}`, `${PROGRESS} run -- sh ${script}`].map(textOf);
  t.equal(wrapped, bare);
  t.match(bare, 'three', 'it is something');
  t.end();
});
