/**
 * The terminal of a command whose output alone is redirected: what it opens as /dev/tty, to ask for a password for instance.
 * Our own terminal is its as well only while a process of it has that open. Otherwise keys stay where other programs of the
 * pipeline, and afterwards the shell, read them.
 *
 * The user's terminal is lent only while a process of the command has `/dev/tty` open, and while no pager reads keys
 * from it.
 */
import { constants, openSync } from 'node:fs';
import { isatty, ReadStream } from 'node:tty';
import { onSignal } from '../../../platform/inherited.js';
import { isTerminalOpen } from '../../../platform/processes.js';
import type { Pty } from '../../../runner/pty.js';
import { openPty } from '../../../runner/pty.js';
import type { Run } from '../../../runner/run.js';
import { hasMode, lendTerminal, suspend } from './terminal.js';
import { TerminalOutput } from './terminal-output.js';

const TERMINAL = '/dev/tty';
const POLL_MS = 100;
/** Of the time that a poll takes: it costs at most a percent of one processor. */
const PAUSE_FACTOR = 100;

/** Undefined where nothing is redirected, or more than standard output, or where no terminal can be opened. */
export function openControllingTerminal(isUnwanted: boolean): Pty | undefined {
  if (isUnwanted || !isatty(0) || isatty(1) || !isatty(2)) return undefined;
  return openPty(process.stderr);
}

/** Until the function that it returns is called, which shows what is left to show, and tells whether Ctrl-C was typed. */
export function lendOnDemand(pty: Pty, run: Run): () => Promise<boolean> {
  let isInterrupted = false;
  let isLent = false;
  const output = new TerminalOutput(process.stderr.fd);
  let release = passKeys(run);
  let timer: NodeJS.Timeout | undefined;
  const change = (isWanted: boolean) => {
    if (isWanted === isLent) return;
    isInterrupted = release() || isInterrupted;
    isLent = isWanted;
    release = isLent ? lend(pty, run, output) : passKeys(run);
  };
  const poll = () => {
    clearTimeout(timer);
    const startedAt = performance.now();
    // another program of the pipeline, as a pager, may read keys itself
    const isWanted = isTerminalOpen(pty.path) && (isLent || hasMode(TERMINAL, 'icanon'));
    change(isWanted);
    timer = setTimeout(poll, Math.max(POLL_MS, (performance.now() - startedAt) * PAUSE_FACTOR)).unref();
  };
  const shown = new Promise<void>((resolve) =>
    pty.listen((chunk) => {
      // first, so that what answers a question that is shown already has its echo, or none, from there
      if (!isLent) poll();
      process.stderr.write(output.pass(chunk));
      return true;
    }, resolve),
  );
  poll();
  return async () => {
    clearTimeout(timer);
    pty.finish();
    await shown;
    clearTimeout(timer);
    change(false);
    return release() || isInterrupted;
  };
}

/** Through a file description of its own: that of standard input is the command's, which may read it as well. */
function lend(pty: Pty, run: Run, shown: TerminalOutput): () => boolean {
  const stdin = new ReadStream(openSync(TERMINAL, constants.O_RDWR | constants.O_NOCTTY));
  const giveBack = lendTerminal(pty, run, { stdin, stdout: process.stderr, shown });
  return () => {
    const isInterrupted = giveBack();
    stdin.destroy();
    return isInterrupted;
  };
}

/** Ctrl-C and Ctrl-Z come as signals, and to us alone: the command is a session of its own. */
export function passKeys(run: Run): () => boolean {
  const interrupt = () => run.signal('SIGINT', 'SIGINT to progress run');
  const stop = () => {
    unlistenStop();
    suspend(run, () => (unlistenStop = onSignal('SIGTSTP', stop)));
  };
  const unlisten = onSignal('SIGINT', interrupt);
  let unlistenStop = onSignal('SIGTSTP', stop);
  return () => {
    unlisten();
    unlistenStop();
    // the terminal has signalled the whole job
    return false;
  };
}
