/**
 * Controlling terminal of a command whose standard output is redirected: a pseudo-terminal that it opens as `/dev/tty`, for
 * instance to ask for a password.
 *
 * Keys of the user's terminal go there only while a process of the command has `/dev/tty` open and no pager reads them.
 * Otherwise they stay for other programs of the pipeline, and for the shell afterwards.
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
/** Pause between polls as a multiple of the duration of one, which bounds the cost to a percent of one processor. */
const PAUSE_FACTOR = 100;

/** @returns undefined unless standard output alone is redirected, or if no pseudo-terminal can be opened */
export function openControllingTerminal(isUnwanted: boolean): Pty | undefined {
  if (isUnwanted || !isatty(0) || isatty(1) || !isatty(2)) return undefined;
  return openPty(process.stderr);
}

/** @returns a function that stops lending and shows the remaining output; it resolves to whether Ctrl-C was typed */
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
    // another program of the pipeline, such as a pager, may read keys
    const isWanted = isTerminalOpen(pty.path) && (isLent || hasMode(TERMINAL, 'icanon'));
    change(isWanted);
    timer = setTimeout(poll, Math.max(POLL_MS, (performance.now() - startedAt) * PAUSE_FACTOR)).unref();
  };
  const shown = new Promise<void>((resolve) =>
    pty.listen((chunk) => {
      // before the output, so that the answer to a question in it has the echo mode of the command's terminal
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

/** Uses a separate file description, because the command may read that of standard input. */
function lend(pty: Pty, run: Run, shown: TerminalOutput): () => boolean {
  const stdin = new ReadStream(openSync(TERMINAL, constants.O_RDWR | constants.O_NOCTTY));
  const giveBack = lendTerminal(pty, run, { stdin, stdout: process.stderr, shown });
  return () => {
    const isInterrupted = giveBack();
    stdin.destroy();
    return isInterrupted;
  };
}

/** Ctrl-C and Ctrl-Z arrive as signals at this process only, because the command has its own session. */
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
    // the terminal has signalled the whole job, so no key was taken
    return false;
  };
}
