import t from 'tap';
import { createAlerts } from '../../src/alerts/alerts.js';
import type { Alert, Outcome } from '../../src/alerts/channel.js';
import type { NewEvent } from '../../src/core/event.js';
import { fold } from '../../src/core/fold.js';
import { emptyState } from '../../src/core/state.js';
import type { Draft } from '../helpers/events.js';
import { numbered } from '../helpers/events.js';
import { waitFor } from '../helpers/wait.js';

/** Alerts over a desktop that answers as told, with everything that they write down. */
function createBench(deliveries: Outcome[]) {
  const state = emptyState();
  const shown: Alert[] = [];
  const recorded: NewEvent[] = [];
  const logged: string[] = [];
  let settle: () => void = () => undefined;
  let now = 0;
  const alerts = createAlerts({
    state,
    desktop: {
      name: 'desktop',
      type: 'desktop',
      send(notification) {
        shown.push(notification);
        return Promise.resolve(deliveries.shift() ?? { outcome: 'sent' });
      },
    },
    record(event, settled) {
      recorded.push(event);
      settle = settled;
    },
    log: (message) => logged.push(message),
    now: () => now,
  });
  const write = (...drafts: Draft[]) => {
    const events = numbered(drafts, state.seq + 1);
    for (const event of events) fold(state, event);
    now = Date.parse(events.at(-1)?.time ?? '');
    alerts.wrote(events);
  };
  return { write, shown, recorded, logged, settle: () => settle(), state };
}

const fail = (execution: string): Draft => ({ type: 'execution_failed', execution });

t.test('an alert is sent, and recorded as an event of its execution', async (t) => {
  const { write, shown, recorded } = createBench([{ outcome: 'sent' }, { outcome: 'failed', error: 'no bus' }]);
  write({ type: 'execution_started', execution: 'a', data: { name: 'one' } }, fail('a'));
  await waitFor('the first', () => recorded.length === 1);
  write(fail('b'));
  await waitFor('the second', () => recorded.length === 2);
  t.match(shown, [{ title: '✗ one failed' }, { title: '✗ b failed' }]);
  t.strictSame(recorded, [
    {
      type: 'alert_triggered',
      execution: 'a',
      data: { rule: 'failed', channel: 'desktop', title: '✗ one failed', outcome: 'sent' },
    },
    {
      type: 'alert_triggered',
      execution: 'b',
      data: { rule: 'failed', channel: 'desktop', title: '✗ b failed', outcome: 'failed', error: 'no bus' },
    },
  ]);
});

t.test('an execution whose alert is on its way raises no other', async (t) => {
  const { write, shown, recorded, settle, state } = createBench([]);
  const time = '2026-01-02T03:04:05.000Z';
  write({ ...fail('a'), time }, { ...fail('a'), time });
  write({ ...fail('a'), time });
  await waitFor('its record', () => recorded.length === 1);
  write({ ...fail('a'), time });
  t.equal(shown.length, 1);
  for (const event of numbered([{ ...recorded[0]!, time }], state.seq + 1)) fold(state, event);
  settle();
  write({ ...fail('a'), time });
  t.equal(shown.length, 1, 'its state says so from then on');
});

t.test('a machine without a desktop says so once in its log, and records nothing', async (t) => {
  const unavailable = { outcome: 'unavailable', error: 'there is no session bus' } as const;
  const { write, shown, recorded, logged } = createBench([unavailable, unavailable, { outcome: 'sent' }, unavailable]);
  write(fail('a'), fail('b'));
  await waitFor('the log', () => logged.length === 1);
  t.strictSame(logged, ['no desktop notifications: there is no session bus']);
  t.strictSame(recorded, []);
  write(fail('c'));
  await waitFor('a session', () => recorded.length === 1);
  write(fail('d'));
  await waitFor('its end', () => logged.length === 2);
  t.equal(shown.length, 4);
});
