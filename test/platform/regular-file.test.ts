import { execFileSync } from 'node:child_process';
import { closeSync, constants, lstatSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import {
  openRegular,
  openRegularSync,
  readText,
  readTextSync,
  replaceTextSync,
} from '../../src/platform/regular-file.js';
import { readLockRecord } from '../../src/protocol/lock-record.js';
import { acquireLock } from '../../src/daemon/lock.js';
import { createLog } from '../../src/daemon/daemon-log.js';
import { emptyState } from '../../src/core/state/state.js';
import { writeCheckpoint } from '../../src/journal/checkpoint.js';
import { appendToSpool } from '../../src/spool/append.js';
import { createHome } from '../helpers/daemon.js';

// each of these calls would hang if a FIFO was opened like a file

const PLANTS: Readonly<Record<string, (file: string) => void>> = {
  'a FIFO': (file) => execFileSync('mkfifo', [file]),
  'a directory': (file) => mkdirSync(file),
};

for (const [what, plant] of Object.entries(PLANTS)) {
  t.test(`${what} in the place of a file is an error that names it, in every mode`, async (t) => {
    const file = path.join(t.testdir(), 'state.json');
    plant(file);
    const error = { message: `${file} is not a regular file: move it away`, exitStatus: 77 };
    t.throws(() => readTextSync(file), error);
    await t.rejects(readText(file), error);
    t.equal(readLockRecord(file), undefined);
    for (const flags of [constants.O_RDONLY, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT]) {
      t.throws(() => openRegularSync(file, flags), error);
      await t.rejects(openRegular(file, flags), error);
    }
    t.throws(() => acquireLock(file), error);
    createLog(file, () => 1_000, Date.now)('not lost in a pipe');
    t.notOk(lstatSync(file).isFile(), 'it is still what it was');
  });
}

t.test('a FIFO in the place of a draft or of the file does not prevent its replacement', async (t) => {
  const directory = t.testdir();
  for (const name of ['a', 'a.new', 'b', 'b.tmp']) execFileSync('mkfifo', [path.join(directory, name)]);
  replaceTextSync(path.join(directory, 'a'), 'text');
  t.equal(readFileSync(path.join(directory, 'a'), 'utf8'), 'text');
  t.equal(lstatSync(path.join(directory, 'a')).mode & 0o777, 0o600);
  await writeCheckpoint(path.join(directory, 'b'), 'id', emptyState());
  t.match(readFileSync(path.join(directory, 'b'), 'utf8'), '"journal":"id"');
});

t.test('a command names the file that is in its way', async (t) => {
  const spool = t.testdir();
  execFileSync('mkfifo', [path.join(spool, 'shared.ndjson')]);
  t.throws(() => appendToSpool({ spool }, '{}'), { message: /shared\.ndjson is not a regular file/ });
});

t.test('a regular file is opened, appended to and read', async (t) => {
  const file = path.join(t.testdir(), 'file');
  const descriptor = openRegularSync(file, constants.O_WRONLY | constants.O_CREAT);
  writeFileSync(descriptor, 'text');
  closeSync(descriptor);
  t.equal(readTextSync(file), 'text');
  t.equal(await readText(file), 'text');
  t.throws(() => openRegularSync(path.join(file, 'x'), constants.O_RDONLY), { code: 'ENOTDIR' });
});

t.test('the daemon starts although any one of its files is a FIFO', async (t) => {
  const home = createHome(t);
  const { state, journal, checkpoint, web, webToken, daemonLog, runs } = home.paths;
  for (const directory of [state, journal, runs, path.join(runs, 'abcdefghij')]) {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  }
  const planted = [
    ...[checkpoint, `${checkpoint}.tmp`, web, webToken, daemonLog],
    ...['journal.json', 'journal.json.tmp', 'clean.json', '1700000000000000.index.json', '1700000000000000.jsonl'].map(
      (name) => path.join(journal, name),
    ),
    ...['runner.json', 'spec.json'].map((name) => path.join(runs, 'abcdefghij', name)),
  ];
  for (const file of planted) execFileSync('mkfifo', [file]);
  t.teardown(() => rmSync(runs, { recursive: true }));
  const daemon = await home.startDaemon();
  const { status, stdout } = home.progress(['emit', '--wait', 'log', 'message=hello']);
  t.match({ status, stdout }, { status: 0, stdout: /^\d{16}\n$/ });
  await daemon.kill('SIGTERM');
  t.match(readFileSync(checkpoint, 'utf8'), /^\{/, 'what can be made anew is');
});
