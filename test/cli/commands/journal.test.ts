import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import type { Home } from '../../helpers/daemon.js';
import { createHome } from '../../helpers/daemon.js';
import { waitFor } from '../../helpers/wait.js';

/** Lets a daemon write some events, and one more, and stops it. */
async function writeEvents(home: Home, count: number, size = 20, written?: () => Promise<void>): Promise<void> {
  const daemon = await home.startDaemon();
  const client = await home.connect();
  const event = { type: 'log', execution: 'one', data: { message: 'x'.repeat(size) } };
  await Promise.all(Array.from({ length: count }, () => client.call('emit', { event })));
  await written?.();
  await client.call('emit', { event });
  await client.close();
  await daemon.kill('SIGTERM');
}

function files(home: Home, suffix: string): string[] {
  return readdirSync(home.paths.journal)
    .filter((name) => /^\d/.test(name) && name.endsWith(suffix))
    .map((name) => path.join(home.paths.journal, name));
}

/** With a compressed segment and the active one. */
async function writeSegments(home: Home): Promise<string> {
  writeFileSync(home.paths.config, 'journal:\n  segmentSize: 64KiB\n');
  await writeEvents(home, 300, 400, async () => {
    await waitFor(
      'all but one to be compressed',
      () => files(home, '.gz').length > 0 && files(home, '.jsonl').length === 1,
    );
  });
  return files(home, '.gz')[0] ?? '';
}

async function verify(home: Home): Promise<{ status: number | null; report: Record<string, unknown> }> {
  const { status, stdout } = await home.invoke(['journal', 'verify', '--json']);
  return { status, report: JSON.parse(stdout) as Record<string, unknown> };
}

t.test('a missing journal is intact and empty, and is not created', async (t) => {
  const home = createHome(t);
  t.match(await home.invoke(['journal', 'verify']), {
    status: 0,
    stdout: '0 segments (0 compressed), 0 events',
    stderr: '',
  });
  const { status, stdout } = await home.invoke(['journal', 'stat', '--json']);
  t.equal(status, 0);
  const nothing = { segments: 0, compressed: 0, events: 0, bytes: 0, first: null, last: null };
  t.strictSame(JSON.parse(stdout), { directory: home.paths.journal, ...nothing });
  t.notOk(existsSync(home.paths.state));
});

t.test('stat counts what is in the files, without a daemon', async (t) => {
  const home = createHome(t);
  await writeSegments(home);
  const verified = await verify(home);
  t.match(verified, { status: 0, report: { whole: true, damage: [], gaps: [], badIndexes: [] } });
  const stat = JSON.parse((await home.invoke(['journal', 'stat', '--json'])).stdout) as Record<string, unknown>;
  for (const key of ['segments', 'compressed', 'events', 'bytes'] as const)
    t.equal(stat[key], verified.report[key], key);
  t.ok(Number(stat['events']) >= 300 && Number(stat['compressed']) >= 1);
  const onDisk = [...files(home, '.gz'), ...files(home, '.jsonl')].map((file) => statSync(file).size);
  t.equal(
    stat['bytes'],
    onDisk.reduce((sum, size) => sum + size, 0),
  );
  const newest =
    readFileSync(files(home, '.jsonl').at(-1) ?? '', 'utf8')
      .trimEnd()
      .split('\n')
      .at(-1) ?? '';
  const { seq, time } = JSON.parse(newest) as { seq: number; time: string };
  t.strictSame(stat['last'], { seq, time });
  t.match((await home.invoke(['journal', 'stat'])).stdout, new RegExp(`^last +${seq} +${time}$`, 'm'));
  t.notOk(existsSync(home.paths.socket), 'no daemon was started');
});

t.test('verify reports file and line of damage, and exits with 65', async (t) => {
  const home = createHome(t);
  await writeEvents(home, 5);
  const [file = ''] = files(home, '.jsonl');
  const lines = readFileSync(file, 'utf8').split('\n');
  lines[2] = 'x'.repeat(lines[2]?.length ?? 0);
  writeFileSync(file, lines.join('\n'));
  const { status, stdout } = await home.invoke(['journal', 'verify']);
  t.equal(status, 65);
  t.match(stdout, `${file}:3: ${lines[2].length + 1} bytes`);
  t.match(stdout, /DAMAGED\n$/);
  t.match(await verify(home), { status: 65, report: { whole: false, damage: [{ file, line: 3 }] } });
});

t.test('a seq that is out of order is damage', async (t) => {
  const home = createHome(t);
  await writeEvents(home, 5);
  const [file = ''] = files(home, '.jsonl');
  const lines = readFileSync(file, 'utf8').split('\n');
  lines[3] = lines[1] ?? '';
  writeFileSync(file, lines.join('\n'));
  t.match(await verify(home), { status: 65, report: { damage: [{ file, line: 4 }] } });
});

t.test('the incomplete last line of the active segment is not damage', async (t) => {
  const home = createHome(t);
  await writeEvents(home, 5);
  const [file = ''] = files(home, '.jsonl');
  writeFileSync(file, '{"seq":17', { flag: 'a' });
  t.match(await verify(home), { status: 0, report: { whole: true, unfinished: 9 } });
});

t.test('damage in a compressed segment is reported with its file, and a missing segment as a loss', async (t) => {
  const home = createHome(t);
  const gz = await writeSegments(home);
  const bytes = readFileSync(gz);
  const middle = Math.floor(bytes.length / 2);
  bytes.writeUInt8(bytes.readUInt8(middle) ^ 0xff, middle);
  writeFileSync(gz, bytes);
  t.match(await verify(home), { status: 65, report: { damage: [{ file: gz, offset: Number, bytes: Number }] } });
  t.match((await home.invoke(['journal', 'verify'])).stdout, `${gz}: `);

  rmSync(gz);
  const { status, stdout } = await home.invoke(['journal', 'verify']);
  t.equal(status, 65);
  t.match(stdout, /^events \d+ to \d+ are lost \(missing\)$/m);
});

t.test('an unreadable journal is an error with status 74', async (t) => {
  const home = createHome(t);
  await writeEvents(home, 1);
  rmSync(home.paths.journal, { recursive: true });
  writeFileSync(home.paths.journal, '');
  for (const action of ['verify', 'stat']) {
    const { status, stdout, stderr } = await home.invoke(['journal', action]);
    t.equal(status, 74, action);
    t.equal(stdout, '');
    t.match(stderr, /^progress: cannot read the journal: ENOTDIR/);
  }
  t.equal((await home.invoke(['journal', 'mend'])).status, 64);
});
