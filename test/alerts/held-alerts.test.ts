import t from 'tap';
import { buildMessage } from '../../src/alerts/channels/email-message.js';
import { deliveriesOf } from '../../src/alerts/deliveries.js';
import { parseConfig } from '../../src/config/load.js';
import type { ChannelBase } from '../../src/config/channel-schema.js';
import { alertsFromJson, alertsToJson } from '../../src/core/state/alerts.js';
import { parseQuietHours } from '../../src/core/text/quiet-hours.js';
import type { BenchOptions } from '../helpers/alert-bench.js';
import { createAlertBench, settingsOf } from '../helpers/alert-bench.js';
import type { Draft } from '../helpers/events.js';

process.env['TZ'] = 'UTC';

const fail = (execution: string): Draft[] => [
  { type: 'execution_started', execution, data: { name: execution } },
  { type: 'execution_failed', execution, data: { exitCode: 1 } },
];
const HOUR = 3_600_000;
const quietHours = (text: string): ChannelBase => {
  const hours = parseQuietHours(text);
  if (!hours) throw new Error(text);
  return { quiet: [hours] };
};

/** It is 03:04; the desktop is quiet until 07:00, and ops never is. */
function open(more: Partial<BenchOptions> = {}) {
  const sent = () => ({ outcome: 'sent' }) as const;
  return createAlertBench({
    rules: [{ name: 'failed', when: { status: ['failed'] }, notify: ['desktop', 'ops'] }],
    channels: { desktop: sent, ops: sent },
    channelSettings: { desktop: quietHours('22:00-07:00') },
    ...more,
  });
}

const toDesktop = ({ sent }: ReturnType<typeof open>) => sent.filter(({ channel }) => channel === 'desktop');

t.test('quiet hours are a key of each channel', async (t) => {
  const read = (text: string) =>
    parseConfig(`channels: { desktop: { type: desktop, quiet: ${text} } }`, 'c.yaml').channels;
  t.match(read('22:00-07:00'), { desktop: { quiet: [{ from: 1_320, to: 420 }] } });
  t.match(read('["mon-fri 22:00-07:00", "sat,sun 00:00-24:00"]'), { desktop: { quiet: [{}, { days: [6, 0] }] } });
  t.throws(() => read('22-7'), /channels\.desktop\.quiet: is "22-7", wanted hours like "22:00-07:00"/);
});

t.test('alerts in quiet hours are held, and sent as one summary when they end', async (t) => {
  const bench = open();
  await bench.write(...fail('a'), ...fail('b'), ...fail('c'));
  await bench.settle();
  t.equal(bench.sent.filter(({ channel }) => channel === 'ops').length, 3, 'other channels are not quiet');
  await bench.pass(3 * HOUR);
  t.strictSame(toDesktop(bench), []);
  t.match(bench.alerts.status().channels, [{ name: 'desktop', held: 3, pending: 0 }]);
  await bench.pass(HOUR);
  t.match(toDesktop(bench), [
    {
      ...{ rule: 'quiet', rules: ['failed'], severity: 'error', title: '! 3 alerts in quiet hours' },
      body: '✗ c failed · ✗ b failed · ✗ a failed',
      alerts: [{ title: '✗ a failed', rule: 'failed', execution: 'a' }, { execution: 'b' }, { execution: 'c' }],
    },
  ]);
  t.match(buildMessage('a@example.org', toDesktop(bench)[0]!).text, /✗ a failed.*\n.*✗ b failed.*\n.*✗ c failed/);
  await bench.write(...fail('d'));
  await bench.pass(HOUR);
  t.match(toDesktop(bench).slice(1), [{ rule: 'failed', title: '✗ d failed' }], 'by day each is sent at once');
  t.strictSame(
    deliveriesOf(bench.alertsIn()).flatMap(({ channel, outcome }) => (channel === 'desktop' ? [outcome] : [])),
    ['held', 'held', 'held', 'sent', 'sent'],
  );
  t.match(bench.alerts.rules(), [{ fired: 4 }], 'a summary is no firing');
});

t.test('a single held alert is sent unchanged', async (t) => {
  const bench = open();
  await bench.write(...fail('a'));
  await bench.pass(4 * HOUR);
  t.match(toDesktop(bench), [{ rule: 'failed', title: '✗ a failed', execution: { id: 'a' }, event: { seq: 2 } }]);
  t.equal(toDesktop(bench).length, 1);
  t.match(bench.alerts.rules(), [{ fired: 1 }]);
});

t.test('critical alerts are sent at once, of rules and manual ones', async (t) => {
  const bench = open({
    rules: [{ name: 'failed', when: { status: ['failed'] }, notify: ['desktop'], severity: 'critical' }],
  });
  await bench.write(...fail('a'));
  await bench.alerts.notify({ title: 'now', channels: ['desktop'], urgency: 'critical' });
  await bench.alerts.notify({ title: 'later', channels: ['desktop'] });
  await bench.settle();
  t.strictSame(
    toDesktop(bench).map(({ title }) => title),
    ['✗ a failed', 'now'],
  );
  await bench.pass(4 * HOUR);
  t.strictSame(
    toDesktop(bench).map(({ title }) => title),
    ['✗ a failed', 'now', 'later'],
  );
});

t.test('a restart loses nothing, during quiet hours and after them', async (t) => {
  const bench = open();
  await bench.write(...fail('a'));
  await bench.settle();
  bench.restart();
  await bench.write(...fail('b'));
  await bench.pass(HOUR);
  t.strictSame(toDesktop(bench), []);
  bench.world.now += 3 * HOUR; // no daemon runs meanwhile
  bench.restart();
  await bench.settle();
  t.match(toDesktop(bench), [{ title: '! 2 alerts in quiet hours' }]);
  bench.restart();
  await bench.pass(HOUR);
  t.equal(toDesktop(bench).length, 1);
  t.strictSame(bench.state.alerts.channels.get('desktop')?.held, []);
});

t.test('checkpoints hold held alerts', async (t) => {
  const bench = open();
  await bench.write(...fail('a'));
  await bench.settle();
  const { held } = bench.state.alerts.channels.get('desktop')!;
  t.equal(held?.length, 1);
  const read = alertsFromJson(structuredClone(alertsToJson(bench.state.alerts)));
  t.strictSame(read.channels.get('desktop')?.held, held);
});

t.test('removed quiet hours end at once', async (t) => {
  const bench = open();
  await bench.write(...fail('a'), ...fail('b'));
  await bench.settle();
  const options: BenchOptions = { channels: { ops: () => ({ outcome: 'sent' }) } };
  bench.alerts.configure({ ...settingsOf(options), rules: [] });
  await bench.settle();
  t.match(toDesktop(bench), [{ title: '! 2 alerts in quiet hours' }]);
});

t.test('a desktop without a session keeps held alerts until there is one', async (t) => {
  let reason: string | undefined = 'there is no session bus';
  const bench = open({ unavailable: () => reason });
  await bench.write(...fail('a'));
  await bench.pass(5 * HOUR);
  t.strictSame(toDesktop(bench), []);
  reason = undefined;
  await bench.pass(60_000);
  t.match(toDesktop(bench), [{ title: '✗ a failed' }]);
});
