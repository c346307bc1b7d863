import t from 'tap';
import type { DeliveryOutcome } from '../../src/alerts/channel.js';
import { backOff } from '../../src/alerts/backoff.js';
import { createAllowance } from '../../src/alerts/rate-limit.js';
import type { BenchOptions, Send } from '../helpers/alert-bench.js';
import { createAlertBench } from '../helpers/alert-bench.js';
import type { Draft } from '../helpers/events.js';
import { createManualClock } from '../helpers/manual-clock.js';

const fail = (execution: string): Draft => ({ type: 'execution_failed', execution });
const DAY = 86_400_000;

/** One channel whose answers the test determines, and a rule that sends it all failures. */
function createTarget(answer: Send, alerts: BenchOptions['alerts'] = {}) {
  const rules = [{ name: 'ops', when: { status: ['failed' as const] }, notify: ['ops'] }];
  return createAlertBench({ rules, channels: { ops: answer }, alerts });
}

const RETRY: DeliveryOutcome = { outcome: 'retry', error: 'nobody listens' };

t.test('retries in order with exponential backoff until one succeeds', async (t) => {
  let answer: DeliveryOutcome = RETRY;
  const bench = createTarget(() => answer);
  await bench.write(fail('a'), fail('b'));
  await bench.settle();
  t.equal(bench.sent.length, 1, 'the second one waits for the first');
  for (let minute = 0; minute < 60; minute++) await bench.pass(60_000);
  const attempts = bench.sent.length;
  t.ok(attempts >= 12 && attempts < 60, `${attempts} attempts in an hour`);
  t.equal(new Set(bench.sent.map(({ id }) => id)).size, 1, 'all of them with the same id');
  t.match(bench.alerts.status().channels, [{ name: 'ops', pending: 2, error: 'nobody listens' }]);
  t.equal(bench.logged.length, 1, 'said once');
  answer = { outcome: 'sent' };
  await bench.pass(300_000);
  t.strictSame(bench.outcomes(), ['pending', 'pending', 'sent', 'sent']);
  t.match(bench.alertsIn()[2]?.data, { attempts: attempts + 1, of: 3 });
  t.match(bench.alerts.status().channels, [{ pending: 0, counts: { sent: 2 }, error: undefined }]);
});

t.test(
  'backoff: random up to a bound that doubles to five minutes at most, and at least what the target requests',
  async (t) => {
    const longest = [1, 2, 3, 9, 10, 50].map((failures) => backOff(failures, 0, () => 1));
    t.strictSame(longest, [1_000, 2_000, 4_000, 256_000, 300_000, 300_000]);
    t.equal(
      backOff(10, 0, () => 0),
      0,
    );
    t.equal(
      backOff(1, 30_000, () => 0.5),
      30_000,
    );
    t.equal(
      backOff(1, 365 * DAY, () => 1),
      3_600_000,
      'not for ever',
    );
  },
);

t.test('respects the pause that a target requests', async (t) => {
  const bench = createTarget(() => ({ ...RETRY, after: 120_000 }));
  await bench.write(fail('a'));
  await bench.settle();
  await bench.pass(119_999);
  t.equal(bench.sent.length, 1);
  await bench.pass(1);
  t.equal(bench.sent.length, 2);
});

t.test('gives up after the retry period, together with alerts as old; later alerts are tried', async (t) => {
  const bench = createTarget(() => RETRY, { retryFor: 3_600_000 });
  await bench.write(fail('a'), fail('b'));
  await bench.settle(); // both are as old as the other
  // a pause takes up to five minutes
  for (let minute = 0; minute < 67; minute++) await bench.pass(60_000);
  await bench.write(fail('c'));
  for (let minute = 0; minute < 5; minute++) await bench.pass(60_000);
  t.strictSame(bench.outcomes(), ['pending', 'pending', 'failed', 'failed', 'pending']);
  t.match(bench.alertsIn()[3]?.data, { error: 'expired while earlier alerts were retried' });
  t.equal(bench.sent.at(-1)?.execution?.id, 'c');
});

t.test('setting the wall clock ahead gives up no alert', async (t) => {
  let answer: DeliveryOutcome = RETRY;
  const bench = createTarget(() => answer);
  await bench.write(fail('a'), fail('b'));
  await bench.settle();
  bench.world.now += 30 * DAY;
  for (let minute = 0; minute < 10; minute++) await bench.pass(60_000);
  t.strictSame(bench.outcomes(), ['pending', 'pending']);
  bench.world.now -= 60 * DAY;
  answer = { outcome: 'sent' };
  for (let minute = 0; minute < 6; minute++) await bench.pass(60_000);
  t.strictSame(bench.outcomes(), ['pending', 'pending', 'sent', 'sent']);
});

t.test('after a start even an old alert is tried once before it is given up', async (t) => {
  let answer: DeliveryOutcome = RETRY;
  const bench = createTarget(() => answer);
  await bench.write(fail('a'), fail('b'));
  await bench.settle();
  bench.world.now += 30 * DAY;
  answer = { outcome: 'sent' };
  bench.restart();
  await bench.settle();
  t.strictSame(bench.outcomes(), ['pending', 'pending', 'sent', 'sent']);
});

t.test('an alert that can never be delivered fails at once, and blocks no others', async (t) => {
  const bench = createTarget(({ execution }) =>
    execution?.id === 'a' ? { outcome: 'failed', error: 'HTTP 400' } : { outcome: 'sent' },
  );
  await bench.write(fail('a'), fail('b'));
  await bench.settle();
  t.strictSame(bench.outcomes(), ['pending', 'pending', 'failed', 'sent']);
  t.match(bench.alertsIn()[2]?.data, { error: 'HTTP 400', attempts: 1 });
});

t.test('a storm of ten thousand: sends a few, and the number of the others', async (t) => {
  const bench = createTarget(() => ({ outcome: 'sent' }), { rate: 20 });
  for (let batch = 0; batch < 10; batch++)
    await bench.write(...Array.from({ length: 1_000 }, (_, index) => fail(`x${batch}-${index}`)));
  await bench.settle();
  t.equal(bench.sent.length, 20);
  await bench.pass(30_000);
  t.equal(bench.sent.length, 21);
  t.match(bench.sent.at(-1), { rule: 'suppressed', suppressed: 9_980, title: '! 9980 more alerts suppressed' });
  t.match(bench.state.alerts.channels.get('ops'), { pending: [], counts: { sent: 21, suppressed: 9_980 } });
  t.equal(bench.alertsIn().length, 10_000 + 20 + 1 + 2, 'they are not settled one by one');
});

t.test('alerts slightly beyond the rate are delayed, and sent one by one', async (t) => {
  const bench = createTarget(() => ({ outcome: 'sent' }), { rate: 20 });
  await bench.write(...Array.from({ length: 25 }, (_, index) => fail(`x${index}`)));
  await bench.settle();
  t.equal(bench.sent.length, 20);
  await bench.pass(30_000);
  t.equal(bench.sent.length, 25);
  t.notOk(bench.outcomes().includes('suppressed'));
});

t.test('a hanging target blocks only its own channel, and times out', async (t) => {
  const bench = createAlertBench({
    rules: [{ when: { status: ['failed'] }, notify: ['hangs', 'ops'] }],
    channels: { hangs: () => new Promise<DeliveryOutcome>(() => {}), ops: () => ({ outcome: 'sent' }) },
  });
  await bench.write(fail('a'), fail('b'));
  await bench.settle();
  t.strictSame(
    bench.sent.map(({ channel }) => channel),
    ['hangs', 'ops', 'ops'],
  );
  await bench.pass(360_000);
  t.match(bench.alerts.status().channels[0], { name: 'hangs', pending: 2, error: 'no answer within 6:00' });
  await bench.alerts.close();
});

t.test('a channel that rejects unexpectedly is retried', async (t) => {
  const bench = createTarget(() => Promise.reject(new Error('a mistake')));
  await bench.write(fail('a'));
  await bench.settle();
  t.match(bench.alerts.status().channels, [{ error: 'a mistake', pending: 1 }]);
});

t.test('an alert that has left the journal is recorded as lost', async (t) => {
  const bench = createTarget(() => ({ outcome: 'sent' }));
  bench.state.alerts.channels.set('ops', { pending: [3, 4], counts: {} });
  await bench.write({ type: 'log', execution: 'x' }, { type: 'log', execution: 'x' }, { type: 'log', execution: 'x' });
  await bench.write(fail('a'));
  await bench.settle();
  t.match(bench.logged.join('\n'), /left the journal/);
  t.ok(bench.outcomes().includes('lost'));
  t.equal(bench.outcomes().at(-1), 'sent');
});

t.test('the rate allowance refills within a minute, and follows its settings', async (t) => {
  const clock = createManualClock();
  const allowance = createAllowance(4, clock);
  const takeAll = () => [1, 2, 3, 4, 5].filter(() => allowance.take()).length;
  t.equal(takeAll(), 4);
  clock.advance(15_000);
  t.equal(takeAll(), 1);
  clock.advance(3_600_000);
  t.equal(allowance.left, 4, 'never more than that');
  allowance.set(2);
  t.equal(allowance.left, 2);
  allowance.set(10);
  t.equal(allowance.left, 10);
});
