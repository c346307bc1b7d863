import t from 'tap';
import { isStandingStill, readProcess } from '../../src/platform/processes.js';
import type { ProcessGroup } from '../../src/runner/group.js';
import { createPausing } from '../../src/runner/pause.js';
import { stopGroup } from '../../src/runner/stop.js';
import { createHome, isRunning } from '../helpers/daemon.js';
import type { StartedRun } from '../helpers/run-here.js';
import { startHere } from '../helpers/run-here.js';
import { sh } from '../helpers/runs.js';
import { waitFor } from '../helpers/wait.js';

const home = createHome(t);

/** Prints `up` when it is ready; its children hold no descriptor open. */
async function start(script: string): Promise<StartedRun> {
  const started = startHere(home, sh(script));
  await started.says('up');
  return started;
}

/** The signals that were sent, in order. */
const sent = ({ events }: StartedRun) =>
  events()
    .filter(({ type, data }) => type === 'control' && data['action'] === 'signal')
    .map(({ data }) => data['signal']);

const stop = ({ run, spec }: StartedRun, graceMs?: number) =>
  run.control({ run: spec.id, action: 'stop', by: 'a test', ...(graceMs !== undefined && { graceMs }) });

/** Generous: the test is about the grace time, and does not wait for it. */
const LONG_GRACE_MS = 20_000;

t.test('SIGINT ends it, with its own status', async (t) => {
  const started = await start('trap "exit 7" INT; echo up; while :; do sleep 0.02; done');
  stop(started, LONG_GRACE_MS);
  t.equal(await started.run.ended, 7);
  t.strictSame(sent(started), ['SIGINT']);
  t.match(started.outcome(), { type: 'execution_cancelled', data: { exitCode: 7 } });
  t.match(started.text('system'), /^stopped by SIGINT after \d.*, requested by a test$/);
});

t.test('it ignores SIGINT: SIGKILL after the grace time', async (t) => {
  const started = await start('trap "" INT; echo up; while :; do sleep 0.02; done');
  stop(started, 100);
  t.equal(await started.run.ended, 137);
  t.strictSame(sent(started), ['SIGINT', 'SIGKILL']);
  t.match(started.text('system'), /^SIGINT did not end it: killed by SIGKILL after \d.*, requested by a test$/);
});

t.test('its leader ends, a background child ignores SIGINT: the child is killed too', async (t) => {
  // a shell makes its background jobs ignore SIGINT
  const started = await start('sleep 60 & echo up $!; wait');
  const child = Number(/up (\d+)/.exec(started.text('stdout'))?.[1]);
  stop(started, 200);
  t.equal(await started.run.ended, 130, 'the status is the leader’s');
  t.strictSame(sent(started), ['SIGINT', 'SIGKILL']);
  await waitFor('it to be gone', () => !isRunning(child));
  t.match(started.outcome(), { type: 'execution_cancelled', data: { signal: 'SIGINT' } });
});

t.test('it forks while it is stopped: no process is left', async (t) => {
  const script = 'trap "" INT; echo up; while :; do (sleep 0.3; sleep 60) & sleep 0.005; done';
  const started = await start(script);
  const pid = await started.pid();
  stop(started, 100);
  t.equal(await started.run.ended, 137);
  await waitFor('all to be gone', () => readProcess(pid) === undefined);
  t.notOk(
    started.events().some(({ type }) => type === 'log'),
    'nothing that goes on is reported',
  );
});

t.test('stopping an ended one takes no time, and reports nothing', async (t) => {
  const started = await start('echo up');
  t.equal(await started.run.ended, 0);
  const before = started.events().length;
  for (const action of ['stop', 'kill', 'pause', 'resume'] as const)
    started.run.control({ run: started.spec.id, action });
  started.run.signal('SIGTERM', 'a test');
  t.equal(started.events().length, before);
});

t.test('stopping twice is stopping once', async (t) => {
  const started = await start('trap "" INT; echo up; while :; do sleep 0.02; done');
  stop(started, 200);
  stop(started, 200);
  t.equal(await started.run.ended, 137);
  t.strictSame(sent(started), ['SIGINT', 'SIGKILL']);
  t.equal(started.text('system').split('\n').length, 1);
});

t.test('kill ends the grace time of a stop', async (t) => {
  const started = await start('trap "" INT; echo up; while :; do sleep 0.02; done');
  const begun = performance.now();
  stop(started, LONG_GRACE_MS);
  await waitFor('the first signal', () => sent(started).length === 1);
  started.run.control({ run: started.spec.id, action: 'kill', by: 'a test' });
  t.equal(await started.run.ended, 137);
  t.ok(performance.now() - begun < LONG_GRACE_MS / 2);
  t.strictSame(sent(started), ['SIGINT', 'SIGKILL']);
});

t.test('kill sends no SIGINT', async (t) => {
  const started = await start('echo up; sleep 60');
  started.run.control({ run: started.spec.id, action: 'kill', by: 'a test' });
  t.equal(await started.run.ended, 137);
  t.strictSame(sent(started), ['SIGKILL']);
  t.match(started.text('system'), /^killed by SIGKILL, requested by a test$/);
});

t.test('a paused one is continued to receive the signal', async (t) => {
  const started = await start('trap "exit 7" INT; echo up; while :; do sleep 0.02; done');
  const pid = await started.pid();
  started.run.control({ run: started.spec.id, action: 'pause', by: 'a test' });
  await waitFor('it to stand still', () => isStandingStill(readProcess(pid)!));
  stop(started, LONG_GRACE_MS);
  t.equal(await started.run.ended, 7);
  t.strictSame(sent(started), ['SIGSTOP', 'SIGINT', 'SIGCONT']);
});

t.test('processes of another user: reported as not permitted, without waiting', async (t) => {
  const foreign = { pid: 8, name: 'sudo', state: 'S' };
  const group = { members: () => [foreign], foreign: () => [foreign], signal: () => false } as unknown as ProcessGroup;
  const onSignal = () => t.fail('a signal');
  for (const graceMs of [0, LONG_GRACE_MS]) {
    const { text, failure } = await stopGroup({ group, graceMs, onSignal });
    t.equal(text, undefined);
    t.match(failure, { code: 'no_permission', error: /^not permitted to signal 8 \(sudo, .*\): EPERM$/ });
  }
  const events: object[] = [];
  const pausing = createPausing((type, data) => events.push({ type, data }));
  pausing.begin(group, 'a test');
  pausing.end(group, 'a test');
  t.notOk(pausing.isPaused);
  const denied = { by: 'a test', code: 'no_permission', error: /EPERM/ };
  t.match(events, [
    { type: 'control', data: { action: 'pause', ...denied } },
    { type: 'control', data: { action: 'resume', ...denied } },
  ]);
});

t.test('a group that stops only in part is not paused: all of it continues', async (t) => {
  const [own, foreign] = [
    { pid: 8, name: 'sh', state: 'T' },
    { pid: 9, name: 'sudo', state: 'S' },
  ];
  const group = {
    members: () => [own, foreign],
    foreign: () => [foreign],
    signal: () => true,
  } as unknown as ProcessGroup;
  const events: { type: string; data: object }[] = [];
  const pausing = createPausing((type, data) => events.push({ type, data }));
  pausing.begin(group, undefined);
  await waitFor('the failure', () => events.length === 3);
  t.match(events, [
    { data: { signal: 'SIGSTOP' } },
    { data: { signal: 'SIGCONT' } },
    { type: 'control', data: { action: 'pause', error: /^not permitted to signal 9/ } },
  ]);
  t.notOk(pausing.isPaused);
});

t.test('reports processes that survive SIGKILL', async (t) => {
  const waiting = { pid: 7, name: 'dd', state: 'D' };
  const stubborn = {
    members: () => [waiting, waiting],
    foreign: () => [],
    signal: () => true,
  } as unknown as ProcessGroup;
  const signals: string[] = [];
  const { text, failure } = await stopGroup({
    group: stubborn,
    graceMs: 0,
    onSignal: (name) => signals.push(name),
  });
  t.equal(text, 'killed by SIGKILL; 2 processes remain');
  t.strictSame(failure, { code: 'unavailable', error: 'SIGKILL did not end 7 (dd, state D), 7 (dd, state D)' });
  t.strictSame(signals, ['SIGKILL']);
});
