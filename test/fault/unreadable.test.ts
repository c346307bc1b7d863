/** Unreadable segments and indexes: a gap with the reason, and everything else unchanged. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { follow, type Followed } from '../../src/client/follow.js';
import { createHome, type Home, ROOT } from '../helpers/daemon.js';
import { filesOf, FIRST_SEQ, openJournal, range, readAll, writeEvents } from '../helpers/journal.js';
import { inject } from '../helpers/journal-writer.js';
import { whyNo } from '../helpers/needs.js';

const CLI = path.join(ROOT, 'dist/cli.js');
const options = { skip: whyNo('strace', '-qq', 'true') };

/** Four segments of five events, and one with a single event. Returns the paths of their files. */
async function createSegments(t: Parameters<typeof openJournal>[0], home: Home): Promise<string[]> {
  const directory = home.paths.journal;
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const { journal } = await openJournal(t, { directory, segmentBytes: 500, uptime: () => 0 });
  for (let n = 0; n < 4; n++) {
    await writeEvents(journal, 5, (index) => ({ type: 'log', data: { message: `event ${n * 5 + index}` } }));
  }
  await writeEvents(journal, 1, () => ({ type: 'log', data: { message: 'event 20' } }));
  await journal.close();
  const segments = filesOf(directory, '.jsonl').filter((name) => name !== 'current.jsonl');
  return segments.map((name) => path.join(directory, name));
}

/** Fails each opening of the segment, whichever form it has. */
function denied(segment: string): string[] {
  return inject('openat', 'error=EACCES', [segment, `${segment}.gz`]);
}

function run(home: Home, wrapper: string[], args: string[]) {
  const [file = '', ...rest] = [...wrapper, process.execPath, CLI, ...args];
  const { status, stdout, stderr } = spawnSync(file, rest, { env: home.env, encoding: 'utf8', timeout: 30_000 });
  return { status, stdout, stderr };
}

t.test('every reader of the files reports the gap with its reason, and prints the rest', options, async (t) => {
  const home = createHome(t);
  const segments = await createSegments(t, home);
  t.equal(segments.length, 5);
  const wrapper = denied(segments[1] ?? '');
  await home.startDaemon(); // or a command starts it, and strace waits for its end
  const gap = new RegExp(
    `events ${FIRST_SEQ + 5} to ${FIRST_SEQ + 9}: segment ${FIRST_SEQ + 5} cannot be read: EACCES`,
  );
  for (const args of [
    ['logs', '--all'],
    ['logs', '--tail', '100'],
    ['logs', 'build'],
    ['logs', '--grep', 'event'],
  ]) {
    const { status, stdout, stderr } = run(home, wrapper, args);
    t.match({ status, stderr }, { status: 0, stderr: gap }, args.join(' '));
    t.strictSame(
      [...stdout.matchAll(/event (\d+)/g)].map((match) => Number(match[1])),
      [...range(0, 4), ...range(10, 20)],
      args.join(' '),
    );
  }
  t.match(run(home, wrapper, ['show', '--transcript', 'build']), { status: 0, stderr: gap });
  t.match(run(home, wrapper, ['export', '-o', path.join(home.directory, 'x.tar.gz'), 'build']), { stderr: gap });
  const verified = run(home, wrapper, ['journal', 'verify']);
  t.match(verified.stdout, /segment \d+ cannot be read: EACCES[^]*DAMAGED/);
  t.not(verified.status, 0);
  t.match(run(home, wrapper, ['doctor']).stdout, /segment \d+ cannot be read: EACCES[^]*readers get a gap/);
});

t.test('an unreadable segment without an index is a gap up to its successor', options, async (t) => {
  const home = createHome(t);
  const segments = await createSegments(t, home);
  rmSync(segments[1]?.replace('.jsonl', '.index.json') ?? '');
  const { status, stdout, stderr } = run(home, denied(segments[1] ?? ''), ['logs', '--all']);
  t.match(stderr, `events ${FIRST_SEQ + 5} to ${FIRST_SEQ + 9}: `);
  t.equal(status, 0);
  t.match(stdout, /event 4[^]*event 10/);
});

t.test('a subscriber receives the gap and continues; the daemon reports the segment', options, async (t) => {
  const home = createHome(t);
  const segments = await createSegments(t, home);
  // the file can be opened, but not read
  await home.startDaemon({ wrapper: inject('pread64', 'error=EIO', [segments[1] ?? '']) });
  const stop = new AbortController();
  const seen: Followed[] = [];
  const seqs = () => seen.flatMap((one) => (one.kind === 'events' ? one.events.map(({ seq }) => seq) : []));
  const client = await home.connect();
  for await (const followed of follow({
    paths: home.paths,
    start: false,
    subscribe: { after: 0, execution: 'build' },
    signal: stop.signal,
  })) {
    seen.push(followed);
    if (seqs().length === 16) await client.call('emit', { event: { type: 'log', execution: 'build', message: 'new' } });
    if (seqs().length === 17) stop.abort();
  }
  const gaps = seen.flatMap((one) => (one.kind === 'gap' ? [one.gap] : []));
  const reason = `segment ${FIRST_SEQ + 5} cannot be read: EIO: i/o error, read`;
  t.strictSame(gaps, [{ from: FIRST_SEQ + 5, to: FIRST_SEQ + 9, why: 'damage', reason }]);
  const status = await client.call('status', {});
  t.strictSame(status.journal.unreadable, [{ segment: FIRST_SEQ + 5, reason }]);
  await client.close();
  t.match(home.progress(['daemon', 'status']).stdout, `CANNOT BE READ: ${reason}`);
});

t.test('the daemon starts although the newest segment is unreadable, and reuses no seq', options, async (t) => {
  const home = createHome(t);
  const newest = (await createSegments(t, home)).at(-1) ?? '';
  rmSync(path.join(home.paths.journal, 'clean.json'));
  rmSync(newest.replace('.jsonl', '.index.json'), { force: true });
  const daemon = await home.startDaemon({ wrapper: denied(newest) });
  const client = await home.connect();
  const { seq } = await client.call('emit', { event: { type: 'log', message: 'new' } });
  t.ok((seq ?? 0) > FIRST_SEQ + 20);
  await client.close();
  await daemon.kill('SIGTERM');
  t.ok(existsSync(newest), 'it stays as it is');
  const { seqs, gaps } = await readAll(home.paths.journal);
  t.strictSame(gaps, [], 'readable again, all of it is there');
  t.strictSame(seqs.slice(0, 21), range(FIRST_SEQ, FIRST_SEQ + 20));
});

t.test('an unreadable index is rebuilt by a scan', async (t) => {
  const home = createHome(t);
  const segments = await createSegments(t, home);
  const index = segments[1]?.replace('.jsonl', '.index.json') ?? '';
  rmSync(index);
  mkdirSync(index);
  const { seqs, gaps } = await readAll(home.paths.journal);
  t.strictSame({ seqs, gaps }, { seqs: range(FIRST_SEQ, FIRST_SEQ + 20), gaps: [] });
});
