import { randomBytes } from 'node:crypto';
import type { Test } from 'tap';
import t from 'tap';
import type { NewEvent } from '../../../src/core/events/event.js';
import { queueViews } from '../../../src/core/state/queues.js';
import type { State } from '../../../src/core/state/state.js';
import { emptyState, findExecution } from '../../../src/core/state/state.js';
import { Ingest } from '../../../src/daemon/intake/ingest.js';
import { Maintenance } from '../../../src/daemon/upkeep/maintenance.js';
import { restore } from '../../../src/journal/checkpoint.js';
import { MAX_LINE_BYTES } from '../../../src/api/messages.js';
import { openJournal, readAll } from '../../helpers/journal.js';
import { waitFor } from '../../helpers/wait.js';

const DAY_MS = 86_400_000;

/** A journal of small segments that retains two of them, and the parts of the daemon around it. */
async function open(t: Test, isOpen: (source: string) => boolean = () => false) {
  const now = Date.now;
  const opened = await openJournal(t, { now, segmentBytes: 64 * 1024, retainBytes: 128 * 1024 });
  const { journal } = opened;
  const limits = { open: 1_000, ended: 2, summaries: 3 };
  const state = emptyState(limits);
  const logs: string[] = [];
  const ingest = new Ingest({
    journal,
    state,
    now,
    onDrain: () => undefined,
    publish: ({ events, lines }) => maintenance.onBatch(events, lines),
  });
  const maintenance = new Maintenance({
    journal,
    state,
    ingest,
    checkpoint: async () => undefined,
    log: (message) => logs.push(message),
    now,
    isOpen,
    forget: () => undefined,
    retainMs: () => DAY_MS,
  });
  t.teardown(() => maintenance.close());
  const emit = async (...events: NewEvent[]) => {
    for (const event of events) ingest.submit(structuredClone(event), JSON.stringify(event).length);
    await ingest.drained();
  };
  /** Retention runs now. */
  const retain = async () => {
    await waitFor('something to be too much', () => journal.expired() !== undefined);
    const before = logs.length;
    // where the clock has jumped, age counts from the second check on
    maintenance.start();
    await ingest.drained();
    maintenance.close();
    maintenance.start();
    await waitFor('retention', () => logs.slice(before).some((message) => message.startsWith('removed')));
    maintenance.close();
    await ingest.drained();
  };
  return { ...opened, state, ingest, emit, retain, logs, limits };
}

/** Writes events of other executions, so that earlier segments are sealed. */
async function fillSegments(emit: (...events: NewEvent[]) => Promise<void>): Promise<void> {
  for (let n = 0; n < 4; n++)
    await emit({ type: 'log', execution: 'filler', data: { message: randomBytes(45_000).toString('base64') } });
}

/** State after a restart, without fields that depend on the position in the journal. */
function knowledge(state: State): unknown {
  return JSON.parse(
    JSON.stringify(
      {
        executions: [...state.alive.values(), ...state.ended.values(), ...state.summaries.values()]
          .map((execution) => ({ ...execution, steps: [...execution.steps.values()] }))
          .sort((a, b) => (a.id < b.id ? -1 : 1)),
        sources: [...state.sources].sort(([a], [b]) => (a < b ? -1 : 1)),
        queues: [...state.queues].sort(([a], [b]) => (a < b ? -1 : 1)),
        alerts: [...state.alerts.channels, ...state.alerts.rules, ...state.alerts.spoke].sort(([a], [b]) =>
          a < b ? -1 : 1,
        ),
      },
      (key, value: unknown) => (/^(first|last|carried)Seq$/.test(key) ? undefined : value),
    ),
  );
}

t.test('open executions survive the removal of their events', async (t) => {
  const { emit, retain, state, journal, directory, limits } = await open(t);
  const source = 'builder';
  await emit(
    { type: 'queue_changed', data: { name: 'heavy', slots: 2 } },
    {
      type: 'execution_started',
      execution: 'old',
      source,
      n: 7,
      data: { name: 'Old', labels: { branch: 'main' }, argv: ['make'] },
    },
    { type: 'step_started', execution: 'old', step: 'a', source, n: 8, data: { name: 'A', kind: 'story' } },
    { type: 'progress', execution: 'old', source, n: 9, data: { current: 1, total: 3 } },
    { type: 'output', execution: 'old', source, n: 10, data: { stream: 'stdout', text: 'hello' } },
    { type: 'execution_started', execution: 'over', data: {} },
    { type: 'execution_failed', execution: 'over', data: { exitCode: 1 } },
    { type: 'execution_started', execution: 'gone', data: {} },
    { type: 'execution_completed', execution: 'gone', data: {} },
  );
  await fillSegments(emit);
  await emit({ type: 'log', execution: 'over', data: { message: 'a late word' } });
  const before = knowledge(state);
  await retain();

  t.equal(findExecution(state, 'gone'), undefined, 'an ended execution leaves the state with its events');
  const { events } = await readAll(journal.source);
  t.notOk(
    events.some(({ type, execution }) => type === 'execution_started' && execution === 'old'),
    'its events are gone',
  );
  const restored = await restore(`${directory}/no-checkpoint`, journal.source, journal, limits);
  t.strictSame(knowledge(restored), knowledge(state), 'a restart knows what the daemon knows');
  const without = (ids: string[]) => (execution: { id: string }) => !ids.includes(execution.id);
  const executions = (known: unknown) => (known as { executions: { id: string }[] }).executions;
  t.strictSame(executions(knowledge(state)), executions(before).filter(without(['gone'])));
  t.equal(restored.sources.get(source)?.n, 10);

  await emit({ type: 'log', execution: 'old', source, n: 10, data: {} });
  t.notMatch(
    (await readAll(journal.source)).events.at(-1),
    { source, n: 10 },
    'what was written before stays a duplicate',
  );
});

t.test('the state of rules and channels survives; alerts that were never sent are recorded as lost', async (t) => {
  const { emit, retain, state, journal, logs, directory, limits } = await open(t);
  const alert = (data: object): NewEvent => ({ type: 'alert_triggered', data: { channel: 'ops', ...data } });
  await emit(alert({ outcome: 'pending', id: 'a', rule: 'failed' }));
  await emit(
    alert({ outcome: 'sent', of: journal.seq }),
    alert({ outcome: 'pending', id: 'b', rule: 'failed' }),
    alert({ outcome: 'pending', id: 'c', rule: 'failed' }),
  );
  await fillSegments(emit);
  await emit(alert({ outcome: 'pending', id: 'd', rule: 'other' }));
  await retain();
  t.match(state.alerts.channels.get('ops'), { counts: { sent: 1, lost: 2 } });
  t.equal(state.alerts.channels.get('ops')?.pending.length, 1, 'what is still there is still to be sent');
  t.equal(state.alerts.rules.get('failed')?.fired, 3);
  t.match(logs.join('\n'), /alerts were removed from the journal before they could be sent/);
  const restored = await restore(`${directory}/no-checkpoint`, journal.source, journal, limits);
  t.strictSame(knowledge(restored), knowledge(state), 'a restart knows what the daemon knows');
});

t.test('no note is longer than a line may be, whatever the state holds', async (t) => {
  const { emit, retain, state, journal, logs, directory, limits } = await open(t);
  const nasty = (chars: number) => '\u0000'.repeat(chars);
  const wide = (length: number) => '\uffff'.repeat(length);
  const id = wide(256);
  const start = {
    ...{ name: nasty(600), kind: nasty(600), cwd: nasty(600), host: nasty(600), agent: nasty(600) },
    ...{ parent: nasty(600), queue: nasty(600), argv: Array.from({ length: 5_000 }, () => nasty(1)) },
    labels: Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`${n}${nasty(100)}`, nasty(300)])),
  };
  const end = { signal: nasty(5_000), error: nasty(5_000), summary: nasty(5_000), reason: nasty(5_000) };
  const step = {
    ...{
      name: nasty(600),
      kind: nasty(600),
      parent: nasty(600),
      role: nasty(600),
      provider: nasty(600),
      model: nasty(600),
    },
    ...{ needs: Array.from({ length: 500 }, () => nasty(20)), commits: Array.from({ length: 500 }, () => nasty(20)) },
    ...{ error: nasty(5_000) },
  };
  const on = { execution: id, source: wide(256) };
  await emit(
    { type: 'execution_started', ...on, n: 1, data: start },
    { type: 'attention', ...on, n: 2, data: { state: 'waiting', reason: nasty(5_000) } },
    ...Array.from({ length: 12 }, (_, n) => ({ type: 'output', ...on, n: 3 + n, data: { text: nasty(500) } })),
    { type: 'progress', ...on, n: 20, data: { unit: nasty(600), message: nasty(600), current: 1e300, total: 1e300 } },
    ...Array.from({ length: 3 }, (_, n) => ({
      type: 'step_failed',
      ...on,
      n: 21 + n,
      step: `${n}${wide(200)}`,
      data: step,
    })),
    ...Array.from({ length: 30 }, (_, n) => ({
      type: 'execution_started',
      source: on.source,
      n: 30 + n,
      execution: `${n}${wide(200)}`,
      data: {},
    })),
    ...Array.from({ length: 300 }, (_, n) => ({
      type: 'queue_changed',
      data: { name: `${n}${nasty(1_000)}`, slots: n },
    })),
    { type: 'execution_started', execution: 'ended', data: start },
    { type: 'execution_failed', execution: 'ended', data: end },
  );
  await fillSegments(emit);
  await emit({ type: 'log', execution: 'ended', data: {} }, { type: 'log', ...on, n: 100, data: {} });
  await retain();
  const { lines, events } = await readAll(journal.source);
  const notes = lines.filter((_line, index) => events[index]?.type === 'journal_note');
  t.ok(notes.length > 5);
  const longest = Math.max(...notes.map((line) => Buffer.byteLength(line)));
  t.ok(longest <= MAX_LINE_BYTES, `the longest takes ${longest} bytes`);
  t.ok(longest > MAX_LINE_BYTES / 2, 'the execution above is nasty indeed');
  t.notOk(logs.some((message) => message.startsWith('maintenance:')));
  const restored = await restore(`${directory}/no-checkpoint`, journal.source, journal, limits);
  t.strictSame(knowledge(restored), knowledge(state));
});

t.test('the position of a file that is still read is carried over, whatever its age', async (t) => {
  const { emit, retain, state } = await open(t, (source) => source === 'file-1');
  const long = new Date(Date.now() - 30 * DAY_MS).toISOString();
  for (const source of ['file-1', 'file-2'])
    await emit({ type: 'log', time: long, execution: 'x', source, n: 5, data: {} });
  await fillSegments(emit);
  await retain();
  t.equal(state.sources.get('file-1')?.n, 5);
  t.equal(state.sources.get('file-2'), undefined);
});

t.test('queues, their settings and the order of waiting executions survive the removal of their events', async (t) => {
  const { emit, retain, state, journal, directory, limits } = await open(t);
  const queue = (name: string, data: object): NewEvent => ({ type: 'queue_changed', data: { name, ...data } });
  const queued = (execution: string): NewEvent => ({ type: 'execution_queued', execution, data: { queue: 'build' } });
  await emit(queue('build', { slots: 3 }), queue('docs', { paused: true }), queue('gone', { slots: 2 }));
  await emit(...['a', 'b', 'c'].map(queued), { type: 'execution_started', execution: 'b', data: {} });
  await emit(queue('build', { slots: 2 }), queue('gone', { removed: true }));
  const before = queueViews(state);
  t.strictSame(before, [
    { name: 'build', slots: 2, paused: false, running: ['b'], waiting: ['a', 'c'] },
    { name: 'docs', slots: 1, paused: true, running: [], waiting: [] },
  ]);
  for (let times = 0; times < 2; times++) {
    await fillSegments(emit);
    await retain();
    t.strictSame(queueViews(state), before);
    const restored = await restore(`${directory}/no-checkpoint`, journal.source, journal, limits);
    t.strictSame(queueViews(restored), before, 'after a restart');
  }
});
