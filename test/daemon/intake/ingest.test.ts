import type { Test } from 'tap';
import t from 'tap';
import type { ExecutionEvent, NewEvent } from '../../../src/core/events/event.js';
import { emptyState } from '../../../src/core/state/state.js';
import type { Origin } from '../../../src/daemon/intake/ingest.js';
import { Ingest } from '../../../src/daemon/intake/ingest.js';
import { ProgressError } from '../../../src/core/base/errors.js';
import type { Batch } from '../../../src/journal/journal.js';
import { CLOCK, openJournal, readAll } from '../../helpers/journal.js';

/** Ingest with a real journal, and a record of the order of calls. */
async function open(t: Test) {
  const { journal } = await openJournal(t);
  const state = emptyState();
  const diary: string[] = [];
  const published: Batch[] = [];
  const write = journal.write.bind(journal);
  let failures = 0;
  journal.write = async (batch) => {
    diary.push(`write ${batch.events.length}`);
    if (failures-- > 0) throw new ProgressError('disk_full', 'full');
    await write(batch);
    diary.push('written');
  };
  let rooms = 0;
  const ingest = new Ingest({
    journal,
    state,
    now: () => CLOCK,
    onDrain: () => rooms++,
    publish: (batch) => {
      published.push(batch);
      diary.push(
        `publish ${batch.events.length}, journal at ${journal.seq === batch.events.at(-1)?.seq}, state at ${state.seq === journal.seq}`,
      );
    },
  });
  const origin = (name = ''): Origin => ({
    written: ({ seq }) => diary.push(`${name}written ${seq > 0}`),
    duplicate: () => diary.push(`${name}duplicate`),
    refused: (_event, { code }) => diary.push(`${name}refused ${code}`),
  });
  return {
    journal,
    state,
    ingest,
    diary,
    published,
    origin,
    failNext: (times = 1) => (failures = times),
    rooms: () => rooms,
  };
}

const log = (message = '', more: Partial<NewEvent> = {}): NewEvent => ({ type: 'log', data: { message }, ...more });

t.test('an event is written, then folded, then published, then its receipt is called', async (t) => {
  const { ingest, diary, origin, state, journal } = await open(t);
  ingest.submit({ type: 'execution_started', execution: 'x', data: {} }, 2, origin());
  t.strictSame(diary, [], 'on the next turn, with whatever else this one brings');
  await ingest.drained();
  t.strictSame(diary, ['write 1', 'written', 'publish 1, journal at true, state at true', 'written true']);
  t.equal(state.alive.get('x')?.status, 'running');
  t.match((await readAll(journal.source)).events, [
    { type: 'execution_started', execution: 'x', time: new Date(CLOCK).toISOString() },
  ]);
});

t.test('an event that cannot be written is refused, and neither folded nor published', async (t) => {
  const { ingest, diary, origin, state, published, failNext, journal } = await open(t);
  failNext();
  ingest.submit(log('', { source: 's', n: 1, execution: 'x' }), 2, origin());
  await ingest.drained();
  t.strictSame(diary, ['write 1', 'refused disk_full']);
  t.strictSame(published, []);
  t.equal(state.alive.size, 0);
  t.equal(journal.seq, 0);

  ingest.submit(log('', { source: 's', n: 1, execution: 'x' }), 2, origin());
  await ingest.drained();
  t.equal(diary.at(-1), 'written true', 'sent again it is no duplicate');
});

t.test('events of one turn go into one write, and each keeps its place', async (t) => {
  const { ingest, diary, published } = await open(t);
  for (let n = 0; n < 10; n++) ingest.submit(log(`${n}`), 2);
  await ingest.drained();
  t.equal(diary[0], 'write 10');
  t.strictSame(
    published.flatMap(({ events }) => events.map(({ data }) => data['message'])),
    Array.from({ length: 10 }, (_, n) => `${n}`),
  );
});

t.test('(source, n) is taken once, within one write and across them', async (t) => {
  const { ingest, diary, origin, journal } = await open(t);
  const twice = () => ingest.submit(log('', { source: 's', n: 5 }), 2, origin());
  twice();
  twice();
  await ingest.drained();
  twice();
  ingest.submit(log('', { source: 's', n: 4 }), 2, origin('below: '));
  ingest.submit(log('', { source: 'other', n: 4 }), 2, origin('other: '));
  await ingest.drained();
  t.strictSame(
    diary.filter((entry) => /duplicate|written true/.test(entry)),
    ['written true', 'duplicate', 'other: written true', 'duplicate', 'below: duplicate'],
  );
  t.equal(ingest.written, 2);
  t.equal(ingest.duplicates, 3);
  t.equal((await readAll(journal.source)).events.length, 2);
});

t.test('parts of an event are written together, once', async (t) => {
  const { ingest, diary, origin, journal } = await open(t);
  const parts = () => [log('1'), log('2'), log('3', { source: 's', n: 1 })];
  const unnumbered = parts();
  ingest.submitParts(
    unnumbered.map((part) => ({ ...part, source: 's' })),
    6,
    origin(),
  );
  ingest.submitParts(
    parts().map((part) => ({ ...part, source: 's' })),
    6,
    origin(),
  );
  await ingest.drained();
  t.equal(diary[0], 'write 3');
  t.strictSame(diary.slice(-2), ['written true', 'duplicate']);
  const { events } = await readAll(journal.source);
  t.strictSame(
    events.map(({ data, execution }) => `${String(data['message'])} ${execution}`),
    ['1 s', '2 s', '3 s'],
  );
  t.equal(ingest.written, 3);
});

t.test('between two writes the state is that of the last event written, and more can be written', async (t) => {
  const { ingest, diary, state, journal, origin, failNext } = await open(t);
  ingest.submit(log('before'), 2);
  const task = ingest.between(async () => {
    t.equal(state.seq, journal.seq);
    await ingest.writeNow([log('within', { execution: 'x' })]);
    t.equal(state.seq, journal.seq);
    t.ok(state.alive.has('x'));
  });
  ingest.submit(log('after'), 2, origin());
  await task;
  await ingest.drained();
  const messages = (await readAll(journal.source)).events.map(({ data }) => data['message']);
  t.strictSame(messages.toSorted(), ['after', 'before', 'within']);
  t.equal(diary.at(-1), 'written true');

  failNext();
  await t.rejects(
    ingest.between(() => ingest.writeNow([log('never')])),
    { code: 'disk_full' },
  );
  await t.rejects(
    ingest.between(() => {
      throw new Error('a defect');
    }),
    { code: 'internal', message: 'a defect' },
  );
  ingest.submit(log('goes on'), 2, origin());
  await ingest.drained();
  t.equal(diary.at(-1), 'written true');
});

t.test('the refusal of an origin is evaluated right before the write', async (t) => {
  const { ingest, diary, origin, failNext } = await open(t);
  let refused: ProgressError | undefined;
  const strict: Origin = {
    ...origin(),
    refusal: ({ n }) => (n === 1 ? undefined : refused),
    refused: (_event, error) => {
      refused = error;
      diary.push(`refused ${error.code}`);
    },
  };
  failNext();
  // two writes: the first fails when the second has already been submitted
  ingest.submit(log('', { source: 's', n: 1 }), 2 * 1024 * 1024, strict);
  ingest.submit(log('', { source: 's', n: 2 }), 2, strict);
  await ingest.drained();
  t.strictSame(diary, ['write 1', 'refused disk_full', 'refused disk_full']);
});

t.test('it is full while too much is pending, and calls onDrain after that', async (t) => {
  const { ingest, rooms } = await open(t);
  t.notOk(ingest.full);
  for (let n = 0; n < 20; n++) ingest.submit(log(), 512 * 1024);
  t.ok(ingest.full);
  t.equal(rooms(), 0);
  await ingest.drained();
  t.notOk(ingest.full);
  t.equal(rooms(), 1);
});

t.test('an event without an execution is routed, one with an execution keeps it', async (t) => {
  const { ingest, journal } = await open(t);
  ingest.submit(log('a'), 2);
  ingest.submit(log('b', { source: 'cron' }), 2);
  ingest.submit({ type: 'execution_started', source: 'cron', execution: 'job', data: {} }, 2);
  ingest.submit(log('c', { source: 'cron' }), 2);
  ingest.submit({ type: 'execution_completed', execution: 'job', data: {} }, 2);
  ingest.submit({ type: 'execution_started', execution: 'job', data: {} }, 2);
  ingest.submit({ type: 'queue_changed', data: {} }, 2);
  await ingest.drained();
  const { events } = await readAll(journal.source);
  t.strictSame(
    events.map(({ execution }: ExecutionEvent) => execution),
    ['default', 'cron', 'job', 'job', 'job', 'job~2', undefined],
  );
});

t.test('a given line is used as it is, unless the event is routed elsewhere', async (t) => {
  const { ingest, journal } = await open(t);
  const given = '{"type":"log","execution":"x","data":{"a":1e0}}';
  ingest.submit({ type: 'log', execution: 'x', data: { a: 1 } }, 2, undefined, given);
  ingest.submit({ type: 'log', data: { a: 1 } }, 2, undefined, '{"type":"log","data":{"a":1e0}}');
  await ingest.drained();
  const { lines } = await readAll(journal.source);
  t.match(lines[0], '"execution":"x","data":{"a":1e0}}');
  t.match(lines[1], '"execution":"default","data":{"a":1}}');
});

t.test('an event submitted when the pump ends is written', async (t) => {
  const { ingest, state } = await open(t);
  for (let turns = 0; turns < 10; turns++) {
    await ingest.between(() => undefined);
    for (let turn = 0; turn < turns; turn++) await Promise.resolve();
    await ingest.between(() => undefined);
    for (let turn = 0; turn < turns; turn++) await Promise.resolve();
    await new Promise<void>((resolve) => {
      ingest.submit(log(), 2, { written: () => resolve(), duplicate: () => undefined, refused: () => undefined });
    });
  }
  t.ok(state.seq > 0);
});
