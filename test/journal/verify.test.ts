import { readFileSync } from 'node:fs';
import { appendFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import t from 'tap';
import { archiveSegment } from '../../src/journal/archive.js';
import { verifyJournal } from '../../src/journal/verify.js';
import { filesOf, FIRST_SEQ, makeBatch, makeDirectory, openJournal, writeEvents } from '../helpers/journal.js';
import { waitFor } from '../helpers/wait.js';

/** Three sealed segments of five events, the second one compressed, and two events in the active one. */
async function openMixed(t: Parameters<typeof openJournal>[0]): Promise<string> {
  const { journal, directory } = await openJournal(t, { segmentBytes: 500, uptime: () => 0 });
  for (let i = 0; i < 3; i++) await writeEvents(journal, 5);
  await writeEvents(journal, 2);
  await waitFor('the sealed ones to be finished', () => filesOf(directory, '.index.json').length === 3);
  await archiveSegment(directory, FIRST_SEQ + 5, () => Promise.resolve());
  return directory;
}

const FINE = {
  ...{ segments: 4, compressed: 1, events: 17, first: FIRST_SEQ, last: FIRST_SEQ + 16, copies: 0, unfinished: 0 },
  ...{ damage: [], badIndexes: [], gaps: [] },
};

t.test('an intact journal has nothing to report', async (t) => {
  const directory = await openMixed(t);
  const report = await verifyJournal(directory);
  t.match(report, FINE);
  t.ok(report.bytes > 1_000);
});

t.test('an empty or missing directory holds no events', async (t) => {
  t.match(await verifyJournal(path.join(makeDirectory(t), 'absent')), { segments: 0, events: 0, first: 0, last: 0 });
});

t.test('damaged lines are reported by segment and offset', async (t) => {
  const directory = await openMixed(t);
  const file = path.join(directory, `${FIRST_SEQ}.jsonl`);
  const lines = readFileSync(file, 'utf8').split('\n');
  lines[1] = lines[1]!.replace('{', '[');
  await writeFile(file, lines.join('\n'));
  const report = await verifyJournal(directory);
  t.strictSame(report.damage, [{ segment: FIRST_SEQ, offset: lines[0]!.length + 1, bytes: lines[1].length + 1 }]);
  t.strictSame(report.gaps, [{ from: FIRST_SEQ + 1, to: FIRST_SEQ + 1, why: 'damage' }]);
  t.equal(report.events, 16);
});

t.test('a line whose seq is out of order is damage', async (t) => {
  const directory = await openMixed(t);
  const file = path.join(directory, `${FIRST_SEQ + 10}.jsonl`);
  await appendFile(file, makeBatch(FIRST_SEQ + 3, 1).lines.join() + '\n');
  await rm(path.join(directory, `${FIRST_SEQ + 10}.index.json`));
  const report = await verifyJournal(directory);
  t.match(report.damage, [{ segment: FIRST_SEQ + 10 }]);
  t.equal(report.events, 17);
});

t.test('a write in progress at the end is not damage', async (t) => {
  const directory = await openMixed(t);
  await appendFile(path.join(directory, `${FIRST_SEQ + 15}.jsonl`), '{"seq":17');
  const report = await verifyJournal(directory);
  t.strictSame(report.damage, []);
  t.equal(report.unfinished, 9);
});

t.test('an index that does not match is reported', async (t) => {
  const directory = await openMixed(t);
  await writeFile(path.join(directory, `${FIRST_SEQ + 5}.index.json`), 'garbage');
  t.strictSame((await verifyJournal(directory)).badIndexes, [FIRST_SEQ + 5], 'garbage');
  await rm(path.join(directory, `${FIRST_SEQ + 5}.index.json`));
  t.strictSame((await verifyJournal(directory)).badIndexes, [FIRST_SEQ + 5], 'a compressed segment needs one');
  await appendFile(path.join(directory, `${FIRST_SEQ}.jsonl`), '');
  t.equal((await verifyJournal(directory)).events, 17, 'all is read without it');
});

t.test('a missing segment is a gap', async (t) => {
  const directory = await openMixed(t);
  await rm(path.join(directory, `${FIRST_SEQ + 5}.jsonl.gz`));
  const report = await verifyJournal(directory);
  t.strictSame(report.gaps, [{ from: FIRST_SEQ + 5, to: FIRST_SEQ + 9, why: 'missing' }]);
  t.match(report, { segments: 3, events: 12 });
});
