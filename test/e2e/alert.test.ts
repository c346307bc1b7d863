import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import type { ExecutionEvent } from '../../src/core/events/event.js';
import { createHome, ROOT } from '../helpers/daemon.js';
import type { Home } from '../helpers/daemon.js';
import { readAll } from '../helpers/journal.js';
import type { NotificationService } from '../helpers/notifications.js';
import { isDesktopMissing, startNotificationService } from '../helpers/notifications.js';
import { waitFor } from '../helpers/wait.js';

const BACKUP = `
export PROGRESS_EXECUTION=backup-1
progress emit execution_started name='Back up <b>everything</b>' cwd=/srv/backup
progress emit step_started --step dump name='Dump $(touch witness)'
progress emit step_failed --step dump error='no <db> & no \`touch witness\`'
progress emit execution_failed exitCode:=3 durationMs:=123000
`;

/** Records of alerts in the journal. */
async function alertsIn(home: Home): Promise<ExecutionEvent[]> {
  const { events } = await readAll(home.paths.journal);
  return events.filter(({ type }) => type === 'alert_triggered');
}

/** Waits until the alert about an execution is recorded, and the shown notifications have been read. */
async function waitForAlert(home: Home, service: NotificationService, execution: string): Promise<void> {
  const { data } = await waitFor(`the alert about ${execution}`, async () =>
    (await alertsIn(home)).find((alert) => alert.execution === execution && alert.data['outcome'] === 'sent'),
  );
  await waitFor('the notification', () => service.shown.some(({ title }) => title === data['title']));
}

/** An execution that raises an alert: when it has arrived, an execution that raises none has had its chance. */
async function fence(home: Home, service: NotificationService, execution: string): Promise<void> {
  const client = await home.connect();
  await client.call('emit', { event: { type: 'execution_failed', execution } });
  await client.close();
  await waitForAlert(home, service, execution);
}

t.test('a script that fails is shown on the desktop, once', async (t) => {
  if (isDesktopMissing(t)) return;
  const service = await startNotificationService(t);
  const home = createHome(t);
  const desktop = { env: { DBUS_SESSION_BUS_ADDRESS: service.address } };
  const daemon = await home.startDaemon(desktop);

  const { status, stderr } = spawnSync('bash', ['-e', '-c', BACKUP], {
    cwd: home.directory,
    env: { ...home.env, PATH: `${ROOT}/bin:${process.env['PATH'] ?? ''}` },
    encoding: 'utf8',
  });
  t.strictSame({ status, stderr }, { status: 0, stderr: '' });
  await waitForAlert(home, service, 'backup-1');
  const title = '✗ Back up <b>everything</b> failed';
  t.strictSame(service.shown, [
    {
      app: 'progress',
      title,
      body: 'exit 3 after 2:03 · Dump $(touch witness): no &lt;db&gt; &amp; no `touch witness` · in backup',
      urgency: 1,
    },
  ]);
  t.match(await alertsIn(home), [
    { execution: 'backup-1', data: { rule: 'failed', channel: 'desktop', outcome: 'pending', title } },
    { execution: 'backup-1', data: { rule: 'failed', channel: 'desktop', outcome: 'sent', title } },
  ]);
  t.notOk(existsSync(path.join(home.directory, 'witness')), 'nothing of it was run');

  t.test('a command at the prompt raises an alert only if it ran for long', async (t) => {
    const before = service.shown.length;
    const client = await home.connect();
    t.teardown(() => client.destroy());
    for (const [execution, durationMs] of [
      ['short', 2_000],
      ['long', 31_000],
    ] as const) {
      const started = { type: 'execution_started', execution, data: { name: `make ${execution}`, kind: 'command' } };
      await client.call('emit', { event: started });
      await client.call('emit', { event: { type: 'execution_failed', execution, data: { exitCode: 2, durationMs } } });
    }
    await waitForAlert(home, service, 'long');
    await fence(home, service, 'fence-1');
    const titles = service.shown.slice(before).map(({ title }) => title);
    t.strictSame(titles.toSorted(), ['✗ fence-1 failed', '✗ make long failed']);
  });

  t.test('names that look like options, markup or commands, or are too long', async (t) => {
    const before = service.shown.length;
    const client = await home.connect();
    t.teardown(() => client.destroy());
    const names = ['-w', '--help', '<b>x</b>', 'a\nb\u001b[2J', '$(touch witness)', 'x'.repeat(200_000)];
    for (const [index, name] of names.entries()) {
      await client.call('emit', { event: { type: 'execution_started', execution: `n${index}`, data: { name } } });
      await client.call('emit', { event: { type: 'execution_failed', execution: `n${index}` } });
      await waitForAlert(home, service, `n${index}`);
    }
    t.strictSame(
      service.shown.slice(before).map(({ title }) => title),
      [
        ...['✗ -w failed', '✗ --help failed', '✗ <b>x</b> failed', '✗ a b failed', '✗ $(touch witness) failed'],
        `✗ ${'x'.repeat(70)}… failed`,
      ],
    );
    const huge = { type: 'execution_started', execution: 'huge', data: { name: 'x'.repeat(1_000_000) } };
    await t.rejects(client.call('emit', { event: huge }), 'a megabyte is refused as every such event');
    t.notOk(existsSync(path.join(home.directory, 'witness')), 'nothing of it was run');
  });

  t.test('a restarted daemon repeats no alert', async (t) => {
    const before = service.shown.length;
    const recorded = (await alertsIn(home)).length;
    await daemon.kill();
    await home.startDaemon(desktop);
    const client = await home.connect();
    t.teardown(() => client.destroy());
    // sent again, as by a producer that has received no acknowledgement
    await client.call('emit', { event: { type: 'execution_failed', execution: 'backup-1' } });
    await fence(home, service, 'fence-2');
    t.strictSame(
      service.shown.slice(before).map(({ title }) => title),
      ['✗ fence-2 failed'],
    );
    t.equal((await alertsIn(home)).length, recorded + 2);
  });
});

t.test('a missing desktop is logged once; a disabled one is not logged', async (t) => {
  const home = createHome(t);
  const fail = async (execution: string) => {
    const client = await home.connect();
    await client.call('emit', { event: { type: 'execution_failed', execution } });
    await client.close();
  };
  const said = () => readFileSync(home.paths.daemonLog, 'utf8').match(/no desktop notifications: .*/g) ?? [];
  writeFileSync(home.paths.config, 'alerts:\n  desktop: false\n');
  const silent = await home.startDaemon();
  await fail('a');
  await silent.kill('SIGTERM');
  t.strictSame(said(), []);

  writeFileSync(home.paths.config, '');
  const alone = await home.startDaemon();
  await fail('b');
  await fail('c');
  await alone.kill('SIGTERM');
  t.strictSame(said(), ['no desktop notifications: there is no session bus']);
  t.strictSame(await alertsIn(home), []);
});
