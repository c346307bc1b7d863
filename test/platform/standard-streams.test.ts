import { spawn, spawnSync } from 'node:child_process';
import type { StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, openSync, readFileSync, readSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import type { Test } from 'tap';
import { errnoOf } from '../../src/core/base/errors.js';
import { createHome, PROGRESS } from '../helpers/daemon.js';
import { isMissing } from '../helpers/needs.js';
import { collectOutput } from '../helpers/output.js';
import { sh } from '../helpers/runs.js';
import { waitFor } from '../helpers/wait.js';

interface Pipe {
  /** The write end, whose open file this process shares with the programs that it is given to. */
  fd: number;
  isNonBlocking(): boolean;
  /** Returns the readable data. */
  read(): string;
  close(): void;
}

let pipes = 0;

function openPipe(t: Test, directory: string): Pipe {
  const name = path.join(directory, `pipe${pipes++}`);
  spawnSync('mkfifo', [name]);
  const reader = openSync(name, constants.O_RDONLY | constants.O_NONBLOCK);
  const fd = openSync(name, constants.O_WRONLY);
  t.teardown(() => closeSync(reader));
  return {
    fd,
    isNonBlocking: () => isNonBlocking(fd),
    read() {
      const room = Buffer.alloc(1 << 20);
      try {
        return room.toString('utf8', 0, readSync(reader, room));
      } catch (error) {
        if (errnoOf(error) === 'EAGAIN') return '';
        throw error;
      }
    },
    close: () => closeSync(fd),
  };
}

function isNonBlocking(fd: number): boolean {
  const flags = /^flags:\s+([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))?.[1] ?? '0';
  return (parseInt(flags, 8) & constants.O_NONBLOCK) !== 0;
}

t.test('a shared pipe stays blocking while a command writes to it, and after it was killed', async (t) => {
  if (isMissing(t, '/proc', process.platform === 'linux')) return;
  const home = createHome(t);
  await home.startDaemon();
  await home.invoke(['emit', 'task_started', '--execution', 'x', 'name=task']);
  await home.invoke(['emit', 'output', '--execution', 'x', 'text=line']);
  const cases: Record<string, string[]> = {
    'run, standard output': ['run', '--no-pty', '--', ...sh('echo printed; exec sleep 60')],
    'run, standard error': ['run', '--no-pty', '--', ...sh('echo printed >&2; exec sleep 60')],
    'run --follow': ['run', '--follow', '--', ...sh('echo printed; exec sleep 60')],
    watch: ['watch', '--json', '--from-start'],
    'logs -f': ['logs', '-f', 'x'],
    complaints: ['run', '--no-pty', '--queue', 'q', '--', 'true'],
  };
  for (const [name, args] of Object.entries(cases)) {
    const pipe = openPipe(t, home.directory);
    const stdio: StdioOptions = ['ignore', pipe.fd, pipe.fd];
    const child = home.spawn(args, { stdio });
    let printed = '';
    await waitFor(`output of ${name}`, () => (printed += pipe.read()) !== '');
    t.notOk(pipe.isNonBlocking(), name);
    child.kill('SIGKILL');
    await once(child, 'close');
    t.notOk(pipe.isNonBlocking(), `${name}, killed`);
    pipe.close();
  }
});

t.test('standard input stays blocking, as a pipe or a socket', async (t) => {
  if (isMissing(t, '/proc', process.platform === 'linux')) return;
  const home = createHome(t);
  await home.startDaemon();
  spawnSync('mkfifo', [path.join(home.directory, 'seen')]);
  const program = ['run', '--pty', '--', ...sh('stty -echo; read -r line; echo "$line" >"$HOME/seen"; cat')];
  const beside = 'exec 3<&0; "$0" "$@" <&3 & read -r seen <"$HOME/seen"; grep flags /proc/self/fdinfo/0; wait';
  for (const [name, script] of [
    ['socket', beside],
    ['pipe', `cat | { ${beside}; }`],
  ] as const) {
    const child = spawn('sh', ['-c', script, PROGRESS, ...program], {
      env: home.env,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const output = collectOutput(child);
    child.stdin.write('first\n');
    await waitFor(`flags of the ${name}`, () => /flags:\s+\d+/.test(output.stdout));
    const flags = parseInt(/flags:\s+([0-7]+)/.exec(output.stdout)?.[1] ?? '0', 8);
    t.equal(flags & constants.O_NONBLOCK, 0, name);
    child.stdin.end('last\n');
    t.match(await output.ended, { stdout: /last/ }, name);
  }
});

t.test('output is complete although another process has made the pipe non-blocking', async (t) => {
  const home = createHome(t);
  await home.startDaemon();
  const pipe = openPipe(t, home.directory);
  // set by a program that shares it
  const name = `/proc/${process.pid}/fd/${pipe.fd}`;
  const shared = openSync(name, constants.O_WRONLY | constants.O_NONBLOCK);
  const lines = 200_000;
  const child = home.spawn(['run', '--no-pty', '--', 'seq', `${lines}`], { stdio: ['ignore', shared, 'inherit'] });
  closeSync(shared);
  const ended = once(child, 'close');
  let text = '';
  await waitFor('all lines', () => (text += pipe.read()).endsWith(`\n${lines}\n`), 60_000);
  t.equal(text.split('\n').length, lines + 1);
  t.strictSame(await ended, [0, null]);
  pipe.close();
});
