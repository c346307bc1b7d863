import { spawn } from 'node:child_process';
import { readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Test } from 'tap';
import t from 'tap';
import type { Clock } from '../../../src/core/base/clock.js';
import { numberOf } from '../../../src/core/events/event.js';
import type { NewEvent } from '../../../src/core/events/event.js';
import { ResourceSampler, usageOf } from '../../../src/daemon/runs/resources.js';
import type { ProcessIdentity } from '../../../src/platform/processes.js';
import { identityOf, readProcess, readProcesses, treeOf, treeRss } from '../../../src/platform/processes.js';
import type { Push } from '../../../src/api/messages.js';
import { createHome } from '../../helpers/daemon.js';
import { createManualClock } from '../../helpers/manual-clock.js';
import { waitFor } from '../../helpers/wait.js';

const MIB = 1_024 * 1_024;
/** Longer than a sample takes, much shorter than the interval without subscribers. */
const SOON_MS = 12_000;
const LOOP = 'while :; do :; done';
/** Uses a fifth of a core and more and more memory, so that each sample differs. */
const WORK = `exec "${process.execPath}" -e '
  const kept = [];
  setInterval(() => {
    kept.push(Buffer.alloc(500_000, 1));
    for (const end = performance.now() + 20; performance.now() < end;);
  }, 100)'`;

/** A command in a new session, like a run; its processes are killed with the test. */
async function start(t: Test, script: string): Promise<ProcessIdentity> {
  const { pid = 0 } = spawn('sh', ['-c', script], { detached: true, stdio: 'ignore' });
  t.teardown(() => killTree(pid));
  return await waitFor('the command', () => identityOf(pid));
}

function killTree(root: number): void {
  for (const { pid } of treeOf(root, readProcesses())) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // it has ended
    }
  }
}

/** The sampler over runs of the test's choice, and its samples. */
function open(t: Test, runs: Record<string, ProcessIdentity>, { watched = true, clock }: Setting = {}) {
  const said: NewEvent[] = [];
  /** Processor time used until each sample. */
  const used: { at: number; cpuMs: number }[] = [];
  const setting = { watched, judged: false, looks: 0 };
  const resources = new ResourceSampler({
    live() {
      setting.looks += 1;
      return Object.entries(runs).map(([id, child]) => ({ id, child }));
    },
    isWatched: () => setting.watched,
    isNeeded: () => setting.judged,
    record(event) {
      said.push(event);
      const tree = treeOf(runs[event.execution ?? '']?.pid ?? 0, readProcesses());
      used.push({ at: performance.now(), cpuMs: tree.reduce((sum, { cpuMs }) => sum + cpuMs, 0) });
    },
    ...(clock && { clock }),
  });
  t.teardown(() => resources.close());
  const figure = (id: string, key: string) =>
    said.filter(({ execution }) => execution === id).flatMap(({ data }) => numberOf(data, key) ?? []);
  const newest = (id: string, key: string) => figure(id, key).at(-1) ?? -1;
  /**
   * Whether the first share is that of the time since the previous sample, as far as a busy machine allows;
   * `within` is the tolerated relative error.
   */
  const isTrue = (id: string, within = 0.25): boolean => {
    const [first, second] = used.filter((_, index) => said[index]?.execution === id);
    if (!first || !second) return false;
    const truth = ((second.cpuMs - first.cpuMs) / (second.at - first.at)) * 100;
    return truth > 0 && Math.abs((figure(id, 'cpu')[0] ?? 0) - truth) <= Math.max(5, truth * within);
  };
  return { resources, said, setting, figure, newest, isTrue };
}

interface Setting {
  watched?: boolean;
  clock?: Clock;
}

t.test('a busy loop uses its share of one core, an idle process nothing', async (t) => {
  const runs = { busy: await start(t, LOOP), idle: await start(t, 'sleep 60') };
  const { resources, said, figure, newest, isTrue } = open(t, runs);
  resources.check();
  await waitFor('two figures of each', () => figure('busy', 'cpu').length > 0 && figure('idle', 'cpu').length > 0);
  t.ok(
    said.slice(0, 2).every(({ data }) => !('cpu' in data) || data['cpu'] === undefined),
    'none in the first sample',
  );
  t.ok(isTrue('busy'));
  t.ok(newest('busy', 'cpu') <= 110, `${newest('busy', 'cpu')} %`);
  t.ok(newest('busy', 'cpuSeconds') > 0);
  t.equal(newest('busy', 'processes'), 1);
  t.ok(newest('busy', 'rss') > 100 * 1_024 && newest('busy', 'rss') < 50 * MIB);
  t.strictSame([newest('idle', 'cpu'), newest('idle', 'cpuSeconds')], [0, 0]);
});

t.test('descendants count, also those in other sessions', async (t) => {
  const loop = `"${process.execPath}" -e "const kept = Buffer.alloc(64 * 1024 * 1024, 1); for (;;) kept[0]++"`;
  const runs = { tree: await start(t, `(setsid sh -c '${loop.replaceAll("'", "'\\''")} & wait' & wait) & wait`) };
  await waitFor('all of them', () => treeOf(runs.tree.pid, readProcesses()).length === 4);
  const { resources, newest, isTrue } = open(t, runs);
  resources.check();
  await waitFor('what the innermost one has', () => newest('tree', 'cpu') > 0 && newest('tree', 'rss') > 64 * MIB);
  t.ok(isTrue('tree'));
  t.equal(newest('tree', 'processes'), 4);
  t.ok(newest('tree', 'peakRss') >= newest('tree', 'rss'));
});

t.test('processes that come and end between two samples count', async (t) => {
  const spin = 'i=0; while [ $i -lt 3000 ]; do i=$((i+1)); done';
  const runs = { make: await start(t, `while :; do sh -c '${spin}'; done`) };
  const { resources, newest, isTrue } = open(t, runs);
  resources.check();
  await waitFor('a share', () => newest('make', 'cpu') > 0);
  // the samples of running processes are empty yet: without the ended ones the result would be close to nothing
  t.ok(isTrue('make', 0.5));
  t.ok(newest('make', 'cpu') <= 120);
  t.ok(newest('make', 'cpuSeconds') > 0);
});

t.test('processor time never decreases when a process leaves the tree', async (t) => {
  // the loop is in another session: without its parent it is in no tree
  const runs = { run: await start(t, `(setsid sh -c '${LOOP}' & wait) & sleep 60`) };
  const { resources, figure, newest } = open(t, runs);
  resources.check();
  await waitFor('some of it', () => newest('run', 'cpuSeconds') > 0);
  const tree = treeOf(runs.run.pid, readProcesses());
  const loop = tree.find(({ session }) => session !== runs.run.pid);
  t.teardown(() => killTree(loop?.pid ?? 0));
  process.kill(loop?.parent ?? 0, 'SIGKILL');
  await waitFor('it to leave', () => newest('run', 'processes') === tree.length - 2);
  const seconds = figure('run', 'cpuSeconds');
  t.strictSame(
    seconds,
    [...seconds].sort((a, b) => a - b),
  );
  t.equal(newest('run', 'cpu'), 0);
});

t.test('a process that dies during a sample is no error', async (t) => {
  const runs: Record<string, ProcessIdentity> = {
    one: await start(t, 'sleep 60'),
    other: await start(t, 'sleep 60 & sleep 60 & wait'),
  };
  const { resources, said, newest, setting } = open(t, runs);
  resources.check();
  await waitFor('figures of both', () => newest('one', 'cpu') >= 0 && newest('other', 'cpu') >= 0);
  const { pid } = runs['one'] ?? { pid: 0 };
  killTree(pid);
  await waitFor('its end', () => readProcess(pid) === undefined);
  const before = { looks: setting.looks, said: said.length };
  const grown = await start(t, 'sleep 60');
  runs['late'] = grown;
  resources.check();
  await waitFor('figures of the newcomer', () => newest('late', 'cpu') >= 0);
  t.ok(setting.looks > before.looks);
  t.strictSame(
    said.slice(before.said).filter(({ execution }) => execution === 'one'),
    [],
    'nothing more of what is dead',
  );
});

t.test('another process with the same PID is not counted', async (t) => {
  const child = await start(t, 'sleep 60');
  const mine = await start(t, 'sleep 60');
  const { resources, said, newest } = open(t, { other: { ...child, start: child.start - 1 }, mine });
  resources.check();
  await waitFor('figures of ours', () => newest('mine', 'cpu') >= 0);
  t.ok(said.every(({ execution }) => execution === 'mine'));
});

t.test('few descriptors for many processes, none for new ones, and none after their end', async (t) => {
  const many = await start(t, 'for i in $(seq 300); do sleep 60 & done; wait; sleep 60');
  const members = () => treeOf(many.pid, readProcesses());
  await waitFor('all of them', () => members().length === 301);
  const runs: Record<string, ProcessIdentity> = { many };
  await waitFor('the descriptors of other tests to be closed', () => descriptors() === 0);
  const { resources, newest, said } = open(t, runs);
  resources.check();
  await waitFor('a first sample', () => said.length > 0);
  t.equal(descriptors(), 0);
  await waitFor('a second sample', () => said.length > 1);
  t.equal(descriptors(), 256);
  t.equal(newest('many', 'processes'), 301);
  t.ok(Math.abs(newest('many', 'rss') - treeRss(many.pid)) < treeRss(many.pid) / 4, 'the memory of all counts');
  for (const { pid } of members()) if (pid !== many.pid) process.kill(pid, 'SIGKILL');
  await waitFor('their ends', () => newest('many', 'processes') <= 2);
  delete runs['many'];
  await waitFor('all descriptors closed', () => descriptors() === 0);
});

/** Open descriptors of files in /proc that have figures of processes. */
function descriptors(): number {
  return readdirSync('/proc/self/fd').filter((name) => {
    try {
      return /^\/proc\/\d+\/stat$/.test(readlinkSync(`/proc/self/fd/${name}`));
    } catch {
      return false;
    }
  }).length;
}

t.test('samples are frequent for a subscriber, else rare, and none without a run', async (t) => {
  const clock = createManualClock();
  const runs: Record<string, ProcessIdentity> = {};
  const { resources, setting } = open(t, runs, { watched: false, clock });
  resources.check();
  resources.onBatch([{ seq: 1, time: '', type: 'execution_started', execution: 'a', data: {} }]);
  t.equal(clock.timers(), 0, 'there is nothing to sample');

  runs['a'] = await start(t, 'sleep 60');
  /** Advances the clock; returns how often the processes were sampled. */
  const pass = async (ms: number): Promise<number> => {
    let count = 0;
    for (let passed = 0; passed < ms; passed += 100) {
      const before = setting.looks;
      clock.advance(100);
      if (setting.looks === before) continue;
      count += 1;
      await waitFor('the end of that sample', () => clock.timers() === 1);
    }
    return count;
  };
  resources.onBatch([{ seq: 2, time: '', type: 'log', execution: 'a', data: {} }]);
  t.equal(clock.timers(), 0, 'nothing has begun');
  resources.onBatch([{ seq: 3, time: '', type: 'execution_started', execution: 'a', data: {} }]);
  t.equal(await pass(200), 1, 'at once when one begins');
  t.equal(await pass(1_000), 1, 'and again, for a share of time');
  t.equal(await pass(29_000), 0);
  t.equal(await pass(2_000), 1, 'then rarely');
  setting.watched = true;
  resources.check();
  t.equal(await pass(1_000), 1, 'at once for a new subscriber');
  t.equal(await pass(20_000), 10, 'then often');
  let looks = 0;
  for (let again = 0; again < 40; again++) {
    resources.check();
    looks += await pass(100);
  }
  t.ok(looks <= 4, 'not more than once a second, however many come');
  setting.watched = false;
  await pass(2_000);
  t.equal(await pass(60_000), 2, 'rarely again');
  setting.judged = true;
  await pass(30_000);
  t.equal(await pass(60_000), 6, 'and in between while a rule depends on it');
  delete runs['a'];
  clock.advance(60_000);
  await usageOf([]);
  t.equal(clock.timers(), 0, 'and it sleeps when the last one has ended');
});

t.test('repeated figures are not recorded', async (t) => {
  const clock = createManualClock();
  const { resources, said, setting } = open(t, { a: await start(t, 'sleep 60') }, { clock });
  resources.check();
  for (let looks = 0; looks < 20; looks++) {
    await waitFor('the next sample', () => clock.timers() === 1);
    clock.advance(2_000);
  }
  await waitFor('the end of the last sample', () => clock.timers() === 1);
  t.ok(setting.looks > 20);
  t.ok(said.length <= 3, `${said.length} events`);
});

t.test('nothing is recorded after close, or for a run that has ended meanwhile', async (t) => {
  const clock = createManualClock();
  const a = await start(t, 'sleep 60');
  const runs: Record<string, ProcessIdentity> = { a };
  const [closed, ended, other] = [open(t, { a }, { clock }), open(t, runs, { clock }), open(t, { a }, { clock })];
  for (const { resources } of [closed, ended, other]) resources.check();
  clock.advance(200);
  await waitFor('all to know it', () => clock.timers() === 3);
  clock.advance(1_000);
  closed.resources.close();
  delete runs['a'];
  await waitFor('the figure of the one that has asked last', () => other.said.length === 2);
  t.strictSame([closed.said.length, ended.said.length], [1, 1]);
});

t.test('one sample at a time', async (t) => {
  const clock = createManualClock();
  const { resources, setting, said } = open(t, { a: await start(t, 'sleep 60') }, { clock });
  resources.check();
  clock.advance(200);
  await waitFor('the end of the first', () => clock.timers() === 1);
  clock.advance(1_000);
  resources.check();
  const { looks } = setting;
  clock.advance(1_000);
  t.equal(setting.looks, looks, 'the second one still asks');
  await waitFor('its answer', () => said.length === 2);
  clock.advance(1_000);
  t.ok(setting.looks > looks, 'then the third');
});

t.test('pidusage may report anything for ended processes', async (t) => {
  const [one, other] = [await start(t, 'sleep 60'), await start(t, 'sleep 60')];
  t.strictSame(await usageOf([]), {});
  t.strictSame(await usageOf([2 ** 30]), {}, 'never seen');
  t.ok((await usageOf([one.pid, other.pid, 2 ** 30]))[one.pid]?.memory);
  killTree(one.pid);
  await waitFor('its end', () => readProcess(one.pid) === undefined);
  const usage = await usageOf([one.pid, other.pid]);
  t.notOk(usage[one.pid], 'seen, beside one that lives');
  t.ok(usage[other.pid]?.memory);
  t.strictSame(await usageOf([one.pid]), {}, 'seen, and alone');
});

t.test('real runs are sampled at their start, for a new subscriber, and after the daemon was killed', async (t) => {
  const home = createHome(t);
  const daemon = await home.startDaemon();
  const file = path.join(home.directory, 'go');
  const more = `until [ -e ${file} ]; do sleep 0.1; done; for i in 1 2 3 4 5; do sleep 60 & done; ${WORK}`;
  const id = home.progress(['run', '--detach', '--', 'sh', '-c', more]).stdout.trim();
  const client = await home.connect();
  const execution = async (asked = client) => (await asked.call('get', { execution: id })).execution;
  const pid = await waitFor('its process', async () => (await execution()).process?.pid);
  t.teardown(() => killTree(pid));
  await waitFor('its first figures', async () => (await execution()).resources?.cpu !== undefined, SOON_MS);

  writeFileSync(file, '');
  await waitFor('its processes', () => treeOf(pid, readProcesses()).length === 6);
  const pushes: Push[] = [];
  const watcher = await home.connect({ onPush: (push) => pushes.push(push) });
  await watcher.call('subscribe', { execution: id, types: ['resource_update'], last: 0 });
  const received = () => pushes.flatMap((push) => ('events' in push ? push.events : []));
  await waitFor('new figures', () => received().some(({ data }) => data['processes'] === 6), SOON_MS);
  await waitFor('more of them', () => received().length > 2, SOON_MS);

  const before = (await execution()).resources?.cpuSeconds ?? 0;
  await daemon.kill();
  await home.startDaemon();
  const again = await home.connect();
  const used = async () => (await execution(again)).resources ?? {};
  await waitFor('figures of the new daemon', async () => ((await used()).cpuSeconds ?? 0) > before, SOON_MS);

  killTree(pid);
  const ended = await waitFor('its end', async () => {
    const found = await execution(again);
    return found.status !== 'running' && found;
  });
  t.strictSame(Object.keys(ended.resources ?? {}).sort(), ['cpuSeconds', 'peakCpu', 'peakRss']);
  t.ok((ended.resources?.cpuSeconds ?? 0) >= before);
  await Promise.all([client, watcher, again].map((one) => one.close()));
});
