import t from 'tap';
import { MAX_PENDING } from '../../src/core/state/alerts.js';
import { createAlertBench, settingsOf } from '../helpers/alert-bench.js';
import type { Draft } from '../helpers/events.js';

const start = (execution: string, name = execution): Draft => ({
  type: 'execution_started',
  execution,
  data: { name },
});
const fail = (execution: string): Draft => ({ type: 'execution_failed', execution, data: { exitCode: 1 } });

t.test('an alert is recorded before and after it is sent', async (t) => {
  const bench = createAlertBench();
  await bench.write(start('a', 'one'), fail('a'));
  await bench.settle();
  const [pending, settled, ...more] = bench.alertsIn();
  t.strictSame(more, []);
  t.match(pending, {
    execution: 'a',
    data: { outcome: 'pending', rule: 'failed', channel: 'desktop', title: '✗ one failed', cause: 2, once: true },
  });
  const { id, title } = pending?.data ?? {};
  t.strictSame(settled?.data, { id, rule: 'failed', title, channel: 'desktop', of: 3, outcome: 'sent', attempts: 1 });
  t.match(bench.sent, [
    { id, title, channel: 'desktop', event: { seq: 2 }, execution: { id: 'a', outcome: { exitCode: 1 } } },
  ]);
  t.match(bench.state.alerts.channels.get('desktop'), { pending: [], counts: { sent: 1 } });
});

t.test('an execution raises one alert, across repeated ends and killed daemons', async (t) => {
  const bench = createAlertBench();
  await bench.write(start('a'), fail('a'), fail('a'));
  await bench.write(fail('a'));
  await bench.settle();
  bench.restart();
  await bench.write(fail('a'));
  await bench.settle();
  t.equal(bench.sent.length, 1);
  t.strictSame(bench.outcomes(), ['pending', 'sent']);
});

t.test('a machine without a desktop is logged once, and no alert is recorded', async (t) => {
  let reason: string | undefined = 'there is no session bus';
  const bench = createAlertBench({ unavailable: () => reason });
  await bench.write(fail('a'), fail('b'));
  await bench.settle();
  t.strictSame(bench.logged, ['no desktop notifications: there is no session bus']);
  t.strictSame(bench.outcomes(), []);
  t.match(bench.alerts.status(), { channels: [{ name: 'desktop', unavailable: 'there is no session bus' }] });
  reason = undefined;
  await bench.write(fail('c'));
  await bench.settle();
  t.strictSame(bench.outcomes(), ['pending', 'sent']);
  reason = 'there is no session bus';
  await bench.write(fail('d'));
  t.equal(bench.logged.length, 2);
});

t.test('a disabled desktop is not reported as missing', async (t) => {
  const bench = createAlertBench({ alerts: { desktop: false }, unavailable: () => 'there is no session bus' });
  await bench.write(fail('a'));
  await bench.settle();
  t.strictSame([bench.outcomes(), bench.logged], [[], []]);
});

t.test(
  'killed anywhere between the event and the record of its alert, the daemon sends it at least once, with one ID',
  async (t) => {
    const channels = { ops: () => ({ outcome: 'sent' }) as const };
    const rules = [{ name: 'ops', when: { status: ['failed' as const] }, notify: ['ops'] }];

    t.test('before it is recorded', async (t) => {
      const bench = createAlertBench({ channels, rules });
      await bench.write(start('a'));
      const writing = bench.write(fail('a'));
      bench.world.frozen = true; // nothing more is written by this one
      await Promise.race([writing, bench.settle()]);
      bench.journal.push({
        seq: 2,
        time: new Date(bench.world.now).toISOString(),
        type: 'execution_failed',
        execution: 'a',
        data: {},
      });
      bench.world.frozen = false;
      bench.restart();
      await bench.settle();
      t.strictSame(bench.outcomes(), ['pending', 'sent']);
      t.match(bench.alertsIn()[0], { execution: 'a', data: { cause: 2 } });
      t.equal(bench.sent.length, 1);
    });

    t.test('before it is sent, and before that is recorded', async (t) => {
      let freeze = true;
      const bench = createAlertBench({
        rules,
        channels: {
          ops() {
            bench.world.frozen = freeze;
            return { outcome: 'sent' };
          },
        },
      });
      await bench.write(fail('a'));
      await bench.settle();
      t.strictSame(bench.outcomes(), ['pending'], 'it was sent, and then the process was killed');
      freeze = false;
      bench.world.frozen = false;
      bench.restart();
      await bench.settle();
      t.strictSame(bench.outcomes(), ['pending', 'sent']);
      t.equal(bench.sent.length, 2);
      t.equal(bench.sent[0]?.id, bench.sent[1]?.id);
      bench.restart();
      await bench.settle();
      t.equal(bench.sent.length, 2, 'and then no more');
    });
  },
);

t.test('events long before a start, and answered questions, raise no alert', async (t) => {
  const bench = createAlertBench();
  bench.world.frozen = false;
  const time = (ms: number) => new Date(bench.world.now - ms).toISOString();
  const waits = (state: string) => ({ type: 'attention', data: { state, reason: 'May I?' } });
  const earlier = [
    { ...fail('old'), time: time(301_000) },
    { ...fail('new'), time: time(299_000) },
    { ...start('asks'), time: time(200_000) },
    { ...waits('waiting'), execution: 'asks', time: time(200_000) },
    { ...waits('none'), execution: 'asks', time: time(100_000) },
    { ...start('still'), time: time(200_000) },
    { ...waits('waiting'), execution: 'still', time: time(200_000) },
  ];
  earlier.forEach((draft, index) => bench.journal.push({ data: {}, ...draft, seq: index + 1 }));
  bench.restart();
  await bench.settle();
  t.strictSame(
    bench.sent.map(({ title }) => title),
    ['✗ new failed', '! still needs you'],
  );
  await bench.write({ ...waits('waiting'), execution: 'still' });
  await bench.settle();
  t.equal(bench.sent.length, 2, 'the same question is known after a start');
});

t.test('a full disk delays alerts and loses none', async (t) => {
  const bench = createAlertBench();
  await bench.write(start('a'));
  await bench.write(fail('a'));
  bench.world.failures = 1;
  await bench.write(fail('b')).catch(() => undefined);
  await bench.write(fail('b'));
  bench.world.failures = 3;
  await bench.settle();
  for (let attempt = 0; attempt < 6; attempt++) await bench.pass(5_000);
  t.strictSame(bench.sent.map(({ title }) => title).sort(), ['✗ a failed', '✗ b failed']);
  t.same(bench.state.alerts.channels.get('desktop')?.pending, []);
  t.equal(bench.outcomes().filter((outcome) => outcome === 'sent').length, 2);
  t.match(bench.logged.join('\n'), /no space/);
});

t.test('alerts beyond the capacity of a dead target are counted', async (t) => {
  const bench = createAlertBench({
    rules: [{ when: { status: ['failed'] }, notify: ['ops'] }],
    channels: { ops: () => ({ outcome: 'retry', error: 'nobody listens' }) },
  });
  await bench.write(...Array.from({ length: MAX_PENDING + 5 }, (_, index) => fail(`x${index}`)));
  await bench.settle();
  const { pending, counts } = bench.state.alerts.channels.get('ops') ?? {};
  t.equal(pending?.length, MAX_PENDING);
  t.strictSame(counts, { suppressed: 5 });
});

t.test('rules and channels can change at run time', async (t) => {
  const options = {
    rules: [{ name: 'ops', when: { status: ['failed' as const] }, notify: ['ops'] }],
    channels: { ops: () => ({ outcome: 'retry', error: 'nobody listens' }) as const },
  };
  const bench = createAlertBench(options);
  await bench.write(fail('a'));
  await bench.settle();
  t.strictSame(bench.outcomes(), ['pending']);
  bench.alerts.configure(
    settingsOf({ rules: [{ name: 'all', when: { status: ['completed'] }, notify: ['desktop'] }] }),
  );
  await bench.settle();
  t.match(bench.alertsIn().at(-1), { data: { of: 2, outcome: 'failed', error: 'there is no such channel' } });
  await bench.write(fail('b'), { type: 'execution_completed', execution: 'c' });
  await bench.settle();
  t.match(bench.sent.at(-1), { rule: 'all', title: '✓ c completed' });
  t.match(bench.alerts.rules(), [{ name: 'all', fired: 1 }]);
});

t.test('sends a manual notification, and tests a channel', async (t) => {
  const bench = createAlertBench({ channels: { ops: () => ({ outcome: 'failed', error: 'no' }) } });
  const pending = await bench.alerts.notify({ title: 'a\nb', body: 'c', channels: ['desktop', 'ops', 'ops'] });
  await bench.settle();
  t.strictSame(pending, [
    { channel: 'desktop', seq: 1 },
    { channel: 'ops', seq: 2 },
  ]);
  t.match(bench.sent, [
    { rule: 'notify', title: 'a b', body: 'c', channel: 'desktop' },
    { rule: 'notify', title: 'a b', channel: 'ops' },
  ]);
  t.strictSame(bench.outcomes(), ['pending', 'pending', 'sent', 'failed']);
  t.strictSame(await bench.alerts.test('ops'), { outcome: 'failed', error: 'no' });
  t.match(bench.alertsIn().at(-1), { data: { rule: 'test', channel: 'ops', outcome: 'failed' } });
  await t.rejects(bench.alerts.test('opps'), { code: 'not_found', message: /did you mean ops\?/ });
  await t.rejects(bench.alerts.notify({ title: 'a', channels: ['x'] }), { code: 'not_found' });
});

t.test('a step that failed before a start raises no second alert by the second event of its failure', async (t) => {
  const bench = createAlertBench({ rules: [{ when: { step: ['*'] } }] });
  const failed: Draft = { type: 'step_failed', execution: 'a', step: 's' };
  await bench.write(start('a'), failed);
  await bench.settle();
  t.equal(bench.sent.length, 1);
  bench.restart();
  bench.alerts.configure(settingsOf({ rules: [{ name: 'other', when: { step: ['s'] } }] }));
  await bench.pass(1_000);
  await bench.write(failed);
  await bench.settle();
  t.equal(bench.sent.length, 1);
});
