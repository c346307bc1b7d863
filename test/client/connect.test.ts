import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import t from 'tap';
import { connect, stopDaemon } from '../../src/client/connect.js';
import { createPaths, HELLO, listenAs } from '../helpers/fake-daemon.js';
import { createHome, DAEMON, isRunning, PROGRESS } from '../helpers/daemon.js';
import { readLockRecord } from '../../src/protocol/lock-record.js';
import { waitFor } from '../helpers/wait.js';

t.test('a command starts the daemon, which stays', async (t) => {
  const home = createHome(t);
  t.match(home.progress(['ps']), { status: 0, stdout: 'Nothing is running' });
  const client = await home.connect();
  t.equal((await client.hello()).pid, readLockRecord(home.paths.lock)?.pid);
  await client.close();
});

t.test('commands about the daemon start none', async (t) => {
  const home = createHome(t);
  await t.rejects(home.connect(), { code: 'unavailable', message: /progress daemon start/ });
  t.match(home.progress(['daemon', 'status']), { status: 69, stderr: 'no daemon is running' });
  t.equal(readLockRecord(home.paths.lock), undefined);
});

t.test('without XDG_RUNTIME_DIR, as under cron, the daemon is found by its lock', async (t) => {
  const home = createHome(t);
  const runtime = path.join(home.directory, 'runtime');
  mkdirSync(runtime, { mode: 0o700 });
  const { PROGRESS_HOME: _home, ...rest } = home.env;
  const shell = { ...rest, XDG_STATE_HOME: path.join(home.directory, 'state'), XDG_CONFIG_HOME: home.directory };
  const run = (env: NodeJS.ProcessEnv, ...args: string[]) => spawnSync(PROGRESS, args, { env, encoding: 'utf8' });
  const inShell = run({ ...shell, XDG_RUNTIME_DIR: runtime }, 'daemon', 'restart', '--json');
  const { pid, socket } = JSON.parse(inShell.stdout) as { pid: number; socket: string };
  t.teardown(() => waitFor('the end', () => (isRunning(pid) && process.kill(pid, 'SIGKILL'), !isRunning(pid))));
  t.equal(socket, path.join(runtime, 'progress/daemon.sock'));
  const underCron = run(shell, 'daemon', 'status', '--json');
  t.match(JSON.parse(underCron.stdout), { pid, socket });
});

t.test('a relative PROGRESS_HOME is relative to the process that starts the daemon', async (t) => {
  const home = createHome(t);
  const parent = path.dirname(home.directory);
  const env = { ...home.env, PROGRESS_HOME: path.basename(home.directory) };
  const { status, stderr } = spawnSync(PROGRESS, ['ps'], { env, cwd: parent, encoding: 'utf8' });
  t.equal(status, 0, stderr);
  await (await home.connect()).close();
});

t.test('a daemon of another protocol version is replaced', async (t) => {
  const home = createHome(t);
  mkdirSync(home.paths.runtime, { recursive: true, mode: 0o700 });
  const mismatch = { error: { code: 'protocol_mismatch', message: 'protocol 1 is wanted, 0 is spoken' } };
  const old = await listenAs(t, home.paths, ({ op }, socket) => {
    if (op === 'hello') return mismatch;
    setImmediate(() => {
      socket.end();
      void old.close();
    });
    return {};
  });
  await t.rejects(home.connect(), { code: 'protocol_mismatch' }, 'without start it is an error');
  const child = home.spawn(['ps'], { stdio: 'ignore' });
  const status = await new Promise((resolve) => child.once('close', resolve));
  t.equal(status, 0);
  t.match(
    old.lines.map(({ op }) => op),
    ['hello', 'hello', 'shutdown'],
  );
  await (await home.connect()).close();
});

t.test('a daemon of any protocol version can be stopped', async (t) => {
  const daemon = await listenAs(t, createPaths(t), ({ op }, socket) => {
    if (op === 'shutdown') setImmediate(() => socket.end());
    return op === 'shutdown' ? {} : { error: { code: 'protocol_mismatch', message: 'no' } };
  });
  t.equal(await stopDaemon(daemon.paths), true);
  await daemon.close();
  t.equal(await stopDaemon(daemon.paths), false);
});

t.test('the reason why the daemon does not start is shown, with its exit status', (t) => {
  const home = createHome(t);
  writeFileSync(home.paths.config, 'journal:\n  segmentSize: 3 apples\n');
  const outcome = home.progress(['ps']);
  t.equal(outcome.status, 78);
  t.match(outcome.stderr, `progress: cannot start the daemon: ${home.paths.config}:2:16: journal.segmentSize`);
  t.equal(outcome.stdout, '');

  const other = createHome(t);
  mkdirSync(other.paths.state, { mode: 0o755, recursive: true });
  t.match(other.progress(['ps']), { status: 77, stderr: /others may enter it \(mode 755\): chmod 700 it/ });

  const third = createHome(t);
  mkdirSync(path.dirname(third.paths.state), { recursive: true });
  writeFileSync(third.paths.state, '');
  t.match(third.progress(['ps']), { status: 77, stderr: /state cannot be used: it is not a directory/ });
  t.end();
});

t.test('a start waits until a stopping daemon has ended', async (t) => {
  const home = createHome(t);
  await home.startDaemon();
  const client = await home.connect();
  await client.call('shutdown', {});
  const outcome = home.progress(['ps']);
  t.match(outcome, { status: 0 });
});

t.test('a peer that is not a daemon is recognised', async (t) => {
  const paths = createPaths(t);
  const server = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  await new Promise<void>((resolve) => server.listen(paths.socket, resolve));
  t.teardown(() => server.close());
  const failure = connect({ paths, start: false });
  await t.rejects(failure, { code: 'unavailable', message: /not a progress daemon: it sent "HTTP\/1.1 400/ });
});

t.test('a socket that cannot be opened is not taken for a missing daemon', async (t) => {
  const paths = createPaths(t);
  writeFileSync(paths.socket, '');
  await t.rejects(connect({ paths, start: false }), { code: 'unavailable' });
});

t.test('a warning of Node does not end a daemon whose starter has exited', async (t) => {
  const home = createHome(t);
  const script = path.join(home.directory, 'warn.cjs');
  const survived = path.join(home.directory, 'survived');
  const later = `setTimeout(() => require('fs').writeFileSync(${JSON.stringify(survived)}, ''), 200)`;
  writeFileSync(script, `setTimeout(() => { process.emitWarning('late'); ${later} }, 1_000).unref()`);
  const stdio = ['ignore', 'ignore', 'pipe'] as const;
  const daemon = spawn(process.execPath, ['--require', script, DAEMON], { env: home.env, stdio: [...stdio] });
  const gone = once(daemon, 'exit');
  daemon.stderr.destroy();
  await waitFor('the warning and more', () => existsSync(survived));
  t.ok(isRunning(daemon.pid ?? 0));
  daemon.kill();
  await gone;
});

t.test('hello is sent once, and a closed connection rejects calls', async (t) => {
  const daemon = await listenAs(t, createPaths(t), ({ op }) => (op === 'hello' ? HELLO : undefined));
  const client = await connect({ paths: daemon.paths, start: false });
  t.match(await client.hello(), HELLO, 'sent once, returned each time');
  t.equal(daemon.lines.length, 1);
  client.destroy();
  await t.rejects(client.call('status', {}), { code: 'unavailable' });
});
