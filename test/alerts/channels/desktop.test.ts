import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import type { Test } from 'tap';
import { URGENCIES } from '../../../src/alerts/channel.js';
import { createDesktop } from '../../../src/alerts/channels/desktop.js';
import { alertFullOf, anAlert, hostileTexts, send } from '../../helpers/alerts.js';
import { isRunning, ROOT } from '../../helpers/daemon.js';
import {
  isDesktopMissing,
  isScreenMissing,
  startNotificationDaemon,
  startNotificationService,
} from '../../helpers/notifications.js';
import { waitFor } from '../../helpers/wait.js';

const program = path.join(ROOT, 'dist/notify.js');

/** A fake notify-send that precedes all others in PATH. */
function plantNotifier(t: Test, script: string): { bin: string; env: NodeJS.ProcessEnv } {
  const bin = t.testdir();
  const file = path.join(bin, 'notify-send');
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
  return { bin, env: { PATH: `${bin}:${process.env['PATH'] ?? ''}`, DBUS_SESSION_BUS_ADDRESS: 'unix:path=/nowhere' } };
}

t.test('hostile text is shown literally', async (t) => {
  if (isDesktopMissing(t)) return;
  const service = await startNotificationService(t);
  const witness = path.join(t.testdir(), 'witness');
  const hostile = hostileTexts(witness);
  // starting the notifier is expensive: texts that are not options share one start
  const options = hostile.filter((text) => text.startsWith('-'));
  const corpus = [...options, hostile.filter((text) => !options.includes(text)).join(' ')];
  const desktop = createDesktop({ ...process.env, DBUS_SESSION_BUS_ADDRESS: service.address }, { program });
  const alerts = corpus.map((text) => ({ ...alertFullOf(text), urgency: 'low' as const }));
  const outcomes = await Promise.all(alerts.map((alert) => send(desktop, alert)));
  t.notOk(outcomes.find(({ outcome }) => outcome !== 'sent'));
  await waitFor('all of them', () => service.shown.length === corpus.length);
  const visible = (text: string) => text.replace(/^\u200b/, '');
  const unescaped = (body: string) =>
    visible(body).replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
  t.strictSame(service.shown.map(({ title }) => visible(title)).toSorted(), corpus.toSorted());
  t.strictSame(service.shown.map(({ body }) => unescaped(body)).toSorted(), corpus.toSorted());
  for (const { app, body, urgency } of service.shown) {
    t.equal(app, 'progress');
    t.equal(urgency, 0);
    t.notMatch(body, /[<>]|&(?!lt;|gt;|amp;)/, 'no markup');
  }
  t.notOk(existsSync(witness), 'nothing was run');
});

t.test('maps urgencies to those of the desktop', async (t) => {
  if (isDesktopMissing(t)) return;
  const service = await startNotificationService(t);
  const desktop = createDesktop({ ...process.env, DBUS_SESSION_BUS_ADDRESS: service.address }, { program });
  for (const urgency of URGENCIES) t.strictSame(await send(desktop, anAlert({ urgency })), { outcome: 'sent' });
  await waitFor('all of them', () => service.shown.length === URGENCIES.length);
  t.strictSame(
    service.shown.map(({ urgency }) => urgency),
    [0, 1, 2],
  );
});

t.test('a desktop shows it as plain text', async (t) => {
  if (isScreenMissing(t)) return;
  const daemon = await startNotificationDaemon(t);
  const desktop = createDesktop({ ...process.env, DBUS_SESSION_BUS_ADDRESS: daemon.address }, { program });
  const texts = ['exit 1 after 0:03', '<b>x</b> & <a href="x">y</a> %s \\033[31m', '-w'];
  for (const text of texts) {
    const alert = anAlert({ title: text, body: text, urgency: 'critical' });
    t.strictSame(await send(desktop, alert), { outcome: 'sent' });
  }
  const drawn = await daemon.shown();
  t.strictSame(new Set(drawn.map(({ title }) => title.replace('\u200b', ''))), new Set(texts));
  t.equal(drawn.length, texts.length);
  for (const { body } of drawn) t.notMatch(body, /[<>]|&(?!lt;|gt;|amp;)/, 'it would be drawn as markup');
});

t.test('unavailable without a session bus, or without notify-send', async (t) => {
  const where = { DBUS_SESSION_BUS_ADDRESS: 'unix:path=/nowhere', PATH: t.testdir() };
  const unavailable = (error: string) => ({ outcome: 'unavailable', error });
  const noBus = { ...where, DBUS_SESSION_BUS_ADDRESS: '' };
  t.strictSame(await send(createDesktop(where, { program })), unavailable('notify-send is not in PATH'));
  t.strictSame(await send(createDesktop(noBus, { program })), unavailable('there is no session bus'));
});

t.test('a failing notifier is reported with its last line', async (t) => {
  const { env } = plantNotifier(t, 'echo "one\nno such bus" >&2; exit 1');
  const error = 'the notifier ended with 1: no such bus';
  t.strictSame(await send(createDesktop(env, { program })), { outcome: 'failed', error });
});

t.test('a notifier that prints errors and succeeds has succeeded', async (t) => {
  const { env } = plantNotifier(t, 'echo warning >&2');
  t.strictSame(await send(createDesktop(env, { program })), { outcome: 'sent' });
});

t.test('a text with NUL, or a missing notifier, is a failed attempt', async (t) => {
  const { env } = plantNotifier(t, 'exit 0');
  const failed = { outcome: 'failed', error: /./ };
  t.match(await send(createDesktop(env, { program }), anAlert({ title: 'a\0b' })), failed);
  t.match(await send(createDesktop(env, { program: '/nowhere' })), failed);
});

t.test('a hanging notifier is killed with its children', async (t) => {
  const { bin, env } = plantNotifier(t, 'echo $$ > "${0%/*}/pid"; exec sleep 60');
  const pid = path.join(bin, 'pid');
  const isThere = () => existsSync(pid) && readFileSync(pid, 'utf8').endsWith('\n');
  const sending = send(createDesktop(env, { program, patienceMs: 4_000 }));
  await waitFor('the notifier to run', isThere);
  const error = 'the notifier did not end within 4 seconds';
  t.strictSame(await sending, { outcome: 'failed', error });
  await waitFor('the notifier to be gone', () => !isRunning(Number(readFileSync(pid, 'utf8'))));

  rmSync(pid);
  const stop = new AbortController();
  const interrupted = send(createDesktop(env, { program }), anAlert(), stop.signal);
  await waitFor('another one to run', isThere);
  stop.abort();
  t.strictSame(await interrupted, { outcome: 'retry', error: 'the notifier was interrupted' });
  await waitFor('that to be gone', () => !isRunning(Number(readFileSync(pid, 'utf8'))));
});

t.test('at most two notifiers run, twenty notifications wait, and the rest is refused', async (t) => {
  const { bin, env } = plantNotifier(t, '');
  // replaces the program that starts notify-send: each instance records how many run concurrently
  const counter = path.join(bin, 'counter.cjs');
  writeFileSync(
    counter,
    `const fs = require('node:fs');
    process.chdir(__dirname);
    fs.mkdirSync('run.' + process.pid);
    fs.appendFileSync('counts', fs.readdirSync('.').filter((name) => name.startsWith('run.')).length + '\\n');
    setTimeout(() => fs.rmdirSync('run.' + process.pid), 20);`,
  );
  const desktop = createDesktop(env, { program: counter });
  const outcomes = await Promise.all(Array.from({ length: 25 }, () => send(desktop)));
  t.equal(outcomes.filter(({ outcome }) => outcome === 'sent').length, 22);
  const refused = { outcome: 'failed', error: 'too many notifications at a time' } as const;
  t.strictSame(outcomes.slice(22), [refused, refused, refused]);
  const counts = readFileSync(path.join(bin, 'counts'), 'utf8').trim().split('\n').map(Number);
  t.equal(counts.length, 22);
  t.ok(Math.max(...counts) <= 2);
  t.strictSame(await send(desktop), { outcome: 'sent' }, 'and there is room again');
});
