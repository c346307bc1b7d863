import { existsSync, lstatSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { appendFile, mkdir, readFile, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import t from 'tap';
import { ProgressError } from '../../src/core/base/errors.js';
import { Journal } from '../../src/journal/journal.js';
import {
  CLOCK,
  filesOf,
  FIRST_SEQ,
  makeBatch,
  makeDirectory,
  openJournal,
  range,
  readAll,
  writeEvents,
} from '../helpers/journal.js';
import { waitFor } from '../helpers/wait.js';

const TUNING = {
  segmentBytes: 2 ** 40,
  segmentMs: 2 ** 40,
  retainBytes: 2 ** 50,
  retainMs: 2 ** 50,
  sync: 'interval',
} as const;

t.test('the file holds exactly the lines that were given', async (t) => {
  const { journal, directory } = await openJournal(t);
  const batch = makeBatch(journal.nextSeq, 3, () => ({ data: { text: 'grüße 🎉 \u2028' } }));
  await journal.write(batch);
  const text = readFileSync(path.join(directory, `${FIRST_SEQ}.jsonl`), 'utf8');
  t.equal(text, batch.lines.map((line) => line + '\n').join(''));
  t.equal(readlinkSync(path.join(directory, 'current.jsonl')), `${FIRST_SEQ}.jsonl`);
});

t.test('no other user can read the files', async (t) => {
  const parent = makeDirectory(t);
  const previous = process.umask(0);
  t.teardown(() => process.umask(previous));
  const { journal, directory } = await openJournal(t, { directory: path.join(parent, 'journal') });
  await writeEvents(journal, 1);
  await journal.close();
  t.equal(statSync(directory).mode & 0o777, 0o700);
  for (const name of filesOf(directory, '')) {
    const stat = lstatSync(path.join(directory, name));
    if (!stat.isSymbolicLink()) t.equal(stat.mode & 0o777, 0o600, name);
  }
});

t.test('a new journal starts at the wall clock and counts on', async (t) => {
  const { journal } = await openJournal(t);
  t.equal(journal.seq, 0);
  t.equal(journal.nextSeq, FIRST_SEQ);
  await writeEvents(journal, 5);
  t.equal(journal.seq, FIRST_SEQ + 4);
  t.equal(journal.nextSeq, FIRST_SEQ + 5);
});

t.test('after a clean shutdown writing continues in the same file', async (t) => {
  const { journal, directory } = await openJournal(t);
  await writeEvents(journal, 3);
  const { id } = journal;
  await journal.close();
  t.ok(existsSync(path.join(directory, 'clean.json')));
  const again = await openJournal(t, { directory, now: () => CLOCK + 1_000_000 });
  t.notOk(existsSync(path.join(directory, 'clean.json')), 'the marker exists only while no writer is open');
  t.equal(again.journal.id, id);
  t.equal(again.journal.nextSeq, FIRST_SEQ + 3);
  await writeEvents(again.journal, 3);
  t.strictSame(filesOf(directory, '.jsonl'), [`${FIRST_SEQ}.jsonl`, 'current.jsonl']);
  for (const source of [directory, again.journal.source]) {
    t.strictSame((await readAll(source)).seqs, range(FIRST_SEQ, FIRST_SEQ + 5));
  }
  t.strictSame(again.notes, []);
});

t.test('an unused journal leaves no segments', async (t) => {
  const { journal, directory } = await openJournal(t);
  await journal.close();
  t.strictSame(filesOf(directory, '.jsonl'), []);
});

t.test('misuse is distinguished from failure', async (t) => {
  const { journal } = await openJournal(t);
  const next = makeBatch(journal.nextSeq, 2);
  const first = journal.write(next);
  await t.rejects(journal.write(makeBatch(journal.nextSeq + 2, 1)), {
    code: 'internal',
    message: /two concurrent writes/,
  });
  await first;
  await t.rejects(journal.write(next), { code: 'internal', message: /out of order/ });
  const short = makeBatch(journal.nextSeq, 2);
  short.lines.pop();
  await t.rejects(journal.write(short), { code: 'internal', message: /line for each/ });
  await journal.write({ events: [], lines: [] });
  t.equal(journal.status().failure, undefined);
  await journal.close();
  await t.rejects(writeEvents(journal, 1), { message: /closed/ });
});

t.test('a segment ends at its size', async (t) => {
  const { journal, directory } = await openJournal(t, { segmentBytes: 500, uptime: () => 0 });
  for (let i = 0; i < 6; i++) await writeEvents(journal, 5);
  await waitFor(
    'the sealed ones to be finished',
    () => filesOf(directory, '.index.json').length === 6 && journal.status().segments === 7,
  );
  const segments = filesOf(directory, '.jsonl');
  t.equal(segments.length, 6 + 1 + 1, 'six full ones, the active one, the link');
  t.equal(readlinkSync(path.join(directory, 'current.jsonl')), segments.at(-2));
  t.equal(journal.status().segments, 7);
  for (const source of [directory, journal.source]) {
    t.strictSame((await readAll(source)).seqs, range(FIRST_SEQ, FIRST_SEQ + 29));
  }
});

t.test('a segment ends at its age', async (t) => {
  let now = CLOCK;
  const { journal, directory } = await openJournal(t, { segmentMs: 60_000, now: () => now });
  await writeEvents(journal, 1);
  await writeEvents(journal, 1);
  t.equal(filesOf(directory, '.jsonl').length, 1 + 1);
  now += 60_000;
  await writeEvents(journal, 1);
  t.equal(filesOf(directory, '.jsonl').length, 2 + 1);
});

t.test('seq increases when the wall clock jumps', async (t) => {
  let now = CLOCK;
  let { journal } = await openJournal(t, { now: () => now });
  const { directory } = journal.status();
  const seqs = await writeEvents(journal, 2);
  for (const jump of [-86_400_000, 31_536_000_000, -31_536_000_000, 1_000]) {
    await journal.close();
    await rm(path.join(directory, 'clean.json'));
    now += jump;
    ({ journal } = await openJournal(t, { directory, now: () => now }));
    seqs.push(...(await writeEvents(journal, 2)));
  }
  t.strictSame(
    [...seqs].sort((a, b) => a - b),
    seqs,
  );
  t.equal(new Set(seqs).size, seqs.length);
  t.strictSame((await readAll(directory)).seqs, seqs);
});

t.test('an implausible clock does not use up the seqs', async (t) => {
  const { journal } = await openJournal(t, { now: () => 2 ** 52 });
  t.ok(journal.nextSeq < 2 ** 40);
  await writeEvents(journal, 1);
});

t.test('a lifecycle event is synced at once, others within a second', async (t) => {
  const { journal } = await openJournal(t);
  await writeEvents(journal, 1, () => ({ type: 'execution_started' }));
  await waitFor('the sync', () => journal.synced === journal.seq, 700);
  const [seq] = await writeEvents(journal, 1);
  t.ok(journal.synced < seq!, 'output can wait');
  await waitFor('the timed sync', () => journal.synced === seq, 3_000);
  await writeEvents(journal, 1);
  await journal.sync();
  t.equal(journal.synced, journal.seq, 'on demand');
});

t.test('with always, what is written is synced; with never, nothing is', async (t) => {
  const parent = makeDirectory(t);
  const always = await openJournal(t, { sync: 'always', directory: path.join(parent, 'always') });
  await writeEvents(always.journal, 3);
  t.equal(always.journal.synced, always.journal.seq);
  const never = await openJournal(t, { sync: 'never', directory: path.join(parent, 'never') });
  await writeEvents(never.journal, 3, () => ({ type: 'execution_started' }));
  await never.journal.sync();
  t.equal(never.journal.synced, 0);
});

t.test('limits can be changed between two writes', async (t) => {
  const { journal } = await openJournal(t);
  await writeEvents(journal, 5);
  t.equal(journal.expired(), undefined);
  await journal.configure({ ...TUNING, segmentBytes: 100, retainBytes: 1 });
  await writeEvents(journal, 1);
  t.equal(journal.status().segments, 2, 'the segment has ended at the new size');
  await waitFor('the old one to be on the shelf', () => journal.expired() !== undefined);
  await journal.configure(TUNING);
  t.equal(journal.expired(), undefined);
});

t.test('a change of the way of syncing syncs what was written before', async (t) => {
  const parent = makeDirectory(t);
  for (const sync of ['always', 'interval', 'never'] as const) {
    for (const next of ['always', 'interval', 'never'] as const) {
      if (sync === next) continue;
      const directory = path.join(parent, `${sync}-${next}`);
      const { journal } = await openJournal(t, { sync, directory, segmentBytes: 300 });
      await writeEvents(journal, 5);
      await writeEvents(journal, 1);
      await journal.configure({ ...TUNING, sync: next });
      t.equal(journal.synced, journal.seq, `${sync} to ${next}`);
      const [seq = 0] = await writeEvents(journal, 1);
      await journal.sync();
      t.equal(journal.synced, next === 'never' ? seq - 1 : seq, `${sync} to ${next}, and on`);
      t.equal((await readAll(journal.source)).seqs.length, 7);
    }
  }
});

t.test('rotation works with every way of syncing', async (t) => {
  const parent = makeDirectory(t);
  for (const sync of ['always', 'interval', 'never'] as const) {
    const { journal, directory } = await openJournal(t, {
      sync,
      segmentBytes: 500,
      directory: path.join(parent, sync),
    });
    for (let i = 0; i < 5; i++) await writeEvents(journal, 5);
    t.strictSame((await readAll(journal.source)).seqs, range(FIRST_SEQ, FIRST_SEQ + 24), sync);
    await journal.close();
    t.strictSame((await readAll(directory)).seqs, range(FIRST_SEQ, FIRST_SEQ + 24), sync);
  }
});

t.test('writing continues in a new file when another program changes the active one', async (t) => {
  const ways: Record<string, (file: string) => Promise<void>> = {
    removed: (file) => rm(file),
    moved: (file) => rename(file, file + '.1'),
    replaced: async (file) => {
      const text = await readFile(file);
      await rm(file);
      await writeFile(file, text);
    },
    'cut short': (file) => truncate(file, 0),
    'added to': (file) => appendFile(file, 'foreign\n'),
  };
  for (const [way, spoil] of Object.entries(ways)) {
    for (const isSynced of [true, false]) {
      await t.test(`${way}, ${isSynced ? 'synced' : 'not synced'}`, async (t) => {
        let uptime = 0;
        const { journal, directory, notes } = await openJournal(t, { uptime: () => uptime });
        const before = await writeEvents(journal, 3);
        if (isSynced) await journal.sync();
        await spoil(path.join(directory, `${FIRST_SEQ}.jsonl`));
        uptime += 1_000;
        const after = await writeEvents(journal, 3);
        t.match(notes, [{ type: 'journal_note', data: { kind: 'replaced', from: before[0], to: before[2] } }]);
        t.equal(readlinkSync(path.join(directory, 'current.jsonl')), `${after[0]}.jsonl`);
        await journal.sync();
        await journal.close();
        const { seqs, gaps } = await readAll(directory);
        if (way === 'replaced' || way === 'added to' || !isSynced)
          t.strictSame({ seqs, gaps }, { seqs: [...before, ...after], gaps: [] });
        else {
          const why = way === 'cut short' ? 'damage' : 'missing';
          t.strictSame({ seqs, gaps }, { seqs: after, gaps: [{ from: before[0], to: before[2], why }] });
        }
      });
    }
  }
});

t.test('what is synced can be found under its name, whatever other programs do before', async (t) => {
  const parent = makeDirectory(t);
  const ways: Record<string, (file: string) => Promise<void>> = {
    removed: (file) => rm(file),
    'moved away': (file) => rename(file, path.join(parent, 'elsewhere.jsonl')),
    replaced: async (file) => {
      await rm(file);
      await writeFile(file, 'something else\n');
    },
    'cut short': (file) => truncate(file, 0),
    'its directory removed': (file) => rm(path.dirname(file), { recursive: true }),
    'its directory moved': (file) => rename(path.dirname(file), path.join(parent, 'elsewhere')),
    'another directory in its place': async (file) => {
      await rename(path.dirname(file), path.join(parent, 'old'));
      await mkdir(path.dirname(file));
    },
  };
  for (const sync of ['interval', 'always'] as const) {
    for (const [way, spoil] of Object.entries(ways)) {
      const directory = path.join(parent, `${sync} ${way}`);
      // only the sync checks the files
      const { journal } = await openJournal(t, { sync, directory, uptime: () => 0 });
      const before = await writeEvents(journal, 3);
      await journal.sync();
      const unsynced = await writeEvents(journal, 3);
      const lost = sync === 'always' ? [...before, ...unsynced] : before;
      await spoil(path.join(directory, `${FIRST_SEQ}.jsonl`));
      const after = await writeEvents(journal, 3);
      await journal.sync();
      t.equal(journal.synced, after[2], `${sync}, ${way}: all is synced`);
      const kept = [...unsynced, ...after].filter((seq) => !lost.includes(seq));
      for (const source of [directory, journal.source]) {
        const { seqs, gaps } = await readAll(source);
        t.strictSame(seqs, kept, `${sync}, ${way}: what was synced after that is there`);
        t.match(gaps, [{ from: lost[0], to: lost.at(-1) }], `${sync}, ${way}: what was synced before is a gap`);
        t.equal(gaps.length, 1);
      }
      const more = await writeEvents(journal, 1);
      await journal.close();
      t.equal((await readAll(directory)).seqs.at(-1), more[0], `${sync}, ${way}: writing continues`);
      await rm(path.join(parent, 'elsewhere'), { recursive: true, force: true });
      await rm(path.join(parent, 'old'), { recursive: true, force: true });
    }
  }
});

t.test('a closed segment is removed before it is synced, while the next one is written', async (t) => {
  const { journal, directory } = await openJournal(t, { segmentBytes: 300, uptime: () => 0 });
  const first = await writeEvents(journal, 3);
  await rm(path.join(directory, `${FIRST_SEQ}.jsonl`));
  const second = await writeEvents(journal, 1);
  await journal.sync();
  const { seqs, gaps } = await readAll(directory);
  t.strictSame({ seqs, gaps }, { seqs: [...first, ...second], gaps: [] });
});

t.test(
  'the directory is removed: it is created again, with the same identity and a gap for all segments',
  async (t) => {
    for (const isSoon of [true, false]) {
      let uptime = 0;
      const { journal, directory, notes } = await openJournal(t, { segmentBytes: 300, uptime: () => uptime });
      const lost = [
        ...(await writeEvents(journal, 3)),
        ...(await writeEvents(journal, 3)),
        ...(await writeEvents(journal, 1)),
      ];
      await journal.sync();
      await rm(directory, { recursive: true });
      if (!isSoon) uptime += 1_000;
      const after = await writeEvents(journal, 1);
      await journal.sync();
      t.strictSame(
        notes.map(({ data }) => data['kind']).sort(),
        isSoon ? ['missing', 'replaced', 'resynced'] : ['missing', 'replaced'],
      );
      const { seqs, gaps } = await readAll(journal.source);
      t.strictSame(seqs, after);
      t.strictSame(
        [gaps[0]?.from, gaps.at(-1)?.to, new Set(gaps.map(({ why }) => why))],
        [lost[0], lost.at(-1), new Set(['missing'])],
      );
      await journal.close();
      const again = await openJournal(t, { directory });
      t.equal(again.journal.id, journal.id);
      t.ok(again.journal.nextSeq > after[0]!);
      await again.journal.close();
    }
  },
);

t.test('a link planted under the name of the next segment is not followed', async (t) => {
  let uptime = 0;
  const parent = makeDirectory(t);
  await writeFile(path.join(parent, 'victim'), 'precious');
  const { journal, directory } = await openJournal(t, {
    directory: path.join(parent, 'journal'),
    segmentBytes: 400,
    uptime: () => uptime,
  });
  const count = 5;
  await symlink(path.join(parent, 'victim'), path.join(directory, `${FIRST_SEQ + count}.jsonl`));
  await writeEvents(journal, count);
  uptime += 1_000;
  await writeEvents(journal, count);
  await writeEvents(journal, count);
  t.equal(readFileSync(path.join(parent, 'victim'), 'utf8'), 'precious');
  t.equal((await readAll(journal.source, { after: FIRST_SEQ + count })).seqs.length, 2 * count);
});

t.test('a newer format is read and never written', async (t) => {
  const { journal, directory } = await openJournal(t);
  const seqs = await writeEvents(journal, 3);
  await journal.close();
  const manifest = path.join(directory, 'journal.json');
  await writeFile(manifest, JSON.stringify({ version: 2, id: 'later' }));
  const before = filesOf(directory, '');
  const again = await openJournal(t, { directory });
  t.ok(again.journal.readOnly);
  t.equal(again.journal.id, 'later');
  t.equal(again.journal.seq, seqs[2]);
  await t.rejects(writeEvents(again.journal, 1), { code: 'read_only' });
  t.strictSame((await readAll(again.journal.source)).seqs, seqs);
  t.equal(again.journal.expired(), undefined);
  await again.journal.close();
  t.strictSame(filesOf(directory, ''), before);
});

t.test('a damaged journal.json is quarantined; the events stay, under a new identity', async (t) => {
  const { journal, directory } = await openJournal(t);
  const seqs = await writeEvents(journal, 3);
  await journal.close();
  await writeFile(path.join(directory, 'journal.json'), '{"version":');
  const again = await openJournal(t, { directory });
  t.not(again.journal.id, journal.id);
  t.match(again.notes, [{ data: { kind: 'identity' } }]);
  t.equal(filesOf(path.join(directory, 'quarantine'), 'journal.json').length, 1);
  t.strictSame((await readAll(directory)).seqs, seqs);
});

t.test('a failing write is reported at once and retried once a second, and its duration is noted', async (t) => {
  let uptime = 0;
  const parent = makeDirectory(t);
  const directory = path.join(parent, 'journal');
  const { journal, notes } = await openJournal(t, { directory, segmentBytes: 100, uptime: () => uptime });
  await writeEvents(journal, 1);
  await rename(directory, directory + '.away');
  await writeFile(directory, 'in the way');
  uptime += 1_000;
  const refused = journal.nextSeq;
  const error = await writeEvents(journal, 1).catch((thrown: unknown) => thrown);
  t.ok(journal.nextSeq > refused, 'seqs that may have been seen in the file are not used again');
  t.ok(error instanceof ProgressError);
  t.match(error, { code: 'journal_failed' });
  t.match(journal.status().failure, { code: 'journal_failed' });
  await rm(directory);
  await mkdir(directory);
  const next = journal.nextSeq;
  await t.rejects(writeEvents(journal, 1), error as Error, 'too early for another attempt');
  t.equal(journal.nextSeq, next);
  uptime += 1_000;
  const [seq] = await writeEvents(journal, 1);
  t.equal(journal.status().failure, undefined);
  t.match(notes.at(-1), { data: { kind: 'recovered', code: 'journal_failed', downMs: 1_000 } });
  // its own concurrent sync is refused as well
  t.ok(Number(notes.at(-1)?.data['refusedWrites']) >= 2);
  t.strictSame((await readAll(journal.source, { after: seq! - 1 })).seqs, [seq]);
});

t.test('the id is random', async (t) => {
  const parent = makeDirectory(t);
  const ids = await Promise.all(
    ['a', 'b'].map(async (name) => {
      const journal = await Journal.open({
        ...{
          directory: path.join(parent, name),
          segmentBytes: 1,
          segmentMs: 1,
          retainBytes: 1,
          retainMs: 1,
          sync: 'never',
        },
      });
      await journal.close();
      return journal.id;
    }),
  );
  t.not(ids[0], ids[1]);
});
