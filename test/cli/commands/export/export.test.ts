import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import path from 'node:path';
import t from 'tap';
import type { Test } from 'tap';
import { type TarEntry, tarOf } from '../../../../src/cli/commands/export/tar.js';
import type { Home } from '../../../helpers/daemon.js';
import { createHome, PROGRESS } from '../../../helpers/daemon.js';
import { waitFor } from '../../../helpers/wait.js';

async function emit(home: Home, ...events: Record<string, unknown>[]): Promise<void> {
  const client = await home.connect();
  for (const event of events) await client.call('emit', { event });
  await client.close();
}

/** An execution with one of every kind of event, some of them in archives, and another execution. */
async function open(t: Test) {
  const home = createHome(t);
  writeFileSync(home.paths.config, 'journal: { segmentSize: 64KiB }\n');
  const daemon = await home.startDaemon();
  const execution = 'build';
  await emit(
    home,
    {
      type: 'execution_started',
      execution,
      name: 'the build',
      argv: ['make', `${home.directory}/x`],
      cwd: home.directory,
    },
    {
      type: 'output',
      execution,
      stream: 'stdout',
      text: `\u001b[31mred\u001b[0m\nTOKEN=verysecret in ${home.directory}`,
    },
    { type: 'output', execution, stream: 'stdout', base64: Buffer.from([0xff, 0x0a, 0x41]).toString('base64') },
    { type: 'log', execution, level: 'warning', message: 'hm', fields: { password: 'verysecret' } },
    { type: 'activity', execution, kind: 'assistant-text', text: 'I say' },
    { type: 'step_started', execution, step: 's', name: 'a step' },
    { type: 'execution_started', execution: 'other', name: 'another' },
  );
  for (let n = 0; n < 30; n++) {
    await emit(home, { type: 'output', execution, stream: 'stdout', text: `line ${n} ${'x'.repeat(5_000)}` });
    await emit(home, { type: 'output', execution: 'other', stream: 'stdout', text: 'y'.repeat(2_000) });
  }
  await emit(
    home,
    { type: 'output', execution, text: 'cut', unterminated: true },
    { type: 'execution_failed', execution, exitCode: 2 },
  );
  await waitFor('archives', () => readdirSync(home.paths.journal).some((name) => name.endsWith('.gz')));
  const work = path.join(home.directory, 'work');
  mkdirSync(work);
  const run = (...args: string[]) => {
    const { status, stdout, stderr } = spawnSync(PROGRESS, ['export', ...args], {
      cwd: work,
      env: home.env,
      encoding: 'utf8',
    });
    return { status, stdout, stderr };
  };
  const read = (archive: string, name: string) =>
    execFileSync('tar', ['-xzOf', path.join(work, archive), name], { maxBuffer: 2 ** 28 });
  return { home, daemon, work, run, read };
}

t.test('an archive holds everything, as other commands print it', async (t) => {
  const { home, daemon, work, run, read } = await open(t);
  t.strictSame(run('the build'), { status: 0, stdout: 'progress-build.tar.gz\n', stderr: '' });
  const list = execFileSync('tar', ['-tzf', path.join(work, 'progress-build.tar.gz')], { encoding: 'utf8' });
  const names = ['manifest.json', 'events.ndjson', 'transcript.txt', 'summary.json', 'summary.txt'];
  t.strictSame(
    list.trim().split('\n'),
    names.map((name) => `progress-build/${name}`),
  );
  const of = (name: string) => read('progress-build.tar.gz', `progress-build/${name}`);
  t.equal(of('events.ndjson').toString(), (await home.invoke(['logs', 'build', '--type', 'all', '--json'])).stdout);
  const log = spawnSync(PROGRESS, ['logs', 'build'], { env: home.env });
  t.ok(of('transcript.txt').equals(log.stdout), 'the transcript is the log, byte for byte');
  t.match(JSON.parse(of('summary.json').toString()), {
    id: 'build',
    status: 'failed',
    outcome: { exitCode: 2 },
    steps: [{ id: 's' }],
  });
  t.match(of('summary.txt').toString(), /^the build\n[^]*failed[^]*exit 2/);
  t.match(JSON.parse(of('manifest.json').toString()), {
    format: 1,
    execution: 'build',
    name: 'the build',
    status: 'failed',
    redacted: false,
    events: 38,
    gaps: [],
    files: { 'events.ndjson': of('events.ndjson').length, 'transcript.txt': of('transcript.txt').length },
  });
  t.equal(statSync(path.join(work, 'progress-build.tar.gz')).mode & 0o777, 0o600);

  await daemon.kill();
  rmSync(home.paths.checkpoint, { force: true });
  t.match(
    run('build', 'other', 'bu', '-o', 'both.tar.gz'),
    { status: 0, stdout: 'both.tar.gz\n' },
    'no daemon is needed',
  );
  t.ok(read('both.tar.gz', 'progress-build/events.ndjson').equals(of('events.ndjson')));
  t.match(read('both.tar.gz', 'progress-other/summary.txt').toString(), 'another');
  t.match(await home.invoke(['daemon', 'status']), { status: 69 }, 'and none was started');
  const piped = execFileSync(
    'sh',
    ['-c', `"${PROGRESS}" export build -o - | tar -xzOf - progress-build/transcript.txt`],
    { env: home.env, maxBuffer: 2 ** 28 },
  );
  t.ok(piped.equals(log.stdout));
});

t.test('an existing file is not replaced, and no half-written file remains', async (t) => {
  const { work, run } = await open(t);
  writeFileSync(path.join(work, 'mine'), 'mine');
  t.match(run('build', '-o', 'mine'), { status: 64, stdout: '', stderr: /mine exists; use --force to replace it/ });
  t.equal(readFileSync(path.join(work, 'mine'), 'utf8'), 'mine');
  t.match(run('build', '-o', 'mine', '--force'), { status: 0, stdout: 'mine\n' });
  t.not(readFileSync(path.join(work, 'mine'), 'utf8'), 'mine');
  t.match(run('build', '-o', 'no/such/place'), { status: 64, stderr: /cannot be written: ENOENT/ });
  t.match(run('nothing'), { status: 66, stderr: /no execution "nothing"/ });
  t.match(run(), { status: 64 });
  t.match(run('build', '-o', '/dev/full/x'), { status: 64 });
  t.strictSame(readdirSync(work), ['mine']);
});

t.test('--redact removes secrets, and names of user, host and home', async (t) => {
  const { home, run, read } = await open(t);
  writeFileSync(home.paths.config, 'masks: [unclosed(]\n');
  t.match(run('build', '--redact'), { status: 78, stdout: '', stderr: /masks/ }, 'the masks are unknown');
  writeFileSync(home.paths.config, 'masks: ["I s[a-z]+"]\n');
  t.match(run('build', '--redact'), { status: 0 });
  const names = ['manifest.json', 'events.ndjson', 'transcript.txt', 'summary.json', 'summary.txt'];
  const texts = names.map((name) => read('progress-build.tar.gz', `progress-build/${name}`).toString());
  for (const [index, text] of texts.entries()) {
    t.notMatch(text, /verysecret|I say/, String(names[index]));
    t.notMatch(text, home.directory, String(names[index]));
    if (hostname() !== 'localhost')
      t.notMatch(text, new RegExp(`(?<![\\w-])${hostname()}(?![\\w-])`), String(names[index]));
    if (userInfo().username !== 'root') t.notMatch(text, new RegExp(`(?<![\\w-])${userInfo().username}(?![\\w-])`));
  }
  t.match(texts[1], 'TOKEN=*** in ~');
  t.match(texts[2], 'TOKEN=*** in ~');
  for (const line of texts[1]!.trim().split('\n'))
    t.match(JSON.parse(line), { seq: Number, execution: 'build', data: Object });
  t.match(JSON.parse(texts[0]!), { redacted: true });
});

t.test('contents of another size than announced are an error', async (t) => {
  const all = async (entries: TarEntry[]) => {
    const chunks: Buffer[] = [];
    for await (const chunk of tarOf(entries, 1_700_000_000_000)) chunks.push(chunk);
    return Buffer.concat(chunks);
  };
  await t.rejects(all([{ name: 'a', size: 3, contents: () => ['ab'] }]), {
    message: /the journal changed during the export/,
  });
  await t.rejects(all([{ name: 'x'.repeat(101), size: 0, contents: () => [] }]), { message: /too long/ });
  await t.rejects(all([{ name: 'a', size: 8 ** 11, contents: () => [] }]), { code: 'too_long' });
  const archive = await all([
    { name: 'd/empty', size: 0, contents: () => [] },
    { name: 'd/full', size: 512, contents: () => ['x'.repeat(512)] },
    { name: 'd/two', size: 5, contents: () => ['ab', Buffer.from('cde')] },
  ]);
  const { stdout } = spawnSync('tar', ['-tvf', '-'], {
    input: archive,
    encoding: 'utf8',
    env: { ...process.env, TZ: 'UTC' },
  });
  t.match(stdout, /-rw------- 0\/0 +0 2023-11-14 22:13 d\/empty\n.* 512 .* d\/full\n.* 5 .* d\/two\n$/);
});
