/** Lends the user's terminal to a command with a pseudo-terminal: passes keys and size on; Ctrl-Z stops both. */
import { spawnSync } from 'node:child_process';
import { onSignal } from '../../../platform/inherited.js';
import { readProcess } from '../../../platform/processes.js';
import type { Pty } from '../../../runner/pty.js';
import type { Run } from '../../../runner/run.js';
import type { TerminalOutput } from './terminal-output.js';

/** Time for SIGTSTP to stop this process; without job control nothing stops, and it continues afterwards. */
const STOP_MS = 100;
const FOREGROUND_POLL_MS = 250;

const CTRL_C = 0x03;
const CTRL_Z = 0x1a;
const CTRL_BACKSLASH = 0x1c;

interface Ends {
  /** @default process.stdin */
  stdin?: NodeJS.ReadStream;
  /** Terminal whose size the pseudo-terminal gets. @default process.stdout */
  stdout?: NodeJS.WriteStream;
  /** Output to the terminal, if standard output is one. */
  shown: TerminalOutput | undefined;
}

/** @returns a function that takes the terminal back; it returns whether Ctrl-C was typed */
export function lendTerminal(pty: Pty, run: Run, { shown, ...ends }: Ends): () => boolean {
  const { stdin = process.stdin, stdout = process.stdout } = ends;
  let isInterrupted = false;
  let later: NodeJS.Timeout | undefined;
  const resize = () => {
    if (stdout.isTTY) pty.resize(stdout);
  };
  const take = () => {
    // a job in the background may neither change nor read the terminal
    clearTimeout(later);
    if (stdin.isTTY && !isInForeground()) {
      // `fg` sends no signal to a job that already runs in the background
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
    // a queued run has no process yet that its terminal could signal
    if (keys.includes(CTRL_C) && run.isWaiting) return run.signal('SIGINT', 'Ctrl-C');
    if (keys.includes(CTRL_C)) run.expect('SIGINT');
    if (keys.includes(CTRL_BACKSLASH)) run.expect('SIGQUIT');
    pty.type(keys);
  };
  const onEnd = () => pty.endInput();
  const interrupt = () => run.signal('SIGINT', 'SIGINT to progress run');

  // reading from the terminal in the background would stop this process (SIGTTIN)
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

/** Pauses the command, then stops this process, as the terminal would; `then` is called when it continues. */
export function suspend(run: Run, then: () => void): void {
  const by = 'Ctrl-Z';
  run.control({ run: '', action: 'pause', by });
  // the whole job, as the terminal does; without job control nothing stops
  process.kill(0, 'SIGTSTP');
  setTimeout(() => {
    run.control({ run: '', action: 'resume', by: 'the shell' });
    then();
  }, STOP_MS);
}

/** Whether control keys send signals. Full-screen programs disable that and read the keys. */
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
