import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createConnection } from 'node:net';
import type { Socket } from 'node:net';
import path from 'node:path';
import t from 'tap';
import { parseConfig } from '../../src/config/load.js';
import { claim, startDaemon } from '../../src/daemon/daemon.js';
import { acquireLock } from '../../src/daemon/lock.js';
import { readLockRecord } from '../../src/protocol/lock-record.js';
import { createHome, DAEMON, fixedSettings, isRunning, PROGRESS } from '../helpers/daemon.js';
import { readAll } from '../helpers/journal.js';
import { waitFor } from '../helpers/wait.js';

/** A raw connection: the text that it received, and whether it has closed. */
async function dial(file: string): Promise<{ socket: Socket; heard: () => string; isOver: () => boolean }> {
  const socket = createConnection({ path: file });
  let heard = '';
  let over = false;
  socket.setEncoding('utf8').on('data', (text: string) => (heard += text));
  socket.on('close', () => (over = true)).on('error', () => undefined);
  await once(socket, 'connect');
  return { socket, heard: () => heard, isOver: () => over };
}

t.test('only its user can read the files of the daemon', async (t) => {
  const home = createHome(t);
  const { pid } = await home.startDaemon();
  const mode = (file: string) => (lstatSync(file).mode & 0o777).toString(8);
  const { state, runtime, socket, lock, daemonLog } = home.paths;
  t.strictSame([state, runtime, socket, lock, daemonLog].map(mode), ['700', '700', '600', '600', '600']);
  t.match(readLockRecord(lock), { pid, socket });
  t.match(readFileSync(daemonLog, 'utf8'), `[${pid}] listening on ${socket}`);
});

// fault/start-race tests this for each signal, also under load
t.test('on a signal it writes what it has taken, removes the socket and releases the lock', async (t) => {
  const home = createHome(t);
  const daemon = await home.startDaemon();
  const client = await home.connect();
  for (let n = 0; n < 1_000; n++) client.send({ type: 'log', execution: 'x', message: `${n}` });
  await client.call('status', {});
  await daemon.kill('SIGTERM');
  await client.closed;
  t.notOk(existsSync(home.paths.socket));
  t.equal((await readAll(home.paths.journal)).events.filter(({ type }) => type === 'log').length, 1_000);
  t.ok(existsSync(home.paths.checkpoint));
  t.match(readFileSync(home.paths.daemonLog, 'utf8'), /leaving: SIGTERM[^]*stopped\n$/);
  await (await home.startDaemon()).kill();
});

t.test('events that a command has spooled are written before the end of its execution', async (t) => {
  const home = createHome(t);
  await home.startDaemon();
  const client = await home.connect();
  const ids = Array.from({ length: 50 }, (_, n) => `run-${n}`);
  for (const [n, execution] of ids.entries()) {
    await client.call('emit', { event: { type: 'execution_started', execution, name: 'build' } });
    const progress = { type: 'progress', execution, current: 1, total: 2 };
    appendFileSync(path.join(home.paths.spool, 'shared.ndjson'), `${JSON.stringify(progress)}\n`);
    const event = { type: 'execution_completed', execution };
    if (n % 2 === 0) client.send(event);
    else await client.call('emit', { event });
  }
  await client.close();
  const types = await waitFor('all events', async () => {
    const { events } = await readAll(home.paths.journal);
    const typesOf = (id: string) => events.filter(({ execution }) => execution === id).map(({ type }) => type);
    return events.filter(({ type }) => type === 'progress').length === ids.length && ids.map(typesOf);
  });
  for (const one of types) t.strictSame(one, ['execution_started', 'progress', 'execution_completed']);
});

t.test('secrets in a command line are masked for every producer', async (t) => {
  const home = createHome(t);
  await home.startDaemon();
  const client = await home.connect();
  const event = (execution: string) => ({
    type: 'execution_started',
    execution,
    name: 'x --token abc123',
    argv: ['x', '--token', 'abc123'],
  });
  client.send(event('sent'));
  await client.call('emit', { event: event('asked') });
  writeFileSync(`${home.paths.spool}/shared.ndjson`, `${JSON.stringify(event('spooled'))}\n`);
  const get = async (execution: string) => (await client.call('get', { execution }).catch(() => undefined))?.execution;
  for (const id of ['sent', 'asked', 'spooled']) {
    const execution = await waitFor(id, () => get(id));
    t.match(execution, { name: 'x --token ***', process: { argv: ['x', '--token', '***'] } });
  }
  await client.close();
  t.notMatch(readFileSync(`${home.paths.journal}/current.jsonl`, 'utf8'), 'abc123');
});

t.test('it does not start for a shell when the configuration disables that', async (t) => {
  const home = createHome(t);
  writeFileSync(home.paths.config, 'daemon: { startWithShell: false }\n');
  const { env } = home;
  const child = spawn(process.execPath, [DAEMON, '--for-shell'], { env, stdio: 'ignore' });
  t.teardown(() => child.kill('SIGKILL'));
  t.strictSame(await once(child, 'exit'), [0, null]);
  t.notOk(existsSync(home.paths.lock));
  writeFileSync(home.paths.config, '');
  const wanted = spawn(process.execPath, [DAEMON, '--for-shell'], { env, stdio: 'ignore' });
  t.teardown(() => wanted.kill('SIGKILL'));
  await waitFor('it to listen', () => existsSync(home.paths.socket));
});

t.test('a second daemon exits silently in the background, with an error in the foreground', async (t) => {
  const home = createHome(t);
  await home.startDaemon();
  t.match(home.progress(['daemon', 'run']), {
    status: 69,
    stderr: 'progress: another daemon of this state directory is running',
  });
  await t.rejects(
    home.startDaemon({ env: {} }).then(async (second) => {
      const client = await home.connect();
      const { pid } = await client.hello();
      await client.close();
      if (pid === second.pid) throw new Error('the first one still serves');
    }),
  );
});

t.test('a stale socket is replaced; a file that is no socket is an error', async (t) => {
  const home = createHome(t);
  await (await home.startDaemon()).kill();
  t.ok(existsSync(home.paths.socket), 'killed, it leaves its socket');
  const daemon = await home.startDaemon();
  await daemon.kill('SIGTERM');
  writeFileSync(home.paths.socket, 'precious');
  t.match(home.progress(['daemon', 'run']), { status: 77, stderr: /is not a socket: move it away/ });
  t.equal(readFileSync(home.paths.socket, 'utf8'), 'precious');
});

t.test('a start that fails late leaves no socket and no lock, and reports why', async (t) => {
  const home = createHome(t);
  mkdirSync(home.paths.httpSocket, { recursive: true, mode: 0o700 });
  const options = { env: home.env, encoding: 'utf8', timeout: 30_000 } as const;
  const { status, stderr } = spawnSync(PROGRESS, ['daemon', 'run'], options);
  t.equal(status, 77);
  t.equal(stderr.split('is not a socket: move it away').length, 2, 'said once');
  t.match(readFileSync(home.paths.daemonLog, 'utf8'), 'failed: ');
  t.strictSame(readdirSync(home.paths.runtime), ['http.sock'], 'no socket');
  const lock = acquireLock(home.paths.lock);
  t.ok(lock, 'the lock is free');
  lock?.release();
  rmSync(home.paths.httpSocket, { recursive: true });
  await (await home.startDaemon()).kill('SIGTERM');
});

t.test('a start that is aborted closes what it has opened', async (t) => {
  const home = createHome(t);
  const stop = new AbortController();
  for (const abort of [() => stop.abort(), () => undefined]) {
    const lock = claim(home.paths);
    if (!lock) throw new Error('the lock is not free');
    // the second time the signal precedes the start
    const starting = startDaemon(lock, {
      paths: home.paths,
      settings: fixedSettings(parseConfig('', 'none')),
      log: abort,
      signal: stop.signal,
    });
    abort();
    await t.rejects(starting, { name: 'AbortError' });
    t.notOk(existsSync(home.paths.socket));
    t.notOk(existsSync(home.paths.httpSocket));
    const free = acquireLock(home.paths.lock);
    t.ok(free, 'the lock is free');
    free?.release();
  }
});

t.test('a stopping daemon does not remove the socket of the next one', async (t) => {
  const home = createHome(t);
  const daemon = await home.startDaemon();
  // as if the next one had moved its own socket there
  const next = spawn('sh', [
    '-c',
    'exec node -e "require(\'net\').createServer().listen(process.argv[1])" "$0"',
    `${home.paths.socket}.next`,
  ]);
  t.teardown(() => next.kill('SIGKILL'));
  await waitFor('the other socket', () => existsSync(`${home.paths.socket}.next`));
  renameSync(`${home.paths.socket}.next`, home.paths.socket);
  const { ino } = statSync(home.paths.socket);
  await daemon.kill('SIGTERM');
  t.equal(statSync(home.paths.socket).ino, ino);
});

t.test('a daemon whose socket or lock is removed stops', async (t) => {
  const leave = async (name: 'socket' | 'lock') => {
    const home = createHome(t);
    const { pid } = await home.startDaemon();
    rmSync(home.paths[name]);
    await waitFor(`the daemon to leave without its ${name}`, () => !isRunning(pid), 70_000);
    t.match(readFileSync(home.paths.daemonLog, 'utf8'), /leaving: .* was removed or replaced/);
  };
  await Promise.all([leave('socket'), leave('lock')]);
});

t.test(
  'connections above the bound have their requests answered, and are closed with a reason when they are idle',
  async (t) => {
    const home = createHome(t);
    writeFileSync(home.paths.config, 'socket: { maxConnections: 8 }\n');
    await home.startDaemon();
    const open = await Promise.all(Array.from({ length: 7 }, () => dial(home.paths.socket)));
    const client = await home.connect();
    const refused = await dial(home.paths.socket);
    await waitFor('the refusal', () => refused.isOver());
    t.match(JSON.parse(refused.heard()), {
      error: { code: 'too_many', message: '8 connections are open: close some', retryable: true },
    });
    const status = await client.call('status', {});
    t.equal(status.counters.refusedConnections, 1);
    t.equal(status.connections, 8);
    open[0]!.socket.destroy();
    await waitFor('room', async () => (await client.call('status', {})).connections === 7);
    const welcome = await dial(home.paths.socket);
    welcome.socket.write('{"op":"hello","id":1}\n');
    await waitFor('the greeting', () => welcome.heard().includes('"re":1'));
    t.match(home.progress(['daemon', 'status']), { status: 0 }, 'whatever holds the others open');
    for (const { socket } of [...open, welcome]) socket.destroy();
    await client.close();
  },
);

t.test('a client that does not read its replies costs a bounded buffer, and does not slow others', async (t) => {
  const home = createHome(t);
  await home.startDaemon();
  const client = await home.connect();
  for (let n = 0; n < 200; n++)
    await client.call('emit', { event: { type: 'execution_started', execution: `e${n}`, name: 'n'.repeat(500) } });
  const before = (await client.call('status', {})).rss;
  const { socket } = await dial(home.paths.socket);
  socket.pause();
  const requests = Array.from({ length: 20_000 }, (_, id) => `{"op":"list","id":${id}}\n`).join('');
  socket.write(requests);
  let seen = before;
  for (let round = 0; round < 20; round++) {
    const { rss } = await client.call('status', {});
    seen = Math.max(seen, rss);
  }
  t.ok(seen - before < 64 * 1024 * 1024, `grew by ${(seen - before) >> 20} MiB, the replies together are gigabytes`);
  t.ok(socket.writableLength > 0, 'it is not read any more');
  socket.destroy();
  await client.close();
});

t.test('a last line without a newline is refused with an error', async (t) => {
  const home = createHome(t);
  await home.startDaemon();
  const { socket, heard, isOver } = await dial(home.paths.socket);
  socket.end('{"type":"log","execution":"x"}\n\n{"type":"log"');
  await waitFor('the end', isOver);
  t.match(JSON.parse(heard()), { error: { code: 'bad_json', line: 3 } });
  const client = await home.connect();
  await waitFor('what came before it', async () => (await client.call('status', {})).counters.events === 1);
  await client.close();
});

t.test('a home whose path is too long for a socket works', async (t) => {
  const home = createHome(t);
  const long = `${home.directory}/${'deep/'.repeat(30)}`;
  mkdirSync(long, { recursive: true });
  const env = { PROGRESS_HOME: long };
  const { status, stdout } = home.progress(['daemon', 'restart', '--json'], { env });
  t.equal(status, 0);
  const { socket, pid } = JSON.parse(stdout) as { socket: string; pid: number };
  t.ok(Buffer.byteLength(socket) < 104, socket);
  t.equal(home.progress(['daemon', 'stop'], { env }).status, 0);
  await waitFor('its end', () => !isRunning(pid));
  rmSync(socket.replace(/\/[^/]*$/, ''), { recursive: true });
});

t.test('the launcher finds its package through symbolic links', async (t) => {
  const directory = t.testdir({
    bin: {},
    one: t.fixture('symlink', PROGRESS),
    bin2: { two: t.fixture('symlink', '../one') },
  });
  const child = spawn(`${directory}/bin2/two`, ['--version']);
  const [status] = (await once(child, 'close')) as [number];
  t.equal(status, 0);
});
