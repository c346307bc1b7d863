import { cpSync, existsSync, readFileSync, renameSync } from 'node:fs';
import { appendFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import t from 'tap';
import { matches } from '../../src/core/events/filter.js';
import {
  findExecutions,
  openSource,
  readJournal,
  readLast,
  type ReadOptions,
  seqAtTime,
} from '../../src/journal/reader.js';
import { containing } from '../../src/journal/search.js';
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

const TYPES = ['output', 'log', 'progress', 'step_started'];

/** Several segments of several blocks each; some of them compressed, the last one still open. */
async function openLarge(
  t: Parameters<typeof openJournal>[0],
  seed: number,
): Promise<TestJournal & { seqs: number[] }> {
  const random = createRandom(seed);
  let uptime = 0;
  const opened = await openJournal(t, { segmentBytes: 200_000, uptime: () => uptime });
  const seqs: number[] = [];
  for (let i = 0; i < 16; i++) {
    const text = 'ä'.repeat(random(200));
    const shape = () => ({ execution: `run-${random(40)}`, type: TYPES[random(4)]!, data: { text, level: 'info' } });
    seqs.push(...(await writeEvents(opened.journal, 100 + random(400), shape)));
    if (i === 8) uptime += 1_000; // quiet for a moment: what is sealed by now is compressed
    if (i === 8) await waitFor('compression', () => filesOf(opened.directory, '.gz').length > 0);
    if (i === 8) uptime += -1_000;
  }
  return { ...opened, seqs };
}

t.test('readers inside and outside the daemon read the same', async (t) => {
  const { journal, directory, seqs } = await openLarge(t, 1);
  t.ok(filesOf(directory, '.jsonl.gz').length > 0 && filesOf(directory, '.jsonl').length > 2, 'plain and compressed');
  for (const source of [journal.source, openSource(directory)]) {
    const { seqs: found, gaps, lines } = await readAll(source);
    t.strictSame(found, seqs);
    t.strictSame(gaps, []);
    t.match(lines[0], /^\{"seq":\d+,.*ä.*\}$/);
  }
});

t.test('chunks are bounded', async (t) => {
  const { journal } = await openLarge(t, 2);
  let chunks = 0;
  for await (const part of readJournal(journal.source)) {
    if (!('lines' in part)) continue;
    chunks++;
    const bytes = part.lines.reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0);
    if (bytes > 64 * 1024 + 1_000) t.fail(`a chunk of ${bytes} bytes`);
  }
  t.ok(chunks > 10);
});

t.test('after and through bound what is read', async (t) => {
  const { journal, directory, seqs } = await openLarge(t, 3);
  const random = createRandom(3);
  for (let i = 0; i < 25; i++) {
    const [a, b] = [seqs[0]! - 1 + random(seqs.length + 5), seqs[0]! - 1 + random(seqs.length + 5)];
    const source = i % 2 === 0 ? journal.source : openSource(directory);
    const found = await readAll(source, { after: a, through: b });
    t.strictSame(
      found.seqs,
      seqs.filter((seq) => seq > a && seq <= b),
    );
    t.strictSame(found.gaps, []);
  }
});

for (const seed of [11, 12]) {
  t.test(`one execution by the index is what a scan finds (seed ${seed})`, async (t) => {
    const { journal, directory } = await openLarge(t, seed);
    const all = await readAll(directory);
    for (const execution of ['run-0', 'run-7', 'run-39', 'run-4', 'no such']) {
      const after = all.seqs[createRandom(seed)(all.seqs.length)];
      for (const source of [journal.source, openSource(directory)]) {
        const found = await readAll(source, { execution });
        t.strictSame(
          found.events,
          all.events.filter((event) => event.execution === execution),
        );
        const rest = await readAll(source, { execution, after });
        t.strictSame(
          rest.events,
          found.events.filter((event) => event.seq > after!),
        );
      }
    }
  });

  t.test(`the newest that match are the end of a scan (seed ${seed})`, async (t) => {
    const { journal, directory } = await openLarge(t, seed);
    const all = await readAll(directory);
    const random = createRandom(seed);
    const filters = [{}, { execution: 'run-5' }, { types: ['log'] }, { execution: 'run-9', types: ['progress'] }];
    for (const filter of [...filters, { execution: 'no such' }]) {
      for (const count of [0, 1, 100, 3_000, 10 ** 6]) {
        const through = random(2) === 0 ? undefined : all.seqs[random(all.seqs.length)];
        const matching = all.events.filter((e) => matches(filter, e) && e.seq <= (through ?? Infinity));
        const expected = count === 0 ? [] : matching.slice(-count);
        for (const source of [journal.source, openSource(directory)]) {
          const found = await readLast(source, count, filter, through);
          t.strictSame(found.events, expected, JSON.stringify({ filter, count, through }));
          t.strictSame(found.lines.length, expected.length);
        }
      }
    }
  });
}

t.test('a missing directory holds no events', async (t) => {
  const source = openSource(path.join(makeDirectory(t), 'absent'));
  t.strictSame((await readAll(source)).seqs, []);
  t.strictSame((await readLast(source, 10, {})).events, []);
  t.equal(await seqAtTime(source, '2026-01-01T00:00:00Z'), 0);
  t.strictSame(await findExecutions(source, ''), []);
});

t.test('a line that is being written is not read before it is complete', async (t) => {
  const { journal, directory } = await openJournal(t);
  await writeEvents(journal, 3);
  const file = path.join(directory, `${FIRST_SEQ}.jsonl`);
  const text = readFileSync(file, 'utf8');
  const { appendFileSync, truncateSync } = await import('node:fs');
  for (const part of [
    '{',
    '{"seq":1700000000000003,"time":"2026',
    '{"seq":1700000000000003,"time":"t","type":"x","data":{}}',
  ]) {
    appendFileSync(file, part);
    const { seqs, gaps } = await readAll(directory);
    t.strictSame({ seqs, gaps }, { seqs: range(FIRST_SEQ, FIRST_SEQ + 2), gaps: [] });
    truncateSync(file, Buffer.byteLength(text));
  }
});

t.test('readers inside the daemon do not read lines that the writer has not accepted', async (t) => {
  const { journal, directory } = await openJournal(t);
  const seqs = await writeEvents(journal, 3);
  await appendFile(path.join(directory, `${FIRST_SEQ}.jsonl`), makeBatch(FIRST_SEQ + 3, 1).lines.join() + '\n');
  t.strictSame((await readAll(journal.source)).seqs, seqs);
  t.strictSame((await readLast(journal.source, 1, {})).events[0]?.seq, seqs[2]);
});

t.test('copies of events are dropped, forwards and backwards', async (t) => {
  const opened = await openJournal(t);
  const seqs = await writeEvents(opened.journal, 10);
  await crash(opened);
  const { directory } = opened;
  const lines = readFileSync(path.join(directory, `${FIRST_SEQ}.jsonl`), 'utf8')
    .split('\n')
    .slice(5, 10);
  const fresh = makeBatch(FIRST_SEQ + 10, 3).lines;
  await writeFile(path.join(directory, `${FIRST_SEQ + 10}.jsonl`), [...lines, ...fresh].join('\n') + '\n');
  const expected = [...seqs, FIRST_SEQ + 10, FIRST_SEQ + 11, FIRST_SEQ + 12];
  t.strictSame((await readAll(directory)).seqs, expected);
  t.strictSame((await readAll(directory, { execution: 'build', after: FIRST_SEQ + 6 })).seqs, expected.slice(7));
  for (const count of [4, 9, 100]) {
    const { events } = await readLast(openSource(directory), count, {});
    t.strictSame(
      events.map(({ seq }) => seq),
      expected.slice(-count),
    );
  }
  const report = await verifyJournal(directory);
  t.match(report, { events: 13, copies: 5, damage: [] });
});

t.test('executions are found by a prefix of their IDs', async (t) => {
  const { journal, directory } = await openLarge(t, 4);
  const expected = range(0, 39)
    .map((k) => `run-${k}`)
    .filter((id) => id.startsWith('run-3'));
  for (const source of [journal.source, openSource(directory)]) {
    t.strictSame((await findExecutions(source, 'run-3')).sort(), expected.sort());
    t.strictSame(await findExecutions(source, 'x'), []);
    t.equal((await findExecutions(source, '')).length, 40);
  }
});

t.test('seqAtTime finds the first event of that time or later', async (t) => {
  const { journal, directory } = await openJournal(t, { segmentBytes: 100_000, uptime: () => 0 });
  for (let i = 0; i < 4; i++) {
    await writeEvents(journal, 500, (k) => ({ time: new Date(CLOCK + (i * 500 + k) * 1_000).toISOString() }));
  }
  const at = (seconds: number) => new Date(CLOCK + seconds * 1_000).toISOString();
  for (const source of [journal.source, openSource(directory)]) {
    for (const second of [0, 1, 250, 499, 500, 777, 1_999]) {
      t.equal(await seqAtTime(source, at(second)), FIRST_SEQ + second - 1, `second ${second}`);
    }
    t.equal(await seqAtTime(source, at(-1)), FIRST_SEQ - 1);
    t.equal(await seqAtTime(source, at(2_000)), FIRST_SEQ + 1_999, 'none so late: the newest');
    t.equal(await seqAtTime(source, '2023-11-14T23:21:40+01:00'), FIRST_SEQ + 499, 'in another zone');
  }
  await t.rejects(seqAtTime(journal.source, 'yesterday'), { code: 'bad_request' });
});

t.test('late events of old times do not hide newer ones', async (t) => {
  const { journal } = await openJournal(t);
  const times = [5, 1, 6, 2, 7].map((second) => new Date(CLOCK + second * 1_000).toISOString());
  await writeEvents(journal, 5, (k) => ({ time: times[k]! }));
  t.equal(await seqAtTime(journal.source, times[2]!), FIRST_SEQ + 1);
  t.equal(await seqAtTime(journal.source, times[0]!), FIRST_SEQ - 1);
});

t.test('what retention removed is a gap for readers before it', async (t) => {
  const { journal, directory } = await openJournal(t, { segmentBytes: 500, uptime: () => 0 });
  for (let i = 0; i < 4; i++) await writeEvents(journal, 5);
  await journal.sync();
  await waitFor('sealed', () => filesOf(directory, '.index.json').length === 4);
  await journal.removeThrough(FIRST_SEQ + 9);
  t.strictSame(filesOf(directory, '.jsonl').at(0), `${FIRST_SEQ + 10}.jsonl`);
  for (const source of [journal.source, openSource(directory)]) {
    const { seqs, gaps } = await readAll(source, { after: FIRST_SEQ + 2 });
    t.strictSame(gaps, [{ from: FIRST_SEQ + 3, to: FIRST_SEQ + 9, why: 'retention' }]);
    t.strictSame(seqs, range(FIRST_SEQ + 10, FIRST_SEQ + 19));
    t.strictSame((await readAll(source, { after: FIRST_SEQ + 9 })).gaps, []);
    t.strictSame((await readAll(source, { after: FIRST_SEQ + 2, through: FIRST_SEQ + 5 })).gaps, [
      { from: FIRST_SEQ + 3, to: FIRST_SEQ + 5, why: 'retention' },
    ]);
  }
});

t.test('a journal without losses has no gap at its beginning', async (t) => {
  const { journal } = await openJournal(t);
  await writeEvents(journal, 3);
  t.strictSame((await readAll(journal.source, { after: 5 })).gaps, []);
});

t.test('readers continue while segments are rotated and compressed', async (t) => {
  let uptime = 0; // never busy: compression does not wait
  const { journal, directory } = await openJournal(t, { segmentBytes: 30_000, uptime: () => (uptime += 1_000) });
  const total = 12_000;
  const outside = openSource(directory);
  const follow = async (source: typeof outside, found: number[]) => {
    for (let after = FIRST_SEQ - 1; found.length < total;) {
      for await (const part of readJournal(source, { after })) {
        if ('gap' in part) throw new Error(`a gap: ${JSON.stringify(part.gap)}`);
        for (const { seq } of part.events) found.push(seq);
        after = part.events.at(-1)!.seq;
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const found: number[][] = [[], [], []];
  const readers = [follow(journal.source, found[0]!), follow(outside, found[1]!), follow(outside, found[2]!)];
  const compressed = () => filesOf(directory, '.gz').length;
  for (let i = 0; i < total / 100; i++) {
    await writeEvents(journal, 100);
    if (i % 20 === 19) await waitFor('compression to keep up', () => compressed() > i / 10);
  }
  await Promise.all(readers);
  const expected = range(FIRST_SEQ, FIRST_SEQ + total - 1);
  for (const seqs of found) t.strictSame(seqs, expected);
});

t.test('a reader of a removed segment reads it to its end, and gets a gap for the others', async (t) => {
  const { journal, directory } = await openJournal(t, { segmentBytes: 100_000, uptime: () => 0 });
  for (let i = 0; i < 4; i++) await writeEvents(journal, 1_000);
  await waitFor('sealed', () => filesOf(directory, '.index.json').length === 4);
  const seqs: number[] = [];
  const gaps: unknown[] = [];
  let removed = false;
  for await (const part of readJournal(journal.source)) {
    if ('gap' in part) gaps.push(part.gap);
    else seqs.push(...part.events.map(({ seq }) => seq));
    if (!removed) await journal.removeThrough(FIRST_SEQ + 1_999);
    removed = true;
  }
  t.strictSame(gaps, [{ from: FIRST_SEQ + 1_000, to: FIRST_SEQ + 1_999, why: 'retention' }]);
  t.strictSame(seqs, [...range(FIRST_SEQ, FIRST_SEQ + 999), ...range(FIRST_SEQ + 2_000, FIRST_SEQ + 3_999)]);
});

t.test('a segment without an index is read, plain or compressed', async (t) => {
  const { directory, seqs, journal } = await openLarge(t, 5);
  await crash({ journal, directory, notes: [], logs: [] });
  for (const name of filesOf(directory, '.index.json')) await rm(path.join(directory, name));
  const all = await readAll(directory);
  t.strictSame(all.seqs, seqs);
  const one = await readAll(directory, { execution: 'run-3' });
  t.strictSame(
    one.events,
    all.events.filter((event) => event.execution === 'run-3'),
  );
  t.notOk(existsSync(path.join(directory, 'clean.json')));
});

t.test('damage between two blocks is reported', async (t) => {
  const opened = await openJournal(t);
  const seqs = await writeEvents(opened.journal, 2_000);
  await crash(opened);
  const file = path.join(opened.directory, `${FIRST_SEQ}.jsonl`);
  const bytes = readFileSync(file);
  const near =
    bytes
      .subarray(0, 64 * 1024)
      .toString('latin1')
      .split('\n').length - 1;
  for (const hit of range(near - 2, near + 2)) {
    const damaged = bytes.toString().split('\n');
    damaged[hit] = 'x'.repeat(damaged[hit]!.length);
    await writeFile(file, damaged.join('\n'));
    const found = await readAll(opened.directory);
    t.strictSame(
      found.seqs,
      seqs.filter((_, index) => index !== hit),
    );
    t.strictSame(found.gaps, [{ from: seqs[hit], to: seqs[hit], why: 'damage' }]);
  }
});

t.test('a wrong seq costs one line anywhere in a large segment without an index', async (t) => {
  const opened = await openJournal(t);
  const seqs = await writeEvents(opened.journal, 14_000);
  await crash(opened);
  const file = path.join(opened.directory, `${FIRST_SEQ}.jsonl`);
  const bytes = readFileSync(file);
  const window = 2 ** 20;
  t.ok(bytes.length > window + 100_000);
  for (const at of [
    1,
    bytes.lastIndexOf(10, bytes.lastIndexOf(10, window) - 1) + 1,
    bytes.lastIndexOf(10, window) + 1,
  ]) {
    const start = bytes.lastIndexOf(10, at - 1) + 1;
    const damaged = Buffer.from(bytes);
    damaged[start + '{"seq":1'.length] = '9'.charCodeAt(0);
    await writeFile(file, damaged);
    const hit = bytes.subarray(0, start).toString('latin1').split('\n').length - 1;
    const found = await readAll(opened.directory);
    t.strictSame(
      found.seqs,
      seqs.filter((_, index) => index !== hit),
    );
  }
});

t.test('only events between two times, or that the search matches, are read', async (t) => {
  const { journal, directory } = await openJournal(t);
  const text = 'x'.repeat(1_000);
  for (let round = 0; round < 5; round++) {
    await writeEvents(journal, 100, (index) => ({
      time: new Date(CLOCK + (round * 100 + index) * 1_000).toISOString(),
      data: { text: index === 50 ? `needle ${round}` : text },
    }));
  }
  const at = (second: number) => new Date(CLOCK + second * 1_000).toISOString();
  const timesOf = async (options: ReadOptions) =>
    (await readAll(directory, options)).events.map(({ time }) => (Date.parse(time) - CLOCK) / 1_000);
  t.strictSame(await timesOf({ since: at(497) }), [497, 498, 499]);
  t.strictSame(await timesOf({ until: at(2) }), [0, 1]);
  t.strictSame(await timesOf({ since: at(148), until: at(152) }), [148, 149, 150, 151]);
  const search = containing('needle');
  t.strictSame(await timesOf({ search }), [50, 150, 250, 350, 450]);
  t.strictSame(await timesOf({ search, since: at(51), until: at(400), execution: 'build' }), [150, 250, 350]);
  t.strictSame(await timesOf({ search, execution: 'nobody' }), []);
  t.strictSame((await readAll(directory, { search })).gaps, [], 'what is passed over is no gap');
});

t.test('an index is used only with the file that it describes', async (t) => {
  const quiet = { segmentBytes: 100_000, uptime: () => 0 }; // nothing is compressed
  const { journal, directory } = await openJournal(t, quiet);
  await writeEvents(journal, 200, (n) => ({ execution: n % 2 ? 'gone' : 'kept', data: { text: 'x'.repeat(1_000) } }));
  await writeEvents(journal, 1);
  await journal.close();
  const pruned = path.join(makeDirectory(t), 'journal');
  cpSync(directory, pruned, { recursive: true, verbatimSymlinks: true });
  const copy = await openJournal(t, { ...quiet, directory: pruned });
  await copy.journal.prune(new Map([['gone', copy.journal.seq]]), new AbortController().signal);
  const source = openSource(directory);
  let isReplaced = false;
  const sly = {
    directory,
    // asked when the file is open and its index is not read yet
    live(first: number) {
      const names = isReplaced || first !== FIRST_SEQ ? [] : [`${first}.jsonl`, `${first}.index.json`];
      for (const name of names) {
        cpSync(path.join(pruned, name), path.join(directory, `${name}.new`));
        renameSync(path.join(directory, `${name}.new`), path.join(directory, name));
      }
      isReplaced = true;
      return source.live(first);
    },
  };
  const { events, gaps } = await readAll(sly);
  t.strictSame(gaps, []);
  t.strictSame([...new Set(events.map(({ execution }) => execution))], ['kept', 'build']);
  t.equal(events.length, 101);
});
