/** Restores the modes of a terminal, even if SIGKILL ends this process. */
import type { ChildProcess } from 'node:child_process';
import { spawn, spawnSync } from 'node:child_process';
import { writeSync } from 'node:fs';
import type { Writable } from 'node:stream';

/** Resets mouse reports, bracketed paste, application keys, a hidden cursor and colours, which a program may have set. */
const RESET = '\u001b[?1000l\u001b[?1002l\u001b[?1003l\u001b[?1006l\u001b[?2004l\u001b[?1l\u001b[?25h\u001b[0m';
const LEAVE_ALTERNATE = '\u001b[?1049l';

/**
 * Waits until its pipe is closed, which happens when this process ends. It ignores the signals that may end the job, and
 * SIGTTOU, because by then it belongs to a job in the background.
 */
const SCRIPT = `trap '' INT TERM HUP QUIT TSTP TTOU
read -r said <&3 && exit
stty "$1"
printf '${LEAVE_ALTERNATE}${RESET}' >&2`.replaceAll('\u001b', '\\033');

export interface TerminalGuard {
  /** @param isAlternate - the terminal shows the alternate screen */
  release(isAlternate: boolean): void;
}

/** Guards the terminal on standard input before raw mode. @returns undefined if its modes cannot be read */
export function guardTerminal(): TerminalGuard | undefined {
  const { stdout, status } = spawnSync('stty', ['-g'], { stdio: ['inherit', 'pipe', 'ignore'], encoding: 'utf8' });
  if (status !== 0) return undefined;
  const state = stdout.trim();
  const guard: ChildProcess = spawn('sh', ['-c', SCRIPT, 'sh', state], {
    stdio: ['inherit', 'ignore', 'inherit', 'pipe'],
  });
  guard.on('error', () => undefined);
  guard.unref();
  const pipe = guard.stdio[3] as Writable & { unref?: () => void };
  pipe.on('error', () => undefined);
  pipe.unref?.();
  return {
    release(isAlternate) {
      process.stdin.setRawMode(false);
      if (process.stdout.isTTY) writeSync(process.stdout.fd, (isAlternate ? LEAVE_ALTERNATE : '') + RESET);
      pipe.end('restored\n');
    },
  };
}
