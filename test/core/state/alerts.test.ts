import t from 'tap';
import { loseAlerts, MAX_PENDING } from '../../../src/core/state/alerts.js';
import { emptyState, findExecution } from '../../../src/core/state/state.js';
import { stateFromJson, stateToJson } from '../../helpers/state-json.js';
import type { Draft } from '../../helpers/events.js';
import { at, folded } from '../../helpers/events.js';

const pending = (fields: Record<string, unknown> = {}, execution?: string): Draft => ({
  type: 'alert_triggered',
  ...(execution !== undefined && { execution }),
  data: { outcome: 'pending', id: 'i', rule: 'failed', channel: 'ops', title: 't', ...fields },
});
const settled = (fields: Record<string, unknown>): Draft => ({
  type: 'alert_triggered',
  data: { channel: 'ops', ...fields },
});
const start: Draft = { type: 'execution_started', execution: 'a', data: { name: 'one' } };

t.test('an alert is pending until it, or a later one, is settled', async (t) => {
  const { alerts } = folded([
    ...[pending(), pending({ channel: 'other' }), pending(), pending()],
    settled({ outcome: 'failed', of: 3, count: 2, error: 'no' }),
  ]);
  t.strictSame(alerts.channels.get('ops'), { pending: [4], counts: { failed: 2 }, error: 'no' });
  t.strictSame(alerts.channels.get('other'), { pending: [2], counts: {} });
  const later = folded([
    pending(),
    settled({ outcome: 'failed', of: 1 }),
    pending(),
    settled({ outcome: 'sent', of: 3 }),
  ]);
  t.strictSame(later.alerts.channels.get('ops'), { pending: [], counts: { failed: 1, sent: 1 }, sentAt: at(3) });
});

t.test('a rule with several channels fires once', async (t) => {
  const { alerts } = folded([
    start,
    pending({ cause: 1 }, 'a'),
    pending({ cause: 1, channel: 'x' }, 'a'),
    pending({ cause: 9 }, 'a'),
  ]);
  t.strictSame(alerts.rules.get('failed'), { fired: 2, at: at(3), cause: 9 });
  t.strictSame([...alerts.spoke], [['failed\none', at(3)]]);
});

t.test('an execution records the rules that alert once', async (t) => {
  const alertsOf = (...drafts: Draft[]) => findExecution(folded([start, ...drafts]), 'a');
  t.match(alertsOf(pending({ once: true }, 'a')), { alerted: true, alerts: ['failed'] });
  t.match(alertsOf(pending({}, 'a')), { alerted: true, alerts: undefined });
  const old: Draft = {
    type: 'alert_triggered',
    execution: 'a',
    data: { rule: 'failed', channel: 'desktop', outcome: 'sent' },
  };
  t.match(alertsOf(old), { alerted: true, alerts: ['failed'] }, 'in journals of before');
  t.equal(folded([start, old]).alerts.channels.size, 0);
});

t.test('alert events of other producers change nothing', async (t) => {
  const { alerts } = folded([
    pending({ channel: 3 }),
    pending({ outcome: 'toString' }),
    settled({ outcome: 'sent', of: 'x' }),
    settled({ outcome: 'sent', of: 7, count: 'x' }),
  ]);
  t.match([...alerts.channels], [['ops', { pending: [], counts: { sent: 2 } }]]);
});

t.test('memory is bounded: pending alerts, names and rules', async (t) => {
  const state = emptyState();
  folded(
    Array.from({ length: MAX_PENDING + 10 }, (_, index) => pending({ rule: `r${index}`, cause: index })),
    state,
  );
  t.equal(state.alerts.channels.get('ops')?.pending.length, MAX_PENDING);
  t.equal(state.alerts.rules.size, 1_000);
  t.equal(state.alerts.spoke.size, 2_000);
  folded(
    Array.from({ length: 200 }, (_, index) => pending({ channel: `c${index}` })),
    state,
  );
  t.equal(state.alerts.channels.size, 100);
});

t.test('a checkpoint contains alerts, and an old one without them is read', async (t) => {
  const state = folded([
    start,
    pending({ cause: 1 }, 'a'),
    settled({ outcome: 'failed', of: 9, error: 'x' }),
    pending(),
  ]);
  const json = JSON.parse(JSON.stringify(stateToJson(state))) as ReturnType<typeof stateToJson>;
  t.strictSame(stateFromJson(json, state.limits).alerts, state.alerts);
  delete json.alerts;
  t.equal(stateFromJson(json, state.limits).alerts.channels.size, 0);
});

t.test('pending alerts that are removed from the journal become lost', async (t) => {
  const state = folded([pending(), pending(), pending({ channel: 'x' })]);
  const lost = loseAlerts(state.alerts, 2);
  t.match(lost, [{ data: { channel: 'ops', outcome: 'lost', of: 2, count: 2 } }]);
  folded(
    lost.map((event) => ({ ...event })),
    state,
  );
  t.match(state.alerts.channels.get('ops'), { pending: [], counts: { lost: 2 } });
  t.strictSame(loseAlerts(state.alerts, 2), []);
});

t.test('a note is idempotent, and carries over everything but pending alerts', async (t) => {
  const story = [
    ...[start, pending({ cause: 1 }, 'a'), settled({ outcome: 'sent', of: 2 }), pending({ cause: 5 })],
    pending({ outcome: 'held', cause: 6, streak: ['r'] }, 'a'),
    { type: 'execution_failed', execution: 'a', data: {} },
  ];
  const state = folded(story);
  t.match(state.alerts.channels.get('ops')?.held, [5]);
  t.match([...state.alerts.streaks.values()], [{ failures: 1, rules: ['r'] }]);
  const { channels, rules, spoke, streaks } = stateToJson(state).alerts!;
  const note: Draft = {
    type: 'journal_note',
    data: {
      kind: 'carried_alerts',
      channels: channels.map(([name, record]) => [name, { ...record, pending: [] }]),
      rules,
      spoke,
      streaks,
    },
  };
  t.strictSame(folded([...story, note]).alerts, state.alerts);
  t.match(folded([note]).alerts.channels.get('ops'), { pending: [], held: [5], counts: { sent: 1 } });
  t.strictSame(folded([note]).alerts.streaks, state.alerts.streaks);
  t.strictSame(folded([note]).alerts.rules, state.alerts.rules);
});
