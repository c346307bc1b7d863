import { readFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import t from 'tap';
import { listSegments, type SegmentEntry } from '../../src/journal/layout.js';
import { bundleFixture } from '../helpers/bundle.js';
import { CLOCK, filesOf, FIRST_SEQ, makeDirectory, range, readAll } from '../helpers/journal.js';
import { findFaults, inject, runWriter } from '../helpers/journal-writer.js';
import { LONG } from '../helpers/long.js';
import { whyNo } from '../helpers/needs.js';

const writer = await bundleFixture(t, 'journal-writer');
const skip = whyNo('strace', '-o', '/dev/null', 'true');
const BASE = { now: CLOCK, batches: 8, size: 5 };
const FIRST = `${FIRST_SEQ}.jsonl`;
const noMount = whyNo('unshare', '-Urm', 'mount', '-t', 'tmpfs', 'none', '/mnt');
const mount = ['unshare', '-Urm', 'sh', '-c', 'mount -t tmpfs -o size=1m none "$0" && exec "$@"'];

t.test('a write that fails once: its events are refused, then accepted, once', { skip }, async (t) => {
  const parent = makeDirectory(t);
  for (const [index, error] of ['ENOSPC', 'EDQUOT', 'EIO', ...(LONG ? ['EFBIG'] : [])].entries()) {
    for (const when of LONG ? range(1, 50) : [1 + index]) {
      const directory = path.join(parent, `${error}-${when}`);
      const wrapper = inject('write', `error=${error}:when=${when}`, [path.join(directory, FIRST)]);
      const outcome = await runWriter(writer, { ...BASE, batches: LONG ? 60 : 8, directory }, { wrapper });
      t.strictSame(outcome.failures, [error === 'EIO' ? 'journal_failed' : 'disk_full'], `${error} at write ${when}`);
      t.strictSame(outcome.notes, ['recovered']);
      t.equal(outcome.code, 0);
      t.strictSame(await findFaults(directory, outcome, { exact: true }), []);
    }
  }
});

t.test('writes that keep failing leave the file at its last good size; a restart continues', { skip }, async (t) => {
  const parent = makeDirectory(t);
  for (const when of LONG ? range(1, 50) : [5]) {
    const directory = path.join(parent, `persistent-${when}`);
    const wrapper = inject('write', `error=ENOSPC:when=${when}+`, [path.join(directory, FIRST)]);
    const task = { ...BASE, batches: LONG ? 60 : 8, directory, giveUp: 4 };
    const outcome = await runWriter(writer, task, { wrapper });
    t.strictSame(outcome.failures, ['disk_full', 'disk_full', 'disk_full', 'disk_full']);
    t.equal(outcome.written.size, 5 * (when - 1));
    const lines = readFileSync(path.join(directory, FIRST), 'utf8').split('\n');
    t.equal(lines.pop(), '', 'whole lines');
    t.equal(lines.length, 5 * (when - 1));
    t.strictSame(await findFaults(directory, outcome, { exact: true }), []);
  }
});

t.test(
  'a partial write that cannot be undone seals the file, and the refused events stay out',
  { skip: skip || noMount },
  async (t) => {
    const directory = path.join(makeDirectory(t), 'journal');
    // a disk of 1 MB runs out of space in the middle of a line, and ftruncate fails
    const strace = inject('ftruncate', 'error=EIO').join(' ');
    const wrapper = ['unshare', '-Urm', 'sh', '-c', `mount -t tmpfs -o size=1m none "$0" && exec ${strace} "$@"`];
    const task = { ...BASE, directory, batches: 15, size: 20, bytes: 2_000, ballast: 600_000, read: true };
    const outcome = await runWriter(writer, task, { wrapper: [...wrapper, path.dirname(directory)] });
    t.equal(outcome.failures[0], 'disk_full');
    t.same(outcome.said.at(-1)?.[0], 'read');
    const read = outcome.said.filter(([verb]) => verb === 'read').map(([, n]) => Number(n));
    t.equal(new Set(read).size, read.length, 'nothing is there twice');
    t.strictSame(new Set(read), outcome.written);
  },
);

t.test('a full disk that has space again later', { skip: noMount }, async (t) => {
  const directory = path.join(makeDirectory(t), 'journal');
  for (const sync of ['interval', 'always'] as const) {
    const task = { ...BASE, directory, sync, batches: 40, size: 20, bytes: 700, ballast: 600_000, read: true };
    const outcome = await runWriter(writer, task, { wrapper: [...mount, path.dirname(directory)] });
    t.ok(outcome.failures.length > 0 && outcome.failures.every((code) => code === 'disk_full'), 'it was full');
    t.strictSame(outcome.notes, ['recovered']);
    t.ok(outcome.said.some(([verb]) => verb === 'closed'));
    const read = outcome.said.filter(([verb]) => verb === 'read').map(([, n]) => Number(n));
    t.strictSame(read, range(1, 800), 'every event once, in order, none torn');
    t.notOk(outcome.said.some(([verb]) => verb === 'gap'));
  }
});

t.test('a disk without space for compression or a new segment: old segments are used', { skip: noMount }, async (t) => {
  const directory = path.join(makeDirectory(t), 'journal');
  const task = {
    ...BASE,
    directory,
    batches: 60,
    size: 20,
    bytes: 600,
    ballast: 500_000,
    segmentBytes: 100_000,
    read: true,
  };
  const outcome = await runWriter(writer, task, { wrapper: [...mount, path.dirname(directory)] });
  const read = outcome.said.filter(([verb]) => verb === 'read').map(([, n]) => Number(n));
  t.strictSame(read, range(1, 1_200));
});

t.test('a failed sync: unsynced events are written to a new file, the old one is not synced', { skip }, async (t) => {
  const parent = makeDirectory(t);
  for (const when of LONG ? range(1, 10) : [3]) {
    for (const sync of ['interval', 'always'] as const) {
      const directory = path.join(parent, `sync-${sync}-${when}`);
      const wrapper = inject('fdatasync', `error=EIO:when=${when}`);
      const task = { ...BASE, batches: LONG ? 20 : 8, directory, sync, syncEach: true };
      const outcome = await runWriter(writer, task, { wrapper });
      t.strictSame(outcome.failures, [], 'no event was refused');
      t.strictSame(outcome.notes, ['resynced'], `${sync} ${when}`);
      const segments = await listSegments(directory);
      t.equal(segments.length, 2, 'a new segment');
      t.equal(outcome.synced, outcome.written.size);
      const next = segments[1]!.first;
      if (sync === 'interval') {
        const [first] = readFileSync(path.join(directory, `${next}.jsonl`), 'utf8').split('\n');
        t.ok((JSON.parse(first!) as { seq: number }).seq < next, 'with the same seqs');
      }
      t.strictSame(await findFaults(directory, outcome, { exact: true }), []);
    }
  }
});

t.test('two failed syncs: writes are refused until a sync succeeds', { skip }, async (t) => {
  const parent = makeDirectory(t);
  for (const sync of ['interval', 'always'] as const) {
    const directory = path.join(parent, sync);
    // the second file's first sync is an fsync; so is that of the earlier journal.json and, with the directory, two each
    const wrapper = inject('fsync,fdatasync', 'error=EIO:when=6+');
    const task = { ...BASE, directory, sync, syncEach: true, giveUp: 5 };
    const outcome = await runWriter(writer, task, { wrapper });
    t.ok(outcome.failures.length === 5 && outcome.failures.every((code) => code === 'journal_failed'), sync);
    t.ok(outcome.synced < BASE.batches * BASE.size, 'no sync was claimed');
    t.ok(filesOf(directory, '.jsonl').length <= 3, 'attempts do not pile up');
    t.strictSame(await findFaults(directory, outcome, { exact: sync === 'always' }), []);
  }
});

t.test('a sync that fails during a write: the events of that write are written again too', { skip }, async (t) => {
  const directory = path.join(makeDirectory(t), 'journal');
  const slow = ['-e', 'inject=write:delay_exit=30000:when=1+'];
  const [strace = '', ...rest] = inject('fdatasync,write', '', [path.join(directory, FIRST)]);
  const wrapper = [strace, ...rest.slice(0, -1), 'inject=fdatasync:error=EIO:when=2', ...slow];
  const task = { ...BASE, directory, batches: 12, type: 'execution_started' };
  const outcome = await runWriter(writer, task, { wrapper, threads: 4 });
  t.strictSame(outcome.notes, ['resynced']);
  t.strictSame(outcome.failures, []);
  const [first, second] = await listSegments(directory);
  const last = linesOf(directory, first!).at(-1)!;
  t.ok(linesOf(directory, second!).includes(last), 'the last line of the file that was given up');
  t.strictSame(await findFaults(directory, outcome, { exact: true }), []);
});

function linesOf(directory: string, { first, plain }: SegmentEntry): string[] {
  const file = path.join(directory, `${first}.jsonl`);
  const bytes = plain ? readFileSync(file) : gunzipSync(readFileSync(file + '.gz'));
  return bytes.toString().split('\n').slice(0, -1);
}

t.test('a sync that fails for a while: events written meanwhile are synced once it succeeds', { skip }, async (t) => {
  const directory = path.join(makeDirectory(t), 'journal');
  const log = path.join(directory, '..', 'log');
  const wrapper = inject('fsync,fdatasync', 'error=EIO:when=6..9', [], log);
  const outcome = await runWriter(writer, { ...BASE, directory, syncEach: true }, { wrapper });
  const calls = readFileSync(log, 'utf8')
    .split('\n')
    .filter((call) => call.includes(`${FIRST}>`));
  t.match(calls.pop(), /EIO/, 'the first failure of a file is its last sync');
  t.notMatch(calls.join('\n'), /EIO/);
  t.ok(outcome.failures.length > 0);
  t.equal(outcome.code, 0);
  t.ok(outcome.notes.includes('recovered'));
  t.equal(outcome.written.size, BASE.batches * BASE.size);
  t.strictSame((await readAll(directory)).gaps, []);
  t.strictSame(await findFaults(directory, outcome, { exact: true }), []);
});

t.test('a slow sync delays no write', { skip }, async (t) => {
  const directory = path.join(makeDirectory(t), 'journal');
  const delayMs = 300;
  const wrapper = inject('fdatasync', `delay_enter=${delayMs * 1_000}:when=1+`);
  const task = { ...BASE, directory, batches: 40, type: 'execution_started' };
  const before = performance.now();
  const outcome = await runWriter(writer, task, { wrapper, threads: 4 });
  t.equal(outcome.written.size, 200);
  t.ok(performance.now() - before < (task.batches / 2) * delayMs, 'the writes did not wait for a sync each');
});

t.test('a slow disk slows the writer down: the buffer is bounded', { skip }, async (t) => {
  const directory = path.join(makeDirectory(t), 'journal');
  const wrapper = inject('fsync', 'delay_enter=1500000:when=1', [path.join(directory, FIRST)]);
  const task = { ...BASE, directory, batches: 90, size: 10, bytes: 104_000 };
  const { lag, written } = await runWriter(writer, task, { wrapper, threads: 4 });
  t.equal(written.size, 900);
  t.ok(lag * task.bytes <= 66 * 2 ** 20, `${lag} events`);
  t.ok(lag * task.bytes > 8 * 2 ** 20, 'it did get far ahead');
});

t.test('an archive that the disk has truncated is discarded', { skip }, async (t) => {
  const directory = path.join(makeDirectory(t), 'journal');
  const archive = path.join(directory, `${FIRST}.gz.tmp`);
  // one byte each time: with a count above the remainder Node would read past the end of its buffer
  const wrapper = inject('write', 'retval=1:when=2+', [archive]);
  const task = { ...BASE, directory, batches: 3, size: 40, bytes: 5_000, segmentBytes: 200_000, archives: 1 };
  const outcome = await runWriter(writer, task, { wrapper });
  t.equal(outcome.code, 0);
  t.ok(filesOf(directory, '.jsonl').includes(FIRST), 'the plain one stays');
  t.strictSame(await findFaults(directory, outcome, { exact: true }), []);
});
