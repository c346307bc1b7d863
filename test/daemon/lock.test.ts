import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, renameSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import path from 'node:path';
import t from 'tap';
import { acquireLock } from '../../src/daemon/lock.js';
import { ensurePrivateDirectory } from '../../src/platform/private-directory.js';
import { readLockRecord } from '../../src/protocol/lock-record.js';

const RECORD = { pid: 4711, version: '1.2.3', socket: '/run/daemon.sock' };
const isAbsent = (program: string) => spawnSync(program, ['--version']).error !== undefined;

t.test('one process holds the lock, until it releases it or ends', async (t) => {
  const file = path.join(t.testdir(), 'lock');
  const lock = acquireLock(file);
  t.ok(lock);
  t.equal(acquireLock(file), undefined);
  lock!.release();
  const again = acquireLock(file);
  t.ok(again);
  again!.release();

  if (isAbsent('flock')) return;
  const holder = spawn('flock', ['-x', file, '-c', 'echo held; exec cat'], { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(holder.stdout, 'data');
  t.equal(acquireLock(file), undefined, 'another process has it');
  holder.kill('SIGKILL');
  holder.stdin.destroy();
  await once(holder, 'close');
  const last = acquireLock(file);
  t.ok(last, 'killed, it has it no more');
  last!.release();
});

t.test('the record of the holder replaces the previous one', (t) => {
  const file = path.join(t.testdir(), 'lock');
  writeFileSync(file, `${JSON.stringify({ ...RECORD, socket: 'a much longer path than the other one' })}\n`);
  const lock = acquireLock(file)!;
  t.match(readLockRecord(file), { pid: 4711 }, 'until then the old record has the address');
  lock.record(RECORD);
  t.strictSame(readLockRecord(file), RECORD);
  t.equal(readFileSync(file, 'utf8'), `${JSON.stringify(RECORD)}\n`);
  lock.release();
  t.end();
});

t.test('other users cannot read a new lock file', (t) => {
  const file = path.join(t.testdir(), 'lock');
  acquireLock(file)!.release();
  t.equal(statSync(file).mode & 0o777, 0o600);
  t.end();
});

t.test('a torn, empty, foreign or missing record is ignored', (t) => {
  const directory = t.testdir({ torn: '{"pid":1,"ver', empty: '', foreign: '{"pid":"1"}', list: 'null' });
  for (const name of ['torn', 'empty', 'foreign', 'list', 'absent'])
    t.equal(readLockRecord(path.join(directory, name)), undefined, name);
  t.end();
});

t.test('the holder notices when the file is replaced or removed', (t) => {
  const file = path.join(t.testdir(), 'lock');
  const lock = acquireLock(file)!;
  t.ok(lock.isOurs());
  renameSync(file, `${file}.away`);
  t.notOk(lock.isOurs());
  const other = acquireLock(file)!;
  t.ok(other.isOurs());
  t.notOk(lock.isOurs());
  lock.release();
  other.release();
  t.end();
});

t.test('a planted symbolic link is not followed', (t) => {
  const directory = t.testdir({ victim: 'precious' });
  symlinkSync('victim', path.join(directory, 'lock'));
  t.throws(() => acquireLock(path.join(directory, 'lock')));
  t.equal(readFileSync(path.join(directory, 'victim'), 'utf8'), 'precious');
  t.end();
});

t.test('perl takes the lock where flock is missing', { skip: isAbsent('perl') && 'perl is missing' }, (t) => {
  const directory = t.testdir({ bin: {} });
  const bin = path.join(directory, 'bin');
  symlinkSync(spawnSync('sh', ['-c', 'command -v perl'], { encoding: 'utf8' }).stdout.trim(), path.join(bin, 'perl'));
  const { PATH } = process.env;
  t.teardown(() => (process.env['PATH'] = PATH));
  process.env['PATH'] = bin;
  const file = path.join(directory, 'lock');
  const lock = acquireLock(file);
  t.ok(lock);
  t.equal(acquireLock(file), undefined);
  lock!.release();
  process.env['PATH'] = path.join(directory, 'nothing');
  t.throws(() => acquireLock(file), { code: 'unavailable', message: /install util-linux/ });
  t.end();
});

t.test(
  'a flock that locks nothing or refuses the options is not trusted',
  { skip: isAbsent('perl') && 'perl is missing' },
  (t) => {
    const { PATH } = process.env;
    t.teardown(() => (process.env['PATH'] = PATH));
    for (const status of [0, 1, 64]) {
      const directory = t.testdir({ bin: {} });
      writeFileSync(path.join(directory, 'bin/flock'), `#!/bin/sh\nexit ${status}\n`, { mode: 0o755 });
      process.env['PATH'] = `${directory}/bin:${PATH}`;
      const file = path.join(directory, 'lock');
      const lock = acquireLock(file);
      t.ok(lock, `it exits with ${status}`);
      t.equal(acquireLock(file), undefined, 'perl has locked it');
      lock!.release();
    }
    t.end();
  },
);

t.test('a private directory is created, or must be inaccessible to other users', (t) => {
  const directory = t.testdir({ file: '', open: {} });
  const made = path.join(directory, 'a/b/c');
  ensurePrivateDirectory(made);
  t.equal(statSync(made).mode & 0o777, 0o700);
  ensurePrivateDirectory(made);

  t.throws(() => ensurePrivateDirectory(path.join(directory, 'file')), {
    code: 'no_permission',
    message: /not a directory/,
  });
  const open = path.join(directory, 'open');
  chmodSync(open, 0o750);
  t.throws(() => ensurePrivateDirectory(open), { code: 'no_permission', message: /mode 750\): chmod 700/ });
  mkdirSync(path.join(directory, 'real'), { mode: 0o700 });
  symlinkSync('real', path.join(directory, 'link'));
  t.throws(() => ensurePrivateDirectory(path.join(directory, 'link')), { code: 'no_permission' }, 'a link is not one');
  t.throws(() => ensurePrivateDirectory('/proc/self/progress'), {
    code: 'no_permission',
    message: /cannot be written/,
  });
  t.end();
});
