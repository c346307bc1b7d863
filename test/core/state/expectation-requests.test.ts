import t from 'tap';
import { executionToJson } from '../../../src/core/execution.js';
import { ExpectationRequests } from '../../../src/core/state/expectation-requests.js';
import { Replica } from '../../../src/core/state/replica.js';
import { expectationOf } from '../../../src/core/estimates/history.js';
import { toExecutions } from '../../helpers/builds.js';
import { numbered } from '../../helpers/events.js';

let seq = 10;
const started = (execution: string) =>
  numbered([{ type: 'execution_started', execution, data: { name: 'build' } }], seq++);
const turns = async () => {
  for (let turn = 0; turn < 5; turn++) await Promise.resolve();
};

/** A source whose waits end when the test says so. */
function openRequests() {
  const replica = new Replica();
  replica.install({ executions: [], seq: 0 });
  const expectation = expectationOf(toExecutions('build', Array(3).fill({ durationMs: 1_000, steps: [] })))!;
  const state = { waits: [] as ((isOpen: boolean) => void)[], requests: 0, added: 0, isFailing: false };
  const requests = new ExpectationRequests(replica, {
    wait: () => new Promise((resolve) => state.waits.push(resolve)),
    async request() {
      state.requests += 1;
      if (state.isFailing) throw new Error('unreachable');
      return replica.executions().map((one) => ({ ...executionToJson(one), expectation }));
    },
    onAdded: () => (state.added += 1),
  });
  const start = (id: string) => requests.onFolded(replica.apply(started(id)));
  const pass = async (isOpen = true) => {
    state.waits.pop()?.(isOpen);
    await turns();
  };
  return { replica, requests, state, start, pass };
}

t.test('executions that start together cause one request, after a delay', async (t) => {
  const { replica, state, start, pass } = openRequests();
  start('a');
  start('b');
  t.equal(state.waits.length, 1);
  t.equal(state.requests, 0);
  await pass();
  t.strictSame([state.requests, state.added], [1, 1]);
  t.strictSame([replica.find('a')?.expectation?.runs, replica.find('b')?.expectation?.runs], [3, 3]);
});

t.test('other events cause none, nor is anything requested after the end', async (t) => {
  const { requests, state, start, pass } = openRequests();
  requests.onFolded(numbered([{ type: 'output', execution: 'a' }]));
  t.equal(state.waits.length, 0);
  start('a');
  await pass(false);
  t.strictSame([state.requests, state.added], [0, 0]);
});

t.test('after an error the next execution requests again', async (t) => {
  const { state, start, pass } = openRequests();
  state.isFailing = true;
  start('a');
  await pass();
  t.strictSame([state.requests, state.added], [1, 0]);
  state.isFailing = false;
  start('b');
  t.equal(state.waits.length, 1);
});
