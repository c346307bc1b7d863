import t from 'tap';
import type { ExecutionEvent } from '../../../src/core/events/event.js';
import type { Execution } from '../../../src/core/execution.js';
import { executionToJson } from '../../../src/core/execution.js';
import { fold } from '../../../src/core/fold.js';
import type { Snapshot } from '../../../src/core/state/replica.js';
import { Replica } from '../../../src/core/state/replica.js';
import type { State } from '../../../src/core/state/state.js';
import { emptyState, newestFirst } from '../../../src/core/state/state.js';
import type { Draft } from '../../helpers/events.js';
import { folded, numbered } from '../../helpers/events.js';
import type { Random } from '../../helpers/random.js';
import { between, createRandom, pick } from '../../helpers/random.js';

const STARTED: Draft[] = [
  { type: 'execution_started', execution: 'a', data: { name: 'A' } },
  { type: 'execution_started', execution: 'b', data: { name: 'B' } },
];

function output(execution: string, text: string): Draft {
  return { type: 'output', execution, data: { stream: 'stdout', text } };
}

/** A snapshot as it comes over a connection: it shares nothing with the state. */
function snapshotOf(state: State, seq = state.seq): Snapshot {
  return JSON.parse(JSON.stringify({ executions: newestFirst(state).map(executionToJson), seq })) as Snapshot;
}

function jsonOf(executions: readonly Execution[]) {
  return executions.map(executionToJson);
}

/** A promise, and the functions that settle it. */
function deferred<T>() {
  let resolve: (value: T) => void = () => {};
  let reject: (error: Error) => void = () => {};
  const promise = new Promise<T>((onValue, onError) => ([resolve, reject] = [onValue, onError]));
  return { promise, resolve, reject };
}

t.test('events that the snapshot contains are dropped, later ones are folded', async (t) => {
  const replica = new Replica();
  t.ok(replica.isStale);
  const events = numbered([...STARTED, output('a', 'one'), output('a', 'two')]);
  t.strictSame(replica.apply(events), [], 'nothing is folded before the first snapshot');
  t.strictSame(replica.executions(), []);

  const daemon = folded([...STARTED, output('a', 'one')]);
  replica.install(snapshotOf(daemon));
  t.notOk(replica.isStale);
  t.strictSame(replica.apply(events), events.slice(3));
  t.strictSame(replica.find('a')?.tail, ['one', 'two']);
  t.strictSame(replica.apply(events), [], 'a second delivery changes nothing');
  t.strictSame(
    replica.executions().map(({ id }) => id),
    ['b', 'a'],
  );
});

t.test('an execution may be ahead of the snapshot that contains it', async (t) => {
  const daemon = folded([...STARTED, output('a', 'one'), output('b', 'two')]);
  const replica = new Replica();
  replica.install(snapshotOf(daemon, 2));
  replica.apply(numbered([...STARTED, output('a', 'one'), output('b', 'two')]));
  t.strictSame(replica.find('a')?.tail, ['one']);
  t.strictSame(replica.find('b')?.tail, ['two']);
});

t.test('an old event of an execution that the snapshot does not contain adds nothing, a new one does', async (t) => {
  const replica = new Replica();
  replica.install({ executions: [], seq: 3 });
  replica.apply(numbered([output('old', 'late')], 2));
  t.equal(replica.find('old'), undefined);
  replica.apply(numbered([output('new', 'first')], 4));
  t.strictSame(
    replica.open().map(({ id }) => id),
    ['new'],
  );
});

t.test('events add no executions to a partial snapshot', async (t) => {
  const replica = new Replica();
  const { executions, seq } = snapshotOf(folded(STARTED.slice(0, 1)));
  replica.install({ executions, seq, isPartial: true });
  const events = numbered([output('b', 'two'), output('a', 'one'), { type: 'queue_changed', data: { queue: 'q' } }], 2);
  t.strictSame(replica.apply(events), events.slice(1, 2));
  t.equal(replica.find('b'), undefined);
});

t.test('events that arrive while a snapshot is requested are folded into it', async (t) => {
  const replica = new Replica();
  const answer = deferred<Snapshot>();
  const loading = replica.load(() => answer.promise);
  const events = numbered([...STARTED, output('a', 'one'), output('a', 'two')]);
  t.strictSame(replica.apply(events), []);
  const snapshot = snapshotOf(folded([...STARTED, output('a', 'one')]));
  answer.resolve(snapshot);
  t.strictSame(await loading, { snapshot, folded: events.slice(3) });
  t.strictSame(replica.find('a')?.tail, ['one', 'two']);
});

t.test('a replica that misses nothing stays current during a request, also if it fails', async (t) => {
  const replica = new Replica();
  replica.install(snapshotOf(folded(STARTED)));
  const answer = deferred<Snapshot>();
  const loading = replica.load(() => answer.promise);
  replica.apply(numbered([output('a', 'one')], 3));
  t.strictSame(replica.find('a')?.tail, ['one']);
  answer.reject(new Error('no answer'));
  await t.rejects(loading, { message: 'no answer' });
  replica.apply(numbered([output('a', 'two')], 4));
  t.strictSame(replica.find('a')?.tail, ['one', 'two']);
});

t.test('of concurrent requests the last one counts', async (t) => {
  const replica = new Replica();
  const answers = [deferred<Snapshot>(), deferred<Snapshot>(), deferred<Snapshot>()] as const;
  const loads = answers.map(({ promise }) => replica.load(() => promise));
  answers[2].resolve(snapshotOf(folded(STARTED)));
  await loads[2];
  answers[0].resolve({ executions: [], seq: 0 });
  answers[1].reject(new Error('too late'));
  t.strictSame(await Promise.all(loads.slice(0, 2)), [undefined, undefined]);
  t.equal(replica.executions().length, 2);
});

t.test('after a gap nothing is folded until a snapshot that was requested later', async (t) => {
  const replica = new Replica();
  replica.install(snapshotOf(folded(STARTED)));
  const early = deferred<Snapshot>();
  const loading = replica.load(() => early.promise);
  replica.invalidate();
  t.ok(replica.isStale);
  t.strictSame(replica.apply(numbered([output('a', 'five')], 5)), []);
  early.resolve(snapshotOf(folded(STARTED)));
  t.equal(await loading, undefined, 'it may lack what was missed');
  t.ok(replica.isStale);
  await replica.load(async () => snapshotOf(folded([...STARTED, output('a', 'three'), output('a', 'four')])));
  t.notOk(replica.isStale);
  t.strictSame(replica.find('a')?.tail, ['three', 'four']);
});

t.test('added executions do not replace known ones', async (t) => {
  const replica = new Replica();
  const before = snapshotOf(folded(STARTED));
  replica.install({ executions: [], seq: 2 });
  replica.install(snapshotOf(folded([...STARTED.slice(0, 1), output('a', 'one')])));
  replica.add(before.executions);
  t.strictSame(replica.find('a')?.tail, ['one']);
  t.equal(replica.find('b')?.name, 'B');
});

const IDS = ['a', 'b', 'c', 'd', 'e'];

function randomDraft(random: Random): Draft {
  const execution = pick(random, IDS);
  const step = pick(random, ['s1', 's2']);
  return pick<Draft>(random, [
    { type: 'execution_started', execution, data: { name: execution.toUpperCase() } },
    { type: 'execution_completed', execution },
    { type: 'execution_lost', execution },
    { type: 'step_started', execution, step, data: { name: step } },
    { type: 'step_completed', execution, step },
    { type: 'progress', execution, data: { current: between(random, 0, 9), total: 9 } },
    { type: 'attention', execution, data: { state: 'waiting', reason: 'Allow?' } },
    { type: 'queue_changed', data: { queue: 'q', slots: between(random, 1, 4) } },
    output(execution, String(between(random, 0, 999))),
  ]);
}

/**
 * A daemon, a stream from it that lags and loses events, and a client's replica that loads snapshots at random times. An
 * answer has the seq of one time, executions of a later one, and arrives later still.
 */
class Simulation {
  readonly #random: Random;
  readonly #daemon = emptyState();
  readonly #replica = new Replica();
  #undelivered: ExecutionEvent[] = [];
  readonly #requests: { seq: number; snapshot?: Snapshot; answer: ReturnType<typeof deferred<Snapshot>> }[] = [];
  readonly #loads: Promise<unknown>[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  async step(): Promise<void> {
    const chance = this.#random();
    if (chance < 0.5) this.#write();
    else if (chance < 0.75) this.#deliver(between(this.#random, 1, 5));
    else if (chance < 0.83) this.#request();
    else if (chance < 0.9) this.#compose();
    else if (chance < 0.97) this.#answer();
    else this.#loseEvents();
    // answers are taken in microtasks
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** Delivers the rest, and returns the executions of both sides. */
  async finish() {
    if (this.#replica.isStale) this.#request();
    while (this.#requests.length > 0) this.#answer();
    await Promise.all(this.#loads);
    if (this.#replica.isStale) await this.#replica.load(async () => snapshotOf(this.#daemon));
    this.#deliver(this.#undelivered.length);
    return { replica: jsonOf(this.#replica.executions()), daemon: jsonOf(newestFirst(this.#daemon)) };
  }

  #write(): void {
    const draft = this.#random() < 0.05 ? this.#pruning() : randomDraft(this.#random);
    const [event] = numbered([draft], this.#daemon.seq + between(this.#random, 1, 3));
    if (!event) return;
    fold(this.#daemon, event);
    this.#undelivered.push(event);
  }

  /**
   * The daemon prunes executions that have ended only. Not between the parts of a snapshot: one that ended before the
   * first, and is pruned before the last, would be unknown to the replica but for the events in between.
   */
  #pruning(): Draft {
    const isComposing = this.#requests.some(({ snapshot }) => !snapshot);
    const ended = IDS.filter((id) => !isComposing && this.#daemon.ended.has(id) && this.#random() < 0.5);
    return { type: 'journal_note', data: { kind: 'pruned', executions: ended } };
  }

  #deliver(count: number): void {
    this.#replica.apply(this.#undelivered.splice(0, count));
  }

  #request(): void {
    const answer = deferred<Snapshot>();
    this.#requests.push({ seq: this.#daemon.seq, answer });
    this.#loads.push(this.#replica.load(() => answer.promise).catch(() => undefined));
  }

  #compose(): void {
    const request = this.#requests.find(({ snapshot }) => !snapshot);
    if (request) request.snapshot = snapshotOf(this.#daemon, request.seq);
  }

  #answer(): void {
    const [request] = this.#requests.splice(0, 1);
    if (!request) return;
    if (this.#random() < 0.2) request.answer.reject(new Error('no answer'));
    else request.answer.resolve(request.snapshot ?? snapshotOf(this.#daemon, request.seq));
  }

  #loseEvents(): void {
    this.#undelivered = [];
    this.#replica.invalidate();
    this.#request();
  }
}

t.test('whatever order snapshots and events arrive in, the result is the fold of the daemon', async (t) => {
  for (let seed = 1; seed <= 300; seed++) {
    const simulation = new Simulation(createRandom(seed));
    for (let count = 0; count < 120; count++) await simulation.step();
    const { replica, daemon } = await simulation.finish();
    if (JSON.stringify(replica) !== JSON.stringify(daemon)) t.strictSame(replica, daemon, `seed ${seed}`);
  }
  t.pass('300 seeds');
});
