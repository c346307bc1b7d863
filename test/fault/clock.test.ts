/** The wall clock jumps forwards and backwards while the daemon runs and between two runs. */
import { mkdtempSync, readdirSync, rmSync, utimesSync } from 'node:fs';
import { mock } from 'node:test';
import { tmpdir } from 'node:os';
import path from 'node:path';
import t from 'tap';
import { loadConfig } from '../../src/config/load.js';
import { claim, startDaemon } from '../../src/daemon/daemon.js';
import { createHome, fixedSettings } from '../helpers/daemon.js';
import { waitFor } from '../helpers/wait.js';
import { openCore } from './helpers/core.js';
import { checkJournal } from './helpers/journal-check.js';
import { openLines } from './helpers/line-client.js';

const DAY_MS = 24 * 60 * 60 * 1000;
const YEAR_2038 = Date.parse('2038-01-19T03:14:08Z');

t.test('seq increases and no duration is negative, however the clock jumps', async (t) => {
  const home = createHome(t);
  let now = Date.now();
  const log: string[] = [];
  const config = loadConfig(home.paths.config);
  const start = () => {
    const options = {
      paths: home.paths,
      settings: fixedSettings(config),
      log: (message: string) => void log.push(message),
      now: () => now,
    };
    return startDaemon(claim(home.paths)!, options);
  };
  const jumps = [-DAY_MS, 2 * DAY_MS, YEAR_2038 - now, -3_600_000, now - YEAR_2038, -365 * DAY_MS, 1];
  for (const [round, jump] of jumps.entries()) {
    const daemon = await start();
    const client = await openLines(t, home.paths.socket);
    const emit = (event: object) => client.ask({ op: 'emit', event });
    const execution = `run${round}`;
    // a rate makes the subscriber wait for its turn, which must not depend on the wall clock
    const { re } = await client.ask({ op: 'subscribe', rate: 20, last: 0 });
    await emit({ type: 'execution_started', execution, source: `s${round}`, data: {} });
    await emit({ type: 'step_started', execution, step: 'a', source: `s${round}`, data: {} });
    now += jump;
    await emit({ type: 'step_completed', execution, step: 'a', source: `s${round}`, data: {} });
    const { seq } = await emit({ type: 'execution_completed', execution, source: `s${round}`, data: {} });
    const received = () =>
      client.lines.some(({ on, events }) => on === re && events?.some((event) => event.seq === seq));
    await waitFor('the subscriber to get it', received, 3_000);
    const { execution: ended } = (await client.ask({ op: 'get', execution })) as unknown as {
      execution: { status: string; durationMs: number; steps: { durationMs: number }[] };
    };
    t.equal(ended.status, 'completed');
    t.ok(ended.durationMs >= 0 && ended.steps[0]!.durationMs >= 0, `no negative duration after ${jump} ms`);
    client.close();
    await daemon.close();
    now += round % 2 ? DAY_MS : -DAY_MS;
  }
  t.equal(checkJournal(t, home.paths.journal).filter(({ type }) => type !== 'journal_note').length, jumps.length * 4);
});

t.test('retention by age', async (t) => {
  const directory = mkdtempSync(path.join(tmpdir(), 'progress-test-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  let now = Date.now();
  const open = () => openCore({ directory, segmentBytes: 4_096, retainMs: 7 * DAY_MS, now: () => now });
  const some = Array.from({ length: 40 }, () => ({ type: 'log', execution: 'x', data: { message: 'x'.repeat(100) } }));
  const fill = async () => {
    for (let i = 0; i < 6; i++) await core.write(some);
    await core.journal.sync();
  };
  // a segment that is being compressed has two files
  const segments = () => {
    const names = readdirSync(path.join(directory, 'journal')).filter((name) => /^\d+\.jsonl/.test(name));
    return new Set(names.map((name) => name.split('.')[0])).size;
  };
  let core = await open();
  await fill();
  await core.retain();
  const count = segments();
  t.ok(count > 3, 'there are segments to remove');

  t.test('removes nothing when the clock jumps to 2038 and back, and logs that', async (t) => {
    const before = now;
    now = YEAR_2038;
    await core.retain();
    t.equal(segments(), count);
    t.match(core.log.join('\n'), /the clock has jumped ahead by .*: no event is removed by age yet/);
    now = before;
    await core.retain();
    t.equal(segments(), count);
    await core.close();
    now = YEAR_2038;
    core = await open();
    await core.retain();
    t.equal(segments(), count, 'nor when it has jumped between two runs');
    now = before;
    await core.retain();
    t.equal(segments(), count);
  });

  t.test('removes old segments when the clock has been steady for a while', async (t) => {
    now += 8 * DAY_MS;
    await core.retain();
    t.equal(segments(), count, 'not at the first look');
    now += 60 * 60 * 1000;
    await core.retain();
    t.ok(segments() < count, 'but at the next one');
  });

  t.test('checks at a start if the journal was written to recently', async (t) => {
    await fill();
    await core.close();
    now = Date.now();
    const files = readdirSync(path.join(directory, 'journal')).filter(
      (name) => name.endsWith('.jsonl') || name.endsWith('.gz'),
    );
    const old = (now - 8 * DAY_MS) / 1_000;
    for (const name of files.sort().slice(0, -2)) {
      if (name !== 'current.jsonl') utimesSync(path.join(directory, 'journal', name), old, old);
    }
    core = await open();
    const before = segments();
    await core.retain();
    t.ok(segments() < before);
  });
  t.teardown(() => core.close());
});

t.test('a segment ends by age although the clock has jumped back', async (t) => {
  const directory = mkdtempSync(path.join(tmpdir(), 'progress-test-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  let now = YEAR_2038;
  const core = await openCore({ directory, segmentBytes: 1_000_000, segmentMs: DAY_MS, now: () => now });
  const event = { type: 'log', execution: 'x', data: {} };
  await core.write([event]);
  now = Date.now();
  await core.write([event]);
  t.ok(core.log.length === 0 && core.journal.status().segments === 2);
  await core.close();
});

t.test('the daemon checks hourly by a monotonic clock', async (t) => {
  const home = createHome(t);
  mock.timers.enable({ apis: ['setInterval'] });
  t.teardown(() => mock.timers.reset());
  const log: string[] = [];
  let now = Date.now();
  const settings = fixedSettings(loadConfig(home.paths.config));
  const options = { paths: home.paths, settings, now: () => now };
  const daemon = await startDaemon(claim(home.paths)!, { ...options, log: (message) => log.push(message) });
  try {
    const client = await openLines(t, home.paths.socket);
    await client.ask({ op: 'emit', event: { type: 'log' } }); // the look at the start is over
    client.close();
    now = YEAR_2038;
    mock.timers.tick(60 * 60 * 1000);
    await waitFor('the look', () => log.some((message) => message.startsWith('the clock has jumped ahead')));
  } finally {
    await daemon.close();
  }
  t.ok(log.includes('stopped'));
});
