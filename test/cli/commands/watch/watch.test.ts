import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { exitStatusOf } from '../../../../src/cli/shared/exit-status.js';
import type { ExecutionEvent } from '../../../../src/core/events/event.js';
import type { Home } from '../../../helpers/daemon.js';
import { createHome } from '../../../helpers/daemon.js';
import { makeExecution } from '../../../helpers/models.js';
import type { CollectedOutput } from '../../../helpers/output.js';
import { collectOutput } from '../../../helpers/output.js';
import { waitFor } from '../../../helpers/wait.js';

async function emit(home: Home, ...events: Record<string, unknown>[]): Promise<void> {
  const client = await home.connect();
  for (const event of events) await client.call('emit', { event });
  await client.close();
}

const start = (execution: string, more = {}) => ({ type: 'execution_started', execution, ...more });
const end = (execution: string, more = {}) => ({ type: 'execution_completed', execution, ...more });
const log = (execution: string, message: string) => ({ type: 'log', execution, message });

const DATE = /^\d{4}-\d\d-\d\d$/;
/** Its lines, without those of the date. */
const linesOf = ({ stdout }: Pick<CollectedOutput, 'stdout'>) =>
  stdout
    .split('\n')
    .slice(0, -1)
    .filter((line) => !DATE.test(line));

/** Starts `progress watch`. */
function watch(home: Home, ...args: string[]) {
  const child = home.spawn(['watch', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  // a child that is left over would keep the test file from ending
  t.teardown(() => child.kill('SIGKILL'));
  return collectOutput(child);
}

// takes half a minute of silence: the other tests run meanwhile
/** A command typed at a prompt. */
const quiet = (async () => {
  const home = createHome(t);
  await home.startDaemon();
  await emit(home, start('still', { name: 'Still here', kind: 'command', total: 2 }), start('over'), end('over'));
  const watching = watch(home);
  // resource figures that arrive meanwhile do not end the silence
  const client = await home.connect();
  const event = { type: 'resource_update', execution: 'still', cpu: 99.7, rss: 2048 };
  const timer = setInterval(() => void client.call('emit', { event }).catch(() => undefined), 5_000);
  return {
    watching,
    end: async () => {
      clearInterval(timer);
      await client.close();
      watching.child.kill();
      await watching.ended;
    },
  };
})();

t.test('prints all events of one execution, until its end', async (t) => {
  const home = createHome(t);
  await home.startDaemon();
  await emit(home, start('one', { name: 'First' }), log('one', 'a'), log('two', 'unseen'));
  const watching = watch(home, 'First');
  await waitFor('the past', () => linesOf(watching).length === 2);
  await emit(
    home,
    log('one', 'b'),
    log('two', 'unseen'),
    end('one', { exitCode: 0, durationMs: 1_000 }),
    log('one', 'after'),
  );
  t.match(await watching.ended, { status: 0 });
  t.strictSame(
    linesOf(watching).map((line) => line.replace(/^\d\d:\d\d:\d\d /, '')),
    ['start      First', 'log        a', 'log        b', 'end        completed exit=0 after=1.0s'],
  );
  t.match(watching.stdout.split('\n', 1)[0], DATE, 'in a pipe the first line is the date');
  const again = await home.invoke(['watch', 'one']);
  t.equal(again.status, 0);
  t.match(again.stdout, watching.stdout, 'of one that is over the same');
  t.match(await home.invoke(['watch', 'nothing']), { status: 66 });
  await emit(home, start('onf'));
  t.match(await home.invoke(['watch', 'on']), { status: 64, stderr: /use more characters of the ID/ });
});

t.test('without an ID: the newest 100, or all from the start, then new ones until interrupted', async (t) => {
  const home = createHome(t);
  await home.startDaemon();
  const lines = Array.from({ length: 150 }, (_, n) => `{"type":"log","execution":"x","message":"${n}"}\n`).join('');
  await home.invoke(['emit', '--stdin', '--wait'], { input: lines });
  const newest = watch(home, '--json');
  const all = watch(home, '--json', '--from-start');
  await waitFor('the past', () => linesOf(newest).length === 100 && linesOf(all).length === 150);
  await emit(home, log('y', 'live'));
  await waitFor('the present', () => linesOf(newest).length === 101 && linesOf(all).length === 151);
  const messages = (watching: typeof all) =>
    linesOf(watching).map((line) => (JSON.parse(line) as ExecutionEvent).data['message']);
  t.strictSame(messages(all), [...Array.from({ length: 150 }, (_, n) => `${n}`), 'live']);
  t.strictSame(messages(newest), messages(all).slice(-101));
  for (const { child, ended } of [newest, all]) {
    child.kill('SIGINT');
    t.match(await ended, { status: null, signal: 'SIGINT' });
  }
});

t.test('a restart of the daemon loses and duplicates nothing', async (t) => {
  const home = createHome(t);
  const daemon = await home.startDaemon();
  await emit(home, start('x'));
  const watching = watch(home, 'x', '--json');
  await waitFor('the start', () => linesOf(watching).length === 1);
  for (let n = 0; n < 20; n++) await emit(home, log('x', `${n}`));
  await daemon.kill();
  await waitFor('the complaint', () => watching.stderr !== '');
  t.match(watching.stderr, /^progress: the daemon has closed the connection.*; trying again\n$/);
  await home.startDaemon();
  for (let n = 20; n < 40; n++) await emit(home, log('x', `${n}`));
  await emit(home, end('x'));
  t.match(await watching.ended, { status: 0 });
  const journal = (await home.invoke(['logs', 'x', '--type', 'all', '--json'])).stdout;
  t.equal(watching.stdout, journal);
  t.equal(linesOf(watching).length, 42);
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
  const first = await waitFor('the past', () => json.stdout.includes('\n') && linesOf(json)[0]).catch(() => '{}');
  const gap = { gap: { from: Number, to: Number, why: 'retention' } };
  t.match(JSON.parse(first), gap, 'the gap', { stderr: json.stderr, diary: diary() });
  json.child.kill();
  const plain = watch(home, '--from-start');
  await waitFor('the complaint', () => plain.stderr.includes('\n'));
  t.match(plain.stderr, /^progress: events \d+ to \d+ are lost \(retention\)\n/);
  plain.child.kill();
  await Promise.all([json.ended, plain.ended]);
});

t.test('--exit-status is that of the execution', async (t) => {
  const cases: [Parameters<typeof makeExecution>[0], number][] = [
    [{ status: 'completed', outcome: { exitCode: 0 } }, 0],
    [{ status: 'completed' }, 0],
    [{ status: 'failed', outcome: { exitCode: 7 } }, 7],
    [{ status: 'failed', outcome: { signal: 'SIGKILL' } }, 137],
    [{ status: 'failed', outcome: { signal: 'SIGNOVELTY' } }, 1],
    [{ status: 'failed' }, 1],
    [{ status: 'timeout' }, 124],
    [{ status: 'timeout', outcome: { signal: 'SIGKILL' } }, 124],
    [{ status: 'timeout', outcome: { exitCode: 0 } }, 124],
    [{ status: 'cancelled' }, 130],
    [{ status: 'cancelled', outcome: { signal: 'SIGTERM' } }, 143],
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
  await waitFor('the start', () => linesOf(live).length === 1);
  await emit(home, { type: 'execution_failed', execution: 'x', exitCode: 9 });
  t.match(await live.ended, { status: 9 });
  t.equal((await home.invoke(['watch', '--exit-status', 'x'])).status, 9);
  t.equal((await home.invoke(['watch', 'x'])).status, 0, 'without it, however it ended');
  t.equal((await home.invoke(['watch', '--stream', '--exit-status', 'x'])).status, 9, 'where no box can be drawn too');
});

t.test('prints lines where no box can be drawn', async (t) => {
  const home = createHome(t);
  await home.startDaemon();
  await emit(home, start('x'), log('x', 'hello'), end('x'));
  const { stdout } = await home.invoke(['watch', '--stream', 'x']);
  t.match(linesOf({ stdout }), [/^\S+ start /, /^\S+ log +hello$/, /^\S+ end +completed\b/]);
});

t.test('a replaced journal is reported, and followed from its beginning', async (t) => {
  const home = createHome(t);
  const daemon = await home.startDaemon();
  await emit(home, log('x', 'old'));
  const watching = watch(home, '--from-start');
  await waitFor('the past', () => linesOf(watching).length === 1);
  await daemon.kill();
  rmSync(home.paths.journal, { recursive: true });
  rmSync(home.paths.checkpoint, { force: true });
  await home.startDaemon();
  await emit(home, log('x', 'new'));
  await waitFor('the present', () => linesOf(watching).length === 2);
  t.match(linesOf(watching)[1], 'new');
  t.match(watching.stderr, 'the journal was replaced');
  watching.child.kill();
  await watching.ended;
});

t.test('heartbeats show what runs during silence', async (t) => {
  const { watching, end } = await quiet;
  await waitFor('a heartbeat', () => watching.stdout.includes('heartbeat'), 40_000);
  const beats = watching.stdout.split('\n').filter((line) => line.includes('heartbeat'));
  t.match(beats[0], /^[\d:]{8} stil Still here +heartbeat +running .*elapsed=\d+s cpu=100% rss=2\.0 KiB$/);
  t.notMatch(watching.stdout, ' resources ');
  t.notOk(
    beats.some((line) => line.includes(' over')),
    'what has ended is silent',
  );
  await end();
});

t.test('filters by type, level, pattern, label and time, as logs does', async (t) => {
  const home = createHome(t);
  await home.startDaemon();
  await emit(
    home,
    start('one', { name: 'First', labels: { team: 'web' } }),
    { type: 'log', execution: 'one', message: 'small', level: 'info' },
    { type: 'log', execution: 'one', message: 'big trouble', level: 'error' },
    { type: 'output', execution: 'one', stream: 'stdout', text: 'big\nother\nBIG' },
    { type: 'resource_update', execution: 'one', cpu: 5 },
    end('one'),
  );
  const texts = async (...args: string[]) =>
    linesOf(await home.invoke(['watch', 'one', ...args])).map((line) => line.replace(/^\S+ (\S+) +/, '$1 '));
  t.strictSame(await texts('--type', 'log'), ['info small', 'error big trouble']);
  t.strictSame(await texts('--type', 'log', '--level', 'warning'), ['error big trouble']);
  t.strictSame(await texts('--grep', 'big'), ['error big trouble', 'stdout | big'], 'of output the lines that match');
  t.strictSame(await texts('--grep', 'big', '-i', '--type', 'output'), ['stdout | big', 'stdout | BIG']);
  t.strictSame(await texts('--type', 'resource_update'), ['resources cpu=5%'], 'samples on request');
  t.equal((await texts('--label', 'team=w*')).length, 7);
  t.strictSame(await texts('--label', 'team=api'), []);
  const json = (await home.invoke(['watch', 'one', '--json', '--grep', 'trouble'])).stdout;
  t.match(JSON.parse(json), { type: 'log', data: { message: 'big trouble' } });
  t.match((await home.invoke(['watch', 'one', '--utc'])).stdout, /^\d{4}-\d\d-\d\dT[\d:]{8}Z start +First$/m);
  t.match((await home.invoke(['watch', 'one', '-v'])).stdout, /^ +seq=\d+ execution=one .*"team":"web"/m);
  const misspelled = await home.invoke(['watch', 'one', '--type', 'step_faild,log']);
  t.match(misspelled, {
    status: 0,
    stderr: /--type: step_faild is not in progress-events\(7\); did you mean step_failed\?/,
  });
  for (const [args, error] of [
    [['--grep', '('], /--grep: "\("/],
    [['-i'], /-i needs --grep/],
    [['--since', 'never'], /--since: "never" is not a time/],
    [['--label', 'web'], /--label: "web" is not key=value/],
    [['--since', '1h', '--from-start'], /--from-start and --since exclude each other/],
    [['--stream', '--level', 'error'], /--stream draws a box: it excludes -v, --utc,/],
  ] as const)
    t.match(await home.invoke(['watch', 'one', ...args]), { status: 64, stderr: error });
});

t.test('of all executions: lines name theirs; those of one label, since a time', async (t) => {
  const home = createHome(t);
  await home.startDaemon();
  await emit(
    home,
    start('aaaaaaaaaa', { name: 'build', labels: { team: 'web' } }),
    start('aaaabbbbbb', { name: 'tests', labels: { team: 'api' } }),
    log('aaaaaaaaaa', 'one'),
    log('aaaabbbbbb', 'two'),
  );
  const watching = watch(home, '--since', '1h');
  const labelled = watch(home, '--label', 'team=api', '--type', 'log');
  await waitFor('the past', () => linesOf(watching).length === 4 && linesOf(labelled).length === 1);
  t.match(linesOf(watching).slice(2), [/^\S+ aaaa build +log +one$/, /^\S+ aaaab tests +log +two$/]);
  await emit(home, log('aaaaaaaaaa', 'unseen'), log('aaaabbbbbb', 'three'));
  await waitFor('the present', () => linesOf(labelled).length === 2);
  t.match(linesOf(labelled), [/ log +two$/, / tests +log +three$/]);
  for (const { child, ended } of [watching, labelled]) {
    child.kill();
    await ended;
  }
});
