import t from 'tap';
import type { NewEvent } from '../../../src/core/events/event.js';
import { fold } from '../../../src/core/fold.js';
import { createEventRouter } from '../../../src/core/routing/route.js';
import { emptyState, findExecution } from '../../../src/core/state/state.js';
import { at } from '../../helpers/events.js';

type Draft = Partial<NewEvent> & { type: string };

/** The same events in one write, or each in a separate one: the routes must be equal. */
function routed(drafts: Draft[], together: boolean) {
  const state = emptyState();
  const router = createEventRouter(state);
  let seq = 0;
  let pending: NewEvent[] = [];
  const settle = () => {
    for (const event of pending) fold(state, { time: at(seq), ...event, seq: ++seq });
    pending = [];
    router.settle();
  };
  const routes = drafts.map((draft) => {
    const event: NewEvent = { data: {}, ...draft };
    if (router.isTaken(event)) return 'taken';
    const execution = router.route(event);
    pending.push({ ...event, ...(execution !== undefined && { execution }) });
    if (!together) settle();
    return execution;
  });
  settle();
  return { routes, state };
}

const started = (execution: string, source?: string): Draft => ({
  type: 'execution_started',
  execution,
  ...(source !== undefined && { source }),
});
const ended = (execution: string, source?: string): Draft => ({
  ...started(execution, source),
  type: 'execution_completed',
});
const log = (source?: string, execution?: string): Draft => ({
  type: 'log',
  ...(source !== undefined && { source }),
  ...(execution !== undefined && { execution }),
});

for (const together of [true, false]) {
  const how = together ? 'in one write' : 'in a write each';

  t.test(`a duplicate (source, n) is dropped, ${how}`, async (t) => {
    const counted = (n: number, source = 's'): Draft => ({ type: 'log', source, n, execution: 'a' });
    const drafts = [counted(0), counted(1), counted(1), counted(0), counted(5), counted(3), counted(1, 'other')];
    t.strictSame(routed(drafts, together).routes, ['a', 'a', 'taken', 'taken', 'a', 'taken', 'a']);
  });

  t.test(`an execution is looked up by ID, name or prefix if the event requests it, ${how}`, async (t) => {
    const named = (execution: string, name: string): Draft => ({ ...started(execution), data: { name } });
    const lookUp = (execution: string, type = 'log'): Draft => ({ type, execution, lookup: true });
    const drafts: [Draft, string][] = [
      [named('k1aaaa', 'backup'), 'k1aaaa'],
      [named('k2bbbb', 'backup'), 'k2bbbb'],
      [lookUp('k1aaaa'), 'k1aaaa'],
      [lookUp('backup'), 'k2bbbb'],
      [lookUp('k1a'), 'k1aaaa'],
      // ambiguous, unknown, not asked for
      [lookUp('k'), 'k'],
      [lookUp('other'), 'other'],
      [log(undefined, 'k1'), 'k1'],
      [lookUp('backup', 'execution_completed'), 'k2bbbb'],
      [lookUp('backup', 'step_failed'), 'k2bbbb'],
      [{ ...started('nightly'), data: { argv: ['make', '-j4'] } }, 'nightly'],
      [lookUp('make -j4'), 'nightly'],
      // a start names a new execution
      [lookUp('backup', 'execution_started'), 'backup'],
      [lookUp('backup'), 'backup'],
    ];
    t.strictSame(
      routed(
        drafts.map(([draft]) => draft),
        together,
      ).routes,
      drafts.map(([, route]) => route),
    );
  });

  t.test(`an alert refers to the execution that it names, not to its successor, ${how}`, async (t) => {
    const alert: Draft = { type: 'alert_triggered', execution: 'a' };
    const drafts = [started('a'), ended('a'), started('a'), alert, { type: 'alert_triggered', source: 's' }];
    t.strictSame(routed(drafts, together).routes, ['a', 'a', 'a~2', 'a', undefined]);
  });

  t.test(`an event without an execution is routed to the open one of its source, ${how}`, async (t) => {
    const drafts = [
      log('s'),
      started('a', 's'),
      log('s'),
      started('b', 's'),
      log('s'),
      ended('b', 's'),
      log('s'),
      ended('a', 's'),
      log('s'),
      log(),
    ];
    t.strictSame(routed(drafts, together).routes, ['s', 'a', 'a', 'b', 'b', 'b', 'a', 'a', 's', 'default']);
  });

  t.test(`a start for an id that has ended opens the next generation, ${how}`, async (t) => {
    const drafts = [
      started('a'),
      ended('a'),
      started('a'),
      log(undefined, 'a'),
      ended('a'),
      started('a'),
      log(undefined, 'a'),
      log(undefined, 'a~2'),
    ];
    const { routes, state } = routed(drafts, together);
    t.strictSame(routes, ['a', 'a', 'a~2', 'a~2', 'a~2', 'a~3', 'a~3', 'a~3']);
    t.equal(findExecution(state, 'a')?.successor, 'a~2');
    t.equal(findExecution(state, 'a~3')?.status, 'running');
  });

  t.test(`a start after an implicit end is late and opens no generation, ${how}`, async (t) => {
    const { routes, state } = routed([ended('a'), started('a'), log(undefined, 'a')], together);
    t.strictSame(routes, ['a', 'a', 'a']);
    t.equal(findExecution(state, 'a')?.status, 'completed');
  });

  t.test(`events about the machine need no execution, ${how}`, async (t) => {
    t.strictSame(routed([{ type: 'queue_changed', source: 's' }], together).routes, [undefined]);
  });
}

t.test('events that are routed and then refused are forgotten', async (t) => {
  const router = createEventRouter(emptyState());
  const event: NewEvent = { type: 'execution_started', execution: 'a', source: 's', n: 1, data: {} };
  router.route(event);
  t.ok(router.isTaken(event));
  router.settle();
  t.notOk(router.isTaken(event), 'its resend is taken');
});
