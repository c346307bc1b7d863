import { existsSync, readFileSync, statSync } from 'node:fs';
import { appendFile, copyFile, mkdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import t from 'tap';
import type { Manifest } from '../../src/journal/manifest.js';
import { verifyJournal } from '../../src/journal/verify.js';
import {
  CLOCK,
  crash,
  filesOf,
  FIRST_SEQ,
  makeBatch,
  makeDirectory,
  openJournal,
  range,
  readAll,
  type TestJournal,
  writeEvents,
} from '../helpers/journal.js';
import { createRandom } from '../helpers/random.js';
import { waitFor } from '../helpers/wait.js';

const LATER = CLOCK + 60_000;

function segment(directory: string, first = FIRST_SEQ): string {
  return path.join(directory, `${first}.jsonl`);
}

/** One segment of `count` events, as after a kill. */
async function crashed(t: Parameters<typeof openJournal>[0], count: number): Promise<TestJournal> {
  const opened = await openJournal(t);
  await writeEvents(opened.journal, count);
  await crash(opened);
  return opened;
}

t.test('after a kill a new segment starts at the wall clock', async (t) => {
  const { directory } = await crashed(t, 3);
  const { journal, notes } = await openJournal(t, { directory, now: () => LATER });
  t.equal(journal.seq, FIRST_SEQ + 2);
  t.equal(journal.nextSeq, LATER * 1_000);
  const after = await writeEvents(journal, 2);
  const { seqs, gaps } = await readAll(directory);
  t.strictSame(seqs, [...range(FIRST_SEQ, FIRST_SEQ + 2), ...after]);
  t.strictSame(gaps, [], 'a jump is no gap');
  t.strictSame(notes, [], 'nothing was wrong');
});

t.test('no seq is assigned twice when power loss takes the tail and the clock is set back', async (t) => {
  const given = new Set<number>();
  const opened = await openJournal(t);
  const { directory } = opened;
  for (const seq of await writeEvents(opened.journal, 50)) given.add(seq);
  await crash(opened);
  // less and less is left of what was written, in the end not even a file
  for (const bytes of [200, 0, undefined]) {
    for (const name of filesOf(directory, '.jsonl').filter((one) => one !== 'current.jsonl')) {
      if (bytes === undefined) await rm(path.join(directory, name));
      else await truncate(path.join(directory, name), bytes);
    }
    for (const name of filesOf(directory, '.index.json')) await rm(path.join(directory, name));
    const again = await openJournal(t, { directory, now: () => CLOCK - 86_400_000 });
    const seqs = await writeEvents(again.journal, 50);
    t.strictSame(
      seqs.filter((seq) => given.has(seq)),
      [],
      `${bytes ?? 'no'} bytes are left`,
    );
    for (const seq of seqs) given.add(seq);
    await crash(again);
  }
});

t.test('the high-water mark is raised once in a million events, and not by opening the journal', async (t) => {
  const { journal, directory } = await openJournal(t);
  const mark = () =>
    (JSON.parse(readFileSync(path.join(directory, 'journal.json'), 'utf8')) as Manifest).reservedThrough;
  t.equal(mark(), undefined);
  await writeEvents(journal, 1);
  const first = mark() ?? 0;
  t.ok(first >= FIRST_SEQ + 1_000_000);
  await writeEvents(journal, 1);
  t.equal(mark(), first);
  await journal.write(makeBatch(first, 2));
  t.ok((mark() ?? 0) > first + 1);
});

t.test('a clean-shutdown marker that does not fit is ignored', async (t) => {
  const { journal, directory } = await openJournal(t);
  await writeEvents(journal, 3);
  await journal.close();
  await appendFile(segment(directory), '{"seq":');
  const again = await openJournal(t, { directory, now: () => LATER });
  t.equal(again.journal.nextSeq, LATER * 1_000);
  t.match(again.notes, [{ data: { kind: 'repaired' } }]);
});

t.test('lines cut off after a clean shutdown are reported as lost', async (t) => {
  const { journal, directory } = await openJournal(t);
  await writeEvents(journal, 5);
  await journal.close();
  const lines = readFileSync(segment(directory), 'utf8').split('\n');
  await writeFile(segment(directory), lines.slice(0, 3).join('\n') + '\n');
  const again = await openJournal(t, { directory, now: () => LATER });
  t.match(again.notes, [{ data: { kind: 'missing', from: FIRST_SEQ + 3, to: FIRST_SEQ + 4 } }]);
  const after = await writeEvents(again.journal, 1);
  t.strictSame(after, [LATER * 1_000]);
  const { seqs, gaps } = await readAll(directory);
  t.strictSame(seqs, [...range(FIRST_SEQ, FIRST_SEQ + 2), ...after]);
  t.strictSame(gaps, [{ from: FIRST_SEQ + 3, to: FIRST_SEQ + 4, why: 'damage' }]);
});

for (const [what, tail] of Object.entries({
  'half a line': '{"seq":1700000000000003,"ti',
  'a run of NULs': '\0'.repeat(4096),
  'a last line that is no JSON': '{"seq":1700000000000003,"time"\n',
  'half a line and NULs': '{"seq":1700000000000003,"ti' + '\0'.repeat(500),
})) {
  t.test(`${what} at the end is cut off and quarantined`, async (t) => {
    const { directory } = await crashed(t, 3);
    const { size } = statSync(segment(directory));
    await appendFile(segment(directory), tail);
    const { journal, notes } = await openJournal(t, { directory, now: () => LATER });
    t.equal(statSync(segment(directory)).size, size);
    t.equal(readFileSync(path.join(directory, 'quarantine', `${FIRST_SEQ}.${size}.bad`), 'utf8'), tail);
    t.match(notes, [{ data: { kind: 'repaired', segment: FIRST_SEQ, offset: size, bytes: tail.length } }]);
    const after = await writeEvents(journal, 2);
    t.strictSame((await readAll(directory)).seqs, [...range(FIRST_SEQ, FIRST_SEQ + 2), ...after]);
    t.equal((await verifyJournal(directory)).damage.length, 0);
  });
}

t.test('damage before the last good line stays in place, and costs only the damaged lines', async (t) => {
  const { directory } = await crashed(t, 5);
  const lines = readFileSync(segment(directory), 'utf8').split('\n');
  const damaged = [lines[0], lines[1], '\0'.repeat(lines[2]!.length), ...lines.slice(3)].join('\n');
  await writeFile(segment(directory), damaged);
  const { journal, notes } = await openJournal(t, { directory, now: () => LATER });
  t.match(notes, [{ data: { kind: 'damage', segment: FIRST_SEQ } }]);
  t.equal(readFileSync(segment(directory), 'utf8'), damaged);
  const { seqs, gaps } = await readAll(journal.source);
  t.strictSame(seqs, [FIRST_SEQ, FIRST_SEQ + 1, FIRST_SEQ + 3, FIRST_SEQ + 4]);
  t.strictSame(gaps, [{ from: FIRST_SEQ + 2, to: FIRST_SEQ + 2, why: 'damage' }]);
});

t.test('a last segment without a good line is quarantined as a whole', async (t) => {
  const { directory } = await crashed(t, 2);
  await writeFile(segment(directory), '\0'.repeat(10_000));
  const { journal } = await openJournal(t, { directory, now: () => CLOCK });
  t.notOk(existsSync(segment(directory)));
  t.equal(filesOf(path.join(directory, 'quarantine'), '.bad').length, 1);
  t.ok(journal.nextSeq > FIRST_SEQ, 'the name shows that its seq was used');
  const after = await writeEvents(journal, 1);
  t.strictSame((await readAll(directory)).seqs, after);
});

t.test('only the last segment is ever cut', async (t) => {
  const { journal, directory } = await openJournal(t, { segmentBytes: 500, uptime: () => 0 });
  await writeEvents(journal, 5);
  await writeEvents(journal, 2);
  await journal.close();
  await rm(path.join(directory, `${FIRST_SEQ}.index.json`));
  const torn = readFileSync(segment(directory), 'utf8').slice(0, -40);
  await writeFile(segment(directory), torn);
  const again = await openJournal(t, { directory, uptime: () => 0 });
  t.equal(readFileSync(segment(directory), 'utf8'), torn);
  const { seqs, gaps } = await readAll(again.journal.source);
  t.strictSame(seqs, [...range(FIRST_SEQ, FIRST_SEQ + 3), FIRST_SEQ + 5, FIRST_SEQ + 6]);
  t.strictSame(gaps, [], 'how much was lost there is unknown');
  t.equal((await verifyJournal(directory)).damage.length, 1);
});

t.test('a removed segment is a gap, and is noted once', async (t) => {
  const { journal, directory } = await openJournal(t, { segmentBytes: 500, uptime: () => 0 });
  for (let i = 0; i < 3; i++) await writeEvents(journal, 5);
  await journal.close();
  await rm(segment(directory, FIRST_SEQ + 5));
  const gap = { from: FIRST_SEQ + 5, to: FIRST_SEQ + 9, why: 'missing' };
  for (const expected of [1, 0]) {
    const again = await openJournal(t, { directory, segmentBytes: 500, uptime: () => 0 });
    t.equal(again.notes.length, expected);
    const { seqs, gaps } = await readAll(again.journal.source);
    t.strictSame(seqs, [...range(FIRST_SEQ, FIRST_SEQ + 4), ...range(FIRST_SEQ + 10, FIRST_SEQ + 14)]);
    t.strictSame(gaps, [gap]);
    t.strictSame((await readAll(directory, { after: FIRST_SEQ + 7 })).gaps, [{ ...gap, from: FIRST_SEQ + 8 }]);
    t.strictSame((await readAll(directory, { execution: 'elsewhere' })).gaps, [], 'nothing of it was in there');
    t.strictSame((await readAll(directory, { execution: 'build' })).gaps, [gap]);
    await again.journal.close();
  }
});

t.test('the seqs of a removed last segment are not used again', async (t) => {
  const { journal, directory } = await openJournal(t);
  await writeEvents(journal, 5);
  await journal.close();
  await rm(segment(directory));
  const again = await openJournal(t, { directory, now: () => CLOCK - 1_000 });
  t.ok(again.journal.nextSeq >= FIRST_SEQ + 5);
});

t.test('half-written files are removed', async (t) => {
  const { directory } = await crashed(t, 3);
  for (const name of [
    `${FIRST_SEQ}.jsonl.gz.tmp`,
    `${FIRST_SEQ}.index.json.tmp`,
    'journal.json.tmp',
    'current.jsonl.tmp',
  ]) {
    await writeFile(path.join(directory, name), 'half');
  }
  await openJournal(t, { directory });
  t.strictSame(filesOf(directory, '.tmp'), []);
});

t.test('of a segment that exists twice exactly one valid copy stays', async (t) => {
  const { journal, directory } = await openJournal(t, { segmentBytes: 500 });
  const lines = await writeEvents(journal, 5);
  const plain = readFileSync(segment(directory));
  const archive = segment(directory) + '.gz';
  await waitFor('the archive', () => existsSync(archive) && !existsSync(segment(directory)));
  await journal.close();
  const good = readFileSync(archive);
  const spoilt = Buffer.from(good);
  spoilt[good.length - 20]! ^= 1;
  const cases = { good: good, damaged: spoilt, 'cut short': good.subarray(0, -1), 'of something else': gzipSync('x') };
  for (const [what, bytes] of Object.entries(cases)) {
    await writeFile(archive, bytes);
    await writeFile(segment(directory), plain);
    const again = await openJournal(t, { directory, uptime: () => 0 });
    t.strictSame([existsSync(archive), existsSync(segment(directory))], [what === 'good', what !== 'good'], what);
    t.strictSame((await readAll(again.journal.source)).seqs, lines, what);
    await again.journal.close();
  }
});

t.test('interrupted removal is finished', async (t) => {
  const { journal, directory } = await openJournal(t, { segmentBytes: 500, uptime: () => 0 });
  for (let i = 0; i < 3; i++) await writeEvents(journal, 5);
  await journal.close();
  const manifest = path.join(directory, 'journal.json');
  const parsed = JSON.parse(await readFile(manifest, 'utf8')) as object;
  await writeFile(manifest, JSON.stringify({ ...parsed, removedThrough: FIRST_SEQ + 9 }));
  await rm(path.join(directory, `${FIRST_SEQ}.index.json`));
  await rm(segment(directory, FIRST_SEQ + 5));
  const { notes } = await openJournal(t, { directory, segmentBytes: 500, uptime: () => 0 });
  t.strictSame(notes, [], 'retention is no loss');
  t.strictSame(filesOf(directory, '.jsonl'), [`${FIRST_SEQ + 10}.jsonl`, `${FIRST_SEQ + 15}.jsonl`, 'current.jsonl']);
  t.strictSame((await readAll(directory)).gaps, [{ from: 1, to: FIRST_SEQ + 9, why: 'retention' }]);
});

t.test('a damaged, stale or missing index costs only time', async (t) => {
  const { journal, directory } = await openJournal(t, { segmentBytes: 100_000, uptime: () => 0 });
  for (let i = 0; i < 4; i++) await writeEvents(journal, 1_000, (k) => ({ execution: `e${k % 7}` }));
  await journal.close();
  const expected = await readAll(directory, { execution: 'e3' });
  t.ok(expected.seqs.length > 500);
  const [index] = filesOf(directory, '.index.json');
  const file = path.join(directory, index!);
  const good = readFileSync(file, 'utf8');
  const other = readFileSync(path.join(directory, filesOf(directory, '.index.json')[1]!), 'utf8');
  for (const text of ['', 'garbage', '{"crc":"00000000","version":1}', good.slice(0, 200), other]) {
    await writeFile(file, text);
    t.strictSame((await readAll(directory, { execution: 'e3' })).lines, expected.lines);
  }
  await writeFile(file, good);
  await truncate(segment(directory), statSync(segment(directory)).size - 1_000);
  const cut = await readAll(directory);
  t.equal(cut.gaps.length, 1, 'a file that is shorter than its index says has lost its end');
  t.equal(cut.gaps[0]?.why, 'damage');
});

t.test('two journals in one directory: what both wrote is read in order, once', async (t) => {
  const directory = makeDirectory(t);
  const a = await openJournal(t, { directory });
  const b = await openJournal(t, { directory, now: () => CLOCK + 1 });
  await writeEvents(a.journal, 5);
  await writeEvents(b.journal, 5);
  await crash(a);
  const { seqs } = await readAll(directory);
  t.strictSame(seqs, [...range(FIRST_SEQ, FIRST_SEQ + 4), ...range(FIRST_SEQ + 1000, FIRST_SEQ + 1004)]);
});

t.test('opening reads one segment at most, whatever their number', async (t) => {
  const { journal, directory } = await openJournal(t, { segmentBytes: 500, uptime: () => 0 });
  for (let i = 0; i < 30; i++) await writeEvents(journal, 5);
  await crash({ journal, directory, notes: [], logs: [] });
  // all but the newest unreadable: reading them fails
  const sealed = filesOf(directory, '.jsonl').slice(0, -2);
  for (const name of sealed) await writeFile(path.join(directory, name), 'x'.repeat(600));
  const again = await openJournal(t, { directory, segmentBytes: 500, uptime: () => 0 });
  t.strictSame(again.notes, []);
  t.equal(again.journal.seq, FIRST_SEQ + 149);
});

t.test('a random tail of garbage never keeps the journal from opening', async (t) => {
  const seed = Date.now() % 100_000;
  t.comment(`seed ${seed}`);
  const random = createRandom(seed);
  const { directory } = await crashed(t, 20);
  const good = readFileSync(segment(directory));
  for (let round = 0; round < 20; round++) {
    const copy = makeDirectory(t);
    await mkdir(copy, { recursive: true });
    await copyFile(path.join(directory, 'journal.json'), path.join(copy, 'journal.json'));
    const garbage = Buffer.from(Array.from({ length: random(2_000) }, () => random(256)));
    await writeFile(segment(copy), Buffer.concat([good, garbage]));
    const { journal } = await openJournal(t, { directory: copy, now: () => LATER });
    const after = await writeEvents(journal, 3);
    t.strictSame((await readAll(copy)).seqs, [...range(FIRST_SEQ, FIRST_SEQ + 19), ...after]);
    await journal.close();
  }
});
