import type { Test } from 'tap';
import t from 'tap';
import type { NewEvent } from '../../../src/core/events/event.js';
import type { Execution } from '../../../src/core/execution.js';
import { emptyState } from '../../../src/core/state/state.js';
import type { SchedulerOptions } from '../../../src/daemon/runs/scheduler.js';
import { Scheduler } from '../../../src/daemon/runs/scheduler.js';
import type { Draft } from '../../helpers/events.js';
import { folded, numbered } from '../../helpers/events.js';
import { makeExecution } from '../../helpers/models.js';
import { waitFor } from '../../helpers/wait.js';

const queued = (execution: string, data: Record<string, unknown>): Draft => ({
  type: 'execution_queued',
  execution,
  data,
});

function open(t: Test, options: Partial<SchedulerOptions> = {}) {
  const state = emptyState();
  const begun: string[] = [];
  const recorded: NewEvent[] = [];
  const scheduler = new Scheduler({
    state,
    record: (event) => void recorded.push(event),
    isRun: () => true,
    begin: ({ id }) => void begun.push(id),
    find: () => Promise.resolve(undefined),
    ...options,
  });
  scheduler.start();
  t.teardown(() => scheduler.close());
  const write = (...drafts: Draft[]) => {
    folded(drafts, state);
    scheduler.onBatch(numbered(drafts));
  };
  return { state, begun, recorded, scheduler, write };
}

t.test('each run is started once, and the next one when a slot is free', (t) => {
  const { begun, write, scheduler } = open(t);
  write(queued('a', { queue: 'q' }), queued('b', { queue: 'q' }));
  write({ type: 'output', execution: 'a', data: { text: 'not of interest' } });
  scheduler.check();
  t.strictSame(begun, ['a']);
  write({ type: 'execution_started', execution: 'a' });
  t.strictSame(begun, ['a']);
  write({ type: 'execution_failed', execution: 'a' });
  t.strictSame(begun, ['a', 'b']);
  write(queued('c', { queue: 'q' }), { type: 'execution_failed', execution: 'b' });
  t.strictSame(begun, ['a', 'b', 'c'], 'one that failed before it began has given its slot back');
  t.end();
});

t.test('a queue that is resumed or gets more slots starts at once', (t) => {
  const { begun, write } = open(t);
  const change = (data: object): Draft => ({ type: 'queue_changed', data: { name: 'q', ...data } });
  write(change({ paused: true }), ...['a', 'b', 'c'].map((id) => queued(id, { queue: 'q' })));
  t.strictSame(begun, []);
  write(change({ paused: false }));
  t.strictSame(begun, ['a']);
  write(change({ slots: 2 }));
  t.strictSame(begun, ['a', 'b']);
  t.end();
});

t.test('a refused run and those that wait for it are cancelled with the reason', (t) => {
  const { begun, recorded, write } = open(t);
  write({ type: 'execution_started', execution: 'a' }, queued('b', { after: ['a'] }), queued('c', { after: ['b'] }));
  write({ type: 'execution_failed', execution: 'a' });
  t.strictSame(recorded, [
    { type: 'execution_cancelled', execution: 'b', data: { error: 'it was to come after a, which is failed' } },
  ]);
  write({ type: 'execution_cancelled', execution: 'b' });
  t.match(recorded[1], { execution: 'c', data: { error: 'it was to come after b, which is cancelled' } });
  t.equal(recorded.length, 2);
  t.strictSame(begun, []);
  t.end();
});

t.test('a start without effect is repeated', async (t) => {
  const { begun, recorded, write } = open(t, { retryMs: 20 });
  write({ type: 'execution_failed', execution: 'x' }, queued('a', { queue: 'q' }), queued('b', { after: ['x'] }));
  await waitFor('another try of both', () => begun.length > 1 && recorded.length > 1);
  t.ok(begun.every((id) => id === 'a'));
  write({ type: 'execution_started', execution: 'a' }, { type: 'execution_cancelled', execution: 'b' });
});

t.test('a prerequisite that has left memory is read from the journal', async (t) => {
  const journal = new Map<string, Execution>([
    ['old', makeExecution({ id: 'old', status: 'completed' })],
    ['bad', makeExecution({ id: 'bad', status: 'lost' })],
  ]);
  const asked: string[] = [];
  const { begun, recorded, write } = open(t, {
    find: (id) => {
      asked.push(id);
      return Promise.resolve(journal.get(id));
    },
  });
  write(queued('a', { after: ['old'] }), queued('b', { after: ['old'] }), queued('c', { after: ['bad'] }));
  await waitFor('the answers', () => begun.length === 2 && recorded.length === 1);
  t.strictSame(begun, ['a', 'b']);
  t.match(recorded, [{ execution: 'c', data: { error: 'it was to come after bad, which is lost' } }]);
  t.strictSame(asked, ['old', 'bad'], 'each once');
});

t.test('an unknown prerequisite has some time to arrive', async (t) => {
  const { begun, recorded, write } = open(t, { arrivalMs: 200 });
  write(queued('a', { after: ['late'] }), queued('b', { after: ['never'] }));
  write({ type: 'execution_started', execution: 'late' });
  await waitFor('a refusal', () => recorded.length > 0);
  t.match(recorded, [{ execution: 'b', data: { error: 'it was to come after never, which is not known' } }]);
  write({ type: 'execution_completed', execution: 'late' });
  t.strictSame(begun, ['a']);
});

t.test('a disk that cannot be read refuses no run, and is read again', async (t) => {
  let fails = true;
  const { begun, recorded, write, scheduler } = open(t, {
    arrivalMs: 0,
    find: (id) =>
      fails ? Promise.reject(new Error('EIO')) : Promise.resolve(makeExecution({ id, status: 'completed' })),
  });
  write(queued('a', { after: ['old'] }));
  fails = false;
  await waitFor('another check to read', () => {
    scheduler.check();
    return begun.length > 0;
  });
  t.strictSame([begun, recorded], [['a'], []]);
});

t.test('a closed scheduler starts nothing', async (t) => {
  const { begun, write, scheduler } = open(t, { retryMs: 1 });
  write(queued('a', { queue: 'q' }));
  scheduler.close();
  write({ type: 'execution_failed', execution: 'a' }, queued('b', { queue: 'q' }));
  scheduler.check();
  t.strictSame(begun, ['a']);
});
