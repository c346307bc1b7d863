/** Retention: open executions are never forgotten, and the journal alone always yields the state of the daemon. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import t from 'tap';
import type { Test } from 'tap';
import type { NewEvent } from '../../src/core/events/event.js';
import { executionToJson } from '../../src/core/execution.js';
import type { StateLimits, ProducerState, State } from '../../src/core/state/state.js';
import type { StateJson } from '../helpers/state-json.js';

import { stateToJson } from '../helpers/state-json.js';
import { loadConfig } from '../../src/config/load.js';
import { claim, startDaemon } from '../../src/daemon/daemon.js';
import { readExecution } from '../../src/journal/history.js';
import { createHome, fixedSettings } from '../helpers/daemon.js';
import { openCore } from './helpers/core.js';
import { readFiles } from './helpers/journal-check.js';
import { openLines } from './helpers/line-client.js';
import { shortOrLong } from '../helpers/long.js';
import type { Random } from '../helpers/random.js';
import { createRandom } from '../helpers/random.js';

function makeDirectory(t: Test): string {
  const directory = mkdtempSync(path.join(tmpdir(), 'progress-test-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

function filler(count: number): NewEvent[] {
  return Array.from({ length: count }, (_, i) => ({
    type: 'log',
    execution: 'noise',
    data: { message: `noise ${i} ${'x'.repeat(200)}` },
  }));
}

t.test('an execution older than all segments keeps its state', async (t) => {
  const directory = makeDirectory(t);
  const options = { directory, segmentBytes: 8_192, retainBytes: 40_000 };
  let core = await openCore(options);
  const started = { name: 'the old one', kind: 'run', argv: ['make', 'all'], labels: { team: 'a' }, total: 3 };
  await core.write([
    { type: 'queue_changed', data: { name: 'builds', slots: 2, paused: true } },
    { type: 'execution_started', execution: 'oldest', source: 'src', n: 1, data: started },
    ...Array.from({ length: 200 }, (_, i) => ({
      type: i % 2 ? 'step_completed' : 'step_started',
      execution: 'oldest',
      step: `s${i >> 1}`,
      data: { name: `step ${i >> 1}`, kind: 'story', parent: 'p' },
    })),
    { type: 'output', execution: 'oldest', data: { text: 'one\ntwo\n' } },
    { type: 'execution_started', execution: 'short', source: 'src2', n: 9, data: {} },
    { type: 'execution_completed', execution: 'short', source: 'src2', n: 10, data: {} },
  ]);
  const before = executionToJson(core.state.alive.get('oldest')!);
  for (let round = 0; round < 5; round++) {
    await core.write(filler(400));
    await core.journal.sync();
    await core.retain();
  }

  const check = async (when: string) => {
    const { state } = core;
    const { carriedSeq, ...now } = executionToJson(state.alive.get('oldest')!);
    t.type(carriedSeq, 'number', `${when}: it was carried over`);
    t.strictSame(now, before, `${when}: all of it is there, to the last step and line`);
    t.strictSame(state.sources.get('src')?.open, ['oldest'], `${when}: its source has it open`);
    t.strictSame([...state.queues.values()], [{ name: 'builds', slots: 2, paused: true }], `${when}: so are queues`);
    const { seq } = state;
    await core.write([{ type: 'log', source: 'src', n: 1, data: {} }]);
    await core.write([{ type: 'log', source: 'src2', n: 10, data: {} }]);
    t.equal(state.seq, seq, `${when}: what was taken is not taken again`);
    const fromFiles = await readExecution(core.journal.source, 'oldest');
    t.match(fromFiles && executionToJson(fromFiles), before, `${when}: the files alone tell it`);
    t.notOk(state.ended.has('short'), `${when}: what is over and gone is forgotten`);
  };
  const held = readFiles(t, path.join(directory, 'journal'));
  t.notOk(
    held.some(({ type }) => type === 'execution_started'),
    'its first events have left the journal',
  );
  await check('live');
  await core.save();
  await core.close();
  core = await openCore(options);
  await check('after a restart');
  await core.close();
  rmSync(path.join(directory, 'checkpoint.json'));
  core = await openCore(options);
  await check('without the checkpoint');
  await core.write([{ type: 'log', source: 'src', n: 2, data: { message: 'whose?' } }]);
  t.equal(core.state.alive.get('oldest')?.lastSeq, core.state.seq, 'an event of its source still belongs to it');
  await core.close();
});

t.test('a checkpoint of events that the journal has lost is not used, not even later', async (t) => {
  const directory = makeDirectory(t);
  const options = { directory, segmentBytes: 1_000_000 };
  let core = await openCore(options);
  await core.write([{ type: 'execution_started', execution: 'real', data: {} }]);
  const kept = path.join(directory, 'kept');
  cpSync(path.join(directory, 'journal'), kept, { recursive: true, verbatimSymlinks: true });
  await core.write([{ type: 'execution_started', execution: 'lost', data: {} }]);
  await core.save();
  await core.close();
  // as after a power loss: the end of the journal had not reached the disk
  rmSync(path.join(directory, 'journal'), { recursive: true });
  renameSync(kept, path.join(directory, 'journal'));
  for (const when of ['at once', 'when the journal has grown past it']) {
    core = await openCore(options);
    t.strictSame([...core.state.alive.keys()].slice(0, 2), when === 'at once' ? ['real'] : ['real', 'new'], when);
    await core.write([{ type: 'execution_started', execution: 'new', data: {} }]);
    await core.close();
  }
});

t.test('a start that has read many events again writes a checkpoint', async (t) => {
  const directory = makeDirectory(t);
  const options = { directory, segmentBytes: 1_000_000 };
  let core = await openCore(options);
  for (let i = 0; i < 5; i++) await core.write(filler(4_000));
  const live = stateToJson(core.state);
  await core.close();
  core = await openCore(options);
  t.strictSame(stateToJson(core.state), live);
  const [header = ''] = readFileSync(path.join(directory, 'checkpoint.json'), 'utf8').split('\n');
  t.match(JSON.parse(header), { state: { seq: live.seq } });
  t.strictSame(stateToJson(await core.restored()), live);
  await core.close();
});

t.test('a checkpoint that cannot be renamed leaves no file', async (t) => {
  const directory = makeDirectory(t);
  const core = await openCore({ directory, segmentBytes: 1_000_000 });
  mkdirSync(path.join(directory, 'checkpoint.json', 'in the way'), { recursive: true });
  await t.rejects(core.save());
  t.strictSame(readdirSync(directory).sort(), ['checkpoint.json', 'journal']);
  await core.close();
});

t.test(
  'a client sees a carried execution: in get, in its place in the list, and in the stream after a gap',
  async (t) => {
    const home = createHome(t);
    const config = loadConfig(home.paths.config);
    const small = { ...config, journal: { ...config.journal, segmentSize: 4_096, retainSize: 20_000 } };
    const start = async () =>
      startDaemon(claim(home.paths)!, { paths: home.paths, settings: fixedSettings(small), log: () => undefined });
    let daemon = await start();
    let client = await openLines(t, home.paths.socket);
    const emit = (event: object) => client.ask({ op: 'emit', event });
    await emit({ type: 'execution_started', execution: 'old', data: { name: 'old one' } });
    await emit({ type: 'step_started', execution: 'old', step: 'a', data: {} });
    for (let i = 0; i < 40; i++) await emit({ type: 'log', execution: 'noise', data: { message: 'x'.repeat(2_000) } });
    const { seq: late } = await emit({ type: 'log', execution: 'old', data: { message: 'late' } });
    await emit({ type: 'execution_started', execution: 'new', data: {} });
    client.close();
    await daemon.close();
    daemon = await start(); // looks whether anything is to go
    t.teardown(() => daemon.close());
    client = await openLines(t, home.paths.socket);
    await emit({ type: 'log', execution: 'old', data: { message: 'later' } });
    t.match(await client.ask({ op: 'get', execution: 'old' }), {
      execution: { id: 'old', name: 'old one', status: 'running', steps: [{ id: 'a', status: 'running' }] },
    });
    const { executions } = await client.ask({ op: 'list' });
    t.strictSame(
      (executions as { id: string }[]).map(({ id }) => id),
      ['new', 'noise', 'old'],
      'newest start first',
    );
    const { re } = await client.ask({ op: 'subscribe', execution: 'old' });
    const { seq: end } = await emit({ type: 'log', execution: 'old', data: { message: 'end' } });
    const pushes = () => client.lines.filter(({ on }) => on === re);
    while (!pushes().some(({ events = [] }) => events.some(({ seq }) => seq === end)))
      await client.ask({ op: 'status' });
    t.match(pushes()[0], { gap: { why: 'retention' } });
    const seen = pushes().flatMap(({ events = [] }) => events);
    t.ok(
      seen.some(({ seq }) => seq === late),
      'what the journal still holds from before is delivered',
    );
    t.notOk(
      seen.some(({ type }) => type === 'execution_started'),
      'and what it does not is the gap',
    );
  },
);

const TYPES = [
  ...['execution_started', 'execution_started', 'execution_queued', 'execution_completed', 'execution_failed'],
  ...['execution_lost', 'step_planned', 'step_started', 'step_completed', 'step_failed', 'progress', 'output', 'log'],
  ...['activity', 'attention', 'resource_update', 'queue_changed', 'execution_paused', 'execution_resumed', 'other'],
];

function createHistory(random: Random): (count: number) => NewEvent[] {
  const counters = new Map<string, number>();
  let clock = Date.parse('2026-01-01T00:00:00Z');
  const one = (): NewEvent => {
    const type = TYPES[random(TYPES.length)]!;
    const source = random(3) > 0 ? `src${random(6)}` : undefined;
    const event: NewEvent = { type, data: {} };
    // few IDs, so that executions live, end, come late and reopen across retention
    if (random(4) > 0) event.execution = `e${random(8)}${random(6)}`;
    if (source !== undefined) event.source = source;
    if (source !== undefined && random(3) > 0) {
      event.n = (counters.get(source) ?? -1) + 1 - (random(20) === 0 ? 1 : 0);
      if (event.n >= 0) counters.set(source, event.n);
      else delete event.n;
    }
    if (random(3) === 0) event.time = new Date((clock += random(5_000) - 1_000)).toISOString();
    if (type.startsWith('step_') || random(10) === 0) event.step = `s${random(5)}`;
    event.data = {
      name: `name ${random(5)}`,
      text: `line ${random(100)}\n`,
      current: random(10),
      tokens: random(10),
      slots: random(4),
      state: ['waiting', 'silent', 'none'][random(3)],
      padding: 'x'.repeat(random(60)),
    };
    return event;
  };
  return (count) => Array.from({ length: count }, one);
}

/**
 * As JSON, without meaningless parts: an ended execution is no default of its source any more, and a late start of one
 * whose end was removed may be the first known event of its source.
 */
function comparable(state: State): StateJson {
  const json = stateToJson(state);
  const alive = ([name, source]: [string, ProducerState]): [string, ProducerState] => {
    return [name, { ...source, firstSeq: 0, open: source.open.filter((id) => state.alive.has(id)) }];
  };
  return { ...json, sources: json.sources.map(alive) };
}

async function checkHistory(t: Test, seed: number, limits: StateLimits): Promise<void> {
  const directory = makeDirectory(t);
  const random = createRandom(seed);
  const history = createHistory(random);
  const options = { directory, segmentBytes: 4_096, retainBytes: 24_000, limits };
  let core = await openCore(options);
  let removed = 0;
  for (let round = 0; round < 12; round++) {
    await core.write(history(20 + random(120)));
    if (random(3) === 0) await core.save();
    if (random(2) === 0) {
      await core.journal.sync();
      await core.retain();
    }
    await core.write(history(random(40)));
    const live = comparable(core.state);
    removed = live.removedThrough;
    if (!t.strictSame(comparable(await core.reread()), live, `seed ${seed}, round ${round}: the files alone`)) return;
    if (!t.strictSame(comparable(await core.restored()), live, `seed ${seed}, round ${round}: the checkpoint`)) return;
    if (random(3) === 0) {
      if (random(2) === 0) await core.save();
      await core.close();
      if (random(2) === 0) rmSync(path.join(directory, 'checkpoint.json'), { force: true });
      core = await openCore(options);
    }
  }
  t.ok(removed > 0, `seed ${seed}: retention took part`);
  await core.close();
}

t.test(
  'the journal yields the live state, and so does the checkpoint with later events, after any removal',
  async (t) => {
    const first =
      process.env['TEST_SEED'] === undefined ? shortOrLong(1, Date.now() % 1e6) : Number(process.env['TEST_SEED']);
    for (let seed = first; seed < first + shortOrLong(3, 500); seed++) {
      await checkHistory(t, seed, { open: 1_000, ended: 1_000, summaries: 1_000 });
    }
  },
);
