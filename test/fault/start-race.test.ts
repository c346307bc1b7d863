/** Starts and stops at the same time: there is one daemon at a time, and it removes only its own files. */
import { spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import type { Test } from 'tap';
import { resolvePaths } from '../../src/platform/paths.js';
import { readLockRecord } from '../../src/protocol/lock-record.js';
import type { Home } from '../helpers/daemon.js';
import { createHome, DAEMON, isRunning, PROGRESS } from '../helpers/daemon.js';
import { waitFor } from '../helpers/wait.js';
import { configure, SMALL_SEGMENTS } from './helpers/config.js';
import { checkJournal, checkSource } from './helpers/journal-check.js';
import { openLines } from './helpers/line-client.js';
import { shortOrLong } from '../helpers/long.js';
import { isUnprivileged } from '../helpers/needs.js';
import { collectOutput } from '../helpers/output.js';
import { processesOf } from './helpers/process.js';
import { startResender } from './helpers/resender.js';

const RACERS = shortOrLong(6, 20);
const RACES = shortOrLong(1, 20);

function spawnDaemon({ env }: Home) {
  return spawn(process.execPath, [DAEMON], { env, stdio: ['ignore', 'ignore', 'pipe'], detached: true });
}

async function pidOf(home: Home): Promise<number> {
  const client = await home.connect();
  const { pid } = await client.hello();
  await client.close();
  return pid;
}

t.test('of daemons started at once over a stale socket, one wins and the others exit silently', async (t) => {
  const home = createHome(t);
  for (let round = 0; round < RACES; round++) {
    const stale = await home.startDaemon();
    await stale.kill();
    t.ok(existsSync(home.paths.socket), 'the socket of a killed daemon is left over');
    const racers = Array.from({ length: RACERS }, () => spawnDaemon(home));
    const ends = racers.map((racer) => collectOutput(racer).ended);
    const clients = await Promise.all(
      racers.map(() => waitFor('a connection', () => home.connect().catch(() => undefined))),
    );
    const pids = await Promise.all(clients.map(async (client) => (await client.hello()).pid));
    const winners = racers.filter(({ pid }) => pid === pids[0]);
    t.equal(new Set(pids).size, 1, `round ${round}: ${RACERS} clients talk to the same daemon`);
    t.equal(winners.length, 1, 'one of those started');
    const losers = await Promise.all(ends.filter((_, index) => racers[index] !== winners[0]));
    t.strictSame(
      new Set(losers.map(({ status, stderr }) => `${status}${stderr}`)),
      new Set(['0']),
      'the others say nothing',
    );
    for (const client of clients) {
      await client.call('emit', { event: { type: 'log', data: {} } });
      await client.close();
    }
    winners[0]!.kill('SIGKILL');
    await Promise.all(ends);
  }
  const events = checkJournal(t, home.paths.journal).filter(({ type }) => type === 'log');
  t.equal(events.length, RACERS * RACES, 'everything that they said is in one journal');
});

t.test('of commands that find no daemon at the same time, each works, and one daemon is left', async (t) => {
  const home = createHome(t);
  const children = Array.from({ length: RACERS }, () => home.spawn(['ps'], { stdio: ['ignore', 'ignore', 'pipe'] }));
  const ends = await Promise.all(children.map((child) => collectOutput(child).ended));
  t.strictSame(new Set(ends.map(({ status, stderr }) => `${status}${stderr}`)), new Set(['0']));
  const { pid } = readLockRecord(home.paths.lock)!;
  await waitFor('only one to be left', () => processesOf(home.directory).join() === `${pid}`);
  const log = readFileSync(home.paths.daemonLog, 'utf8');
  t.equal(log.match(/listening on/g)?.length, 1);
});

t.test('a daemon that stops slowly does not remove the socket of the next one', async (t) => {
  const home = createHome(t);
  for (let round = 0; round < shortOrLong(1, 40); round++) {
    const old = await home.startDaemon();
    process.kill(old.pid, 'SIGTERM');
    await delay(Math.random() * 25);
    if (isRunning(old.pid)) process.kill(old.pid, 'SIGSTOP');
    // a client of the old daemon is disconnected, and connects again
    const next = waitFor('a command to find or start a daemon', async () => {
      const { status } = await collectOutput(home.spawn(['ps'], { stdio: 'ignore' })).ended;
      return status === 0 && readLockRecord(home.paths.lock)?.pid !== old.pid;
    });
    await delay(300);
    if (isRunning(old.pid)) process.kill(old.pid, 'SIGCONT');
    await next;
    await waitFor('the old one to be gone', () => !isRunning(old.pid));
    const pid = await pidOf(home);
    await waitFor('the losers to be gone', () => processesOf(home.directory).join() === `${pid}`);
    const { ino } = lstatSync(home.paths.socket);
    t.equal(lstatSync(home.paths.socket).ino, ino, `round ${round}: the socket stays`);
    t.equal(await pidOf(home), pid, 'and leads to the new daemon');
    t.not(pid, old.pid);
    process.kill(pid, 'SIGTERM');
    await waitFor('it to be gone', () => !isRunning(pid));
  }
});

t.test('a daemon whose lock is removed stops in favour of the one that replaces it', async (t) => {
  const home = createHome(t);
  const old = await home.startDaemon();
  const resender = startResender({ socket: home.paths.socket, source: 'load', burst: 10, pauseMs: 10 });
  await waitFor('something to be acknowledged', () => resender.acked > 50);
  rmSync(home.paths.lock);
  await waitFor('the old one to leave', () => !isRunning(old.pid));
  t.match(readFileSync(home.paths.daemonLog, 'utf8'), /leaving: .*daemon\.lock was removed or replaced/);
  await home.startDaemon();
  await resender.finish();
  const events = checkJournal(t, home.paths.journal);
  checkSource(t, events, resender);

  const pid = await pidOf(home);
  rmSync(home.paths.socket);
  await waitFor('one whose socket is removed to leave too', () => !isRunning(pid));
});

t.test('another file in place of socket or directory is left unchanged and named', async (t) => {
  const cases: [string, (home: Home) => string, RegExp][] = [
    [
      'a file as socket',
      ({ paths }) => (writeFileSync(paths.socket, 'precious'), paths.socket),
      /daemon\.sock is not a socket/,
    ],
    ['a directory as socket', ({ paths }) => (mkdirSync(paths.socket), paths.socket), /daemon\.sock is not a socket/],
    [
      'a link as socket',
      ({ paths }) => (symlinkSync('/etc/passwd', paths.socket), paths.socket),
      /daemon\.sock is not a socket/,
    ],
    [
      'a runtime directory that others may enter',
      ({ paths }) => (chmodSync(paths.runtime, 0o755), paths.runtime),
      /others may enter it \(mode 755\): chmod 700 it/,
    ],
    [
      'a link as runtime directory',
      ({ paths }) => (rmSync(paths.runtime, { recursive: true }), symlinkSync('/tmp', paths.runtime), paths.runtime),
      /it is not a directory/,
    ],
    ['a link as lock', ({ paths }) => (symlinkSync('/tmp/nowhere', paths.lock), paths.lock), /./],
  ];
  if (!isUnprivileged(t)) {
    cases.push([
      'the directory of another user',
      ({ paths }) => (chownSync(paths.runtime, 12_345, 0), paths.runtime),
      /it belongs to user 12345/,
    ]);
  }
  for (const [index, [what, plant, complaint]] of cases.entries()) {
    const home = createHome(t);
    mkdirSync(home.paths.runtime, { recursive: true, mode: 0o700 });
    chmodSync(path.dirname(home.paths.runtime), 0o700);
    const planted = plant(home);
    const before = lstatSync(planted);
    const { status, stderr } = await collectOutput(spawnDaemon(home)).ended;
    t.ok(status !== 0 && status !== null, `${what}: refused with status ${status}`);
    t.match(stderr, complaint);
    t.match(lstatSync(planted), { ino: before.ino, mode: before.mode, size: before.size }, 'it is as it was');
    if (index > 0) continue;
    const outcome = home.progress(['ps']);
    t.ok(outcome.status !== 0, 'a command fails too');
    t.match(outcome.stderr, complaint, 'for the same reason');
  }
});

t.test('a home whose path is longer than that of a socket may be works', async (t) => {
  const base = mkdtempSync(path.join(tmpdir(), 'progress-test-'));
  const home = path.join(base, 'x'.repeat(200 - base.length - 1));
  const env = { ...process.env, PROGRESS_HOME: home };
  const paths = resolvePaths(env);
  t.teardown(() => {
    const pid = readLockRecord(paths.lock)?.pid;
    if (pid !== undefined && isRunning(pid)) process.kill(pid, 'SIGKILL');
    rmSync(base, { recursive: true, force: true });
    rmSync(paths.runtime, { recursive: true, force: true });
  });
  const emitting = spawn(PROGRESS, ['emit', '--wait', 'log'], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  const end = await collectOutput(emitting).ended;
  t.match(end, { status: 0, stderr: '' });
  t.equal(Buffer.byteLength(home), 200);
  t.ok(Buffer.byteLength(paths.socket) < 104);
  t.equal(statSync(paths.runtime).mode & 0o777, 0o700);
  t.equal(readLockRecord(paths.lock)?.socket, paths.socket, 'the lock has the path of the socket');
});

function checkModes(t: Test, directory: string): void {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const file = path.join(directory, entry.name);
    if (entry.isSymbolicLink()) continue;
    const mode = statSync(file).mode & 0o777;
    t.equal(mode, entry.isDirectory() ? 0o700 : 0o600, `${file} is ours alone`);
    if (entry.isDirectory()) checkModes(t, file);
  }
}

t.test('with a umask of 0 all files are private', async (t) => {
  const home = createHome(t);
  rmSync(home.directory, { recursive: true });
  configure(
    { ...home, paths: { ...home.paths, config: path.join(tmpdir(), path.basename(home.directory) + '.yaml') } },
    {},
  );
  rmSync(path.join(tmpdir(), path.basename(home.directory) + '.yaml'));
  const wrapper = ['sh', '-c', 'umask 000; exec "$@"', 'sh'];
  const daemon = await home.startDaemon({ wrapper });
  const client = await openLines(t, home.paths.socket);
  for (let i = 0; i < 50; i++)
    await client.ask({ op: 'emit', event: { type: 'log', data: { text: 'x'.repeat(2_000) } } });
  t.equal(statSync(home.directory).mode & 0o777, 0o700, 'the home too, where it is made');
  checkModes(t, home.directory);
  client.close();
  await daemon.kill('SIGTERM');
  checkModes(t, home.directory);
});

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
  t.test(`${signal} under load ends the daemon cleanly`, async (t) => {
    const home = createHome(t);
    configure(home, SMALL_SEGMENTS);
    const child = spawnDaemon(home);
    const { ended } = collectOutput(child);
    await waitFor('the daemon to listen', () =>
      home.connect().then(
        (client) => client.close().then(() => true),
        () => false,
      ),
    );
    const resender = startResender({ socket: home.paths.socket, source: 'load', burst: 100, pauseMs: 2 });
    await waitFor('something to be acknowledged', () => resender.acked > 1_000);
    const asked = Date.now();
    child.kill(signal);
    child.kill(signal);
    t.match(await ended, { status: 0, stderr: '' });
    t.ok(Date.now() - asked < 30_000, 'soon');
    resender.abandon();
    const { acked } = resender;
    t.notOk(existsSync(home.paths.socket), 'its socket is gone');
    t.match(readFileSync(home.paths.daemonLog, 'utf8'), new RegExp(`leaving: ${signal}[^]*stopped`));
    const events = checkJournal(t, home.paths.journal);
    checkSource(t, events, { source: 'load', acked });
    await home.startDaemon();
    const again = await home.connect();
    const { seq } = await again.call('emit', { event: { type: 'log', data: {} } });
    t.equal(seq, events.at(-1)!.seq + 1, 'the next one goes on where it was: nothing had to be repaired');
    await again.close();
  });
}
