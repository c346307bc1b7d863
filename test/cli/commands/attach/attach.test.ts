/** `progress attach` and `progress send`: input and output of detached runs. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import t from 'tap';
import { readProcesses } from '../../../../src/platform/processes.js';
import { CONSOLE_SOCKET } from '../../../../src/runner/console-messages.js';
import { directoryOf } from '../../../../src/runner/store.js';
import { PROGRESS } from '../../../helpers/daemon.js';
import { whyNo } from '../../../helpers/needs.js';
import { collectOutput } from '../../../helpers/output.js';
import { startRunHome } from '../../../helpers/runs.js';
import { openTmux } from '../../../helpers/tmux.js';
import { waitFor } from '../../../helpers/wait.js';

const home = await startRunHome(t);
const ECHO = ['sh', '-c', 'while read -r x; do echo "got $x"; done; echo bye; exit 5'];
const TERMINAL = ['--pty', '--stdin'];

/** The program as a process with pipes. */
function attach(id: string, ...options: string[]) {
  return collectOutput(home.spawn(['attach', id, ...options], { stdio: ['pipe', 'pipe', 'inherit'] }));
}

const isAttached = async (id: string, count = 1) =>
  await waitFor('the client to be attached', async () => {
    const events = await home.events(id);
    return events.filter(({ type, data }) => type === 'control' && data['action'] === 'attach').length >= count;
  });

t.test('send writes a line, the bytes of its input, or an end to a pipe', async (t) => {
  const id = await home.start(['--stdin'], 'cat');
  t.strictSame(await home.invoke(['send', id, 'one line']), { status: 0, stdout: '', stderr: '' });
  t.match(await home.invoke(['send', id, '-n', 'a']), { status: 0 });
  t.match(await home.invoke(['send', id, '--stdin'], { input: 'b\nc' }), { status: 0 });
  t.match(await home.invoke(['send', id, '--eof', '--', '-d']), { status: 0 });
  t.match(await home.until(id, 'final'), { status: 'completed', tail: ['one line', 'ab', 'c-d'] });
  const controls = (await home.events(id)).filter(({ type }) => type === 'control');
  t.match(controls, Array(4).fill({ data: { action: 'send', by: String } }), 'who has sent something is recorded');
});

t.test('a command that reads late gets all of its input; the sender waits for one that reads nothing', async (t) => {
  const gate = home.gate('late');
  const id = await home.start(['--stdin'], 'sh', '-c', 'until [ -e "$0" ]; do sleep 0.05; done; wc -c', gate.path);
  const bytes = 3 * 1024 * 1024;
  const sending = home.invoke(['send', id, '--stdin', '--eof'], { input: 'x'.repeat(bytes) });
  await waitFor('something to be sent', async () => {
    const events = await home.events(id);
    return events.some(({ type, data }) => type === 'control' && data['action'] === 'send');
  });
  gate.open();
  t.match(await sending, { status: 0, stdout: '', stderr: '' });
  t.match(await home.until(id, 'final'), { status: 'completed', tail: [String(bytes)] });

  const idle = await home.start(['--stdin'], 'sleep', '300');
  const waiting = home.invoke(['send', idle, '--stdin'], { input: 'x'.repeat(bytes) });
  await waitFor('something to be sent', async () => (await home.events(idle)).some(({ type }) => type === 'control'));
  await home.order(idle, { action: 'kill' });
  t.match(await waiting, { status: 69 }, 'until the run ends');
  await home.until(idle, 'final');
});

t.test('input in many parts is sent without a warning', async (t) => {
  const gate = home.gate('slow');
  const id = await home.start(['--stdin'], 'sh', '-c', 'until [ -e "$0" ]; do sleep 0.05; done; wc -c', gate.path);
  const bytes = 5_000_000;
  const child = spawn(PROGRESS, ['send', id, '--stdin', '--eof'], { env: home.env, stdio: ['pipe', 'ignore', 'pipe'] });
  const warned = text(child.stderr);
  child.stdin.end('x'.repeat(bytes));
  gate.open();
  t.equal(await warned, '');
  t.match(await home.until(id, 'final'), { status: 'completed', tail: [String(bytes)] });
});

t.test('attach shows the exact bytes, passes input on, and ends with the status of the run', async (t) => {
  const gate = home.gate('bytes');
  const file = path.join(home.directory, 'all-bytes');
  const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 7 + (index >> 8)) & 0xff));
  writeFileSync(file, bytes);
  const script = `stty raw -echo; until [ -e ${gate.path} ]; do sleep 0.05; done; cat ${file}; exit 7`;
  const id = await home.start(TERMINAL, 'sh', '-c', script);
  const mode = statSync(path.join(directoryOf(home.paths, id), CONSOLE_SOCKET)).mode & 0o777;
  t.equal(mode, 0o600, 'the socket is private');
  const clients = [attach(id), attach(id)];
  await isAttached(id, 2);
  gate.open();
  for (const client of clients) {
    t.match(await client.ended, { status: 7 });
    t.ok(client.bytes.equals(bytes), 'exact bytes');
  }
});

t.test('lines and the end of input on a terminal', async (t) => {
  const id = await home.start(TERMINAL, ...ECHO);
  const client = attach(id);
  await isAttached(id);
  t.match(await home.invoke(['send', id, 'sent']), { status: 0 });
  client.child.stdin?.write('typed\n');
  await waitFor('both', () => /got sent[^]*got typed/.test(client.stdout));
  t.match(await home.invoke(['send', id, '--eof']), { status: 0 });
  t.match(await client.ended, { status: 5 });
  t.match(await home.until(id, 'final'), { status: 'failed', outcome: { exitCode: 5 } });
});

t.test('a client that does not read never blocks the run', async (t) => {
  const gate = home.gate('flood');
  const script = `until [ -e ${gate.path} ]; do sleep 0.05; done; head -c 30000000 /dev/zero | tr '\\0' x`;
  const id = await home.start(TERMINAL, 'sh', '-c', script);
  const { child } = attach(id);
  await isAttached(id);
  child.kill('SIGSTOP');
  gate.open();
  t.match(await home.until(id, 'final'), { status: 'completed' });
  child.kill('SIGKILL');
});

t.test('an error states why a run cannot be attached, and what to do', async (t) => {
  const over = await home.start([], 'true');
  await home.until(over, 'final');
  const plain = await home.start([], 'sleep', '300');
  const cases: [string[], number, RegExp][] = [
    [['attach', over], 65, /has ended: completed; 'progress logs .*' shows its output/],
    [['attach', plain], 65, /has no terminal: 'progress logs --follow .*; start it with --pty to attach/],
    [['send', plain, 'x'], 65, /has no open standard input: start it with --detach --stdin, or with --pty/],
    [['attach', 'nothing'], 66, /no execution "nothing"/],
    [['attach', plain, '--detach-keys', 'ctrl-p,xy'], 64, /"xy" is neither a character nor ctrl-X/],
    [['send', plain], 64, /needs a text, --stdin or --eof/],
    [['run', '--stdin', '--', 'true'], 64, /--stdin needs --detach/],
  ];
  for (const [args, status, stderr] of cases) t.match(await home.invoke(args), { status, stdout: '', stderr });
  const foreground = home.spawn(['run', '--name', 'here', '--', 'sleep', '300'], { stdio: 'ignore' });
  await waitFor('the run', async () => (await home.find('here'))?.status === 'running');
  t.match(await home.invoke(['attach', 'here']), { status: 65, stderr: /runs in the foreground/ });
  await home.order('here', { action: 'kill' });
  await once(foreground, 'exit');
  await home.order(plain, { action: 'kill' });
  await home.until(plain, 'final');
});

t.test(
  'in a terminal: late attach, size, detach keys, full screen, death of the client',
  { skip: whyNo('tmux') },
  async (t) => {
    const script = `echo before; trap 'stty size' WINCH; stty size; while :; do read -r -t 0.2 x && echo "got $x"; done`;
    const id = await home.start(TERMINAL, 'bash', '-c', script);
    await home.hear(id, 'before');
    const tmux = await openTmux(t, { columns: 70, rows: 20 }, { PROGRESS_HOME: home.directory });
    await tmux.enter(`stty -a >~/modes; ${PROGRESS} attach ${id}; echo left $?`);
    await tmux.see(/before\n24 80\n20 70/);
    await tmux.enter('hello');
    await tmux.see(/got hello/);
    await tmux.key('C-]');
    await tmux.see(/detached from .*, which continues\nleft 0/);
    t.match(await home.get(id), { status: 'running' });

    await tmux.enter(`clear; ${PROGRESS} attach --detach-keys ctrl-p,q ${id}; echo again $?`);
    await tmux.see(/got hello/);
    const [client] = await waitFor('the client', () => {
      const found = readProcesses().filter(({ pid, name, terminal }) => terminal > 0 && name === 'node' && pid > 1);
      const own = found.filter(({ parent }) => parent === tmux.pid);
      return own.length > 0 && own;
    });
    process.kill(client!.pid, 'SIGKILL');
    await tmux.see(/again 137/);
    await tmux.enter('stty -a >~/after; cmp ~/modes ~/after && echo sane');
    await tmux.see(/^sane$/m);
    t.match(await home.get(id), { status: 'running' });
    await tmux.enter(`clear; ${PROGRESS} attach --detach-keys ctrl-p,q ${id}; echo third $?`);
    await tmux.see(/got hello/);
    await tmux.key('C-c');
    await tmux.see(/third 130/);
    t.match(await home.until(id, 'final'), { status: 'cancelled', outcome: { signal: 'SIGINT' } });
  },
);
