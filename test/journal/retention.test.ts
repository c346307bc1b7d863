import { utimesSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import {
  CLOCK,
  filesOf,
  FIRST_SEQ,
  openJournal,
  type Overrides,
  range,
  readAll,
  writeEvents,
} from '../helpers/journal.js';
import { waitFor } from '../helpers/wait.js';

const DAY = 86_400_000;

/** `sealed` segments of five events each, then the active one with two. */
async function openWith(t: Parameters<typeof openJournal>[0], sealed: number, overrides: Overrides) {
  const opened = await openJournal(t, { segmentBytes: 500, uptime: () => 0, ...overrides });
  const { journal, directory } = opened;
  for (let i = 0; i < sealed; i++) await writeEvents(journal, 5);
  await writeEvents(journal, 2);
  await waitFor('the sealed ones to be finished', () => filesOf(directory, '.index.json').length === sealed);
  await waitFor('their sizes to be known', () => journal.status().segments === sealed + 1);
  const setAge = (at: number, ms: number) => {
    const seconds = (CLOCK - ms) / 1_000;
    utimesSync(path.join(directory, `${FIRST_SEQ + 5 * at}.jsonl`), seconds, seconds);
  };
  return { ...opened, setAge };
}

t.test('nothing expires within the limits', async (t) => {
  const { journal } = await openWith(t, 4, {});
  t.equal(journal.expired(), undefined);
});

t.test('segments expire by age, the oldest first', async (t) => {
  const { directory, setAge, journal } = await openWith(t, 4, { retainMs: 7 * DAY });
  setAge(0, 9 * DAY);
  setAge(1, 8 * DAY);
  setAge(2, 6 * DAY);
  setAge(3, 9 * DAY);
  await journal.close();
  const again = await openJournal(t, { directory, retainMs: 7 * DAY, uptime: () => 0 });
  t.equal(again.journal.expired(), FIRST_SEQ + 9, 'up to the first that is young enough');
});

t.test('the oldest segments expire by size, never the active one', async (t) => {
  const { journal } = await openWith(t, 4, { retainBytes: 1_500 });
  const { bytes } = journal.status();
  t.ok(bytes > 2_000);
  t.equal(journal.expired(), FIRST_SEQ + 9);
  const tight = await openWith(t, 4, { retainBytes: 1 });
  t.equal(tight.journal.expired(), FIRST_SEQ + 19);
});

t.test('removal takes whole segments with their indexes, and stores the position', async (t) => {
  const { journal, directory } = await openWith(t, 4, { retainBytes: 1_500 });
  await journal.removeThrough(journal.expired()!);
  t.strictSame(
    filesOf(directory, '.index.json').map((name) => Number.parseInt(name, 10)),
    [FIRST_SEQ + 10, FIRST_SEQ + 15],
  );
  t.equal(journal.status().segments, 3);
  t.equal(journal.expired(), undefined);
  t.strictSame((await readAll(journal.source)).seqs, range(FIRST_SEQ + 10, FIRST_SEQ + 21));
  await journal.close();
  const again = await openJournal(t, { directory, uptime: () => 0 });
  t.strictSame(again.notes, []);
  t.strictSame((await readAll(directory)).gaps, [{ from: 1, to: FIRST_SEQ + 9, why: 'retention' }]);
});

t.test('removal up to the middle of a segment keeps that segment', async (t) => {
  const { journal, directory } = await openWith(t, 3, {});
  await journal.removeThrough(FIRST_SEQ + 3);
  t.equal(filesOf(directory, '.jsonl').length, 5);
  await journal.removeThrough(FIRST_SEQ + 7);
  t.equal(filesOf(directory, '.jsonl').length, 4);
  t.strictSame((await readAll(directory)).gaps, [{ from: 1, to: FIRST_SEQ + 4, why: 'retention' }]);
  await journal.removeThrough(2 ** 51);
  t.strictSame((await readAll(directory)).seqs, [FIRST_SEQ + 15, FIRST_SEQ + 16], 'the active one stays');
});

t.test('a segment that is being compressed can be removed', async (t) => {
  const { journal, directory } = await openJournal(t, { segmentBytes: 300_000, uptime: () => 0 });
  await writeEvents(journal, 3_000);
  await waitFor('compression to begin, and wait for quiet', () => filesOf(directory, '.gz.tmp').length === 1);
  await journal.removeThrough(FIRST_SEQ + 2_999);
  t.strictSame(
    filesOf(directory, '').filter((name) => name.startsWith(`${FIRST_SEQ}.`)),
    [],
  );
});
