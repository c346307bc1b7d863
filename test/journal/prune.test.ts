import { readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import type { Test } from 'tap';
import { openSource, readJournal } from '../../src/journal/reader.js';
import { verifyJournal } from '../../src/journal/verify.js';
import { filesOf, openJournal, readAll, type TestJournal, writeEvents } from '../helpers/journal.js';
import { waitFor } from '../helpers/wait.js';

const SIGNAL = new AbortController().signal;
const NAMES = ['keep', 'gone', 'other'];

/** Segments of several blocks, in which three executions alternate; two hold only the first of them. */
async function fill(t: Test, { archived }: { archived: boolean }): Promise<TestJournal> {
  const opened = await openJournal(t, { segmentBytes: 300_000 });
  const { journal, directory } = opened;
  const text = 'x'.repeat(400);
  for (let round = 0; round < 40; round++) {
    await writeEvents(journal, 100, (index) => ({
      execution: round > 12 && round < 28 ? 'keep' : NAMES[index % NAMES.length]!,
      data: { text: `${round}.${index} ${text}` },
    }));
  }
  await journal.sync();
  if (archived) await waitFor('archives', () => filesOf(directory, '.jsonl').length <= 2);
  return opened;
}

for (const archived of [true, false]) {
  t.test(`executions leave ${archived ? 'archives' : 'plain segments'}; everything else is unchanged`, async (t) => {
    const { journal, directory } = await fill(t, { archived });
    const before = await readAll(journal.source);
    const kept = before.lines.filter((_, index) => before.events[index]!.execution !== 'gone');
    const mtime = () =>
      filesOf(directory, '.gz').map((name) => Math.floor(statSync(path.join(directory, name)).mtimeMs))[0];
    const written = mtime();
    const { bytes } = journal.status();
    const freed = await journal.prune(new Map([['gone', journal.seq]]), SIGNAL);
    t.strictSame((await readAll(journal.source)).lines, kept);
    t.strictSame((await readAll(openSource(directory))).lines, kept, 'from the files alone');
    t.strictSame((await readAll(directory, { execution: 'gone' })).events, []);
    t.match(await verifyJournal(directory), { damage: [], gaps: [], badIndexes: [], events: kept.length });
    t.ok(freed > 0, 'it frees something');
    if (archived) t.equal(journal.status().bytes, bytes - freed);
    if (archived) t.equal(mtime(), written, 'age is that of the events');
    await journal.close();
    for (const name of filesOf(directory, '.jsonl')) t.notMatch(readFileSync(path.join(directory, name)), '"gone"');
    const again = await openJournal(t, { directory });
    t.strictSame((await readAll(again.journal.source)).lines, kept);
    t.strictSame(again.notes, [], 'and nothing seems to be lost');
  });
}

t.test('a segment that holds nothing else is removed, and leaves no gap', async (t) => {
  const { journal, directory, logs } = await fill(t, { archived: true });
  const seq = journal.seq;
  const files = filesOf(directory, '.gz');
  await journal.prune(new Map([['keep', seq]]), SIGNAL);
  t.ok(
    files.some((name) => !filesOf(directory, '.gz').includes(name)),
    'its file is gone',
  );
  t.equal(filesOf(directory, '.gz').length, filesOf(directory, '.index.json').length);
  const left = await readAll(directory);
  t.strictSame(left.gaps, []);
  t.strictSame([...new Set(left.events.map(({ execution }) => execution))].sort(), ['gone', 'other']);
  await journal.prune(new Map(NAMES.map((name) => [name, seq])), SIGNAL);
  t.strictSame((await readAll(directory)).lines, []);
  t.strictSame(await writeEvents(journal, 1), [seq + 1], 'no seq comes again');
  t.strictSame(logs, []);
});

t.test('events after the note stay, and so do other executions', async (t) => {
  const { journal, directory } = await openJournal(t);
  const [, second] = await writeEvents(journal, 4);
  await journal.prune(new Map([['build', second!]]), SIGNAL);
  t.equal((await readAll(directory)).events.length, 2);
  const [first, kept, last] = await writeEvents(journal, 3, () => ({ execution: 'alerting' }));
  await journal.prune(new Map([['alerting', last!]]), SIGNAL, new Set([kept!]));
  t.ok((await readAll(directory)).seqs.includes(kept!), 'and what is still needed');
  t.notOk((await readAll(directory)).seqs.includes(first!));
  const files = filesOf(directory, '.jsonl');
  await journal.prune(new Map([['nobody', journal.seq]]), SIGNAL);
  t.strictSame(filesOf(directory, '.jsonl'), files, 'no file is written for that');
});

t.test('a reader in the middle of a file continues with the file it has open', async (t) => {
  const { journal, directory } = await fill(t, { archived: true });
  const all = await readAll(directory);
  const seen: string[] = [];
  for await (const part of readJournal(openSource(directory))) {
    if (seen.length === 0) await journal.prune(new Map([['gone', journal.seq]]), SIGNAL);
    if ('events' in part) seen.push(...part.lines);
  }
  const kept = all.lines.filter((_, index) => all.events[index]!.execution !== 'gone');
  t.ok(seen.length > kept.length, 'the first segment was open');
  t.strictSame(
    seen.filter((line) => !line.includes('"execution":"gone"')),
    kept,
  );
});

t.test('damage stays in place, and costs nothing else', async (t) => {
  const { journal, directory } = await fill(t, { archived: true });
  const file = path.join(directory, filesOf(directory, '.gz')[0]!);
  const bytes = readFileSync(file);
  const index = JSON.parse(readFileSync(file.replace('.jsonl.gz', '.index.json'), 'utf8')) as {
    gzip: { offsets: number[] };
  };
  bytes.fill(0xff, index.gzip.offsets[1]! + 30, index.gzip.offsets[1]! + 60);
  writeFileSync(file, bytes);
  const before = await readAll(directory);
  t.equal(before.gaps.length, 1);
  await journal.prune(new Map([['gone', journal.seq]]), SIGNAL);
  const after = await readAll(directory);
  t.strictSame(after.gaps, before.gaps);
  t.strictSame(
    after.lines,
    before.lines.filter((line) => !line.includes('"execution":"gone"')),
  );
});

t.test('retention runs during pruning', async (t) => {
  const { journal, directory } = await fill(t, { archived: true });
  const firsts = filesOf(directory, '.gz').map((name) => parseInt(name));
  const done = journal.prune(new Map([['gone', journal.seq]]), SIGNAL);
  await journal.removeThrough(firsts[2]! - 1);
  await done;
  const left = await readAll(directory);
  t.ok(left.seqs[0]! >= firsts[2]!);
  t.notOk(left.lines.some((line) => line.includes('"execution":"gone"')));
  t.match(await verifyJournal(directory), { damage: [], badIndexes: [] });
});
