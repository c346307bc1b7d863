import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync, utimesSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import t from 'tap';
import { archiveSegment } from '../../src/journal/archive.js';
import { readLast } from '../../src/journal/reader.js';
import { verifyJournal } from '../../src/journal/verify.js';
import { CLOCK, filesOf, FIRST_SEQ, openJournal, range, readAll, writeEvents } from '../helpers/journal.js';
import { waitFor } from '../helpers/wait.js';

const go = () => Promise.resolve();

/** A sealed segment of several blocks, with text beyond ASCII, and an active one after it. */
async function openSealed(t: Parameters<typeof openJournal>[0]) {
  const opened = await openJournal(t, { segmentBytes: 250_000, uptime: () => 0 });
  const shape = (k: number) => ({ execution: `e${k % 3}`, data: { text: `zeile ${k} – ünïcödé 🎉` } });
  const seqs = await writeEvents(opened.journal, 2_000, shape);
  const index = path.join(opened.directory, `${FIRST_SEQ}.index.json`);
  await waitFor('the index', () => existsSync(index));
  const plain = path.join(opened.directory, `${FIRST_SEQ}.jsonl`);
  return { ...opened, seqs, plain, archive: plain + '.gz', index };
}

t.test('a compressed segment holds the same lines, and any tool can read it', async (t) => {
  const { directory, journal, plain, archive, seqs } = await openSealed(t);
  const text = readFileSync(plain);
  utimesSync(plain, CLOCK / 1_000, CLOCK / 1_000);
  const before = await readAll(directory);
  await archiveSegment(directory, FIRST_SEQ, go);
  t.notOk(existsSync(plain));
  t.same(gunzipSync(readFileSync(archive)), text);
  t.same(execFileSync('gzip', ['-dc', archive], { maxBuffer: 2 ** 28 }), text);
  t.equal(statSync(archive).mode & 0o777, 0o600);
  t.equal(statSync(archive).mtimeMs, CLOCK, 'the time of its last event stays');
  t.ok(statSync(archive).size < text.length / 3);
  t.strictSame((await readAll(directory)).lines, before.lines);
  t.strictSame((await readLast(journal.source, 5, { execution: 'e1' })).events.length, 5);
  t.strictSame(
    (await readAll(directory, { execution: 'e1' })).seqs,
    seqs.filter((_, k) => k % 3 === 1),
  );
});

t.test('one damaged member costs its own block and nothing else, with or without the index', async (t) => {
  const { directory, archive, index, seqs } = await openSealed(t);
  await archiveSegment(directory, FIRST_SEQ, go);
  const bytes = readFileSync(archive);
  bytes[Math.floor(bytes.length / 2)]! ^= 0x10;
  await writeFile(archive, bytes);
  const found = await readAll(directory);
  t.equal(found.gaps.length, 1);
  const { from, to, why } = found.gaps[0]!;
  t.equal(why, 'damage');
  t.ok(to - from < 600 && to - from > 100, 'about a block');
  t.strictSame(
    found.seqs,
    seqs.filter((seq) => seq < from || seq > to),
  );
  t.equal((await verifyJournal(directory)).damage.length, 1);
  await rm(index);
  const blind = await readAll(directory);
  t.strictSame(blind.seqs, found.seqs);
  t.strictSame(blind.gaps, found.gaps);
});

t.test('a damaged line stays readable as damage after compression', async (t) => {
  const { directory, plain, index, archive } = await openSealed(t);
  const bytes = readFileSync(plain);
  bytes[100_000] = 0;
  await writeFile(plain, bytes);
  await rm(index);
  const before = await readAll(directory);
  await archiveSegment(directory, FIRST_SEQ, go);
  t.same(gunzipSync(readFileSync(archive)), bytes);
  const after = await readAll(directory);
  t.strictSame([after.seqs, after.gaps], [before.seqs, before.gaps]);
});

t.test('garbage at the end of a sealed segment is kept', async (t) => {
  const { directory, plain, index, archive } = await openSealed(t);
  const bytes = Buffer.concat([readFileSync(plain).subarray(0, -50), Buffer.alloc(300)]);
  await writeFile(plain, bytes);
  await rm(index);
  await archiveSegment(directory, FIRST_SEQ, go);
  t.same(gunzipSync(readFileSync(archive)), bytes);
});

t.test('interrupted compression leaves the plain segment and nothing else', async (t) => {
  const { directory, plain, journal, seqs } = await openSealed(t);
  for (let stopAfter = 0; stopAfter < 5; stopAfter++) {
    let calls = 0;
    const stop = () => (calls++ < stopAfter ? Promise.resolve() : Promise.reject(new Error('stopped')));
    await t.rejects(archiveSegment(directory, FIRST_SEQ, stop), { message: 'stopped' });
    t.ok(existsSync(plain));
    t.strictSame([...filesOf(directory, '.gz'), ...filesOf(directory, '.tmp')], []);
  }
  t.strictSame((await readAll(journal.source)).seqs, seqs);
});

t.test('compression waits while the journal is busy, unless several segments wait', async (t) => {
  let uptime = 0;
  const { journal, directory } = await openJournal(t, { segmentBytes: 500, uptime: () => uptime });
  const compressed = () => filesOf(directory, '.jsonl.gz').length;
  const sealed = () => filesOf(directory, '.index.json').length;
  for (let i = 1; i <= 8; i++) {
    await writeEvents(journal, 5);
    await waitFor('a seal', () => sealed() === i);
  }
  t.equal(compressed(), 0);
  await writeEvents(journal, 5);
  await waitFor('the oldest to be compressed', () => compressed() === 1);
  uptime += 200;
  await waitFor('all to be compressed', () => compressed() === 9);
  t.strictSame((await readAll(journal.source)).seqs, range(FIRST_SEQ, FIRST_SEQ + 44));
});

t.test('segments left uncompressed by a stop are compressed after the next start', async (t) => {
  const first = await openJournal(t, { segmentBytes: 500, uptime: () => 0 });
  for (let i = 0; i < 3; i++) await writeEvents(first.journal, 5);
  await first.journal.close();
  const { directory } = first;
  t.equal(filesOf(directory, '.gz').length, 0);
  const { journal } = await openJournal(t, { directory, segmentBytes: 500 });
  await waitFor('compression', () => filesOf(directory, '.gz').length === 3);
  const bytes = () =>
    filesOf(directory, '.gz').reduce((sum, name) => sum + statSync(path.join(directory, name)).size, 0);
  await waitFor('the size to be known', () => journal.status().bytes === bytes());
});

t.test('failed compression is retried with the next segment', async (t) => {
  let uptime = 0;
  const { journal, directory, logs } = await openJournal(t, { segmentBytes: 500, uptime: () => (uptime += 1_000) });
  const obstacle = path.join(directory, `${FIRST_SEQ}.jsonl.gz.tmp`);
  await mkdir(obstacle);
  await writeEvents(journal, 5);
  await waitFor('a complaint', () => logs.some((message) => message.includes('stays uncompressed')));
  await rm(obstacle, { recursive: true });
  await writeEvents(journal, 5);
  await waitFor('both', () => filesOf(directory, '.jsonl.gz').length === 2);
});

t.test('closing does not wait for compression', async (t) => {
  const { journal, directory } = await openJournal(t, { segmentBytes: 500, uptime: () => 0 });
  for (let i = 0; i < 3; i++) await writeEvents(journal, 5);
  await journal.close();
  t.strictSame(filesOf(directory, '.tmp'), []);
  t.ok(existsSync(path.join(directory, 'clean.json')));
});

t.test('a segment that is mostly damaged is not compressed', async (t) => {
  const { directory, plain, index, archive } = await openSealed(t);
  const bytes = readFileSync(plain);
  const cut = bytes.indexOf(10, 100_000) + 1;
  const damaged = Buffer.concat([bytes.subarray(0, cut), Buffer.alloc(2 ** 21), bytes.subarray(cut)]);
  await writeFile(plain, damaged);
  await rm(index);
  await archiveSegment(directory, FIRST_SEQ, go);
  t.ok(existsSync(plain));
  t.notOk(existsSync(archive));
  t.equal((await readAll(directory)).seqs.length, 2_000);
});
