import t from 'tap';
import { deliveriesOf } from '../../src/alerts/deliveries.js';
import type { RuleConfig } from '../../src/config/alert-schema.js';
import { buildMessage } from '../../src/alerts/channels/email-message.js';
import { toJson } from '../../src/alerts/channels/payload.js';
import { buildRequest } from '../../src/alerts/channels/webhook-body.js';
import { createAlertBench } from '../helpers/alert-bench.js';
import { anAlert } from '../helpers/alerts.js';
import type { Draft } from '../helpers/events.js';

const start: Draft = { type: 'execution_started', execution: 'a', data: { name: 'nightly' } };
const fail: Draft = { type: 'execution_failed', execution: 'a', data: { exitCode: 1 } };
const failed = { status: ['failed' as const] };
const channels = { ops: () => ({ outcome: 'sent' }) as const, desktop: () => ({ outcome: 'sent' }) as const };

async function sentBy(rules: readonly (Partial<RuleConfig> | 'builtin')[], ...events: Draft[]) {
  const bench = createAlertBench({ channels, rules });
  await bench.write(start, ...events);
  await bench.settle();
  return bench;
}

t.test('two rules over one channel about the same event are one alert that names both', async (t) => {
  const nightly = { name: 'nightly', when: failed, notify: ['desktop', 'ops'] };
  const bench = await sentBy(['builtin', nightly], fail);
  t.match(bench.sent, [
    { channel: 'desktop', rule: 'failed', rules: ['failed', 'nightly'], title: '✗ nightly failed' },
    { channel: 'ops', rule: 'nightly', rules: ['nightly'] },
  ]);
  t.match(bench.sent[0]?.body, /^exit 1.* · rules failed, nightly$/);
  t.notMatch(bench.sent[1]?.body, 'rules');
  t.equal(bench.sent.length, 2);
  const [pending, ...others] = bench.alertsIn().filter(({ data }) => data['channel'] === 'desktop');
  t.match(pending?.data, { outcome: 'pending', rule: 'failed', rules: ['failed', 'nightly'] });
  t.match(others, [{ data: { outcome: 'sent', rules: ['failed', 'nightly'] } }]);
  t.match(deliveriesOf(bench.alertsIn())[0], { channel: 'desktop', rules: ['failed', 'nightly'], outcome: 'sent' });
  t.strictSame(
    bench.alerts.rules().flatMap(({ name, fired }) => (fired > 0 ? [[name, fired]] : [])),
    [
      ['failed', 1],
      ['nightly', 1],
    ],
    'each has fired',
  );
  t.strictSame(bench.state.ended.get('a')?.alerts, ['failed', 'nightly'], 'and says nothing more of this execution');
});

t.test('other events are other alerts, and a throttled rule is not named', async (t) => {
  const rules = [
    { name: 'one', when: failed, throttle: 60_000 },
    { name: 'two', when: failed },
    { name: 'log', when: { type: ['log'] } },
  ];
  const again = (id: string): Draft[] => [
    { ...start, execution: id },
    { ...fail, execution: id },
  ];
  const bench = await sentBy(rules, { type: 'log', execution: 'a', data: { message: 'x' } }, fail, ...again('b'));
  t.strictSame(
    bench.sent.map(({ rules: named }) => named),
    [['log'], ['one', 'two'], ['two']],
  );
});

t.test('rules with the same deadline are one alert', async (t) => {
  const rules = ['one', 'two'].map((name) => ({ name, when: { longerThan: 60_000 } }));
  const bench = createAlertBench({ channels, rules: [...rules, { name: 'later', when: { longerThan: 90_000 } }] });
  await bench.write(start, { ...start, execution: 'b' });
  await bench.pass(60_000);
  t.strictSame(
    bench.sent.map(({ execution, rules: named }) => [execution?.id, named]),
    [
      ['a', ['one', 'two']],
      ['b', ['one', 'two']],
    ],
  );
  await bench.pass(30_000);
  t.strictSame(
    bench.sent.slice(2).map(({ rules: named }) => named),
    [['later'], ['later']],
  );
});

t.test('it is one alert after a crash too, and none is written twice', async (t) => {
  const rules = ['one', 'two'].map((name) => ({ name, when: failed, notify: ['ops'] }));
  const bench = createAlertBench({ channels, rules });
  await bench.write(start);
  bench.world.frozen = true;
  const time = new Date(bench.world.now).toISOString();
  bench.journal.push({ seq: 2, time, type: 'execution_failed', execution: 'a', data: {} });
  bench.world.frozen = false;
  for (let times = 0; times < 3; times++) {
    bench.restart();
    await bench.settle();
  }
  t.match(bench.sent, [{ rules: ['one', 'two'] }]);
  t.equal(bench.sent.length, 1);
});

t.test('every channel names all rules', async (t) => {
  const alert = anAlert({ rule: 'failed', rules: ['failed', 'nightly'] });
  const url = new URL('https://example.org/topic');
  t.match(JSON.parse(toJson(alert)), { rule: 'failed', rules: ['failed', 'nightly'] });
  t.match(buildMessage('a@example.org', alert).text, /^Rules +failed, nightly$/m);
  t.match(buildMessage('a@example.org', anAlert()).text, /^Rule +failed$/m);
  t.match(buildRequest('slack', url, alert).body, 'rules failed, nightly');
  t.match(JSON.parse(buildRequest('ntfy', url, alert).body), { tags: ['failed', 'nightly'] });
});

t.test('the highest severity of the rules that notify a channel decides whether it is sent', async (t) => {
  const rules = [
    { name: 'error', when: failed, notify: ['ops', 'desktop'], severity: 'error' as const },
    { name: 'critical', when: failed, notify: ['ops'], severity: 'critical' as const },
  ];
  const channelSettings = { ops: { severity: 'critical' as const }, desktop: { severity: 'critical' as const } };
  const bench = createAlertBench({ channels, channelSettings, rules });
  await bench.write(start, fail);
  await bench.settle();
  t.match(bench.sent, [{ channel: 'ops', severity: 'critical', urgency: 'critical', rules: ['critical'] }]);
  t.equal(bench.sent.length, 1, 'the rule that notifies the desktop is below what that wants');
  bench.restart();
  await bench.settle();
  t.equal(bench.sent.length, 1);
});
