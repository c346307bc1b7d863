/** Our terminal, lent to a command that has one of its own: keys go in, its size is ours, Ctrl-Z stops both. */
import { spawnSync } from 'node:child_process';
import { onSignal } from '../../../platform/inherited.js';
import { readProcess } from '../../../platform/processes.js';
import type { Pty } from '../../../runner/pty.js';
import type { Run } from '../../../runner/run.js';
import type { TerminalOutput } from './terminal-output.js';

/** How long a stop may take to reach us. Where nothing can be stopped (no job control) we go on after it. */
const STOP_MS = 100;
const FOREGROUND_POLL_MS = 250;

const CTRL_C = 0x03;
const CTRL_Z = 0x1a;
const CTRL_BACKSLASH = 0x1c;

interface Ends {
  /** @default process.stdin */
  stdin?: NodeJS.ReadStream;
  /** Whose size the terminal of the command has. @default process.stdout */
  stdout?: NodeJS.WriteStream;
  /** What is shown on our terminal, if that is where standard output leads. */
  shown: TerminalOutput | undefined;
}

/** Until the function that it returns is called, which tells whether Ctrl-C was typed. */
export function lendTerminal(pty: Pty, run: Run, { shown, ...ends }: Ends): () => boolean {
  const { stdin = process.stdin, stdout = process.stdout } = ends;
  let isInterrupted = false;
  let later: NodeJS.Timeout | undefined;
  const resize = () => {
    if (stdout.isTTY) pty.resize(stdout);
  };
  const take = () => {
    // of a job in the background the terminal is not ours to set, nor to read
    clearTimeout(later);
    if (stdin.isTTY && !isInForeground()) {
      // no signal tells of `fg` when a job runs in the background already
      later = setTimeout(take, FOREGROUND_POLL_MS).unref();
      return;
    }
    if (stdin.isTTY) {
      stdin.setRawMode(true);
      shown?.lend();
    }
    stdin.resume();
    resize();
  };
  const giveBack = () => {
    shown?.giveBack();
    if (stdin.isTTY && isInForeground()) stdin.setRawMode(false);
    stdin.pause();
  };
  const onKeys = (keys: Buffer) => {
    const at = stdin.isTTY ? keys.indexOf(CTRL_Z) : -1;
    if (at === -1 || !takesKeysAsSignals(pty)) return type(keys);
    type(keys.subarray(0, at));
    giveBack();
    suspend(run, take);
    onKeys(keys.subarray(at + 1));
  };
  const type = (keys: Buffer) => {
    if (stdin.isTTY && keys.includes(CTRL_C)) isInterrupted = true;
    // on its terminal no process would receive the signal
    if (keys.includes(CTRL_C) && run.isWaiting) return run.signal('SIGINT', 'Ctrl-C');
    if (keys.includes(CTRL_C)) run.expect('SIGINT');
    if (keys.includes(CTRL_BACKSLASH)) run.expect('SIGQUIT');
    pty.type(keys);
  };
  const onEnd = () => pty.endInput();
  const interrupt = () => run.signal('SIGINT', 'SIGINT to progress run');

  // whoever reads from the terminal in the background is stopped
  stdin.pause();
  stdin.on('data', onKeys).on('end', onEnd).on('error', onEnd);
  process.on('SIGWINCH', resize).on('SIGCONT', take);
  const unlisten = onSignal('SIGINT', interrupt);
  take();
  return () => {
    clearTimeout(later);
    process.off('SIGWINCH', resize).off('SIGCONT', take);
    unlisten();
    stdin.off('data', onKeys).off('end', onEnd).off('error', onEnd);
    giveBack();
    if ('unref' in stdin) stdin.unref();
    return isInterrupted;
  };
}

/** Stops the command, and then us, as the terminal would; `then` is called when we go on. */
export function suspend(run: Run, then: () => void): void {
  const by = 'Ctrl-Z';
  run.control({ run: '', action: 'pause', by });
  // everybody of our job, as the terminal does it; where that is no job, nobody stops
  process.kill(0, 'SIGTSTP');
  setTimeout(() => {
    run.control({ run: '', action: 'resume', by: 'the shell' });
    then();
  }, STOP_MS);
}

/** A full-screen program has turned that off, and gets the key. */
function takesKeysAsSignals(pty: Pty): boolean {
  return hasMode(pty.path, 'isig');
}

/** Whether a terminal is in a mode that stty(1) names. */
export function hasMode(file: string, name: string): boolean {
  const { stdout } = spawnSync('stty', ['-F', file, '-a'], { encoding: 'utf8' });
  return stdout.split(/\s+/).includes(name);
}

export function isInForeground(): boolean {
  const us = readProcess(process.pid);
  return us === undefined || us.foregroundGroup === us.group;
}
