import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import t from 'tap';
import type { Test } from 'tap';
import type { ExecutionEvent } from '../../../../src/core/events/event.js';
import type { Home } from '../../../helpers/daemon.js';
import { createHome, PROGRESS } from '../../../helpers/daemon.js';
import { inject } from '../../../helpers/journal-writer.js';
import { openTmux } from '../../../helpers/tmux.js';
import { waitFor } from '../../../helpers/wait.js';
import { whyNo } from '../../../helpers/needs.js';
import { errnoOf } from '../../../../src/core/base/errors.js';

const TEXT = 'x'.repeat(1_000);

async function emit(home: Home, ...events: Record<string, unknown>[]): Promise<void> {
  const client = await home.connect();
  for (const event of events) await client.call('emit', { event });
  await client.close();
}

/** Three ended executions with twenty lines each, and a running one. */
async function open(t: Test) {
  const home = createHome(t);
  writeFileSync(home.paths.config, 'journal: { segmentSize: 64KiB }\n');
  const daemon = await home.startDaemon();
  const run = async (execution: string, end: string | undefined, lines: number, more = {}) => {
    const time = { time: '2026-11-01T10:00:00Z' };
    await emit(home, {
      type: 'execution_started',
      execution,
      name: `${execution} job`,
      kind: 'task',
      ...time,
      ...more,
    });
    for (let line = 0; line < lines; line++)
      await emit(home, { type: 'output', execution, text: `${execution} ${TEXT}`, ...time });
    if (end) await emit(home, { type: `execution_${end}`, execution, ...time });
  };
  await run('old-good', 'completed', 20, { labels: { team: 'web' } });
  await run('old-bad', 'failed', 40);
  await run('small', 'completed', 1, { labels: { team: 'infra-1' }, kind: 'agent' });
  await run('alive', undefined, 20);
  return { home, daemon, prune: (...args: string[]) => home.invoke(['prune', ...args]) };
}

/** Every file of the journal and the checkpoint, if there is one, as one text. */
function filesOf(home: Home): string {
  const { paths } = home;
  const journal = readdirSync(paths.journal).filter((name) => /^\d+\.jsonl(\.gz)?$/.test(name));
  let texts: string[];
  try {
    texts = journal.map((name) => {
      const bytes = readFileSync(path.join(paths.journal, name));
      return (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString();
    });
  } catch (error) {
    // replaced by its archive meanwhile
    if (errnoOf(error) === 'ENOENT') return filesOf(home);
    throw error;
  }
  return [...texts, existsSync(paths.checkpoint) ? readFileSync(paths.checkpoint, 'utf8') : ''].join('\n');
}

const idsIn = (stdout: string) => [...stdout.matchAll(/^([a-z-]+) +(?:completed|failed)/gm)].map(([, id]) => id);

t.test('plans what fulfils all criteria', async (t) => {
  const { prune } = await open(t);
  const cases: [string[], string[]][] = [
    [['--all'], ['small', 'old-bad', 'old-good']],
    [['--status', 'failed'], ['old-bad']],
    [
      ['--status', 'failed,timeout', '--status', 'completed'],
      ['small', 'old-bad', 'old-good'],
    ],
    [
      ['--name', 'old-* job'],
      ['old-bad', 'old-good'],
    ],
    [['--kind', 'agent'], ['small']],
    [['--label', 'team=infra*'], ['small']],
    [['--larger-than', '30KiB'], ['old-bad']],
    [
      ['--older-than', '1d'],
      ['small', 'old-bad', 'old-good'],
    ],
    [['--older-than', '2026-10-01'], []],
    [['--older-than', '1d', '--status', 'completed', '--larger-than', '10KiB'], ['old-good']],
    [
      ['old-good', 'small'],
      ['small', 'old-good'],
    ],
    [['old-good', 'small', '--kind', 'task'], ['old-good']],
  ];
  for (const [args, expected] of cases) {
    const { status, stdout, stderr } = await prune(...args, '--dry-run');
    t.strictSame([status, stderr, idsIn(stdout)], [0, '', expected], args.join(' '));
    t.match(
      stdout,
      expected.length === 0 ? /^Nothing to remove\.$/m : /executions? with .* of events would be removed\.$/m,
    );
  }
  const { executions, bytes } = JSON.parse((await prune('--all', '-n', '--json')).stdout) as {
    executions: { bytes: number }[];
    bytes: number;
  };
  t.match(executions[0], {
    id: 'small',
    name: 'small job',
    kind: 'agent',
    status: 'completed',
    endedAt: String,
    bytes: Number,
  });
  t.equal(
    bytes,
    executions.reduce((sum, one) => sum + one.bytes, 0),
  );
});

t.test('asks for confirmation, and refuses wrong usage', async (t) => {
  const { prune } = await open(t);
  const cases: [string[], number, RegExp][] = [
    [[], 64, /nothing selected/],
    [['--all'], 64, /cannot ask for confirmation without a terminal; use --yes/],
    [['--all', '--json'], 64, /use --yes/],
    [['alive', '-y'], 64, /alive is running: only what has ended/],
    [['nothing', '-y'], 66, /no execution "nothing"/],
    [['--status', 'running', '-y'], 64, /"running" is none of completed, failed/],
    [['--larger-than', 'much', '-y'], 64, /--larger-than: "much" is not a size such as 500KiB/],
    [['--older-than', 'soon', '-y'], 64, /--older-than: "soon" is not a time/],
    [['--label', 'x', '-y'], 64, /not key=value/],
  ];
  for (const [args, status, stderr] of cases)
    t.match(await prune(...args), { status, stdout: '', stderr }, args.join(' '));
});

t.test('a running daemon removes them while clients read', async (t) => {
  const { home, prune } = await open(t);
  const seen: ExecutionEvent[] = [];
  const follower = await home.connect({ onPush: (push) => 'events' in push && seen.push(...push.events) });
  await follower.call('subscribe', {});
  const { status, stdout, stderr } = await prune('--older-than', '1d', '--yes');
  t.strictSame([status, stderr], [0, '']);
  t.strictSame(idsIn(stdout), ['small', 'old-bad', 'old-good']);
  t.match(stdout, /3 executions with 6\d KiB of events removed; .* freed on disk\.$/m);
  const text = filesOf(home);
  t.notMatch(text, /old-(good|bad) x/);
  t.notMatch(text, 'small job');
  t.match(text, 'alive x');
  t.match(JSON.parse((await home.invoke(['ps', '--all', '--json'])).stdout), [{ id: 'alive', status: 'running' }]);
  t.match(await home.invoke(['show', 'old-bad']), { status: 66 });
  t.match(await home.invoke(['logs', 'old-bad']), { status: 66 });
  t.equal((await home.invoke(['logs', 'alive', '--count'])).stdout, '20\n');
  t.match(await home.invoke(['journal', 'verify']), { status: 0, stdout: /: intact/ });
  await waitFor('the note', () => seen.some(({ data }) => data['kind'] === 'pruned'));
  const last = seen.at(-1)!.seq;
  await emit(home, { type: 'execution_started', execution: 'old-bad', name: 'a new one' });
  await waitFor('what comes then', () => seen.at(-1)!.seq > last);
  t.match(
    await home.invoke(['logs', 'old-bad', '--type', 'all', '--count']),
    { stdout: '1\n' },
    'the id may be used again',
  );
  const newcomer: ExecutionEvent[] = [];
  const another = await home.connect({ onPush: (push) => 'events' in push && newcomer.push(...push.events) });
  await another.call('subscribe', { after: 0 });
  await waitFor('the present', () => newcomer.at(-1)?.seq === seen.at(-1)!.seq);
  t.strictSame([...new Set(newcomer.map(({ execution }) => execution))], ['alive', undefined, 'old-bad']);
  t.match(await prune('--older-than', '1d', '-y'), { status: 0, stdout: 'Nothing to remove.\n' });
  await follower.close();
  await another.close();
});

t.test('without a daemon they are removed as well', async (t) => {
  const { home, daemon, prune } = await open(t);
  await daemon.kill();
  const { executions, freed } = JSON.parse((await prune('--status', 'failed', '--yes', '--json')).stdout) as {
    executions: object[];
    freed: number;
  };
  t.match(executions, [{ id: 'old-bad' }]);
  t.ok(freed > 0);
  t.match(await home.invoke(['daemon', 'status']), { status: 69 }, 'and none was started');
  const text = filesOf(home);
  t.notMatch(text, 'old-bad x');
  t.match(text, 'old-good x');
  t.match(await home.invoke(['journal', 'verify']), { status: 0 });
  await home.startDaemon();
  const ids = (JSON.parse((await home.invoke(['ps', '--all', '--json'])).stdout) as { id: string }[]).map(
    ({ id }) => id,
  );
  t.strictSame(ids, ['alive', 'small', 'old-good']);
});

t.test('removes a run with its specification, unless a queued run waits for it', async (t) => {
  const home = createHome(t);
  await home.startDaemon();
  const id = (await home.invoke(['run', '--detach', '--', 'sh', '-c', 'echo secret of the run'])).stdout.trim();
  await home.invoke(['wait', id]);
  await home.invoke(['queue', 'set', 'slow', '--slots', '1']);
  await home.invoke(['queue', 'pause', 'slow']);
  const waiting = (
    await home.invoke(['run', '--detach', '--queue', 'slow', '--after', id, '--', 'true'])
  ).stdout.trim();
  await waitFor('the queue', async () => (await home.invoke(['ps', '--json'])).stdout.includes(waiting));
  t.match(await home.invoke(['prune', id, '-y']), {
    status: 0,
    stdout: /0 executions/,
    stderr: new RegExp(`${id} was not removed`),
  });
  t.match(await home.invoke(['logs', id]), { status: 0 });
  await home.invoke(['stop', waiting]);
  await waitFor('its runner to be gone', async () =>
    (await home.invoke(['prune', id, '-y'])).stdout.includes('1 execution'),
  );
  t.strictSame(readdirSync(home.paths.runs), [waiting]);
  t.notOk(readdirSync(home.paths.spool).some((name) => name.includes(id)));
  t.match(home.progress(['rerun', id]), { status: 66 });
});

t.test(
  "a killed daemon's pruning is finished by its successor",
  { skip: whyNo('strace', '-o', '/dev/null', 'true') },
  async (t) => {
    const { home, daemon } = await open(t);
    await waitFor('archives', () => readdirSync(home.paths.journal).filter((name) => name.endsWith('.gz')).length >= 1);
    await daemon.kill('SIGTERM');
    const first = readdirSync(home.paths.journal).find((name) => name.endsWith('.index.json'))!;
    await home.startDaemon({ wrapper: inject('unlink', 'signal=KILL:when=1', [path.join(home.paths.journal, first)]) });
    const client = await home.connect();
    await t.rejects(client.call('prune', { executions: ['old-good'] }), { code: 'unavailable' });
    await home.startDaemon();
    await waitFor('what was left to do', () => !filesOf(home).includes('old-good x'));
    t.match(await home.invoke(['show', 'old-good']), { status: 66 });
    t.match(await home.invoke(['journal', 'verify']), { status: 0 });
  },
);

t.test('asks for confirmation at a terminal', { skip: whyNo('tmux') }, async (t) => {
  const { home } = await open(t);
  const tmux = await openTmux(t, { columns: 100, rows: 30 }, { PROGRESS_HOME: home.directory });
  await tmux.enter(`${PROGRESS} prune --status failed`);
  t.match(await tmux.see(/\[y\/N\]/), /^old-bad +failed .*\nRemove 1 execution with .* of events\? \[y\/N\]/m);
  await tmux.key('Enter');
  await tmux.see(/Nothing was removed/);
  t.match(await home.invoke(['show', 'old-bad']), { status: 0 });
  await tmux.enter(`clear; ${PROGRESS} prune --status failed`);
  await tmux.see(/\[y\/N\]/);
  await tmux.enter('y');
  await tmux.see(/1 execution with .* of events removed;/);
  t.match(await home.invoke(['show', 'old-bad']), { status: 66 });
});

t.test('removed executions are blanked in the spool, with a daemon and without one', async (t) => {
  const home = createHome(t);
  mkdirSync(home.paths.spool, { recursive: true, mode: 0o700 });
  const file = path.join(home.paths.spool, `bash-${process.pid}-abc.ndjson`);
  const add = (execution: string) => {
    const start = { type: 'execution_started', execution, data: { name: `say ${execution}`, kind: 'command' } };
    const end = { type: 'execution_completed', execution, data: { exitCode: 0 } };
    appendFileSync(file, [start, end].map((event) => `${JSON.stringify(event)}\n`).join(''), { mode: 0o600 });
  };
  const daemon = await home.startDaemon();
  for (const execution of ['first-one', 'other-one', 'second-one']) {
    add(execution);
    await home.invoke(['wait', execution]);
  }
  const size = statSync(file).size;
  t.match(await home.invoke(['prune', 'first-one', '-y']), { status: 0 });
  t.notMatch(readFileSync(file, 'utf8'), 'first-one');
  add('third-one');
  await home.invoke(['wait', 'third-one']);
  await daemon.kill('SIGTERM');
  t.match(await home.invoke(['prune', 'third-one', '-y']), { status: 0 });
  t.notMatch(readFileSync(file, 'utf8'), 'third-one');
  t.ok(statSync(file).size > size, 'no byte of it is gone: its writer lives');
  const { stdout } = await home.invoke(['ps', '--all', '--json']);
  t.match(stdout, 'other-one');
  t.notMatch(stdout, /first-one|third-one/);
});
