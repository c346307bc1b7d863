import { readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { bundleFixture } from '../helpers/bundle.js';
import { CLOCK, FIRST_SEQ, makeDirectory, range } from '../helpers/journal.js';
import { findFaults, inject, runWriter } from '../helpers/journal-writer.js';
import { LONG } from '../helpers/long.js';
import { whyNo } from '../helpers/needs.js';
import { createRandom } from '../helpers/random.js';

const writer = await bundleFixture(t, 'journal-writer');
const skip = whyNo('strace', '-o', '/dev/null', 'true');
const SMALL = { now: CLOCK, batches: 10, size: 5 };

/** Directory of the journal of one case. */
function place(parent: string, name: string): string {
  return path.join(parent, name.replaceAll(/\W/g, '-'));
}

t.test('killed before any write: acknowledged events exist once, and no line is torn', { skip }, async (t) => {
  const parent = makeDirectory(t);
  for (const when of LONG ? range(1, 50) : [1, 5]) {
    const directory = place(parent, `write ${when}`);
    const task = { ...SMALL, batches: LONG ? 50 : 10, directory };
    const wrapper = inject('write', `signal=KILL:when=${when}`, [path.join(directory, `${FIRST_SEQ}.jsonl`)]);
    const outcome = await runWriter(writer, task, { wrapper });
    t.equal(outcome.written.size, (when - 1) * task.size, `killed at write ${when}`);
    t.strictSame(await findFaults(directory, outcome), []);
  }
});

t.test(
  'killed before any sync: the same, and no sync was acknowledged before it was requested',
  { skip },
  async (t) => {
    const parent = makeDirectory(t);
    for (const when of LONG ? range(1, 40) : [1, 6]) {
      const directory = place(parent, `sync ${when}`);
      const task = { ...SMALL, batches: LONG ? 50 : 10, directory, syncEach: true };
      const wrapper = inject('fdatasync', `signal=KILL:when=${when}`);
      const outcome = await runWriter(writer, task, { wrapper });
      t.equal(outcome.synced, when * task.size, 'the first sync of a file is an fsync');
      t.equal(outcome.written.size, outcome.synced + task.size);
      t.strictSame(await findFaults(directory, outcome), []);
    }
  },
);

t.test('killed at any step of rotation and compression: each segment exists once, whole', { skip }, async (t) => {
  const parent = makeDirectory(t);
  const second = FIRST_SEQ + 40;
  const steps: [calls: string, upTo: number][] = [
    ['rename', 9],
    ['symlink', 3],
    ['unlink', 9],
    ['fsync', 10],
    ['utimensat', 2],
  ];
  const cases = steps.flatMap(([calls, upTo]) => range(1, upTo).map((when) => [calls, when, [] as string[]] as const));
  const files = (directory: string) =>
    [`${second}.jsonl`, `${FIRST_SEQ}.jsonl.gz.tmp`].map((name) => path.join(directory, name));
  const creations = [1, 2].map((when) => ['openat', when, files('')] as const);
  const writes = range(1, 4).map((when) => ['write', when, files('').slice(1)] as const);
  let killed = 0;
  const run = async ([calls, when, names]: (typeof cases)[number]) => {
    const directory = place(parent, `${calls} ${when}`);
    const task = { ...SMALL, batches: 4, size: 40, bytes: 5_000, segmentBytes: 200_000, directory, archives: 4 };
    const paths = names.map((name) => path.join(directory, name));
    const outcome = await runWriter(writer, task, { wrapper: inject(calls, `signal=KILL:when=${when}`, paths) });
    if (!outcome.said.some(([verb]) => verb === 'closed')) killed++;
    t.strictSame(await findFaults(directory, outcome), [], `killed at ${calls} ${when}`);
  };
  const all = [...cases, ...creations, ...writes];
  const chosen = LONG ? all : all.filter(([, when]) => when % 5 === 1);
  const queue = [...chosen];
  const work = async () => {
    for (let next; (next = queue.shift()) !== undefined;) await run(next);
  };
  await Promise.all([work(), work()]);
  t.ok(killed > chosen.length / 2, `${killed} of ${chosen.length} were killed before their end`);
});

t.test('killed repeatedly under load: no acknowledged event is lost, and none exists twice', async (t) => {
  const seed = Date.now() % 100_000;
  t.comment(`seed ${seed}`);
  const random = createRandom(seed);
  const directory = path.join(makeDirectory(t), 'journal');
  const written = new Set<number>();
  for (let round = 0; round < (LONG ? 100 : 3); round++) {
    const from = round * 10_000_000 + 1;
    const task = { directory, now: CLOCK + round * 60_000, batches: 100_000, size: 50, from, segmentBytes: 300_000 };
    const outcome = await runWriter(writer, task, { killAfterMs: random(120) });
    t.equal(outcome.signal, 'SIGKILL');
    t.ok(outcome.written.size > 0);
    for (const n of outcome.written) written.add(n);
  }
  t.strictSame(await findFaults(directory, { written }), []);
});

t.test('unsynced events of a killed writer are synced when the journal is opened', { skip }, async (t) => {
  const directory = path.join(makeDirectory(t), 'journal');
  await runWriter(writer, { ...SMALL, directory }); // stops in good order, and the next one goes on in its file
  await runWriter(writer, { ...SMALL, batches: 1_000_000, directory }, { killAfterMs: 0 });
  const log = path.join(directory, '..', 'log');
  const wrapper = ['strace', '-f', '-y', '-qq', '-o', log, '-e', 'trace=fsync,fdatasync'];
  await runWriter(writer, { ...SMALL, batches: 0, directory }, { wrapper });
  t.match(readFileSync(log, 'utf8'), new RegExp(`fsync\\(\\d+<.*/${FIRST_SEQ}\\.jsonl>`));
});

t.test('a new segment is synced together with its name', { skip }, async (t) => {
  const directory = path.join(makeDirectory(t), 'journal');
  const log = path.join(directory, '..', 'log');
  const wrapper = ['strace', '-f', '-y', '-qq', '-o', log, '-e', 'trace=fsync,fdatasync,write'];
  await runWriter(writer, { ...SMALL, batches: 1, directory, syncEach: true }, { wrapper });
  const calls = readFileSync(log, 'utf8').split('\n');
  const find = (pattern: RegExp) => calls.findIndex((call) => pattern.test(call));
  const file = find(new RegExp(`fsync.*/${FIRST_SEQ}\\.jsonl>`));
  const name = calls.findIndex((call, at) => at > file && /fsync.*\/journal>/.test(call));
  const acknowledged = find(/write\(1<.*"synced/);
  t.ok(file !== -1 && file < name && name < acknowledged, `${file} ${name} ${acknowledged}`);
});
