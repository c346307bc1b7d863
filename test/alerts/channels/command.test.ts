import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { createAlertChannel } from '../../../src/alerts/channels/create.js';
import { alertFullOf, anAlert, anExecution, CONTROLS, hostileTexts, send } from '../../helpers/alerts.js';
import { isRunning } from '../../helpers/daemon.js';
import { waitFor } from '../../helpers/wait.js';

const ENV = { PATH: process.env['PATH'] };

function command(words: readonly string[], timeout = 10_000, env: NodeJS.ProcessEnv = ENV) {
  return createAlertChannel('say', { type: 'command', command: words, timeout }, env);
}

const sh = (script: string, timeout?: number) => command(['sh', '-c', script], timeout);

t.test('passes the alert as one line of JSON, and as variables', async (t) => {
  const directory = t.testdir();
  const alert = anAlert({ execution: anExecution() });
  const script = `cat > "$0/stdin"; env | grep ^PROGRESS_ALERT_ > "$0/env"; pwd > "$0/cwd"; echo "$1 $2" > "$0/args"`;
  const words = ['sh', '-c', script, directory, '$HOME', '; false'];
  t.strictSame(await send(command(words), alert), { outcome: 'sent' });
  const read = (name: string) => readFileSync(path.join(directory, name), 'utf8');
  t.equal(read('stdin'), `${JSON.stringify(alert)}\n`);
  t.strictSame(read('env').trim().split('\n').toSorted(), [
    'PROGRESS_ALERT_BODY=exit 1 after 0:03',
    'PROGRESS_ALERT_EXECUTION=7hq2m4kd9x',
    'PROGRESS_ALERT_ID=alert-0123456789abcdef',
    'PROGRESS_ALERT_RULE=failed',
    'PROGRESS_ALERT_RULES=failed',
    'PROGRESS_ALERT_SEVERITY=error',
    'PROGRESS_ALERT_TIME=2026-11-20T12:48:46.123Z',
    'PROGRESS_ALERT_TITLE=✗ nightly build failed',
    'PROGRESS_ALERT_URGENCY=normal',
  ]);
  t.equal(read('args'), '$HOME ; false\n', 'no shell has looked at the words');
});

t.test('the exit status of the program determines the outcome', async (t) => {
  t.strictSame(await send(sh('echo warning >&2')), { outcome: 'sent' });
  t.strictSame(await send(sh('exit 75')), { outcome: 'retry', error: 'sh ended with 75' });
  t.strictSame(await send(sh('echo one >&2; printf "two\\033[2J\\n" >&2; exit 3')), {
    outcome: 'failed',
    error: 'sh ended with 3: two',
  });
  t.strictSame(await send(sh('kill -9 $$')), { outcome: 'failed', error: 'sh was ended by SIGKILL' });
  const chatty = await send(sh('head -c 5000000 /dev/zero | tr "\\0" x >&2; exit 1'));
  t.match(chatty, { outcome: 'failed', error: /^sh ended with 1: x{199}…$/ });
  const secret = await send(sh('echo "curl -u me:hunter2 --token=abc" >&2; exit 1'));
  t.notMatch(JSON.stringify(secret), /hunter2|abc/, 'what looks like a secret is masked');
});

t.test('a program that reads nothing, or leaves children, has not failed', async (t) => {
  const large = anAlert({ body: 'x'.repeat(60_000) });
  t.strictSame(await send(command(['true']), large), { outcome: 'sent' });
  t.strictSame(await send(sh('exec <&-; exit 0'), large), { outcome: 'sent' });
  const pid = path.join(t.testdir(), 'pid');
  t.strictSame(await send(sh(`sleep 60 & echo $! > ${pid}`)), { outcome: 'sent' });
  const left = Number(readFileSync(pid, 'utf8'));
  t.ok(isRunning(left), 'it may play a sound for a while');
  process.kill(left);
});

t.test('a program that exceeds its timeout is killed with its children', async (t) => {
  const directory = t.testdir();
  const pids = () =>
    ['child', 'self'].flatMap((name) => {
      const file = path.join(directory, name);
      return existsSync(file) && readFileSync(file, 'utf8').endsWith('\n') ? [Number(readFileSync(file, 'utf8'))] : [];
    });
  const script = `trap '' TERM INT; sleep 60 & echo $! > ${directory}/child; echo $$ > ${directory}/self; wait`;
  const error = 'sh did not end within 1 seconds';
  t.strictSame(await send(sh(script, 1_000)), { outcome: 'failed', error });
  t.equal(pids().length, 2);
  await waitFor('both to be gone', () => !pids().some(isRunning));

  const stop = new AbortController();
  const sending = send(sh('exec sleep 60'), anAlert(), stop.signal);
  stop.abort();
  t.strictSame(await sending, { outcome: 'retry', error: 'sh was interrupted' });
});

t.test('a program that cannot be started is reported with the reason', async (t) => {
  const file = path.join(t.testdir(), 'notes');
  writeFileSync(file, 'text');
  const failed = (error: string) => ({ outcome: 'failed', error });
  t.strictSame(await send(command(['no-such-program'])), failed('no-such-program is not in PATH'));
  t.strictSame(await send(command(['/nowhere/x'])), failed('/nowhere/x: no such program'));
  t.strictSame(await send(command([file])), failed(`${file} may not be executed`));
  chmodSync(file, 0o755);
  writeFileSync(file, '#!/nowhere/sh\n');
  t.match(await send(command([file])), { outcome: 'failed', error: /no such program/ });
  t.match(await send(command(['a\0b'])), { outcome: 'failed', error: /could not be started/ });
});

t.test('hostile text is inert, on stdin and in variables', async (t) => {
  const directory = t.testdir();
  const witness = path.join(directory, 'witness');
  const script = 'cat > "$0/stdin"; printf %s "$PROGRESS_ALERT_TITLE" > "$0/title"; env > "$0/env"';
  const channel = command(['sh', '-c', script, directory]);
  const read = (name: string) => readFileSync(path.join(directory, name), 'utf8');
  for (const [index, text] of [...hostileTexts(witness), ...CONTROLS].entries()) {
    const alert = alertFullOf(text);
    t.strictSame(await send(channel, alert), { outcome: 'sent' }, `text ${index}`);
    t.strictSame(JSON.parse(read('stdin')), JSON.parse(JSON.stringify(alert)), `text ${index}`);
    t.equal(read('stdin').split('\n').length, 2, 'one line');
    if (!/[\p{Cc}\p{Cs}\u2028\u202e]/u.test(text)) t.equal(read('title'), text, `text ${index}`);
    t.strictSame(
      read('env')
        .split('\n')
        .filter((line) => /^Bcc|^b$/.test(line)),
      [],
    );
  }
  t.notOk(existsSync(witness), 'nothing was run');
});
