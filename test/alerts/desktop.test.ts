import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import type { Test } from 'tap';
import { createDesktop, whyUnavailable } from '../../src/alerts/desktop.js';
import { isRunning, ROOT } from '../helpers/daemon.js';
import { isDesktopMissing, startNotificationService } from '../helpers/notifications.js';
import { waitFor } from '../helpers/wait.js';

const program = path.join(ROOT, 'dist/notify.js');
const BODY = { body: 'exit 1 after 0:03', urgency: 'normal' } as const;

/** Sets a variable of this process, which the notifier inherits, for one test. */
function setVariable(t: Test, name: string, value: string | undefined): void {
  const before = process.env[name];
  const assign = (text: string | undefined) => {
    if (text === undefined) Reflect.deleteProperty(process.env, name);
    else process.env[name] = text;
  };
  assign(value);
  t.teardown(() => assign(before));
}

/** A notify-send of our own in front of all others. */
function plantNotifier(t: Test, script: string): string {
  const bin = t.testdir();
  const file = path.join(bin, 'notify-send');
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
  setVariable(t, 'PATH', `${bin}:${process.env['PATH'] ?? ''}`);
  setVariable(t, 'DBUS_SESSION_BUS_ADDRESS', 'unix:path=/nowhere');
  return bin;
}

t.test('what hostile text could be taken for is shown as it is', async (t) => {
  if (isDesktopMissing(t)) return;
  const service = await startNotificationService(t);
  setVariable(t, 'DBUS_SESSION_BUS_ADDRESS', service.address);
  const witness = path.join(t.testdir(), 'witness');
  const corpus = [
    ...['-w', '--help', '--version', '--action=x', '-dash', '--', '-'],
    ...['<b>x</b>', '&lt;', '<a href="file:///etc/passwd">x</a>', 'a & b'],
    ...[`$(touch ${witness})`, `\`touch ${witness}\``, `"; touch ${witness}; "`, `' "$HOME" \\"`, '!!'],
    ...['\\033[31mred', '\\377', '\\n', 'a\\', '%s %n', 'naïve 👩‍🚀 ✗'],
  ];
  const desktop = createDesktop({ program });
  for (const text of corpus) {
    t.strictSame(await desktop.send({ title: text, body: text, urgency: 'low' }), { outcome: 'sent' }, text);
  }
  await waitFor('all of them', () => service.shown.length === corpus.length);
  const visible = (text: string) => text.replace(/^\u200b/, '');
  const unescaped = (body: string) =>
    visible(body).replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
  t.strictSame(
    service.shown.map(({ title }) => visible(title)),
    corpus,
  );
  t.strictSame(
    service.shown.map(({ body }) => unescaped(body)),
    corpus,
  );
  for (const { app, body, urgency } of service.shown) {
    t.equal(app, 'progress');
    t.equal(urgency, 0);
    t.notMatch(body, /[<>]|&(?!lt;|gt;|amp;)/, 'no markup');
  }
  t.notOk(existsSync(witness), 'nothing was run');
});

t.test('without a session bus, or without notify-send, nobody can be told', async (t) => {
  const where = { DBUS_SESSION_BUS_ADDRESS: 'unix:path=/nowhere', PATH: t.testdir() };
  t.equal(whyUnavailable(where), 'notify-send is not in PATH');
  t.equal(whyUnavailable({ ...where, DBUS_SESSION_BUS_ADDRESS: '' }), 'there is no session bus');
  setVariable(t, 'DBUS_SESSION_BUS_ADDRESS', '');
  const error = 'there is no session bus';
  t.strictSame(await createDesktop({ program }).send({ title: 'a', ...BODY }), { outcome: 'unavailable', error });
});

t.test('a notifier that fails is told with its last words', async (t) => {
  plantNotifier(t, 'echo "one\nno such bus" >&2; exit 1');
  t.strictSame(await createDesktop({ program }).send({ title: 'a', ...BODY }), {
    outcome: 'failed',
    error: 'no such bus',
  });
});

t.test('a notifier that complains and succeeds has succeeded', async (t) => {
  plantNotifier(t, 'echo warning >&2');
  t.strictSame(await createDesktop({ program }).send({ title: 'a', ...BODY }), { outcome: 'sent' });
});

t.test('a text that no program can be given, or no notifier at all, is a failure and not the end', async (t) => {
  plantNotifier(t, 'exit 0');
  t.match(await createDesktop({ program }).send({ title: 'a\0b', ...BODY }), { outcome: 'failed', error: /./ });
  t.match(await createDesktop({ program: '/nowhere' }).send({ title: 'a', ...BODY }), {
    outcome: 'failed',
    error: /./,
  });
});

t.test('a notifier that hangs is killed', async (t) => {
  const pid = path.join(plantNotifier(t, 'echo $$ > "${0%/*}/pid"; exec sleep 60'), 'pid');
  const sending = createDesktop({ program, patienceMs: 1_000 }).send({ title: 'a', ...BODY });
  await waitFor('the notifier to run', () => existsSync(pid) && readFileSync(pid, 'utf8').endsWith('\n'));
  t.strictSame(await sending, { outcome: 'failed', error: 'the notifier did not end within 1 seconds' });
  await waitFor('the notifier to be gone', () => !isRunning(Number(readFileSync(pid, 'utf8'))));
});

t.test('at most two notifiers run at a time, twenty notifications wait, and the rest is refused', async (t) => {
  // each one writes down how many there are beside it
  const bin = plantNotifier(
    t,
    'cd "${0%/*}"; mkdir "run.$$"; set -- run.*; echo $# >> counts; sleep 0.05; rmdir "run.$$"',
  );
  const desktop = createDesktop({ program });
  const outcomes = await Promise.all(Array.from({ length: 25 }, () => desktop.send({ title: 'a', ...BODY })));
  t.equal(outcomes.filter(({ outcome }) => outcome === 'sent').length, 22);
  const refused = { outcome: 'failed', error: 'too many notifications at a time' } as const;
  t.strictSame(outcomes.slice(22), [refused, refused, refused]);
  const counts = readFileSync(path.join(bin, 'counts'), 'utf8').trim().split('\n').map(Number);
  t.equal(counts.length, 22);
  t.ok(Math.max(...counts) <= 2);
  t.strictSame(await desktop.send({ title: 'a', ...BODY }), { outcome: 'sent' }, 'and there is room again');
});
