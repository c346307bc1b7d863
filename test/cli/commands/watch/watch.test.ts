import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { exitStatusOf } from '../../../../src/cli/shared/exit-status.js';
import type { ExecutionEvent } from '../../../../src/core/event.js';
import type { Home } from '../../../helpers/daemon.js';
import { createHome } from '../../../helpers/daemon.js';
import { makeExecution } from '../../../helpers/models.js';
import { waitFor } from '../../../helpers/wait.js';

async function emit(home: Home, ...events: Record<string, unknown>[]): Promise<void> {
  const client = await home.connect();
  for (const event of events) await client.call('emit', { event });
  await client.close();
}

const start = (execution: string, more = {}) => ({ type: 'execution_started', execution, ...more });
const end = (execution: string, more = {}) => ({ type: 'execution_completed', execution, ...more });
const log = (execution: string, message: string) => ({ type: 'log', execution, message });

/** `progress watch` in the background, and what it has printed. */
function watch(home: Home, ...args: string[]) {
  const child = home.spawn(['watch', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  // whatever fails, nobody stays behind and keeps the file from ending
  t.teardown(() => child.kill('SIGKILL'));
  const said = { stdout: '', stderr: '' };
  child.stdout!.setEncoding('utf8').on('data', (text: string) => (said.stdout += text));
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (said.stderr += text));
  const closed = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  return { child, said, closed, lines: () => said.stdout.split('\n').slice(0, -1) };
}

// it takes half a minute of silence: the other tests run meanwhile
/** A command at a prompt. */
const quiet = (async () => {
  const home = createHome(t);
  await home.startDaemon();
  await emit(home, start('still', { name: 'Still here', kind: 'command', total: 2 }), start('over'), end('over'));
  const watching = watch(home);
  // figures that come meanwhile do not break it
  const client = await home.connect();
  const event = { type: 'resource_update', execution: 'still', cpu: 99.7, rss: 2048 };
  const timer = setInterval(() => void client.call('emit', { event }).catch(() => undefined), 5_000);
  return {
    ...watching,
    async end() {
      clearInterval(timer);
      await client.close();
      watching.child.kill();
      await watching.closed;
    },
  };
})();

t.test('prints all events of one execution, until its end', async (t) => {
  const home = createHome(t);
  await home.startDaemon();
  await emit(home, start('one', { name: 'First' }), log('one', 'a'), log('two', 'unseen'));
  const watching = watch(home, 'First');
  await waitFor('the past', () => watching.lines().length === 2);
  await emit(
    home,
    log('one', 'b'),
    log('two', 'unseen'),
    end('one', { exitCode: 0, durationMs: 1_000 }),
    log('one', 'after'),
  );
  t.strictSame(await watching.closed, [0, null]);
  t.strictSame(
    watching.lines().map((line) => line.slice('2026-11-20T12:00:00Z '.length)),
    [
      'one        start      First',
      'one        log        a',
      'one        log        b',
      'one        end        completed exit=0 after=1.0s',
    ],
  );
  const again = await home.invoke(['watch', 'one']);
  t.equal(again.status, 0);
  t.match(again.stdout, watching.said.stdout, 'of one that is over the same');
  t.match(await home.invoke(['watch', 'nothing']), { status: 66 });
  await emit(home, start('onf'));
  t.match(await home.invoke(['watch', 'on']), { status: 64, stderr: /write more of the id/ });
});

t.test('without an ID: the newest 100, or all from the start, then new ones until interrupted', async (t) => {
  const home = createHome(t);
  await home.startDaemon();
  const lines = Array.from({ length: 150 }, (_, n) => `{"type":"log","execution":"x","message":"${n}"}\n`).join('');
  await home.invoke(['emit', '--stdin', '--wait'], { input: lines });
  const newest = watch(home, '--json');
  const all = watch(home, '--json', '--from-start');
  await waitFor('the past', () => newest.lines().length === 100 && all.lines().length === 150);
  await emit(home, log('y', 'live'));
  await waitFor('the present', () => newest.lines().length === 101 && all.lines().length === 151);
  const messages = (watching: typeof all) =>
    watching.lines().map((line) => (JSON.parse(line) as ExecutionEvent).data['message']);
  t.strictSame(messages(all), [...Array.from({ length: 150 }, (_, n) => `${n}`), 'live']);
  t.strictSame(messages(newest), messages(all).slice(-101));
  for (const { child, closed } of [newest, all]) {
    child.kill('SIGINT');
    t.strictSame(await closed, [null, 'SIGINT']);
  }
});

t.test('a restart of the daemon loses and duplicates nothing', async (t) => {
  const home = createHome(t);
  const daemon = await home.startDaemon();
  await emit(home, start('x'));
  const watching = watch(home, 'x', '--json');
  await waitFor('the start', () => watching.lines().length === 1);
  for (let n = 0; n < 20; n++) await emit(home, log('x', `${n}`));
  await daemon.kill();
  await waitFor('the complaint', () => watching.said.stderr !== '');
  t.match(watching.said.stderr, /^progress: the daemon has closed the connection.*; trying again\n$/);
  await home.startDaemon();
  for (let n = 20; n < 40; n++) await emit(home, log('x', `${n}`));
  await emit(home, end('x'));
  t.strictSame(await watching.closed, [0, null]);
  const journal = (await home.invoke(['logs', 'x', '--type', 'all', '--json'])).stdout;
  t.equal(watching.said.stdout, journal);
  t.equal(watching.lines().length, 42);
});

t.test('a gap is reported', async (t) => {
  const home = createHome(t);
  writeFileSync(home.paths.config, 'journal: { segmentSize: 64KiB, retainSize: 1MiB }\n');
  const daemon = await home.startDaemon();
  const pad = (n: number) => ({ type: 'log', execution: 'pad', message: `${n} ${'x'.repeat(100)}`.repeat(500) });
  for (let n = 0; n < 40; n++) await emit(home, { ...pad(n), noise: randomBytes(50_000).toString('base64') });
  await daemon.kill('SIGTERM');
  await home.startDaemon();
  const diary = () => readFileSync(home.paths.daemonLog, 'utf8');
  await waitFor('retention', () => diary().includes('removed events'));
  const json = watch(home, '--from-start', '--json');
  const first = await waitFor('the past', () => json.said.stdout.includes('\n') && json.lines()[0]).catch(() => '{}');
  const told = { gap: { from: Number, to: Number, why: 'retention' } };
  t.match(JSON.parse(first), told, 'the gap', { stderr: json.said.stderr, diary: diary() });
  json.child.kill();
  const plain = watch(home, '--from-start');
  await waitFor('the complaint', () => plain.said.stderr.includes('\n'));
  t.match(plain.said.stderr, /^progress: events \d+ to \d+ are lost \(retention\)\n/);
  plain.child.kill();
  await Promise.all([json.closed, plain.closed]);
});

t.test('--exit-status is that of the execution', async (t) => {
  const cases: [Parameters<typeof makeExecution>[0], number][] = [
    [{ status: 'completed', exitCode: 0 }, 0],
    [{ status: 'completed' }, 0],
    [{ status: 'failed', exitCode: 7 }, 7],
    [{ status: 'failed', signal: 'SIGKILL' }, 137],
    [{ status: 'failed', signal: 'SIGNOVELTY' }, 1],
    [{ status: 'failed' }, 1],
    [{ status: 'timeout' }, 124],
    [{ status: 'timeout', signal: 'SIGKILL' }, 124],
    [{ status: 'timeout', exitCode: 0 }, 124],
    [{ status: 'cancelled' }, 130],
    [{ status: 'cancelled', signal: 'SIGTERM' }, 143],
    [{ status: 'lost' }, 1],
    [{ status: 'running' }, 130],
  ];
  for (const [execution, status] of cases)
    t.equal(exitStatusOf(makeExecution(execution)), status, JSON.stringify(execution));
  t.equal(exitStatusOf(undefined), 130);

  const home = createHome(t);
  await home.startDaemon();
  await emit(home, start('x'));
  const live = watch(home, '--exit-status', 'x');
  await waitFor('the start', () => live.lines().length === 1);
  await emit(home, { type: 'execution_failed', execution: 'x', exitCode: 9 });
  t.strictSame(await live.closed, [9, null]);
  t.equal((await home.invoke(['watch', '--exit-status', 'x'])).status, 9);
  t.equal((await home.invoke(['watch', 'x'])).status, 0, 'without it, however it ended');
  t.equal((await home.invoke(['watch', '--stream', '--exit-status', 'x'])).status, 9, 'where no box can be drawn too');
});

t.test('prints lines where no box can be drawn', async (t) => {
  const home = createHome(t);
  await home.startDaemon();
  await emit(home, start('x'), log('x', 'hello'), end('x'));
  const { stdout } = await home.invoke(['watch', '--stream', 'x']);
  t.match(stdout, /^\S+ x +start .*\n\S+ x +log +hello\n\S+ x +end +completed\b.*\n$/);
});

t.test('a replaced journal is reported, and followed from its beginning', async (t) => {
  const home = createHome(t);
  const daemon = await home.startDaemon();
  await emit(home, log('x', 'old'));
  const watching = watch(home, '--from-start');
  await waitFor('the past', () => watching.lines().length === 1);
  await daemon.kill();
  rmSync(home.paths.journal, { recursive: true });
  rmSync(home.paths.checkpoint, { force: true });
  await home.startDaemon();
  await emit(home, log('x', 'new'));
  await waitFor('the present', () => watching.lines().length === 2);
  t.match(watching.lines()[1], 'new');
  t.match(watching.said.stderr, 'the journal was replaced');
  watching.child.kill();
  await watching.closed;
});

t.test('heartbeats show what runs during silence', async (t) => {
  const watching = await quiet;
  const { said } = watching;
  await waitFor('a heartbeat', () => said.stdout.includes('heartbeat'), 40_000);
  const beats = said.stdout.split('\n').filter((line) => line.includes('heartbeat'));
  t.match(beats[0], /^\S+Z still +heartbeat +running .*elapsed=\d+s cpu=100% rss=2\.0 KiB$/);
  t.notMatch(said.stdout, ' resources ');
  t.notOk(
    beats.some((line) => line.includes('over')),
    'what has ended is silent',
  );
  await watching.end();
});
