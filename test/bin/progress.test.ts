import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import type { Test } from 'tap';
import t from 'tap';
import { loadingLine } from '../../src/cli/commands/setup/hooks.js';
import { NODE_VARIABLES } from '../../src/platform/node-environment.js';
import { readLockRecord } from '../../src/protocol/lock-record.js';
import type { Home } from '../helpers/daemon.js';
import { createHome, isRunning, PROGRESS, ROOT } from '../helpers/daemon.js';
import { quoteWord, SHELLS } from '../helpers/scripts.js';
import { readSpool, readSpoolFiles } from '../helpers/spool.js';
import { waitFor } from '../helpers/wait.js';
import { whyNo } from '../helpers/needs.js';

/** The names of senders hold PIDs and start times: their length may differ from one call to the next. */
const SENDER_DIGITS = 16;
const MAX_SHARED = 4_096;
const SHARED = 'shared.ndjson';

/** Shells that may be /bin/sh. */
const POSIX_SHELLS = SHELLS.filter(({ name }) => name !== 'zsh');

/** A home whose Node is a script that writes its arguments to a file, and ends with status 3. */
function createNodeless(t: Test): Home & { log: string; started(): string[] } {
  const home = createHome(t);
  const programs = path.join(home.directory, 'bin');
  const log = path.join(home.directory, 'node.log');
  mkdirSync(programs);
  writeFileSync(
    path.join(programs, 'node'),
    `#!/bin/sh\ntrap '' HUP\nprintf '%s\\0' "\${LC_ALL-unset}" "$@" >>${quoteWord(log)}\nexit 3\n`,
  );
  chmodSync(path.join(programs, 'node'), 0o755);
  home.env['PATH'] = `${programs}:${process.env['PATH']}`;
  return Object.assign(home, {
    log,
    started: () => (existsSync(log) ? readFileSync(log, 'utf8').split('\0').slice(0, -1) : []),
  });
}

/** Like a shell at its start, in a terminal that stays open until `file` exists. */
function initInTerminal(home: Home, file = home.paths.spool): void {
  const init = `test -n "$(${quoteWord(PROGRESS)} init bash)"`;
  const command = `${init} && until [ -s ${quoteWord(file)} ]; do sleep 0.01; done`;
  const { stdout, status } = spawnSync('script', ['-qec', command, '/dev/null'], { env: home.env, encoding: 'utf8' });
  if (status !== 0) throw new Error(`status ${status}: ${stdout}`);
}

t.test('a plain emit starts no program and no process', { skip: whyNo('strace') }, (t) => {
  const home = createNodeless(t);
  const args = ['emit', 'log', '--execution', 'x', 'message=say "hello"\n\u001b[1m', 'n.x:=1'];
  home.progress(args);
  for (const { name, command, skip } of POSIX_SHELLS) {
    if (skip) continue;
    const trace = ['-f', '-qq', '-e', 'trace=execve,clone,clone3,fork,vfork'];
    const { stderr, status } = spawnSync('strace', [...trace, ...command, PROGRESS, ...args], {
      env: home.env,
      encoding: 'utf8',
    });
    t.equal(status, 0, name);
    const calls = stderr.split('\n').filter((line) => /^[^ ]*(?:execve|clone|fork)/.test(line));
    // dash has no other way to name an escape character than printf in a subshell
    t.equal(calls.filter((call) => call.includes('execve')).length, 1, `${name}: ${stderr}`);
    t.ok(calls.length <= (name === 'dash' ? 2 : 1), `${name}: ${stderr}`);
  }
  t.strictSame(home.started(), []);
  t.end();
});

t.test('a run reaches Node without a fork', { skip: whyNo('strace') }, (t) => {
  const home = createNodeless(t);
  for (const { name, command, skip } of POSIX_SHELLS) {
    if (skip) continue;
    const trace = ['-f', '-qq', '-e', 'trace=execve,clone,clone3,fork,vfork'];
    const { stderr } = spawnSync('strace', [...trace, ...command, PROGRESS, 'run', '--', 'true'], {
      env: home.env,
      encoding: 'utf8',
    });
    t.match(stderr, /execve/, name);
    t.notMatch(stderr, /^[^ ]*(?:clone|fork)/m, name);
  }
  t.end();
});

t.test('without daemon and state it silently creates a private spool', (t) => {
  const home = createNodeless(t);
  t.strictSame(home.progress(['emit', 'log', 'a=1']), { status: 0, stdout: '', stderr: '' });
  t.match(readSpool(home), [{ type: 'log', data: { a: '1' } }]);
  t.equal(statSync(home.paths.spool).mode & 0o777, 0o700);
  t.equal(statSync(path.join(home.paths.spool, SHARED)).mode & 0o777, 0o600);
  t.notOk(existsSync(home.paths.lock));
  t.strictSame(home.started(), []);
  t.end();
});

t.test('the spool is at the path of src/platform/paths.ts', (t) => {
  const home = createNodeless(t);
  mkdirSync(path.join(home.directory, 'h'));
  const places: [NodeJS.ProcessEnv, string][] = [
    [{ PROGRESS_HOME: undefined, HOME: home.directory }, '.local/state/progress'],
    [{ PROGRESS_HOME: undefined, XDG_STATE_HOME: `${home.directory}/xdg` }, 'xdg/progress'],
    [{ PROGRESS_HOME: '', XDG_STATE_HOME: 'relative', HOME: `${home.directory}/h` }, 'h/.local/state/progress'],
  ];
  for (const [env, state] of places) {
    t.equal(home.progress(['emit', 'log'], { env }).status, 0);
    t.ok(existsSync(path.join(home.directory, state, 'spool', SHARED)), state);
  }
  const relative = spawnSync(PROGRESS, ['emit', 'log'], {
    env: { ...home.env, PROGRESS_HOME: 'there' },
    cwd: home.directory,
  });
  t.equal(relative.status, 0);
  t.ok(existsSync(path.join(home.directory, 'there/state/spool', SHARED)));
  t.end();
});

for (const { name, command, skip } of POSIX_SHELLS) {
  t.test(`${name}: lines of up to ${MAX_SHARED} bytes share a file, longer ones have their own`, { skip }, (t) => {
    const home = createNodeless(t);
    const [program, ...args] = command;
    const emit = (message: string) =>
      spawnSync(program, [...args, PROGRESS, 'emit', 'log', 'time:=1790000000', `message=${message}`], {
        env: { ...home.env, LC_ALL: 'C.UTF-8' },
      }).status;
    t.equal(emit(''), 0);
    const room = MAX_SHARED - (readSpoolFiles(home).get(SHARED)?.length ?? 0) - SENDER_DIGITS;
    t.equal(emit('x'.repeat(room)), 0);
    t.equal(emit(`${'é'.repeat(Math.floor(room / 2))}${room % 2 ? 'x' : ''}`), 0);
    t.strictSame([...readSpoolFiles(home).keys()], [SHARED]);
    t.equal(emit('x'.repeat(room + 2 * SENDER_DIGITS)), 0);
    t.equal(emit('é'.repeat(Math.floor(room / 2) + SENDER_DIGITS)), 0);
    t.equal(emit('x'.repeat(20_000)), 0);
    const own = [...readSpoolFiles(home).keys()].filter((file) => file !== SHARED);
    t.equal(own.length, 3);
    for (const file of own) {
      t.match(file, /^emit-\d+-[a-z0-9]+\.ndjson$/);
      t.equal(statSync(path.join(home.paths.spool, file)).mode & 0o777, 0o600);
    }
    t.equal(readSpool(home).length, 6, 'all of them whole');
    t.strictSame(home.started(), []);
    t.end();
  });

  t.test(`${name}: the longest shared line is one write`, { skip: skip || whyNo('strace') }, (t) => {
    const home = createNodeless(t);
    const emit = ['emit', 'log', 'time:=1790000000'];
    home.progress([...emit, 'message=']);
    const room = MAX_SHARED - (readSpoolFiles(home).get(SHARED)?.length ?? 0) - SENDER_DIGITS;
    const { stderr } = spawnSync(
      'strace',
      ['-e', 'trace=write', '-qq', ...command, PROGRESS, ...emit, `message=${'x'.repeat(room)}`],
      { env: home.env, encoding: 'utf8' },
    );
    t.match(stderr, /^write\(.*= 40[5-9]\d\n$/);
    t.end();
  });
}

t.test('another file type in place of the shared file is neither waited for nor followed', (t) => {
  const cases: [string, (file: string) => void][] = [
    ['a FIFO', (file) => void spawnSync('mkfifo', [file])],
    ['a link', (file) => symlinkSync(`${file}.target`, file)],
    ['a directory', (file) => mkdirSync(file)],
  ];
  for (const [what, make] of cases) {
    const home = createHome(t);
    mkdirSync(home.paths.spool, { recursive: true });
    const file = path.join(home.paths.spool, SHARED);
    writeFileSync(`${file}.target`, '');
    make(file);
    t.match(
      home.progress(['emit', 'log', 'a=1']),
      { status: 77, stdout: '', stderr: /^progress: .*shared\.ndjson/ },
      what,
    );
    t.equal(readFileSync(`${file}.target`, 'utf8'), '', what);
  }
  t.end();
});

t.test('variables for Node and names of the launcher reach only the command of a run', async (t) => {
  const home = createHome(t);
  const user = {
    ...Object.fromEntries(NODE_VARIABLES.map((name, index) => [name, `--no-such-option-${index} "$x" 'y' \n`])),
    ...{ root: 'r', self: 's', link: 'l', name: 'n', max_shared: 'm', file: 'f', stat: 't', verb: 'v', NODE_PATH: '' },
  };
  const { status, stdout, stderr } = home.progress(['run', '--', 'env', '-0'], { env: user });
  t.match({ status, stderr }, { status: 0, stderr: '' });
  const given = new Map(stdout.split('\0').map((line) => [line.split('=')[0], line.slice(line.indexOf('=') + 1)]));
  for (const [name, value] of Object.entries(user)) t.equal(given.get(name), value, name);
  t.strictSame(
    [...given.keys()].filter((name) => name?.startsWith('PROGRESS_ASIDE')),
    [],
  );
  const pid = await waitFor('the daemon', () => readLockRecord(home.paths.lock)?.pid);
  const environ = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
  t.notOk(environ.find((line) => line.includes('--no-such-option')));
});

t.test('works with few descriptors, and with one beyond a lowered limit', { skip: whyNo('bash') }, (t) => {
  const home = createHome(t);
  const script = 'exec 200</dev/null; ulimit -n 64; exec "$0" run -- sh -c "ulimit -n"';
  const { status, stdout, stderr } = spawnSync('bash', ['-c', script, PROGRESS], { env: home.env, encoding: 'utf8' });
  t.strictSame({ status, stdout, stderr }, { status: 0, stdout: '64\n', stderr: '' });
  t.equal(home.progress(['ps', '--all']).status, 0, 'the daemon was started');
  t.end();
});

t.test('the launcher and the program know the same variables of Node', (t) => {
  const [, names = ''] = /^__progress_node_variables='([^']*)'/m.exec(readFileSync(PROGRESS, 'utf8')) ?? [];
  t.strictSame(names.split(/\s+/).sort(), [...NODE_VARIABLES].sort());
  t.end();
});

t.test('without Node, or with an old one, one line says which version is needed', (t) => {
  const home = createHome(t);
  const { engines } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as {
    engines: { node: string };
  };
  const needed = engines.node.replace('>=', '');
  const programs = path.join(home.directory, 'bin');
  mkdirSync(programs);
  for (const name of ['readlink', 'sh']) symlinkSync(`/bin/${name}`, path.join(programs, name));
  const none = home.progress(['ps'], { env: { PATH: programs } });
  t.strictSame(none, {
    status: 127,
    stdout: '',
    stderr: `progress: node not found in PATH; install Node.js ${needed} or newer\n`,
  });
  const start = path.join(path.dirname(PROGRESS), 'start.cjs');
  for (const [version, status] of [
    ['0.10.48', 78],
    ['18.20.0', 78],
    ['20.18.3', 78],
    [needed + '.0', 0],
    ['24.0.0', 0],
  ] as const) {
    const old = path.join(home.directory, 'old.cjs');
    writeFileSync(old, `Object.defineProperty(process.versions, 'node', { value: '${version}' })`);
    const outcome = spawnSync(process.execPath, ['-r', old, start, '--version'], { encoding: 'utf8' });
    t.equal(outcome.status, status, version);
    if (status !== 0) t.match(outcome.stderr, new RegExp(`^progress: needs Node.js ${needed} or newer, but .*\n$`));
  }
  t.end();
});

t.test('other arguments reach Node unchanged', (t) => {
  const home = createNodeless(t);
  const cli = path.join(path.dirname(PROGRESS), 'start.cjs');
  const cases = [
    ['emit', 'log', '--wait', 'a=two words', 'b=\n', 'c='],
    ['emit', 'log', 'list:=[1]'],
    ['emit'],
    ['emit', '--help'],
    ['init', 'tcsh'],
    ['init'],
    ['init', 'bash', 'zsh'],
    ['init', '--help'],
    ['path', 'nowhere'],
    ['ps', '--all'],
    [],
  ];
  for (const args of cases) {
    for (const env of [{ LC_ALL: 'C.UTF-8' }, { LC_ALL: '' }, { LC_ALL: undefined }]) {
      const before = home.started().length;
      t.equal(home.progress(args, { env }).status, 3);
      const [locale, program = '', ...given] = home.started().slice(before);
      t.equal(locale, env.LC_ALL ?? 'unset');
      t.equal(path.resolve(program), path.resolve(cli));
      t.strictSame(given, args);
    }
  }
  t.end();
});

t.test('a spool that cannot be written is reported by Node', (t) => {
  const home = createNodeless(t);
  writeFileSync(home.paths.state, '');
  t.match(home.progress(['emit', 'log', 'a=1']), { status: 3, stdout: '', stderr: '' });
  t.match(home.progress(['emit', 'log', `a=${'x'.repeat(5_000)}`]), { status: 3, stdout: '', stderr: '' });
  t.end();
});

t.test('works through symbolic links, and by name only', (t) => {
  const home = createNodeless(t);
  symlinkSync(PROGRESS, path.join(home.directory, 'one'));
  symlinkSync('one', path.join(home.directory, 'two'));
  t.equal(spawnSync(path.join(home.directory, 'two'), ['emit', 'log'], { env: home.env }).status, 0);
  const there = { env: home.env, cwd: path.dirname(PROGRESS), encoding: 'utf8' } as const;
  t.equal(spawnSync('sh', ['progress', 'emit', 'log'], there).status, 0);
  t.equal(spawnSync('sh', ['progress', 'path', 'sh'], there).stdout, `${path.join(ROOT, 'hooks/progress.sh')}\n`);
  t.equal(readSpool(home).length, 2);
  t.end();
});

t.test('50 concurrent events are all complete', async (t) => {
  const home = createNodeless(t);
  const text = 'x'.repeat(3_000);
  const children = Array.from({ length: 50 }, (_, n) => home.spawn(['emit', 'log', `n.x:=${n}`, `text=${text}`]));
  const statuses = await Promise.all(children.map(async (child) => (await once(child, 'exit'))[0] as number));
  t.ok(statuses.every((status) => status === 0));
  const found = readSpool(home).map(({ data }) => data as { 'n.x': number; text: string });
  t.strictSame(
    found.map((data) => data['n.x']).sort((a, b) => a - b),
    Array.from({ length: 50 }, (_, n) => n),
  );
  t.ok(found.every((data) => data.text === text));
});

t.test('init and path print the same as Node, without Node', (t) => {
  const home = createNodeless(t);
  const cli = (...args: string[]) =>
    spawnSync(process.execPath, [path.join(ROOT, 'dist/cli.js'), ...args], {
      env: { ...home.env },
      encoding: 'utf8',
    }).stdout;
  for (const args of [
    ...['bash', 'zsh', 'fish'].map((shell) => ['init', shell]),
    ...['sh', 'bash', 'zsh', 'fish', 'hooks'].map((what) => ['path', what]),
  ]) {
    const outcome = home.progress(args);
    t.strictSame(outcome, { status: 0, stdout: cli(...args), stderr: '' }, args.join(' '));
    t.ok(outcome.stdout.includes(path.join(ROOT, 'hooks')));
  }
  t.ok(existsSync(home.paths.spool), 'and init makes the spool');
  t.strictSame(home.started(), [], 'no daemon is started without a terminal');
  t.end();
});

t.test('path prints the places of sockets, journal, configuration and examples', (t) => {
  const home = createHome(t);
  const { socket, httpSocket, journal, config } = home.paths;
  const places = { socket, http: httpSocket, journal, config, examples: path.join(ROOT, 'examples') };
  for (const [what, place] of Object.entries(places)) {
    t.strictSame(home.progress(['path', what]), { status: 0, stdout: `${place}\n`, stderr: '' }, what);
  }
  t.end();
});

t.test('an unknown shell is refused, with the names of the known ones', (t) => {
  const home = createHome(t);
  for (const args of [['init', 'tcsh'], ['init'], ['path', 'tcsh']]) {
    t.match(home.progress(args), { status: 64, stdout: '', stderr: /^progress: / }, args.join(' '));
  }
  t.match(home.progress(['init', 'tcsh']).stderr, /"bash", "zsh", "fish"/);
  t.end();
});

t.test('the line of init loads the hooks wherever the package is', (t) => {
  const home = createHome(t);
  const strange = path.join(home.directory, `it's a \\ "$HOME" \`id\``);
  for (const folder of ['bin', 'hooks']) mkdirSync(path.join(strange, folder), { recursive: true });
  copyFileSync(PROGRESS, path.join(strange, 'bin/progress'));
  symlinkSync(path.join(ROOT, 'dist'), path.join(strange, 'dist'));
  copyFileSync(path.join(ROOT, 'hooks/emit.sh'), path.join(strange, 'hooks/emit.sh'));
  for (const shell of ['bash', 'zsh', 'fish'] as const) {
    if (whyNo(shell)) continue;
    writeFileSync(path.join(strange, `hooks/progress.${shell}`), 'echo loaded\n');
    const line = loadingLine(shell, path.join(strange, 'hooks'));
    t.equal(spawnSync(shell, ['-c', line], { encoding: 'utf8' }).stdout, 'loaded\n', line);
  }
  t.end();
});

t.test('init starts the daemon for an interactive shell', { skip: whyNo('script') }, async (t) => {
  await t.test('once, and it outlives the terminal', async (t) => {
    const home = createHome(t);
    initInTerminal(home, home.paths.lock);
    const pid = await waitFor('the daemon to write its record', () => readLockRecord(home.paths.lock)?.pid);
    initInTerminal(home);
    t.ok(isRunning(pid));
    t.equal(readLockRecord(home.paths.lock)?.pid, pid);
  });
  await t.test('not if one runs or is disabled; but if that of the record has ended', async (t) => {
    const home = createNodeless(t);
    mkdirSync(home.paths.state, { recursive: true });
    const record = (pid: number) =>
      writeFileSync(home.paths.lock, `${JSON.stringify({ pid, version: '1.0.0', socket: '/none' })}\n`);
    record(process.pid);
    const held = openSync(home.paths.lock, 'r');
    initInTerminal(home);
    t.strictSame(home.started(), []);
    closeSync(held);
    const gone = spawn('true');
    await once(gone, 'exit');
    record(gone.pid!);
    home.env['PROGRESS_NO_DAEMON'] = '1';
    initInTerminal(home);
    t.strictSame(home.started(), []);
    home.env['PROGRESS_NO_DAEMON'] = '';
    initInTerminal(home, home.log);
    await waitFor('a daemon to be started', () => home.started().at(-1)?.endsWith('/dist/daemon.js'));
    const starts = () => home.started().filter((word) => word === '-e').length;
    t.equal(starts(), 1, 'one of three times');
    if (process.platform !== 'linux') return;
    record(process.pid);
    rmSync(home.log);
    initInTerminal(home, home.log);
    await waitFor('one where another process has the number of the last one', () => starts() === 1);
  });
});
