import t from 'tap';
import type { Test } from 'tap';
import type { ExecutionEvent } from '../../../src/core/events/event.js';
import { executionToJson } from '../../../src/core/execution.js';
import { newestFirst } from '../../../src/core/state/state.js';
import type { Draft } from '../../helpers/events.js';
import { folded, numbered } from '../../helpers/events.js';
import { waitFor } from '../../helpers/wait.js';
import { ApiError } from '../../../viewer/api.js';
import type { Api } from '../../../viewer/api.js';
import type { HubLink } from '../../../viewer/live/hub-link.js';
import { Model } from '../../../viewer/live/model.js';

const STORY: Draft[] = [
  { type: 'execution_started', execution: 'a', data: { name: 'A' } },
  { type: 'execution_started', execution: 'b', data: { name: 'B' } },
  { type: 'attention', execution: 'a', data: { state: 'waiting' } },
];

/** A model on a daemon that has the first `count` events of the story. */
function open(t: Test, count: number) {
  const daemon = { count, position: count, failure: undefined as ApiError | undefined, requests: 0 };
  const answer = async () => {
    daemon.requests++;
    if (daemon.failure) throw daemon.failure;
    const state = folded(STORY.slice(0, daemon.count));
    return { executions: newestFirst(state).map(executionToJson), prefixes: [], seq: daemon.count };
  };
  const api = {
    token: 'secret',
    list: answer,
    get: async (id: string) => {
      const { executions, seq } = await answer();
      const [execution] = executions.filter((one) => one.id === id);
      if (!execution) throw new ApiError(404, 'not found');
      return { execution, seq };
    },
  } as unknown as Api;
  const hub = { follow: async () => daemon.position } as unknown as HubLink;
  const model = new Model(api, () => hub);
  const changes: { events: readonly ExecutionEvent[]; isFresh: boolean }[] = [];
  t.teardown(model.onChange((events, isFresh) => changes.push({ events, isFresh })));
  return { daemon, model, changes };
}

t.test('a snapshot is shown, and events after it', async (t) => {
  const { model, changes } = open(t, 2);
  model.show({ kind: 'list' });
  await waitFor('the snapshot', () => model.isLoaded && changes.some(({ isFresh }) => isFresh));
  t.strictSame(
    model.executions().map(({ id }) => id),
    ['b', 'a'],
  );
  model.apply(numbered(STORY));
  t.equal(model.find('a')?.attention?.state, 'waiting');
  await waitFor('the events', () => changes.some(({ events }) => events.length > 0));
  t.strictSame(
    changes.flatMap(({ events }) => events.map(({ seq }) => seq)),
    [3],
    'listeners get the events that the snapshot did not contain',
  );
});

t.test('a snapshot older than the stream is requested again', async (t) => {
  const { model, daemon } = open(t, 1);
  daemon.position = 2;
  model.show({ kind: 'list' });
  daemon.count = 2;
  await waitFor('the snapshot', () => model.isLoaded);
  t.ok(model.find('b'));
});

t.test('the page of an execution ignores the others', async (t) => {
  const { model } = open(t, 1);
  model.show({ kind: 'execution', id: 'a' });
  await waitFor('the snapshot', () => model.isLoaded);
  model.apply(numbered(STORY));
  t.strictSame(
    model.executions().map(({ id, attention }) => [id, attention?.state]),
    [['a', 'waiting']],
  );
});

t.test('an unanswered snapshot is requested again when the connection is back, "not found" is not', async (t) => {
  const { model, daemon } = open(t, 2);
  const connection = { heardAt: Date.now(), attempt: 1, clockOffset: 0 };
  const reconnect = () => {
    model.setConnection({ ...connection, state: 'lost' });
    model.setConnection({ ...connection, state: 'live' });
  };
  daemon.failure = new ApiError(0, 'no answer');
  model.show({ kind: 'execution', id: 'a' });
  await waitFor('the failure', () => model.failure !== undefined);
  daemon.failure = undefined;
  reconnect();
  await waitFor('the snapshot', () => model.isLoaded);
  t.equal(model.failure, undefined);

  model.show({ kind: 'execution', id: 'missing' });
  await waitFor('the failure', () => model.failure?.status === 404);
  const { requests } = daemon;
  reconnect();
  t.equal(daemon.requests, requests);
});

t.test('the clock stops while the values are stale', async (t) => {
  const { model } = open(t, 0);
  const heardAt = Date.now() - 60_000;
  model.setConnection({ state: 'lost', heardAt, attempt: 1, clockOffset: 500 });
  t.equal(model.now(), heardAt + 3_000 + 500);
  model.setConnection({ state: 'live', heardAt, attempt: 0, clockOffset: 500 });
  t.ok(model.now() >= heardAt + 60_000);
});
