import { cpSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { archiveSegment } from '../../src/journal/archive.js';
import { readJournal, readLast } from '../../src/journal/reader.js';
import {
  CLOCK,
  crash,
  filesOf,
  FIRST_SEQ,
  makeDirectory,
  openJournal,
  readAll,
  writeEvents,
} from '../helpers/journal.js';
import { LONG, shortOrLong } from '../helpers/long.js';
import { createRandom } from '../helpers/random.js';
import { waitFor } from '../helpers/wait.js';

const LATER = CLOCK + 60_000;
const STEP = shortOrLong(97, 31);

const seed = Number(process.env['TEST_SEED'] ?? Date.now() % 100_000);
t.comment(`seed ${seed}`);
const random = createRandom(seed);

/** Opens the journal, appends, and returns all lines but the appended ones, which must be there. */
async function survivors(t: Parameters<typeof openJournal>[0], directory: string): Promise<string[]> {
  const { journal } = await openJournal(t, { directory, now: () => LATER, uptime: () => 0 });
  const appended = await writeEvents(journal, 2);
  await journal.close();
  const { seqs, lines } = await readAll(directory);
  t.strictSame(seqs.slice(-2), appended);
  t.strictSame(
    [...seqs].sort((a, b) => a - b),
    seqs,
    'in order',
  );
  t.strictSame(
    (await readLast(journal.source, 2, {})).events.map(({ seq }) => seq),
    appended,
  );
  return lines.slice(0, -2);
}

t.test('cutting the last segment at any byte of its last lines loses only the cut line', async (t) => {
  const opened = await openJournal(t);
  await writeEvents(opened.journal, LONG ? 10 : 6, (k) => ({ data: { text: 'ü'.repeat(k) } }));
  await crash(opened);
  const original = path.join(opened.directory, `${FIRST_SEQ}.jsonl`);
  const text = readFileSync(original);
  const lines = text.toString().split('\n').slice(0, -1);
  const kept = LONG ? 1 : 4;
  const from = Buffer.byteLength(lines.slice(0, kept).join('\n')) + 1;
  const parent = makeDirectory(t);
  for (let size = from; size < text.length; size += shortOrLong(7, 1)) {
    const directory = path.join(parent, String(size));
    cpSync(opened.directory, directory, { recursive: true });
    truncateSync(path.join(directory, `${FIRST_SEQ}.jsonl`), size);
    const whole = text.subarray(0, size).toString().split('\n').length - 1;
    const found = await survivors(t, directory);
    if (found.join() !== lines.slice(0, whole).join()) t.fail(`cut at ${size}: ${found.length} of ${whole} lines`);
    const bad = text.subarray(0, size).lastIndexOf(10) + 1;
    if (bad === size) continue;
    const aside = readFileSync(path.join(directory, 'quarantine', `${FIRST_SEQ}.${bad}.bad`));
    if (!aside.equals(text.subarray(bad, size))) t.fail(`cut at ${size}: the rest was not kept`);
  }
});

/** Flips one bit in every nth byte of a file, and evaluates the result with `judge`. */
async function flipBits(file: string, judge: (at: number) => Promise<void>, step = STEP): Promise<void> {
  const bytes = readFileSync(file);
  for (let at = random(step); at < bytes.length; at += LONG ? 1 + random(step) : step) {
    const flipped = Buffer.from(bytes);
    flipped[at]! ^= 1 << random(8);
    writeFileSync(file, flipped);
    await judge(at);
  }
  writeFileSync(file, bytes);
}

/** Returns the line of a byte; a newline belongs to the line before it. */
function lineAt(text: Buffer, at: number): number {
  return text.subarray(0, at).toString('latin1').split('\n').length - 1;
}

function missing(lines: readonly string[], found: readonly string[], hit: number): number[] {
  const there = new Set(found);
  return lines.flatMap((line, index) => (index === hit || there.has(line) ? [] : [index]));
}

t.test('a flipped bit in the last segment costs at most its line', async (t) => {
  const opened = await openJournal(t);
  await writeEvents(opened.journal, 30, (k) => ({ execution: `e${k % 3}`, data: { text: `ünïcode ${k}` } }));
  await crash(opened);
  const original = path.join(opened.directory, `${FIRST_SEQ}.jsonl`);
  const text = readFileSync(original);
  const lines = text.toString().split('\n').slice(0, -1);
  const parent = makeDirectory(t);
  await flipBits(original, async (at) => {
    const directory = path.join(parent, String(at));
    cpSync(opened.directory, directory, { recursive: true });
    const found = await survivors(t, directory);
    const lost = missing(lines, found, lineAt(text, at));
    if (lost.length > 0 || found.length > lines.length)
      t.fail(`byte ${at}: lost ${String(lost)}, found ${found.length}`);
  });
});

t.test('a flipped bit in an older segment costs at most its line, and one in its index no line', async (t) => {
  const { journal, directory } = await openJournal(t, { segmentBytes: 3_000, uptime: () => 0 });
  for (let i = 0; i < 3; i++) await writeEvents(journal, 30, (k) => ({ execution: `e${k % 3}` }));
  await journal.close();
  const all = await readAll(directory);
  const [name, index] = [filesOf(directory, '.jsonl')[1]!, filesOf(directory, '.index.json')[1]!];
  const file = path.join(directory, name);
  const text = readFileSync(file);
  await flipBits(file, async (at) => {
    const { lines, gaps } = await readAll(directory);
    const lost = missing(all.lines, lines, 30 + lineAt(text, at));
    if (lost.length > 0 || lines.length > all.lines.length) t.fail(`byte ${at}: lost ${String(lost)}`);
    if (gaps.some(({ from, to }) => to > from)) t.fail(`byte ${at}: ${JSON.stringify(gaps)}`);
  });
  await flipBits(path.join(directory, index), async (at) => {
    const { lines } = await readAll(directory, { execution: 'e1' });
    if (lines.length !== 30) t.fail(`index byte ${at}: ${lines.length} lines`);
  });
  t.strictSame((await readAll(directory)).lines, all.lines);
});

t.test('a flipped bit in a compressed segment costs at most its block', async (t) => {
  const { journal, directory } = await openJournal(t, { segmentBytes: 200_000, uptime: () => 0 });
  await writeEvents(journal, 2_000);
  await waitFor('the index', () => filesOf(directory, '.index.json').length === 1);
  await archiveSegment(directory, FIRST_SEQ, () => Promise.resolve());
  const all = await readAll(directory);
  const file = path.join(directory, `${FIRST_SEQ}.jsonl.gz`);
  const judge = async (at: number) => {
    const { seqs, gaps } = await readAll(directory);
    const expected = all.seqs.filter((seq) => !gaps.some(({ from, to }) => seq >= from && seq <= to));
    if (seqs.join() !== expected.join()) t.fail(`byte ${at}: lines are lost in silence`);
    if (seqs.length < all.seqs.length - 700) t.fail(`byte ${at}: more than a block is lost`);
  };
  await flipBits(file, judge, 10 * STEP);
});

t.test('a reader that is stopped early closes its files', { skip: process.platform !== 'linux' }, async (t) => {
  const { journal } = await openJournal(t);
  await writeEvents(journal, 2_000);
  const open = () => filesOf('/proc/self/fd', '').length;
  const before = open();
  for (let i = 0; i < 20; i++) for await (const part of readJournal(journal.source)) if ('lines' in part) break;
  t.equal(open(), before);
});
