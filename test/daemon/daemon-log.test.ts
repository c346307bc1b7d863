import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { createLog } from '../../src/daemon/daemon-log.js';

const NOW = Date.parse('2026-11-20T12:00:00.000Z');

t.test('each message is a line with time and PID; its further lines are indented', (t) => {
  const file = path.join(t.testdir(), 'daemon.log');
  const log = createLog(
    file,
    () => 1_000,
    () => NOW,
  );
  log('started');
  log('fatal: one\ntwo');
  t.equal(
    readFileSync(file, 'utf8'),
    `2026-11-20T12:00:00.000Z [${process.pid}] started\n2026-11-20T12:00:00.000Z [${process.pid}] fatal: one\n  two\n`,
  );
  t.equal(statSync(file).mode & 0o777, 0o600);
  t.end();
});

t.test('two files of bounded size keep the newest messages', (t) => {
  const file = path.join(t.testdir(), 'daemon.log');
  const log = createLog(
    file,
    () => 1_000,
    () => NOW,
  );
  for (let n = 0; n < 200; n++) log(`message ${n} ${'é'.repeat(20)}`);
  t.ok(statSync(file).size <= 1_000, `${statSync(file).size}`);
  t.ok(statSync(`${file}.1`).size <= 1_000);
  t.match(readFileSync(file, 'utf8'), 'message 199');
  t.notOk(existsSync(`${file}.2`));
  t.end();
});

t.test('it appends to the log of an earlier daemon', (t) => {
  const file = path.join(t.testdir({ 'daemon.log': 'x'.repeat(990) }), 'daemon.log');
  createLog(
    file,
    () => 1_000,
    () => NOW,
  )('next');
  t.equal(statSync(`${file}.1`).size, 990);
  t.match(readFileSync(file, 'utf8'), /^2026.* next\n$/);
  t.end();
});

t.test('one message that is longer than the bound is kept', (t) => {
  const file = path.join(t.testdir(), 'daemon.log');
  createLog(
    file,
    () => 100,
    () => NOW,
  )('y'.repeat(500));
  t.match(readFileSync(file, 'utf8'), 'y'.repeat(500));
  t.end();
});

t.test('a log that cannot be written causes no failure', (t) => {
  const directory = t.testdir();
  const file = path.join(directory, 'daemon.log');
  mkdirSync(file);
  createLog(
    file,
    () => 100,
    () => NOW,
  )('lost');
  const log = createLog(
    path.join(directory, 'no/such/log'),
    () => 100,
    () => NOW,
  );
  log('lost too');
  writeFileSync(path.join(directory, 'no'), '');
  log('and this');
  t.end();
});

t.test('a changed bound applies at once', async (t) => {
  const file = path.join(t.testdir(), 'daemon.log');
  let bound = 10_000;
  const log = createLog(
    file,
    () => bound,
    () => NOW,
  );
  log('one');
  log('two');
  t.notOk(existsSync(`${file}.1`));
  bound = 1;
  log('three');
  t.match(readFileSync(`${file}.1`, 'utf8'), 'two');
});
