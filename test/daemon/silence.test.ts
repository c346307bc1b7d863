import type { Test } from 'tap';
import t from 'tap';
import type { NewEvent } from '../../src/core/event.js';
import { emptyState, findExecution } from '../../src/core/state.js';
import { createIngest } from '../../src/daemon/ingest.js';
import { createSilence } from '../../src/daemon/silence.js';
import { openJournal, readAll } from '../helpers/journal.js';
import { waitFor } from '../helpers/wait.js';

/** A daemon's parts with a clock that stands until it is moved. */
async function open(t: Test, lookMs = 1_000_000) {
  let time = Date.parse('2026-11-20T12:00:00.000Z');
  const now = () => time;
  const { journal } = await openJournal(t, { now });
  const state = emptyState();
  const ingest = createIngest({
    journal,
    state,
    now,
    onRoom: () => undefined,
    publish: (batch) => silence.wrote(batch.events),
  });
  const silence = createSilence({ state, ingest, log: (message) => void t.fail(message), now, lookMs });
  t.teardown(() => silence.stop());
  return {
    emit: async (...events: NewEvent[]) => {
      for (const event of events) ingest.submit(event, 100);
      await ingest.drained();
    },
    pass: (seconds: number) => void (time += seconds * 1_000),
    /** So much time goes by, and it looks. */
    wait: async (seconds: number) => {
      time += seconds * 1_000;
      silence.look();
      await ingest.drained();
    },
    attention: () => findExecution(state, 'e')?.attention,
    told: async () => (await readAll(journal.source)).events.filter(({ type }) => type === 'attention').length,
  };
}

const start = (data = {}): NewEvent => ({ type: 'execution_started', execution: 'e', data: { kind: 'run', ...data } });
const output: NewEvent = { type: 'output', execution: 'e', data: { text: 'x' } };

t.test('silence is told once, and taken back by the next activity', async (t) => {
  const { emit, wait, attention, told } = await open(t);
  await emit(start());
  await wait(29);
  t.equal(attention(), undefined);
  await wait(2);
  t.equal(attention(), 'silent');
  await wait(100);
  t.equal(await told(), 1);
  await emit(structuredClone(output));
  t.equal(attention(), undefined);
});

t.test('it looks by itself while anything runs', async (t) => {
  const { emit, pass, attention } = await open(t, 5);
  await emit(start());
  pass(31);
  await waitFor('silence', () => attention() === 'silent');
});

t.test('one that is often quiet for long is given more time', async (t) => {
  const { emit, wait, attention } = await open(t);
  await emit(start());
  await wait(29);
  await emit(structuredClone(output));
  await wait(80);
  t.equal(attention(), undefined, 'three times 29 seconds');
  await wait(10);
  t.equal(attention(), 'silent');
});

t.test('not while it is paused or waits, and the pause is no gap', async (t) => {
  const { emit, wait, attention } = await open(t);
  await emit(start());
  await emit({ type: 'execution_paused', execution: 'e', data: {} });
  await wait(600);
  t.equal(attention(), undefined);
  await emit({ type: 'execution_resumed', execution: 'e', data: {} });
  await wait(31);
  t.equal(attention(), 'silent', 'ten minutes have not become its usual gap');
  await emit({ type: 'attention', execution: 'e', data: { state: 'waiting' } });
  await wait(600);
  t.equal(attention(), 'waiting');
});
