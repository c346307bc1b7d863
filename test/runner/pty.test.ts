import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { readProcess } from '../../src/platform/processes.js';
import type { Pty } from '../../src/runner/pty.js';
import { openPty } from '../../src/runner/pty.js';
import { createHome, isRunning } from '../helpers/daemon.js';
import type { StartedRun } from '../helpers/run-here.js';
import { startHere } from '../helpers/run-here.js';
import { sh } from '../helpers/runs.js';
import { isMissing } from '../helpers/needs.js';
import { waitFor } from '../helpers/wait.js';

const home = createHome(t);

function start(argv: readonly string[], size = {}): StartedRun & { pty: Pty } {
  const pty = openPty(size)!;
  return {
    pty,
    ...startHere(home, argv, { options: { pty, stdin: 'inherit', stderr: 'terminal', outputLimit: 2 ** 30 } }),
  };
}

const hash = (text: string) => createHash('sha256').update(text).digest('hex');

t.test('no output is lost at the end', async (t) => {
  const expected = hash(Array.from({ length: 300_000 }, (_, n) => n + 1).join('\n'));
  for (let round = 0; round < 20; round++) {
    const { run, text } = start(['seq', '1', '300000']);
    t.equal(await run.ended, 0);
    const output = text('stdout');
    if (hash(output) !== expected) t.fail(`round ${round}: ends with ${JSON.stringify(output.slice(-40))}`);
  }
});

const PERL = spawnSync('sh', ['-c', 'command -v perl'], { encoding: 'utf8' }).stdout.trim();
const BUSYBOX = spawnSync('sh', ['-c', 'command -v busybox'], { encoding: 'utf8' }).stdout.trim();

t.test('the command has the terminal, whichever program creates the session', async (t) => {
  const { PATH } = process.env;
  t.teardown(() => (process.env['PATH'] = PATH));
  const old = '#!/bin/sh\necho "Usage: setsid PROG ARGS" >&2\nexit 1\n';
  for (const [name, file] of [
    ['perl', PERL],
    ['setsid', BUSYBOX],
  ] as const) {
    if (isMissing(t, name === 'perl' ? 'perl' : 'busybox', file !== '')) continue;
    const directory = path.join(t.testdir({ [name]: { old: {}, bin: {} } }), name);
    writeFileSync(path.join(directory, 'old/setsid'), old, { mode: 0o755 });
    symlinkSync(file, path.join(directory, 'bin', name));
    // a different PATH for each: the lookup is cached
    process.env['PATH'] = `${directory}/old:${directory}/bin`;
    const { run, text } = start(['/bin/sh', '-c', 'test -t 0 && echo up >/dev/tty; exit 3']);
    t.equal(await run.ended, 3, name);
    t.equal(text('stdout'), 'up', name);
  }
});

t.test('output at the end of a command is complete, with or without a newline', async (t) => {
  for (const [script, end] of [
    ['printf end', 'end'],
    ['echo end', 'end'],
    ['printf "a\\nb"; exit 3', 'a\nb'],
    ['', ''],
  ] as const) {
    const { run, text, events } = start(sh(script));
    await run.ended;
    t.equal(text('stdout'), end);
    t.notMatch(JSON.stringify(events()), /\\u001b_/, 'the end mark is not recorded');
  }
});

t.test('a command may print anything, also the beginning of the end mark', async (t) => {
  const { run, text } = start(
    sh('i=0; while [ $i -lt 200 ]; do printf "\\033_123"; i=$((i+1)); done; printf "\\033_"'),
  );
  t.equal(await run.ended, 0);
  t.equal(text('stdout'), '\x1b_123'.repeat(200) + '\x1b_');
});

t.test('has colours and both streams; is the controlling terminal of the command', async (t) => {
  const { run, text } = start(
    sh('test -t 0 && test -t 1 && test -t 2 && tty >/dev/tty; echo err >&2; printf "\\033[31mred\\033[0m\\n"'),
  );
  t.equal(await run.ended, 0);
  t.match(text('stdout'), /^\/dev\/pts\/\d+\nerr\n\x1b\[31mred\x1b\[0m$/);
  t.equal(text('stderr'), '');
});

t.test('has a size, and the command receives its changes', async (t) => {
  const script = 'trap "stty size; exit" WINCH; stty size; echo up; while :; do sleep 0.02; done';
  const { run, pty, text, says } = start(sh(script), { columns: 91, rows: 33 });
  await says('up');
  pty.resize({ columns: 92, rows: 34 });
  t.equal(await run.ended, 0);
  t.equal(text('stdout'), '33 91\nup\n34 92');
  pty.resize({ columns: 1, rows: 1 });
  t.pass('afterwards it does no harm');
});

t.test('keys reach the command, as signals where they stand for one', async (t) => {
  const { run, pty, text, says } = start(sh('stty -echo; echo up; read line; echo "got $line"; sleep 60'));
  await says('up');
  pty.type(Buffer.from('some words\n'));
  await says('got some words');
  run.expect('SIGINT');
  pty.type(Buffer.from('\x03'));
  t.equal(await run.ended, 130);
  t.match(text('stdout'), /got some words/);
});

t.test('the command inherits no descriptor of the outer end', async (t) => {
  const ptys = [openPty()!, openPty()!];
  const { run, says, pid } = start(sh('echo up; sleep 60 & wait'));
  await says('up');
  const links = (pid: number) => {
    const { stdout } = spawnSync('find', [`/proc/${pid}/fd`, '-type', 'l', '-printf', '%f %l\n'], { encoding: 'utf8' });
    return stdout.trim().split('\n');
  };
  t.ok(
    links(process.pid).some((link) => link.endsWith('/ptmx')),
    'we have it',
  );
  for (const link of links(await pid())) t.notMatch(link, /ptmx/);
  run.control({ run: '', action: 'kill' });
  t.equal(await run.ended, 137);
  for (const pty of ptys) pty.close();
  await waitFor('ours to be closed', () => !links(process.pid).some((link) => link.endsWith('/ptmx')));
});

t.test('when its runner is killed the command gets SIGHUP', async (t) => {
  const home = createHome(t);
  await home.startDaemon();
  const outcome = home.progress([
    'run',
    '--detach',
    '--pty',
    '--',
    'sh',
    '-c',
    `trap 'echo hup > ${home.directory}/hup; exit' HUP; echo $$ > ${home.directory}/pid; while :; do sleep 0.02; done`,
  ]);
  const id = outcome.stdout.trim();
  const read = (name: string) => {
    try {
      return readFileSync(`${home.directory}/${name}`, 'utf8');
    } catch {
      return '';
    }
  };
  const pid = Number(await waitFor('the command', () => read('pid').endsWith('\n') && read('pid')));
  const record = JSON.parse(readFileSync(`${home.paths.runs}/${id}/runner.json`, 'utf8')) as {
    runner: { pid: number };
  };
  t.equal(readProcess(pid)?.session, pid);
  t.match(readlinkSync(`/proc/${pid}/fd/1`), /^\/dev\/pts\/\d+$/);
  process.kill(record.runner.pid, 'SIGKILL');
  await waitFor('SIGHUP', () => read('hup') === 'hup\n');
  await waitFor('it to be gone', () => !isRunning(pid));
});
