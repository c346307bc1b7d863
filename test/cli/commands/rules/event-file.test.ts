import t from 'tap';
import { dryRun } from '../../../../src/alerts/dry-run.js';
import { createRules } from '../../../../src/alerts/rules.js';
import { toJson } from '../../../../src/alerts/channels/payload.js';
import { readEventFile } from '../../../../src/cli/commands/rules/event-file.js';
import { createAlertBench } from '../../../helpers/alert-bench.js';

const rule = (name: string, when: object, notify = ['ops']) => ({
  ...{ name, when, notify, throttle: 0, repeat: 'each' as const },
});
const RULES = [
  rule('failed', { status: ['failed'] }),
  rule('steps', { step: ['*'] }),
  rule('asks', { attention: ['waiting'] }),
  rule('slow', { longerThan: 60_000, name: ['*-c'] }),
  rule('second', { status: ['failed'] }, ['other']),
];

/** Alerts that the channels of the rules received, one JSON object per line. */
async function alertsOf(): Promise<string[]> {
  const sent = () => ({ outcome: 'sent' }) as const;
  const bench = createAlertBench({ rules: RULES, channels: { ops: sent, other: sent } });
  const start = (execution: string) => ({
    ...{ type: 'execution_started', execution, data: { name: `backup-${execution}`, kind: 'run' } },
  });
  await bench.write(start('a'), start('b'), start('c'));
  await bench.write({ type: 'step_failed', execution: 'a', step: 's', data: { name: 'Dump' } });
  await bench.write({ type: 'execution_failed', execution: 'a', data: { exitCode: 2 } });
  await bench.write({ type: 'attention', execution: 'b', data: { state: 'waiting', reason: 'May I?' } });
  await bench.settle();
  await bench.pass(60_000);
  await bench.write({ type: 'execution_failed', execution: 'c' });
  await bench.alerts.notify({ title: 'Built', channels: ['ops'] });
  await bench.settle();
  return bench.sent.map((alert) => toJson(alert));
}

const rehearsed = ({ events, known }: ReturnType<typeof readEventFile>) =>
  dryRun(createRules(RULES), events, known).map(({ rule: { name }, matches }) => [
    name,
    matches.map(({ text }) => text.title),
  ]);

t.test('alerts of several executions, one on each line, are what their rules fire for', async (t) => {
  const lines = await alertsOf();
  const story = readEventFile(`${lines.join('\n')}\n\n${lines.join('\n')}\n`);
  const fired = rehearsed(story);
  t.strictSame(fired, [
    ['failed', ['✗ backup-a failed', '✗ backup-c failed']],
    ['steps', ['✗ backup-a failed in step Dump']],
    ['asks', ['! backup-b needs you']],
    ['slow', ['● backup-c still runs after 1:00']],
    ['second', ['✗ backup-a failed', '✗ backup-c failed']],
  ]);
  t.match(story.notes, [/^line \d+: the alert of notify has no event .*; remove it/, /^line \d+: the alert of notify/]);
  t.strictSame(rehearsed(readEventFile(`[${lines.join(',')}]`)), fired, 'as a list');
});

t.test('each alert alone is what its rules fire for', async (t) => {
  for (const line of await alertsOf()) {
    const { rules, title, event } = JSON.parse(line) as { rules: string[]; title: string; event?: object };
    const [name] = rules;
    if (event) {
      const fired = rehearsed(readEventFile(line)).find(([found]) => found === name);
      // later events advance the time
      t.strictSame(fired, [name, name === 'slow' ? [] : [title]]);
    } else {
      const message = new RegExp(`^line 1: the alert of ${name ?? ''} has no event`);
      t.throws(() => readEventFile(line), { code: 'bad_event', message });
    }
  }
});

t.test('events among alerts are events, also with a field of that name', async (t) => {
  const [alert = ''] = await alertsOf();
  const { events, known } = readEventFile(
    [alert, '{"type":"log","event":{"a":1}}', '{"event":"task_started"}'].join('\n'),
  );
  t.strictSame(
    events.map(({ type }) => type),
    ['step_failed', 'log', 'execution_started'],
  );
  t.strictSame(
    known.map(({ id }) => id),
    ['a'],
  );
});
