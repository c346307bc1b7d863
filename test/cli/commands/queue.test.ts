import { readFileSync } from 'node:fs';
import t from 'tap';
import { collectOutput } from '../../helpers/output.js';
import type { QueueView } from '../../../src/core/state/queues.js';
import type { RunHomeWithDaemon } from '../../helpers/runs.js';
import { startRunHome } from '../../helpers/runs.js';
import { waitFor } from '../../helpers/wait.js';

const SLEEP = ['sleep', '300'];
const fine = { status: 0, stdout: '', stderr: '' };

async function list(home: RunHomeWithDaemon): Promise<QueueView[]> {
  return JSON.parse((await home.invoke(['queue', '--json'])).stdout) as QueueView[];
}

/** Starts runs that sleep, one after the other, each with one of these options. */
async function startEach<T extends string[][]>(
  home: RunHomeWithDaemon,
  ...options: T
): Promise<{ [K in keyof T]: string }> {
  const ids: string[] = [];
  for (const each of options) ids.push(await home.start(each, ...SLEEP));
  return ids as { [K in keyof T]: string };
}

t.test('lists queues with their slots, running and waiting runs', async (t) => {
  const home = await startRunHome(t);
  t.match(await home.invoke(['queue']), { status: 0, stdout: /^No queues\./ });
  t.strictSame(await list(home), []);
  const [a, b, c] = await startEach(
    home,
    ['--queue=build', '--name=a'],
    ['--queue=build', '--name=b'],
    ['--queue=build', '--name=c'],
  );
  t.strictSame(await home.invoke(['queue', 'set', 'docs', '--slots', '3']), fine);
  await home.until(a, 'running');
  t.strictSame(await list(home), [
    { name: 'build', slots: 1, paused: false, running: [a], waiting: [b, c] },
    { name: 'docs', slots: 3, paused: false, running: [], waiting: [] },
  ]);
  const short = (id: string) => id.slice(0, 4);
  const lines = (await home.invoke(['queue', 'list'])).stdout.split('\n');
  t.match(lines, [
    /^build {2}1 of 1 slot taken, 2 waiting$/,
    new RegExp(`^ {2}● {2}${short(a)} +\\d\\.\\ds {2}a$`),
    new RegExp(`^ {2}1 {2}${short(b)} +\\d+s {2}b$`),
    new RegExp(`^ {2}2 {2}${short(c)} +\\d+s {2}c$`),
    /^docs {3}0 of 3 slots taken$/,
  ]);
  t.match(await home.invoke(['queue', 'list', 'docs']), { status: 0, stdout: 'docs  0 of 3 slots taken\n' });
});

t.test('slots can change while runs are active, and a queue can be paused', async (t) => {
  const home = await startRunHome(t);
  const ids = await startEach(home, ['--queue=q'], ['--queue=q'], ['--queue=q'], ['--queue=q']);
  const [a, b, c, d] = ids;
  await home.until(a, 'running');
  const set = await home.invoke(['queue', 'set', 'q', '--slots', '2', '--json']);
  t.match(JSON.parse(set.stdout), { name: 'q', slots: 2 });
  await home.until(b, 'running');
  t.match(await list(home), [{ running: [a, b], waiting: [c, d] }]);
  await home.invoke(['queue', 'set', 'q', '--slots', '1']);
  await home.invoke(['stop', a]);
  t.match(await list(home), [{ running: [b], waiting: [c, d] }], 'one runs, and one may');
  t.strictSame(await home.invoke(['queue', 'pause', 'q']), fine);
  await home.invoke(['stop', b]);
  t.match(await list(home), [{ paused: true, running: [], waiting: [c, d] }]);
  t.match((await home.invoke(['queue'])).stdout, /^q {2}paused, 0 of 1 slot taken, 2 waiting\n/);
  t.strictSame(await home.invoke(['queue', 'resume', 'q']), fine);
  await home.until(c, 'running');
  t.match(await home.get(d), { status: 'queued' });
  const journal = readFileSync(`${home.paths.journal}/current.jsonl`, 'utf8');
  t.match(journal, /"type":"queue_changed","data":\{"name":"q","paused":true,"by":"[^"]+"\}/, 'the actor is recorded');
});

t.test('clear cancels waiting runs only; a queue in use is not removed', async (t) => {
  const home = await startRunHome(t);
  const ids = await startEach(home, ['--queue=q'], ['--queue=q'], ['--queue=q']);
  await home.until(ids[0], 'running');
  t.match(await home.invoke(['queue', 'remove', 'q']), {
    status: 65,
    stderr: /queue "q" is in use: 1 running, 2 waiting/,
  });
  const cleared = await home.invoke(['queue', 'clear', 'q']);
  t.match(cleared, { status: 0, stderr: '' });
  t.strictSame(
    new Set(cleared.stdout.trim().split('\n')),
    new Set(ids.slice(1).map((id) => `${id} sleep 300: cancelled`)),
  );
  t.match(await list(home), [{ running: [ids[0]], waiting: [] }]);
  t.match(await home.get(ids[1]), { status: 'cancelled' });
  t.match(await home.invoke(['queue', 'clear', 'q']), { status: 0, stdout: 'No runs are waiting.\n' });
  await home.invoke(['queue', 'set', 'q', '--slots', '4']);
  await home.invoke(['stop', ids[0]]);
  t.strictSame(await home.invoke(['queue', 'remove', 'q', '--json']), { ...fine, stdout: 'null\n' });
  t.strictSame(await list(home), []);
});

t.test('move changes the order of the waiting runs, also after a restart', async (t) => {
  const home = await startRunHome(t);
  const ids = await startEach(home, ['--queue=q'], ['--queue=q', '--name=b'], ['--queue=q'], ['--queue=q', '--name=d']);
  const [a, b, c, d] = ids;
  await home.until(a, 'running');
  t.strictSame(await home.invoke(['queue', 'move', 'd', '1']), { ...fine, stdout: `${d}: position 1 in q\n` });
  const last = await home.invoke(['queue', 'move', b, '9', '--json']);
  t.strictSame(JSON.parse(last.stdout), { execution: b, queue: 'q', position: 3 });
  t.match(await list(home), [{ running: [a], waiting: [d, c, b] }]);
  await home.replaceDaemon();
  t.match(await list(home), [{ running: [a], waiting: [d, c, b] }]);
  await home.invoke(['stop', a]);
  await home.until(d, 'running');
  t.match(await home.invoke(['queue', 'move', d, '1']), {
    status: 65,
    stderr: new RegExp(`${d} is not queued: running`),
  });
  const chained = await home.start([`--after=${d}`], 'true');
  t.match(await home.invoke(['queue', 'move', chained, '1']), { status: 65, stderr: /waits for other executions/ });
  t.match(await home.invoke(['queue', 'move', 'nothing', '1']), { status: 66, stderr: /nothing/ });
  for (const position of ['0', '-1', '1.5', 'first', '']) {
    const outcome = await home.invoke(['queue', 'move', b, '--', position]);
    t.match(outcome, { status: 64, stderr: /needs a run and its new position/ }, position);
  }
  t.match(await home.invoke(['queue', 'move', b]), { status: 64 });
  t.match(await home.invoke(['queue', 'pause', 'q', '1']), { status: 64, stderr: /a position needs the action move/ });
});

t.test('a control for waiting runs does not affect running ones', async (t) => {
  const home = await startRunHome(t);
  const id = await home.start(['--queue=q'], ...SLEEP);
  await home.until(id, 'running');
  const client = await home.connect();
  t.teardown(() => client.destroy());
  await t.rejects(client.call('control', { execution: id, action: 'stop', ifQueued: true }), {
    code: 'bad_request',
    message: `${id} is no longer queued: running`,
  });
  t.match(await home.get(id), { status: 'running' });
});

t.test('wrong usage', async (t) => {
  const home = await startRunHome(t);
  await home.invoke(['queue', 'set', 'build', '--slots', '2']);
  for (const slots of ['0', '-1', '1001', '1.5', 'many']) {
    const outcome = await home.invoke(['queue', 'set', 'build', `--slots=${slots}`]);
    t.match(outcome, { status: 64, stderr: /a whole number from 1 to 1000/ }, slots);
  }
  t.match((await home.invoke(['queue', 'set', 'build', '--slots', '0'])).stderr, /pause the queue to start nothing/);
  t.match(await home.invoke(['queue', 'set', 'build']), { status: 64 });
  t.match(await home.invoke(['queue', 'pause', 'build', '--slots', '2']), {
    status: 64,
    stderr: /--slots needs the action set/,
  });
  t.match(await home.invoke(['queue', 'pause']), { status: 64, stderr: /needs the name of a queue/ });
  t.match(await home.invoke(['queue', 'set', 'a\nb', '--slots', '2']), { status: 64 });
  t.match(await home.invoke(['queue', 'set', 'x'.repeat(300), '--slots', '2']), { status: 64 });
  t.match(await home.invoke(['queue', 'fly', 'build']), { status: 64 });
  for (const action of ['pause', 'resume', 'clear', 'remove', 'list']) {
    t.match(await home.invoke(['queue', action, 'buidl']), { status: 66, stderr: /no queue "buidl"/ }, action);
  }
  t.match((await home.invoke(['queue', 'pause', 'buil'])).stderr, /did you mean "build"\?/);
  t.match(await list(home), [{ name: 'build', slots: 2 }]);
});

t.test('a slot becomes free however its run ends', async (t) => {
  const home = await startRunHome(t);
  /** Starts a run and another one queued after it, ends the first, and waits for the start of the second. */
  const tryEnd = async (
    status: 'completed' | 'failed' | 'cancelled' | 'timeout' | 'lost',
    options: string[],
    command: string[],
    end: (id: string) => unknown,
  ) => {
    const first = await home.start(['--queue=q', ...options], ...command);
    const next = await home.start(['--queue=q'], ...SLEEP);
    await home.until(first, 'running');
    t.match(await home.get(next), { status: 'queued' }, status);
    await end(first);
    await home.until(first, status);
    await home.until(next, 'running');
    await home.invoke(['stop', next, '--kill']);
  };
  const pid = async (id: string) => (await home.recordOf(id)).child.pid;
  await tryEnd('completed', [], ['sleep', '0.7'], () => undefined);
  await tryEnd('failed', [], SLEEP, async (id) => process.kill(await pid(id), 'SIGTERM'));
  await tryEnd('cancelled', [], SLEEP, (id) => home.invoke(['stop', id]));
  await tryEnd('timeout', ['--timeout=700ms'], SLEEP, () => undefined);
  await tryEnd('lost', [], SLEEP, async (id) => {
    const { runner, child } = await home.recordOf(id);
    process.kill(runner.pid, 'SIGKILL');
    process.kill(-child.pid, 'SIGKILL');
  });
  await tryEnd('lost', [], SLEEP, async (id) => {
    process.kill((await home.recordOf(id)).runner.pid, 'SIGKILL');
    await waitFor('it to be an orphan', async () => (await home.get(id)).orphaned);
    t.match(await home.invoke(['stop', id]), { status: 0, stdout: /stopped by SIGINT/ }, 'an orphan can be stopped');
  });
});

t.test('a run whose command does not start releases its slot', async (t) => {
  const home = await startRunHome(t);
  const missing = await home.start(['--queue=q'], 'no-such-command');
  const directory = await home.start(['--queue=q'], '/');
  await home.until(await home.start(['--queue=q'], 'true'), 'completed');
  t.match(await home.get(missing), { status: 'failed', outcome: { exitCode: 127 } });
  t.match(await home.get(directory), { status: 'failed', outcome: { exitCode: 126 } });
});

t.test('queues survive a killed daemon', async (t) => {
  const home = await startRunHome(t);
  await home.invoke(['queue', 'set', 'q', '--slots', '2']);
  await home.invoke(['queue', 'set', 'held', '--slots', '5']);
  await home.invoke(['queue', 'pause', 'held']);
  const ids = await startEach(home, ['--queue=q'], ['--queue=q'], ['--queue=q'], ['--queue=q']);
  const held = await home.start(['--queue=held'], ...SLEEP);
  await Promise.all(ids.slice(0, 2).map((id) => home.until(id, 'running')));
  const before = await list(home);
  await home.replaceDaemon();
  t.strictSame(await list(home), before);
  t.match(await home.invoke(['stop', ids[0]]), { status: 0 });
  await home.until(ids[2], 'running');
  // one ends while no daemon runs
  await home.daemon.kill();
  process.kill((await home.recordOf(ids[1])).child.pid, 'SIGTERM');
  await waitFor('its runner to be gone', () => !home.isAlive(ids[1]));
  await home.replaceDaemon();
  await home.until(ids[3], 'running');
  t.match(await home.get(ids[1]), { status: 'failed', outcome: { signal: 'SIGTERM' } });
  t.match(await home.get(held), { status: 'queued' });
});

t.test('chains: after completes, starts; after anything else, is cancelled with the reason', async (t) => {
  const home = await startRunHome(t);
  const gate = `${home.directory}/gate`;
  const first = await home.start([], 'sh', '-c', `until [ -e ${gate} ]; do sleep 0.05; done`);
  const second = await home.start([`--after=${first}`], 'false');
  const third = await home.start([`--after=${second}`], 'true');
  const fourth = await home.start([`--after=${third}`, '--queue=q'], 'true');
  t.match(await home.get(second), { status: 'queued', after: [first] });
  t.match((await home.invoke(['queue'])).stdout, new RegExp(`\\(after ${third.slice(0, 4)}\\)`));
  home.progress(['run', '--', 'touch', gate]);
  await home.until(second, 'failed');
  t.match(await home.until(third, 'cancelled'), {
    outcome: { error: `it was to come after ${second}, which is failed` },
  });
  t.match(await home.until(fourth, 'cancelled'), {
    outcome: { error: `it was to come after ${third}, which is cancelled` },
  });
  const late = await home.start([`--after=${first}`], 'true');
  await home.until(late, 'completed');
  const never = await home.start([`--after=${third}`], 'true');
  t.match(await home.until(never, 'cancelled'), { outcome: { error: /which is cancelled/ } });
});

t.test('a foreground run waits in its queue, and can be cancelled', async (t) => {
  const home = await startRunHome(t);
  const holder = await home.start(['--queue', 'q'], ...SLEEP);
  await home.until(holder, 'running');
  const spawn = (name: string) =>
    collectOutput(home.spawn(['run', '--queue', 'q', '--name', name, '--', 'echo', `this is ${name}`]));
  const first = spawn('first');
  await waitFor('the first to wait', async () => (await list(home))[0]?.waiting.length === 1);
  const second = spawn('second');
  await waitFor('both to wait', async () => (await list(home))[0]?.waiting.length === 2);
  first.child.kill('SIGINT');
  t.match(await first.ended, { stdout: '' });
  t.match(await home.get('first'), { status: 'cancelled' });
  t.match(await list(home), [{ running: [holder], waiting: [(await home.get('second')).id] }]);
  await home.invoke(['stop', holder]);
  t.match(await second.ended, { status: 0, stdout: /^this is second\n$/ });
  await spawn('second').ended;
  t.strictSame(await list(home), [], 'what is not in use and was never set is no queue');
});
