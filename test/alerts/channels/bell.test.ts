import { chownSync, closeSync, constants, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { spawn } from '@lydell/node-pty';
import t from 'tap';
import type { Test } from 'tap';
import { createAlertChannel } from '../../../src/alerts/channels/create.js';
import type { ExecutionJson } from '../../../src/core/execution.js';
import { terminalOf } from '../../../src/platform/processes.js';
import { anAlert, anExecution, send } from '../../helpers/alerts.js';
import { isUnprivileged } from '../../helpers/needs.js';
import { waitFor, waitUntilStable } from '../../helpers/wait.js';

const CLOSED = { outcome: 'unavailable', error: 'the terminal that it was started from is closed' };
const SENT = { outcome: 'sent' };

function ring(fields: Partial<ExecutionJson>) {
  return send(createAlertChannel('bell', undefined, {}), anAlert({ execution: anExecution(fields) }));
}

/** A shell in a terminal, and how often the bell rang there. */
async function openTerminal(t: Test) {
  const shell = spawn('sh', [], { env: { PATH: process.env['PATH'] } });
  let shown = '';
  let isGone = false;
  shell.onData((text) => (shown += text));
  shell.onExit(() => (isGone = true));
  const end = async () => {
    if (!isGone) shell.kill('SIGKILL');
    await waitFor('the shell to be gone', () => isGone);
  };
  t.teardown(end);
  const file = await waitFor('its terminal', () => terminalOf(shell.pid));
  const bells = () => shown.split('\x07').length - 1;
  return { shell, pid: shell.pid, file, bells, end, shown: () => shown };
}

t.test('rings the terminal of the shell, or of the process, of the execution', async (t) => {
  const { shell, pid, file, bells, shown } = await openTerminal(t);
  shell.write('tty\r');
  await waitFor('its name', () => shown().includes(file));
  let rung = 0;
  for (const fields of [
    { kind: 'command', producer: { source: `bash-${pid}-abc123` } },
    { kind: 'command', process: { pid, host: hostname() } },
    { kind: 'run', producer: { source: 'run-2147483646-abc' }, process: { pid: 2_147_483_646, tty: file } },
    { kind: 'agent', producer: { source: 'claude' }, process: { pid } },
  ]) {
    t.strictSame(await ring(fields), SENT, JSON.stringify(fields));
    rung += 1;
    await waitFor('the bell', () => bells() === rung);
  }
});

t.test('rings no other file', async (t) => {
  const { pid, file, bells, end } = await openTerminal(t);
  const notes = path.join(t.testdir(), 'notes');
  writeFileSync(notes, '');
  const fields: Partial<ExecutionJson>[] = [
    {},
    { producer: { source: 'run-2147483646-abc' }, process: { pid } },
    { producer: { source: `bash-${pid}-abc` }, process: { tty: file, host: 'another-machine' } },
    ...[notes, '/dev/null', '/dev/ptmx', '/dev/pts/ptmx', '/dev/tty', `${file}/../0`, `/dev/pts/../null`, ''].map(
      (tty) => ({ process: { tty } }),
    ),
    ...['bash-0-x', 'bash-1-x', `bash-${'9'.repeat(9)}-x`, `x${pid}`].map((source) => ({ producer: { source } })),
  ];
  for (const some of fields) t.strictSame(await ring(some), CLOSED, JSON.stringify(some));
  t.strictSame(await send(createAlertChannel('bell', undefined, {})), CLOSED, 'without an execution');
  t.equal(readFileSync(notes, 'utf8'), '');

  if (!isUnprivileged(t)) {
    chownSync(file, 65_534, -1);
    t.strictSame(await ring({ process: { tty: file } }), CLOSED, 'the terminal of another user');
    chownSync(file, 0, -1);
  }
  t.equal(bells(), 0);
  t.strictSame(await ring({ process: { tty: file } }), SENT);
  await end();
  t.strictSame(
    await ring({ producer: { source: `bash-${pid}-abc` }, process: { tty: file } }),
    CLOSED,
    'the terminal is gone',
  );
});

t.test('does not wait for a blocked terminal', async (t) => {
  const { shell, file } = await openTerminal(t);
  shell.pause();
  const descriptor = openSync(file, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  try {
    // the terminal passes output on to another buffer with a delay: it is full when it stays full
    let written = 0;
    await waitUntilStable('the output that the terminal accepts', () => (written += fill(descriptor)));
  } finally {
    closeSync(descriptor);
  }
  t.strictSame(await ring({ process: { tty: file } }), CLOSED);
});

/** Writes until the terminal accepts no more; returns the number of bytes. */
function fill(descriptor: number): number {
  let written = 0;
  try {
    for (;;) written += writeSync(descriptor, 'x'.repeat(4_096));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return written;
    throw error;
  }
}
