import t from 'tap';
import type { Test } from 'tap';
import type { ExecutionEvent } from '../../../src/core/events/event.js';
import type { SubscriberSink, Subscription } from '../../../src/daemon/read/subscriber.js';
import { Subscribers } from '../../../src/daemon/read/subscribers.js';
import { makeBatch, openJournal } from '../../helpers/journal.js';
import { waitFor } from '../../helpers/wait.js';

interface Push {
  events?: ExecutionEvent[];
  gap?: object;
  reset?: object;
  at?: number;
}

/** A journal with subscribers, and sinks that record what they receive. */
async function open(t: Test) {
  const { journal } = await openJournal(t);
  let clock = 0;
  let joined = 0;
  const subscribers = new Subscribers(journal.source, journal.seq, () => clock);
  subscribers.onJoin(() => (joined += 1));
  const write = async (count: number, shape?: Parameters<typeof makeBatch>[2]) => {
    const batch = makeBatch(journal.nextSeq, count, shape);
    await journal.write(batch);
    subscribers.onBatch(batch.events, batch.lines);
    return batch.events.map(({ seq }) => seq);
  };
  const subscribe = (more: Partial<Subscription> = {}, opening?: Parameters<typeof subscribers.add>[1]) => {
    const pushes: Push[] = [];
    const raw: (string | Buffer)[] = [];
    const sink: SubscriberSink & { blocked: boolean } = {
      blocked: false,
      write(kind, value) {
        pushes.push({ [kind]: JSON.parse(value.toString()) as unknown });
        raw.push(value);
        return !sink.blocked;
      },
    };
    const failures: unknown[] = [];
    const subscription = {
      filter: {},
      cursor: 0,
      rate: undefined,
      sink,
      onFailure: (error: unknown) => failures.push(error),
      ...more,
    };
    const subscriber = subscribers.add(subscription, opening);
    return {
      pushes,
      raw,
      sink,
      subscriber,
      failures,
      seqs: () => pushes.flatMap(({ events = [] }) => events.map(({ seq }) => seq)),
    };
  };
  return { journal, subscribers, write, subscribe, joined: () => joined, tick: (ms: number) => (clock += ms) };
}

t.test('a late subscriber gets files, memory and live events, each once and in order', async (t) => {
  const { write, subscribe } = await open(t);
  const big = () => ({ data: { text: 'x'.repeat(2_000) } });
  const history = [];
  // more than memory keeps
  for (let round = 0; round < 12; round++) history.push(...(await write(200, big)));
  const { seqs } = subscribe();
  const late = subscribe({ cursor: history.at(-100)! });
  t.ok(late.seqs().length > 0, 'what is in memory comes at once');
  history.push(...(await write(50, big)));
  await waitFor('all of it', () => seqs().length >= history.length);
  t.strictSame(seqs(), history);
  history.push(...(await write(1)));
  t.strictSame(seqs(), history);
  t.strictSame(late.seqs(), history.slice(-150));
});

t.test('a cursor anywhere in memory or before it gets exactly what follows', async (t) => {
  const { write, subscribe, journal } = await open(t);
  const before = journal.nextSeq - 1;
  const history: number[] = [];
  for (let round = 0; round < 40; round++)
    history.push(...(await write(3, () => ({ data: { text: 'y'.repeat(15_000) } }))));
  for (const cursor of [before, before - 1, ...history]) {
    const { seqs } = subscribe({ cursor });
    const expected = history.filter((seq) => seq > cursor);
    await waitFor('it', () => seqs().length >= expected.length);
    t.strictSame(seqs(), expected);
  }
});

t.test('filters are applied to memory and files alike', async (t) => {
  const { write, subscribe } = await open(t);
  const shape = (index: number) => ({
    execution: index % 3 === 0 ? 'wanted' : 'other',
    type: index % 2 === 0 ? 'log' : 'output',
  });
  const seqs = [...(await write(30, shape)), ...(await write(30, shape))];
  const filter = { execution: 'wanted', types: ['log'] };
  const old = subscribe({ filter });
  const live = subscribe({ filter, cursor: seqs.at(-1)! });
  seqs.push(...(await write(30, shape)));
  const wanted = seqs.filter((_seq, index) => index % 6 === 0);
  await waitFor('the past', () => old.seqs().length >= wanted.length);
  t.strictSame(old.seqs(), wanted);
  t.strictSame(live.seqs(), wanted.slice(-5));
});

t.test('a subscriber whose filter passes nothing receives its position periodically', async (t) => {
  const { write, subscribe, tick } = await open(t);
  const { pushes } = subscribe({ filter: { types: ['never'] }, cursor: (await write(1)).at(-1)! });
  await write(5);
  t.strictSame(pushes, []);
  tick(6_000);
  const [seq] = await write(1);
  t.strictSame(pushes, [{ position: seq }]);
  await write(5);
  t.equal(pushes.length, 1);
});

t.test('a blocked sink receives nothing and costs no memory, and everything once it is free', async (t) => {
  const { write, subscribe } = await open(t);
  const { sink, pushes, seqs, subscriber } = subscribe({ cursor: (await write(1)).at(-1)! });
  const history = await write(1);
  sink.blocked = true;
  for (let round = 0; round < 20; round++)
    history.push(...(await write(500, () => ({ data: { text: 'z'.repeat(500) } }))));
  t.equal(pushes.length, 1, 'nothing was written, not even in small pieces');
  sink.blocked = false;
  subscriber.resume();
  await waitFor('all of it', () => seqs().length >= history.length);
  t.strictSame(seqs(), history);
});

t.test('a rate yields few messages, each with many events', async (t) => {
  const { write, subscribe, tick } = await open(t);
  const { pushes, seqs, subscriber } = subscribe({ rate: 10, cursor: (await write(1)).at(-1)! });
  const history: number[] = [];
  for (let ms = 0; ms < 1_000; ms += 10) {
    history.push(...(await write(5)));
    tick(10);
  }
  tick(1_000);
  subscriber.resume();
  t.strictSame(seqs(), history);
  t.ok(pushes.length <= 12, `${pushes.length} messages`);
  subscriber.close();
});

t.test('events are encoded once for all subscribers', async (t) => {
  const { write, subscribe } = await open(t);
  const cursor = (await write(1)).at(-1)!;
  const [one, two] = [subscribe({ cursor }), subscribe({ cursor })];
  await write(100);
  const buffers = [one, two].map(({ raw }) => raw.find((part) => Buffer.isBuffer(part)));
  t.ok(buffers[0]);
  t.equal(buffers[0], buffers[1], 'the very same bytes');
});

t.test('an opening is sent first: a reset, then past events', async (t) => {
  const { write, subscribe } = await open(t);
  const seqs = await write(3);
  const { pushes } = subscribe({ cursor: seqs.at(-1)! }, { reset: { why: 'future', from: 7 }, batch: makeBatch(1, 2) });
  await write(1);
  t.match(pushes, [{ reset: { why: 'future', from: 7 } }, { events: [{ seq: 1 }, { seq: 2 }] }, { events: [{}] }]);
});

t.test('a closed subscriber receives nothing more, not even what was being read', async (t) => {
  const { write, subscribe, subscribers } = await open(t);
  for (let round = 0; round < 12; round++) await write(200, () => ({ data: { text: 'x'.repeat(2_000) } }));
  const reading = subscribe();
  const rated = subscribe({ rate: 1 });
  t.equal(subscribers.size, 2);
  reading.subscriber.close();
  rated.subscriber.close();
  t.equal(subscribers.size, 0);
  const other = subscribe();
  const [last] = await write(1);
  await waitFor('an open subscriber to have read everything', () => other.seqs().at(-1) === last);
  t.ok(reading.pushes.length <= 1);
  t.strictSame(rated.pushes, []);
});

t.test('a journal that cannot be read ends a subscription, and is reported once', async (t) => {
  const { write, subscribe, journal } = await open(t);
  for (let round = 0; round < 12; round++) await write(200, () => ({ data: { text: 'x'.repeat(2_000) } }));
  Object.defineProperty(journal.source, 'live', {
    value: () => {
      throw new Error('no disk');
    },
  });
  const { failures } = subscribe();
  await waitFor('the failure', () => failures.length > 0);
  await write(1);
  t.match(failures, [{ message: 'no disk' }]);
});

t.test('listeners learn of new subscribers, and isAwaited of their filters', async (t) => {
  const { subscribers, subscribe, joined } = await open(t);
  const update = { type: 'resource_update', execution: 'a', data: {} };
  t.notOk(subscribers.isAwaited(update));
  subscribe({ filter: { types: ['output'] } });
  subscribe({ filter: { execution: 'b' } });
  t.notOk(subscribers.isAwaited(update));
  const { subscriber } = subscribe({ filter: { execution: 'a' } });
  t.ok(subscribers.isAwaited(update));
  subscriber.close();
  t.notOk(subscribers.isAwaited(update));
  subscribe();
  t.ok(subscribers.isAwaited(update));
  t.equal(joined(), 4);
});

t.test('a subscriber to the newest state gets the newest line of each message, and its position', async (t) => {
  const { write, subscribe, tick } = await open(t);
  const { seqs, subscriber } = subscribe({ rate: 10, newest: true, cursor: (await write(1)).at(-1)! });
  const shape = () => ({ type: 'output', execution: 'a', data: { text: 'x' } });
  const first = await write(1, shape);
  const others = await write(5, shape);
  tick(100);
  subscriber.resume();
  t.strictSame(seqs(), [first.at(-1), others.at(-1)]);
  t.equal(subscriber.cursor, others.at(-1));
  subscriber.close();
});
