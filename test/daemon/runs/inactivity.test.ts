import type { Test } from 'tap';
import t from 'tap';
import type { NewEvent } from '../../../src/core/events/event.js';
import { emptyState, findExecution } from '../../../src/core/state/state.js';
import { Ingest } from '../../../src/daemon/intake/ingest.js';
import { InactivityWatch } from '../../../src/daemon/runs/inactivity.js';
import { openJournal, readAll } from '../../helpers/journal.js';
import { waitFor } from '../../helpers/wait.js';

/** Parts of a daemon with a manual clock. */
async function open(t: Test, { checkMs = 1_000_000 } = {}) {
  const settings = { after: 120_000, factor: 3 };
  let time = Date.parse('2026-11-20T12:00:00.000Z');
  const now = () => time;
  const { journal } = await openJournal(t, { now });
  const state = emptyState();
  const ingest = new Ingest({
    journal,
    state,
    now,
    onDrain: () => undefined,
    publish: (batch) => silence.onBatch(batch.events),
  });
  const silence = new InactivityWatch({
    ...{ state, ingest, now, checkMs, settings: () => settings },
    log: (message) => void t.fail(message),
  });
  t.teardown(() => silence.close());
  return {
    emit: async (...events: NewEvent[]) => {
      for (const event of events) ingest.submit(event, 100);
      await ingest.drained();
    },
    pass: (seconds: number) => void (time += seconds * 1_000),
    /** Advances the clock, and checks. */
    wait: async (seconds: number) => {
      time += seconds * 1_000;
      silence.check();
      await ingest.drained();
    },
    settings,
    attention: (id = 'e') => findExecution(state, id)?.attention?.state,
    recorded: async () => (await readAll(journal.source)).events.filter(({ type }) => type === 'attention').length,
  };
}

const start = (): NewEvent => ({ type: 'execution_started', execution: 'e', data: { kind: 'run', name: 'build' } });
const output: NewEvent = { type: 'output', execution: 'e', data: { text: 'x' } };

t.test('silence is recorded once after two minutes, and ends with the next activity', async (t) => {
  const { emit, wait, attention, recorded } = await open(t);
  await emit(start());
  await wait(119);
  t.equal(attention(), undefined);
  await wait(2);
  t.equal(attention(), 'silent');
  await wait(100);
  t.equal(await recorded(), 1);
  await emit(structuredClone(output));
  t.equal(attention(), undefined);
});

t.test('it checks by itself while anything runs', async (t) => {
  const { emit, pass, attention } = await open(t, { checkMs: 5 });
  await emit(start());
  pass(121);
  await waitFor('silence', () => attention() === 'silent');
});

t.test('a change of the settings counts at once', async (t) => {
  const { emit, wait, attention, settings } = await open(t);
  await emit(start());
  await wait(31);
  t.equal(attention(), undefined);
  settings.after = 30_000;
  await wait(0);
  t.equal(attention(), 'silent');
});

t.test('an execution with long gaps gets more time', async (t) => {
  const { emit, wait, attention } = await open(t);
  await emit(start());
  await wait(60);
  await emit(structuredClone(output));
  await wait(175);
  t.equal(attention(), undefined, 'three times 60 seconds');
  await wait(10);
  t.equal(attention(), 'silent');
});

t.test('a name that is silent until its end gets more time in the next execution', async (t) => {
  const { emit, wait, attention } = await open(t);
  await emit(start());
  await wait(100);
  await emit({ type: 'execution_completed', execution: 'e', data: {} });
  await emit({ ...start(), execution: 'f' });
  await wait(290);
  t.equal(attention('f'), undefined, 'three times 100 seconds');
  await wait(20);
  t.equal(attention('f'), 'silent');
  await emit({ type: 'execution_cancelled', execution: 'f', data: {} });
  await emit({ ...start(), execution: 'g' });
  await wait(310);
  t.equal(attention('g'), 'silent', 'a user who stops it says nothing of what is usual');
});

t.test('no silence is recorded while paused or waiting, and a pause is no gap', async (t) => {
  const { emit, wait, attention } = await open(t);
  await emit(start());
  await emit({ type: 'execution_paused', execution: 'e', data: {} });
  await wait(600);
  t.equal(attention(), undefined);
  await emit({ type: 'execution_resumed', execution: 'e', data: {} });
  await wait(121);
  t.equal(attention(), 'silent', 'ten minutes have not become its usual gap');
  await emit({ type: 'attention', execution: 'e', data: { state: 'waiting' } });
  await wait(600);
  t.equal(attention(), 'waiting');
});
