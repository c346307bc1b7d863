import { spawnSync } from 'node:child_process';
import { closeSync, constants, mkdirSync, openSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { appendToSpool } from '../../src/spool/append.js';
import { readSpoolFiles } from '../helpers/spool.js';

function makePaths(directory: string) {
  return { spool: path.join(directory, 'state/spool') };
}

t.test('short lines go to the shared file, longer ones to one file each, all with mode 600', (t) => {
  const paths = makePaths(t.testdir({}));
  appendToSpool(paths, 'one');
  appendToSpool(paths, 'é'.repeat(2_047));
  appendToSpool(paths, 'x'.repeat(4_095));
  appendToSpool(paths, 'x'.repeat(4_096));
  appendToSpool(paths, 'é'.repeat(2_048));
  const files = readSpoolFiles({ paths });
  t.equal(files.get('shared.ndjson'), `one\n${'é'.repeat(2_047)}\n${'x'.repeat(4_095)}\n`);
  const others = [...files].filter(([name]) => name !== 'shared.ndjson');
  t.strictSame(others.map(([, text]) => text).sort(), [`${'x'.repeat(4_096)}\n`, `${'é'.repeat(2_048)}\n`].sort());
  for (const [name] of others) t.match(name, new RegExp(`^emit-${process.pid}-[0-9a-f]+\\.ndjson$`));
  t.equal(statSync(paths.spool).mode & 0o777, 0o700);
  for (const name of files.keys()) t.equal(statSync(path.join(paths.spool, name)).mode & 0o777, 0o600);
  t.end();
});

t.test('writes to regular files only', (t) => {
  const cases: [string, (file: string) => void][] = [
    ['a FIFO', (file) => void spawnSync('mkfifo', [file])],
    ['a link', (file) => symlinkSync(`${file}.target`, file)],
    ['a directory', (file) => mkdirSync(file)],
    ['a link to a device', (file) => symlinkSync('/dev/null', file)],
  ];
  const root = t.testdir({});
  for (const [what, make] of cases) {
    const paths = makePaths(path.join(root, what));
    const file = path.join(paths.spool, 'shared.ndjson');
    mkdirSync(paths.spool, { recursive: true });
    writeFileSync(`${file}.target`, '');
    make(file);
    t.throws(() => appendToSpool(paths, 'one'), { name: 'ProgressError', code: 'no_permission' }, what);
    t.equal(statSync(`${file}.target`).size, 0, what);
  }
  t.end();
});

t.test('refuses a FIFO that has a reader', async (t) => {
  const paths = makePaths(t.testdir({}));
  mkdirSync(paths.spool, { recursive: true });
  const file = path.join(paths.spool, 'shared.ndjson');
  spawnSync('mkfifo', [file]);
  const reader = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  t.teardown(() => closeSync(reader));
  t.throws(() => appendToSpool(paths, 'one'), {
    code: 'no_permission',
    message: /is not a regular file: move it away/,
  });
});
