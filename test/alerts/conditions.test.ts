/** Conditions on levels, cost and tokens, and the severity of alerts. */
import t from 'tap';
import { parseConfig } from '../../src/config/load.js';
import type { RuleConfig } from '../../src/config/alert-schema.js';
import type { Conditions } from '../../src/api/conditions.js';
import { toJson } from '../../src/alerts/channels/payload.js';
import type { Severity } from '../../src/core/state/alerts.js';
import type { EventData } from '../../src/core/events/event.js';
import type { BenchOptions } from '../helpers/alert-bench.js';
import { createAlertBench } from '../helpers/alert-bench.js';
import { anAlert } from '../helpers/alerts.js';
import type { Draft } from '../helpers/events.js';

const start = (kind = 'run'): Draft => ({
  type: 'execution_started',
  execution: 'a',
  data: { name: 'nightly', kind },
});
const log = (level: unknown, message = 'no space left'): Draft => ({
  type: 'log',
  execution: 'a',
  data: { level, message },
});
const usage = (data: EventData): Draft => ({ type: 'activity', execution: 'a', data: { kind: 'usage', ...data } });
const end = (status: string): Draft => ({ type: `execution_${status}`, execution: 'a', data: {} });

function bench(rule: Partial<RuleConfig>, options: BenchOptions = {}) {
  const sent = () => ({ outcome: 'sent' }) as const;
  const alerts = createAlertBench({ rules: [rule], channels: { desktop: sent, mail: sent }, ...options });
  return {
    ...{ sent: alerts.sent, settle: alerts.settle, restart: () => alerts.restart() },
    write: async (...drafts: Draft[]) => await alerts.write(...drafts),
    pass: async (ms: number) => await alerts.pass(ms),
  };
}

/** Conditions as in the configuration file. */
function when(text: string): Conditions {
  const [rule] = parseConfig(`rules: [{ name: x, when: ${text} }]`, 'c.yaml').rules;
  return (rule as RuleConfig).when;
}

t.test('a level has several names, and matches that level or a worse one', async (t) => {
  const names = { error: 'error', ERR: 'error', fatal: 'error', warn: 'warning', Warning: 'warning', trace: 'debug' };
  for (const [written, level] of Object.entries(names)) t.equal(when(`{ level: ${written} }`).level, level, written);
  t.throws(
    () => when('{ level: loud }'),
    /rules\[0\]\.when\.level: is "loud", wanted one of debug, info, warning, error/,
  );

  const { write, settle, sent, pass } = bench({ name: 'r', when: { level: 'warning' } });
  await write(start());
  for (const level of ['debug', 'info', 'strange', undefined, 'success']) await write(log(level));
  await write({ type: 'output', execution: 'a', data: { text: 'error' } });
  await settle();
  t.strictSame(sent, []);
  for (const [level, title] of [
    ['warn', '● nightly warns'],
    ['FATAL', '● nightly logged an error'],
    [3, '● nightly logged an error'],
  ]) {
    await write(log(level));
    await settle();
    t.match(sent.at(-1), { title, body: 'no space left' }, String(level));
    await pass(10_000);
  }
  t.equal(sent.length, 3);
  await write(log('error'), log('error'));
  await settle();
  t.equal(sent.length, 4, 'at most every ten seconds');
});

t.test('costUsd fires once, when the cost exceeds it', async (t) => {
  t.equal(when('{ costUsd: 2.5 }').costUsd, 2.5);
  t.throws(() => when('{ costUsd: 0 }'), /wanted a number from 0\.01 to 1000000/);
  const { write, settle, sent, restart } = bench({ name: 'dear', when: { costUsd: 2 } });
  await write(start('agent'), usage({ costUsd: 1.5 }), usage({ costUsd: 0.5 }));
  await settle();
  t.strictSame(sent, [], 'two are not more than two');
  await write(usage({ costUsd: 0.1 }));
  await settle();
  t.match(sent, [{ title: '● nightly has cost $2.10', severity: 'warning' }]);
  restart();
  await write(usage({ costUsd: 5 }), end('completed'));
  await settle();
  t.equal(sent.length, 1);
});

t.test('with a status, costUsd is a condition on the end', async (t) => {
  const { write, settle, sent } = bench({ when: { status: ['completed'], costUsd: 1 } });
  await write(start('agent'), usage({ costUsd: 3 }));
  await settle();
  t.equal(sent.length, 0);
  await write(end('completed'));
  await settle();
  t.match(sent, [{ title: '✓ nightly completed' }]);
});

t.test('tokensPerMinute is an average; fires when exceeded, and again after it was not', async (t) => {
  t.strictSame(when('{ tokensPerMinute: 1000 }').tokensPerMinute, { above: 1_000, window: 300_000 });
  t.strictSame(when('{ tokensPerMinute: { above: 9, window: 1m } }').tokensPerMinute, { above: 9, window: 60_000 });
  const { write, settle, sent, pass } = bench({ when: { tokensPerMinute: { above: 1_000, window: 120_000 } } });
  const use = async (tokens: number) => {
    await write(usage({ tokens }));
    await settle();
  };
  await write(start('agent'));
  await use(2_000);
  t.equal(sent.length, 0, '1000 a minute over two minutes');
  await pass(30_000);
  await use(500);
  t.match(sent, [{ title: '● nightly uses 1,250 tokens a minute' }]);
  await pass(30_000);
  await use(500);
  t.equal(sent.length, 1, 'it is still above');
  await pass(100_000);
  await use(100);
  await use(3_000);
  t.equal(sent.length, 2, 'it was below in between');
  await pass(600_000);
  await use(1_900);
  t.equal(sent.length, 2, 'what is longer ago does not count');
});

t.test('the severity follows from the cause, unless the rule has one', async (t) => {
  const severityOf = async (rule: Partial<RuleConfig>, ...events: Draft[]) => {
    const { write, settle, sent } = bench(rule);
    await write(start(), ...events);
    await settle();
    return sent.map(({ severity, urgency }) => [severity, urgency]);
  };
  const silent: Draft = { type: 'attention', execution: 'a', data: { state: 'waiting' } };
  t.strictSame(await severityOf({ when: { status: ['completed'] } }, end('completed')), [['info', 'low']]);
  t.strictSame(await severityOf({ when: { status: ['failed'] } }, end('failed')), [['error', 'normal']]);
  t.strictSame(await severityOf({ when: { attention: ['waiting'] } }, silent), [['warning', 'normal']]);
  t.strictSame(await severityOf({ when: { level: 'info' } }, log('info')), [['info', 'low']]);
  const critical = { when: { status: ['failed'] }, severity: 'critical' } as const;
  t.strictSame(await severityOf(critical, end('failed')), [['critical', 'critical']]);
});

t.test('a channel with a severity is not sent lower ones', async (t) => {
  const settings = (severity: Severity, mail: Severity) => ({
    rules: [
      { name: 'one', when: { status: ['failed'] as const }, severity, notify: ['desktop', 'mail'] },
      { name: 'two', when: { status: ['failed'] as const }, notify: ['mail'] },
    ],
    channelSettings: { mail: { severity: mail } },
  });
  const sentBy = async (severity: Severity, mail: Severity) => {
    const { write, settle, sent: all } = bench({}, settings(severity, mail));
    await write(start(), end('failed'));
    await settle();
    return all.map(({ channel, rules, severity: is }) => [channel, is, ...rules]);
  };
  t.strictSame(await sentBy('critical', 'critical'), [
    ['desktop', 'critical', 'one'],
    ['mail', 'critical', 'one'],
  ]);
  t.strictSame(await sentBy('warning', 'error'), [
    ['desktop', 'warning', 'one'],
    ['mail', 'error', 'two'],
  ]);
  t.strictSame(await sentBy('critical', 'warning'), [
    ['desktop', 'critical', 'one'],
    ['mail', 'critical', 'one', 'two'],
  ]);
  t.match(JSON.parse(toJson(anAlert({ severity: 'critical' }))), { severity: 'critical' });
});

t.test('the desktop and the bell take a severity, and only their own type', async (t) => {
  const channels = (text: string) => parseConfig(`channels: ${text}`, 'c.yaml').channels;
  t.strictSame(channels('{ desktop: { type: desktop, severity: error }, loud: { type: bell } }'), {
    desktop: { type: 'desktop', severity: 'error' },
    loud: { type: 'bell' },
  });
  t.throws(() => channels('{ desktop: { type: bell } }'), /channels\.desktop\.type: must be desktop here/);
});
