import { constants } from 'node:os';
import { PassThrough } from 'node:stream';
import t from 'tap';
import { isStandingStill, readProcess } from '../../src/platform/processes.js';
import { describeRemaining } from '../../src/runner/remaining-processes.js';
import { createHome, isRunning } from '../helpers/daemon.js';
import type { StartOptions, StartedRun } from '../helpers/run-here.js';
import { startHere, typesOf } from '../helpers/run-here.js';
import { sh } from '../helpers/runs.js';
import { waitFor } from '../helpers/wait.js';

const home = createHome(t);
const start = (argv: readonly string[], options?: StartOptions): StartedRun => startHere(home, argv, options);

t.test('exit status and outcome are those of the command', async (t) => {
  for (const status of Array.from({ length: 256 }, (_, status) => status)) {
    const started = start(sh(`exit ${status}`));
    const { run, outcome } = started;
    const ended = await run.ended;
    const type = status === 0 ? 'execution_completed' : 'execution_failed';
    const { data } = outcome();
    if (ended === status && outcome().type === type && data['exitCode'] === status) continue;
    t.fail(`${status}: ${ended}, ${JSON.stringify(outcome())}`);
  }
  t.pass('0 to 255');
});

/** Signals that do not end a process. */
const HARMLESS = ['CHLD', 'CONT', 'URG', 'WINCH', 'STOP', 'TSTP', 'TTIN', 'TTOU'];

t.test('a command that dies of a signal has failed, with 128 and its number', async (t) => {
  const names = Object.keys(constants.signals)
    .map((name) => name.replace('SIG', ''))
    .filter((name) => !HARMLESS.includes(name));
  t.ok(names.length > 20);
  for (const name of names) {
    const number = constants.signals[`SIG${name}` as NodeJS.Signals];
    const { run, outcome } = start(sh(`ulimit -c 0; kill -${number} $$`));
    t.equal(await run.ended, 128 + number, name);
    t.equal(outcome().type, 'execution_failed', name);
    const signal = String(outcome().data['signal']) as NodeJS.Signals;
    t.equal(constants.signals[signal], number, 'some have two names');
  }
});

t.test('events are in order: queued, started, output, outcome', async (t) => {
  const started = start(['sh', '-c', 'echo out; echo err >&2', 'a b'], {
    wanted: { name: 'n', labels: { k: 'v' }, agent: 'claude' },
  });
  t.strictSame(typesOf(started), ['execution_queued'], 'before anything is started');
  t.match(started.events()[0], {
    execution: started.spec.id,
    data: {
      kind: 'agent',
      argv: ['sh', '-c', 'echo out; echo err >&2', 'a b'],
      cwd: process.cwd(),
      host: /./,
      name: 'n',
      labels: { k: 'v' },
      agent: 'claude',
    },
  });
  t.notOk('queue' in started.events()[0]!.data);
  await started.run.ended;
  t.strictSame(typesOf(started), ['execution_queued', 'execution_started', 'execution_completed']);
  t.match(started.events()[1]?.data, { pid: Number, argv: Array, name: 'n' });
  t.equal(started.text('stdout'), 'out');
  t.equal(started.text('stderr'), 'err');
  t.match(started.outcome().data, { exitCode: 0, durationMs: Number, cpuSeconds: Number });
});

/** Until long after the second sample, which on a busy machine may come while the memory is being filled. */
const HUNGRY = 'const b = Buffer.alloc(3e8, 1); const t = Date.now(); while (Date.now() - t < 1500) b[0]++';

t.test('records processor time and memory of all its processes', async (t) => {
  const hungry = start(sh(`node -e '${HUNGRY}'`));
  t.equal(await hungry.run.ended, 0);
  const { cpuSeconds, peakRss } = hungry.outcome().data as { cpuSeconds: number; peakRss: number };
  t.ok(cpuSeconds > 0.2, `${cpuSeconds} s`);
  t.ok(peakRss > 9e7 && peakRss < 2e9, `${peakRss} bytes`);
});

t.test('a command that ends by a passed-on signal is cancelled; by another signal it has failed', async (t) => {
  const passed = start(sh('echo up; exec sleep 60'));
  await passed.says('up');
  passed.run.signal('SIGTERM', 'a test');
  t.equal(await passed.run.ended, 143);
  t.match(passed.outcome(), { type: 'execution_cancelled', data: { signal: 'SIGTERM' } });
  const control = passed.events().find(({ type }) => type === 'control');
  t.match(control?.data, { action: 'signal', signal: 'SIGTERM', by: 'a test' });

  const polite = start(sh('trap "exit 130" INT; echo up; while :; do sleep 0.05; done'));
  await polite.says('up');
  polite.run.signal('SIGINT', 'a test');
  t.equal(await polite.run.ended, 130);
  t.equal(polite.outcome().type, 'execution_cancelled', 'a shell says by its status what it died of');

  const other = start(sh('trap "" TERM; echo up; sleep 0.3; kill -KILL $$'));
  await other.says('up');
  other.run.signal('SIGTERM', 'a test');
  t.equal(await other.run.ended, 137);
  t.equal(other.outcome().type, 'execution_failed');

  const unmoved = start(sh('trap "" TERM; echo up; sleep 0.3'));
  await unmoved.says('up');
  unmoved.run.signal('SIGTERM', 'a test');
  t.equal(await unmoved.run.ended, 0);
  t.equal(unmoved.outcome().type, 'execution_completed');
  unmoved.run.signal('SIGTERM', 'a test');
});

t.test('an external signal counts as requested if one was expected', async (t) => {
  const { run, pid, outcome } = start(['sleep', '60']);
  run.expect('SIGINT');
  process.kill(await pid(), 'SIGINT');
  t.equal(await run.ended, 130);
  t.equal(outcome().type, 'execution_cancelled');
});

t.test('a control request before the command has started waits for it', async (t) => {
  const started = start(['sleep', '60']);
  started.run.control({ run: started.spec.id, action: 'signal', signal: 'SIGUSR1', by: 'a test' });
  t.equal(await started.run.ended, 128 + constants.signals.SIGUSR1);
  t.equal(started.outcome().type, 'execution_cancelled');
});

t.test('stopped during its start', async (t) => {
  const started = start(['sleep', '60']);
  started.run.control({ run: started.spec.id, action: 'stop', by: 'a test' });
  t.equal(await started.run.ended, 130);
  t.equal(started.outcome().type, 'execution_cancelled');
  t.match(started.text('system'), /stopped by SIGINT after .*requested by a test/);
});

t.test('a waiting run starts on request, or is cancelled without starting', async (t) => {
  const waiting = start(sh('echo up'), { wanted: { queue: 'q' }, options: { waits: true } });
  t.match(waiting.events(), [{ type: 'execution_queued', data: { queue: 'q' } }]);
  waiting.run.control({ run: waiting.spec.id, action: 'start' });
  t.equal(await waiting.run.ended, 0);
  t.equal(waiting.text('stdout'), 'up');

  const cancelled = start(sh('echo up'), { wanted: { queue: 'q' }, options: { waits: true } });
  cancelled.run.control({ run: cancelled.spec.id, action: 'stop', by: 'a test' });
  t.equal(await cancelled.run.ended, 130);
  t.strictSame(typesOf(cancelled), ['execution_queued', 'execution_cancelled']);

  const interrupted = start(sh('echo up'), { wanted: { queue: 'q' }, options: { waits: true } });
  interrupted.run.signal('SIGINT', 'Ctrl-C');
  t.equal(await interrupted.run.ended, 130);
  t.strictSame(typesOf(interrupted), ['execution_queued', 'execution_cancelled']);
});

t.test('a run is never run twice', async (t) => {
  const { run, spec } = start(['true']);
  await run.ended;
  const again = () => startHere(home, ['true'], { options: { spec } });
  t.throws(again, { code: 'bad_request', message: /started by another runner/ });
});

t.test('a timeout stops it, is reported, and has a status of its own', async (t) => {
  const { run, outcome, text } = start(['sleep', '60'], { wanted: { timeoutMs: 100 } });
  t.equal(await run.ended, 124);
  t.match(outcome(), { type: 'execution_timeout', data: { signal: 'SIGINT' } });
  t.match(text('system'), /stopped by SIGINT after .*its timeout/);

  const early = start(['true'], { wanted: { timeoutMs: 60_000 } });
  t.equal(await early.run.ended, 0);
});

t.test('a command that cannot be run has failed, and counts as started', async (t) => {
  const started = start(['no-such-command-anywhere']);
  t.equal(await started.run.ended, 127);
  t.strictSame(typesOf(started), ['execution_queued', 'execution_started', 'execution_failed']);
  t.match(started.outcome().data, { exitCode: 127, error: /not found/ });
  started.run.signal('SIGTERM', 'a test');
  for (const action of ['pause', 'resume', 'stop'] as const) started.run.control({ run: started.spec.id, action });
  t.strictSame(started.run.unwritten, 0);
});

t.test('output of a grandchild after the end is awaited, with a bound', async (t) => {
  const { run, text } = start(sh('echo parent; (sleep 0.3; echo child) &'));
  t.equal(await run.ended, 0);
  t.equal(text('stdout'), 'parent\nchild');

  const endless = start(sh('echo parent; (while :; do echo more; sleep 0.1; done) & echo $!'));
  const begun = performance.now();
  t.equal(await endless.run.ended, 0);
  t.ok(performance.now() - begun < 10_000);
  t.match(endless.text('stdout'), /^parent/);
  const pid = Number(/^\d+$/m.exec(endless.text('stdout'))?.[0]);
  await waitFor('the grandchild to notice', () => !isRunning(pid));
  t.match(endless.events().find(({ type }) => type === 'log')?.data['message'], /this run (is|are) still running: \d+/);
});

t.test('a silent grandchild that holds the output open is awaited only briefly', async (t) => {
  const { run, events, text } = start(sh('echo parent; sleep 60 & echo $!'));
  const begun = performance.now();
  t.equal(await run.ended, 0);
  t.ok(performance.now() - begun < 10_000);
  const pid = Number(/^\d+$/m.exec(text('stdout'))?.[0]);
  t.teardown(() => process.kill(pid));
  t.ok(isRunning(pid), 'it goes on');
  t.match(events().find(({ type }) => type === 'log')?.data, {
    level: 'warning',
    message: `1 process of this run is still running: ${pid}`,
  });
});

t.test('a slow reader gets all output, also of grandchildren that still write', async (t) => {
  const stdout = new PassThrough({ highWaterMark: 1024 });
  const { run, text } = start(sh('seq 200000 & exit 0'), {
    options: { output: { stdout, stderr: new PassThrough() } },
  });
  let read = '';
  // longer than silent grandchildren are awaited
  setTimeout(() => stdout.setEncoding('utf8').on('data', (text: string) => (read += text)), 3_000);
  t.equal(await run.ended, 0);
  await waitFor('the rest', () => read.endsWith('\n200000\n'));
  t.equal(read.split('\n').length, 200_001);
  t.equal(text('stdout').split('\n').length, 200_000);
});

t.test('pausing stops all of its processes, resuming continues them', async (t) => {
  const started = start(sh('echo $$; (while :; do sleep 0.02; done) & sleep 60'));
  const { run, spec } = started;
  const pid = await started.pid();
  await started.says(String(pid));
  run.control({ run: spec.id, action: 'pause', by: 'a test' });
  await waitFor('it to stand still', () => isStandingStill(readProcess(pid)!));
  run.control({ run: spec.id, action: 'pause', by: 'a test' });
  run.control({ run: spec.id, action: 'resume', by: 'a test' });
  await waitFor('it to go on', () => !isStandingStill(readProcess(pid)!));
  run.control({ run: spec.id, action: 'kill', by: 'a test' });
  t.equal(await run.ended, 137);
  const changes = started.events().filter(({ type }) => /paused|resumed|control/.test(type));
  t.strictSame(
    changes.map(({ type, data }) => data['signal'] ?? type),
    ['SIGSTOP', 'execution_paused', 'SIGSTOP', 'SIGCONT', 'execution_resumed', 'SIGKILL'],
  );
});

t.test('a run that is continued externally is recorded as resumed', async (t) => {
  const started = start(['sleep', '60']);
  const pid = await started.pid();
  started.run.control({ run: started.spec.id, action: 'pause', by: 'a test' });
  await waitFor('it to stand still', () => isStandingStill(readProcess(pid)!));
  process.kill(pid, 'SIGCONT');
  await waitFor('a word about it', () => typesOf(started).includes('execution_resumed'));
  started.run.control({ run: started.spec.id, action: 'kill', by: 'a test' });
  t.equal(await started.run.ended, 137);
  t.match(started.events().find(({ type }) => type === 'execution_resumed')?.data['by'], /another process/);
});

t.test('beyond the limit the first and the last part are kept, with a mark between', async (t) => {
  const { run, events } = start(sh('seq 100000'), { options: { outputLimit: 64 * 1024 } });
  t.equal(await run.ended, 0);
  const output = events().filter(({ type }) => type === 'output');
  const marks = output.flatMap(({ data }, at) => (data['stream'] === 'system' ? [at] : []));
  t.equal(marks.length, 2);
  t.match(output[0]?.data['text'], /^1\n2\n3\n/);
  t.match(output.at(-1)?.data['text'], /\n99999\n100000$/);
  t.match(output[marks[0]!]?.data['text'], /^\[output limit: after/);
  t.match(output[marks[1]!]?.data['text'], /omitted here: [\d.,]+ lines/);
  t.ok(JSON.stringify(output).length < 128 * 1024);
});

t.test('processes that left the group are found by their environment, and reported', async (t) => {
  const script = 'setsid sleep 60 >/dev/null 2>&1 & sleep 60 >/dev/null 2>&1 & echo up';
  const { run, events, spec } = start(sh(script), { options: { thorough: true } });
  t.equal(await run.ended, 0);
  const message = String(events().find(({ type }) => type === 'log')?.data['message']);
  t.match(message, /^2 processes of this run are still running: \d+, \d+; outside of its group: \d+$/, spec.id);
  for (const pid of new Set(message.match(/\d{2,}/g)?.map(Number))) process.kill(pid);
});

t.test('a process that leaves the group between the two checks is counted once', async (t) => {
  t.equal(
    describeRemaining([11, 12], [12]),
    '2 processes of this run are still running: 11, 12; outside of its group: 12',
  );
  t.equal(describeRemaining([11], []), '1 process of this run is still running: 11');
  t.equal(describeRemaining([], []), undefined);
});
