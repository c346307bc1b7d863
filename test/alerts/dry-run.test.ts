import t from 'tap';
import { deliveriesOf } from '../../src/alerts/deliveries.js';
import { dryRun } from '../../src/alerts/dry-run.js';
import { createRules } from '../../src/alerts/rules.js';
import { conditionText } from '../../src/alerts/condition-text.js';
import { at, numbered } from '../helpers/events.js';

const rule = (name: string, when: object) => ({ name, when, notify: ['ops'], throttle: 0, repeat: 'each' as const });

t.test('replayed events: which rules fire, and what the others missed', async (t) => {
  const rules = createRules([
    'builtin',
    rule('slow', { longerThan: 60_000 }),
    rule('very-slow', { longerThan: 600_000 }),
    rule('noise', { output: 'panic', kind: ['run'] }),
    rule('deploys', { type: ['deployed'] }),
  ]);
  const events = numbered([
    { type: 'execution_started', execution: 'a', data: { name: 'nightly', kind: 'run' } },
    { type: 'output', execution: 'a', data: { text: 'fine' } },
    { type: 'alert_triggered', execution: 'a', data: { rule: 'failed', outcome: 'sent', channel: 'desktop' } },
    { type: 'execution_failed', execution: 'a', time: at(100), data: { exitCode: 1 } },
  ]);
  const results = new Map(dryRun(rules, events).map((result) => [result.rule.name, result]));
  t.match(results.get('failed'), { matches: [{ text: { title: '✗ nightly failed' } }], nearest: undefined });
  t.match(results.get('waiting')?.nearest, { event: undefined, why: ['there is no event attention'] });
  t.match(results.get('long_command')?.nearest, {
    event: { type: 'execution_failed' },
    why: ['its kind is run, not command'],
  });
  t.match(results.get('slow')?.matches, [{ text: { title: '● nightly still runs after 1:00' } }]);
  t.match(results.get('very-slow')?.nearest, { why: ['it took 1:40, not longer than 10:00'] });
  t.match(results.get('noise')?.nearest, { why: ['no line of it matches panic'] });
  t.match(results.get('deploys')?.nearest, { why: ['there is no event deployed'] });
});

t.test('formats conditions', async (t) => {
  const when = {
    status: ['failed' as const, 'lost' as const],
    label: { team: 'infra' },
    longerThan: 600_000,
    exitStatus: [1, 2],
    resource: { cpu: 90, memory: 2 ** 31, for: 300_000 },
    output: 'a|b',
  };
  t.equal(
    conditionText(when),
    'status failed or lost, exit status 1 or 2, label team=infra, longer than 10:00, ' +
      'above 90 % of a core and 2.0 GiB for 5:00, output /a|b/',
  );
});

t.test('derives deliveries from events', async (t) => {
  const alert = (data: object) => ({ type: 'alert_triggered', data: { channel: 'ops', ...data } });
  const list = deliveriesOf(
    numbered([
      alert({ outcome: 'sent', of: 0, title: 'of something before' }),
      alert({ outcome: 'pending', id: 'a', rule: 'r', title: 'one', body: 'x' }),
      alert({ outcome: 'pending', id: 'b', rule: 'r', title: 'two' }),
      alert({ outcome: 'pending', id: 'c', rule: 'r', title: 'three', channel: 'other' }),
      alert({ outcome: 'failed', of: 3, count: 2, error: 'no' }),
      alert({ outcome: 'sent', id: 'd', rule: 'test', title: 'Test of ops', attempts: 1 }),
    ]),
  );
  t.strictSame(list, [
    {
      time: at(1),
      channel: 'ops',
      outcome: 'failed',
      id: 'a',
      rule: 'r',
      title: 'one',
      body: 'x',
      settledAt: at(4),
      error: 'no',
    },
    { time: at(2), channel: 'ops', outcome: 'failed', id: 'b', rule: 'r', title: 'two', settledAt: at(4), error: 'no' },
    { time: at(3), channel: 'other', outcome: 'pending', id: 'c', rule: 'r', title: 'three' },
    { time: at(5), channel: 'ops', outcome: 'sent', id: 'd', rule: 'test', title: 'Test of ops', attempts: 1 },
  ]);
});
