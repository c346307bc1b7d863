import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import type { Test } from 'tap';
import type { Home } from '../../../helpers/daemon.js';
import { createHome } from '../../../helpers/daemon.js';
import { waitFor } from '../../../helpers/wait.js';

/** A home with a rule, and a channel that writes its alerts to a file. */
function createTold(t: Test, config: readonly string[]): Home {
  const home = createHome(t);
  mkdirSync(path.dirname(home.paths.config), { recursive: true });
  writeFileSync(home.paths.config, `${config.join('\n')}\n`);
  return home;
}

const CHANNELS = [
  'channels:',
  '  told: { type: command, command: [sh, -c, "cat >> $PROGRESS_HOME/told"] }',
  '  dead: { type: webhook, url: "http://127.0.0.1:1/" }',
];
const CONFIG = [
  'rules:',
  '  - builtin',
  '  - { name: nightly, when: { status: failed, name: "backup-*" }, notify: [told], throttle: 10m }',
  '  - { name: slow, when: { longerThan: 1h } }',
  ...CHANNELS,
];

t.test('lists rules with their counts, and channels with their status', async (t) => {
  const home = createTold(t, CONFIG);
  const daemon = await home.startDaemon();
  const client = await home.connect();
  for (const execution of ['backup-1', 'other'])
    await client.call('emit', { event: { type: 'execution_failed', execution } });
  await client.close();
  const list = async () => (await home.invoke(['rules'])).stdout;
  await waitFor('the alert', async () => /^told +command +0 +1 +0 +last sent \S+ ago$/m.test(await list()));
  t.match(await list(), /^RULE +FIRED +LAST +NOTIFY +WHEN$/m);
  t.match(await list(), /^nightly +1 +\S+ ago +told +status failed, name backup-\*, at most every 10:00$/m);
  t.match(await list(), /^slow +0 +never +desktop +longer than 1:00:00$/m);
  t.match(await list(), /^desktop +desktop +0 +0 +0 +there is no session bus$/m);
  t.match(JSON.parse((await home.invoke(['rules', '--json'])).stdout), {
    rules: [{ name: 'failed', builtin: true, fired: 0 }, {}, {}, { name: 'nightly', fired: 1, throttle: 600_000 }, {}],
    channels: [{ name: 'desktop' }, { name: 'told', counts: { sent: 1 } }, { name: 'dead' }],
  });
  writeFileSync(
    home.paths.config,
    ['rules:', '  - { name: new, when: { status: lost }, notify: told }', ...CHANNELS, ''].join('\n'),
  );
  await waitFor('the new configuration', async () => /^new +0 +never +told +status lost$/m.test(await list()));
  t.notMatch(await list(), /^nightly/m);
  await daemon.kill('SIGTERM');
});

t.test('tests rules without a daemon, and sends nothing', async (t) => {
  const home = createTold(t, CONFIG);
  const test = async (input: string, ...args: string[]) => {
    const words = ['rules', 'test', ...args];
    return args.includes('-') ? home.progress(words, { input }) : await home.invoke(words);
  };
  const event = '{"type":"execution_failed","name":"backup-db","kind":"run","exitCode":2}';
  const { stdout, status } = await test(event, '-');
  t.equal(status, 0);
  t.match(stdout, /^failed {2}fires, over desktop\n {4}✗ backup-db failed\n {8}exit 2/m);
  t.match(stdout, /^nightly {2}fires, over told$/m);
  t.match(stdout, /^long_command {2}does not fire \(execution_failed\)\n {4}its kind is run, not command\n/m);
  t.match(stdout, /^slow {2}does not fire\n {4}it took 0.0s, not longer than 1:00:00$/m);

  const story = [
    '{"type":"execution_started","execution":"a","time":"2026-01-02T03:00:00Z","data":{"name":"x","kind":"run"}}',
    '{"type":"execution_completed","execution":"a","time":"2026-01-02T05:00:00Z"}',
  ];
  const file = path.join(home.directory, 'story.jsonl');
  writeFileSync(file, story.join('\n'));
  t.match(JSON.parse((await test('', file, '--json')).stdout), [
    { rule: 'failed', fires: [] },
    { rule: 'waiting', fires: [], nearest: { why: ['there is no event attention'] } },
    { rule: 'long_command' },
    { rule: 'nightly', nearest: { why: ['there is no event execution_failed'] } },
    { rule: 'slow', fires: [{ execution: 'a', title: '● x still runs after 1:00:00', notify: ['desktop'] }] },
  ]);

  const alert = {
    event: JSON.parse(event) as object,
    execution: { id: 'default', name: 'backup-x', kind: 'run', status: 'failed' },
  };
  t.match((await test(JSON.stringify(alert), '-')).stdout, /^nightly {2}fires/m, 'as a channel gets it');

  const wrong: [string[], string, number, RegExp][] = [
    [['-'], 'no json', 65, /: line 1: the line is not JSON/],
    [['-'], '{"type":"log"}\n{"type":3}', 65, /: line 2: type must be a text/],
    [['-'], '[{"type":"log"},{"a":1}]', 65, /: item 2: an event needs "type"/],
    [['-'], '{"a":1}', 65, /"type"/],
    [['-'], '', 65, /no event/],
    [['/nowhere'], '', 66, /cannot read \/nowhere/],
    [[], '', 64, /--replay/],
    [['-', '--replay', 'x'], '', 64, /--replay/],
    [['--replay', 'nobody'], '', 66, /nobody/],
  ];
  for (const [args, input, wanted, message] of wrong) {
    const { status, stderr } = await test(input, ...args);
    t.equal(status, wanted, args.join(' '));
    t.match(stderr, message);
  }
  t.equal((await home.invoke(['rules', 'list', 'x'])).status, 64);
});

t.test('--replay tests rules with the events of an execution', async (t) => {
  const home = createTold(t, CONFIG);
  const daemon = await home.startDaemon();
  const client = await home.connect();
  await client.call('emit', {
    event: { type: 'execution_started', execution: 'b', data: { name: 'backup-1', kind: 'run' } },
  });
  await client.call('emit', { event: { type: 'execution_failed', execution: 'b' } });
  await client.close();
  const replay = async () => (await home.invoke(['rules', 'test', '--replay', 'backup-1'])).stdout;
  t.match(await replay(), /^nightly {2}fires, over told\n {4}✗ backup-1 failed$/m);
  await daemon.kill('SIGTERM');
  t.match(await replay(), /^nightly {2}fires/m);
});

t.test('notify sends a notification, and --log lists it', async (t) => {
  const home = createTold(t, CONFIG);
  const notify = (...args: string[]) => home.invoke(['notify', ...args]);
  t.match(await notify('--log'), { status: 0, stdout: 'No alerts yet.\n' });
  t.strictSame(await notify('Built', 'all of it', '--channel', 'told', '--urgency', 'critical'), {
    ...{ status: 0, stdout: 'told: sent\n', stderr: '' },
  });
  t.match(await notify('x'), { status: 69, stderr: /^progress: desktop: unavailable: there is no session bus\n$/ });
  t.match(await notify('x', '--channel', 'nobody'), { status: 66, stderr: /there is no channel "nobody"/ });
  t.match(await notify('--test', 'told'), { status: 0, stdout: 'told: sent\n' });
  t.match(await notify('--test', 'dead'), { status: 69, stderr: /^progress: dead: failed: .*refused/ });
  t.match(JSON.parse((await notify('--test', 'dead', '--json')).stdout), { channel: 'dead', outcome: 'failed' });
  for (const wrong of [
    [],
    ['x', '--log'],
    ['--log', '--channel', 'told'],
    ['x', '--tail', '3'],
    ['--log', '--tail', '0'],
  ])
    t.equal((await notify(...wrong)).status, 64, wrong.join(' '));
  const list = (await notify('--log', '--json')).stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as object);
  t.match(list, [
    { channel: 'told', rule: 'notify', outcome: 'sent', title: 'Built', body: 'all of it', attempts: 1 },
    { channel: 'desktop', rule: 'notify', outcome: 'unavailable' },
    { channel: 'told', rule: 'test', outcome: 'sent' },
    { channel: 'dead', rule: 'test', outcome: 'failed', error: /refused/ },
    { channel: 'dead', rule: 'test', outcome: 'failed' },
  ]);
  t.match(
    (await notify('--log', '--tail', '1')).stdout,
    /^TIME +CHANNEL +RULE +OUTCOME +TRIES +WHAT\n.* dead +test +failed +1 +Test of dead: /,
  );
  t.match((await home.invoke(['doctor'])).stdout, /warning +channel +alerts over dead \(webhook\) cannot be sent/);
  t.match((await home.invoke(['daemon', 'status'])).stdout, /^alerts +5 rules, channels: desktop, told, dead$/m);
});

t.test('a channel with held alerts only shows their number', async (t) => {
  const home = createTold(t, ['channels:', '  quietch: { type: command, command: "true", quiet: "00:00-24:00" }']);
  await home.startDaemon();
  for (const title of ['one', 'two']) t.equal((await home.invoke(['notify', title, '--channel', 'quietch'])).status, 0);
  t.match((await home.invoke(['rules'])).stdout, /^quietch +command +0 +0 +0 +2 held in quiet hours$/m);
});
