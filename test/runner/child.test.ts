import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Test } from 'tap';
import t from 'tap';
import type { ChildOptions, ChildExit } from '../../src/runner/child.js';
import { startChild, exitStatusOfChild } from '../../src/runner/child.js';
import { openPty } from '../../src/runner/pty.js';
import { isAble, isMissing } from '../helpers/needs.js';
import { createHome, PROGRESS } from '../helpers/daemon.js';

interface Ended {
  status: number;
  outcome: ChildExit;
  text: string;
}

const home = createHome(t);

/** On pipes, or on a terminal. */
async function run(argv: [string, ...string[]], options: Partial<ChildOptions> = {}): Promise<Ended> {
  const child = await startChild({
    argv,
    cwd: process.cwd(),
    env: process.env,
    stdin: 'ignore',
    stderr: 'terminal',
    directory: home.directory,
    ...options,
  });
  if (!('pid' in child)) {
    options.pty?.close();
    return { status: exitStatusOfChild(child), outcome: child, text: '' };
  }
  let text = '';
  const all = child.outputs.map(
    ({ source }) =>
      new Promise<void>((resolve) => {
        source.listen((chunk) => {
          text += chunk.toString();
          return false;
        }, resolve);
      }),
  );
  const outcome = await child.exited;
  options.pty?.finish();
  await Promise.all(all);
  return { status: exitStatusOfChild(outcome), outcome, text };
}

/** The same on pipes and on a terminal. */
async function expectError(
  t: Test,
  argv: [string, ...string[]],
  status: number,
  error: RegExp,
  more: Partial<ChildOptions> = {},
) {
  for (const pty of [undefined, openPty()]) {
    const ended = await run(argv, { ...more, pty });
    t.match(ended, { status, outcome: { exitCode: status, error } }, `${argv[0]}${pty ? ' on a terminal' : ''}`);
  }
}

t.test('a command that cannot be run is reported, with the exit status of a shell', async (t) => {
  const directory = t.testdir({ plain: 'no program', sub: {} });
  const plain = path.join(directory, 'plain');
  chmodSync(plain, 0o644);
  await expectError(t, ['no-such-command-anywhere'], 127, /^no-such-command-anywhere: command not found$/);
  await expectError(t, [path.join(directory, 'missing')], 127, /missing: no such file$/);
  await expectError(t, ['./missing'], 127, /^\.\/missing: no such file$/, { cwd: directory });
  await expectError(t, [plain], 126, /plain: permission denied$/);
  await expectError(t, ['./plain'], 126, /^\.\/plain: permission denied$/, { cwd: directory });
  await expectError(t, [directory], 126, /: is a directory$/);
  await expectError(t, [path.join(plain, 'below')], 127, /below: no such file$/);
  await expectError(t, [''], 127, /command not found$/);
  const env = { ...process.env, PATH: directory };
  await expectError(t, ['sub'], 127, /^sub: command not found$/, { env });
  await expectError(t, ['plain'], 127, /^plain: command not found$/, { env });
});

t.test('a directory that does not exist', async (t) => {
  const directory = t.testdir({ file: '' });
  await expectError(t, ['true'], 126, /^cannot start in .*gone: no such directory$/, {
    cwd: path.join(directory, 'gone'),
  });
  await expectError(t, ['true'], 126, /^cannot start in .*file: not a directory$/, {
    cwd: path.join(directory, 'file'),
  });
});

t.test('arguments that are too long for the system', async (t) => {
  await expectError(t, ['true', 'x'.repeat(4 * 1024 * 1024)], 126, /^cannot start true: .*E2BIG/);
});

t.test('a program whose interpreter is missing', async (t) => {
  const script = path.join(t.testdir({ script: '#!/no/such/interpreter\n' }), 'script');
  chmodSync(script, 0o755);
  t.match(await run([script]), { status: 127, outcome: { error: /script: its interpreter was not found$/ } });
  t.match(await run([script], { pty: openPty() }), { status: 127, text: /No such file/ });
});

t.test('a script without #! is run by the shell', async (t) => {
  const directory = t.testdir({ script: 'echo "$0 $1"; exit 3\n' });
  const script = path.join(directory, 'script');
  chmodSync(script, 0o755);
  for (const pty of [undefined, openPty()]) {
    t.match(await run([script, 'a b'], { pty }), { status: 3, text: /script a b\r?\n$/ });
  }
  t.match(await run(['./script', 'x'], { cwd: directory }), { status: 3, text: /script x\n$/ });
});

t.test('the command has the given directory and environment', async (t) => {
  const cwd = path.join(t.testdir({ sub: {} }), 'sub');
  const { text } = await run(['sh', '-c', 'pwd; echo "$ONE|${HOME-none}"'], {
    cwd,
    env: { PATH: process.env['PATH'], ONE: '1 2' },
  });
  t.equal(text, `${cwd}\n1 2|none\n`);
});

t.test('a command is looked up in the given PATH, and without one in the default path', async (t) => {
  const bin = path.join(t.testdir({ bin: { mine: '#!/bin/sh\necho mine\n' } }), 'bin');
  chmodSync(path.join(bin, 'mine'), 0o755);
  t.match(await run(['mine'], { env: { PATH: bin } }), { status: 0, text: 'mine\n' });
  t.match(await run(['sh', '-c', 'echo found'], { env: {} }), { status: 0, text: 'found\n' });
});

t.test('the command leads a session, without a controlling terminal of progress', async (t) => {
  const { text } = await run(['sh', '-c', 'echo $$; cut -d" " -f5,6,7 /proc/$$/stat']);
  const [pid, ids] = text.split('\n');
  t.equal(ids, `${pid} ${pid} 0`);
  const onTerminal = await run(['sh', '-c', 'echo $$; cut -d" " -f5,6 /proc/$$/stat; tty'], { pty: openPty() });
  const [leader, group, device] = onTerminal.text.split('\r\n');
  t.equal(group, `${leader} ${leader}`);
  t.match(device, /^\/dev\/pts\/\d+$/);
});

t.test('without a free descriptor', async (t) => {
  if (isMissing(t, 'prlimit', isAble('prlimit', '--version'))) return;
  const usual = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
  const limit = `prlimit --pid ${process.pid} --nofile`;
  // loaded before, since nothing can be started then
  const helper = spawn('sh', ['-c', `read go && ${limit}=3: && echo low && read go && ${limit}=${usual}:`]);
  const ended = once(helper, 'close') as Promise<[number]>;
  helper.stdin.write('go\n');
  await once(helper.stdout, 'data');
  const outcomes = [await run(['echo', 'fine']), await run(['echo', 'fine'])];
  helper.stdin.write('go\n');
  t.strictSame(await ended, [0, null]);
  for (const ended of outcomes) t.match(ended, { status: 126, outcome: { error: /^cannot start echo: .*EMFILE/ } });
  t.match(await run(['echo', 'fine']), { status: 0, text: 'fine\n' }, 'it passes');
});

t.test('with few descriptors the program runs, or the reason is reported', (t) => {
  for (let limit = 16; limit <= 48; limit += 4) {
    const words = ['-c', `ulimit -n ${limit}; exec ${PROGRESS} run -- echo fine`];
    const { status, stdout, stderr } = spawnSync('sh', words, { env: home.env, encoding: 'utf8', timeout: 30_000 });
    if (status === 0) t.equal(stdout, 'fine\n', `${limit}`);
    else t.match(stderr, /^progress: .*raise the limit.*\n$/, `${limit}: ${status}`);
  }
  t.end();
});
