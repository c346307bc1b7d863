/** A real terminal for tests: tmux on a private socket. */
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Test } from 'tap';
import { readProcess } from '../../src/platform/processes.js';
import { waitFor } from './wait.js';

const run = promisify(execFile);
export const PROMPT = 'ready> ';

export interface Tmux {
  /** Private home of the shell. */
  home: string;
  /** PID of the shell. */
  pid: number;
  /** Types a command line into the shell. */
  enter(line: string): Promise<void>;
  /** The same in one call of tmux; resolves to the screen with its scrollback before the line was typed. */
  captureAndEnter(line: string): Promise<string>;
  /** Presses a key by tmux's name for it. */
  key(name: string): Promise<void>;
  resize(columns: number, rows: number): Promise<void>;
  /** The rows on the screen, or with the scrollback above them. */
  capture(what?: 'screen' | 'history'): Promise<string>;
  /** Writes the bytes that the pane receives to a file from now on. */
  record(file: string): Promise<void>;
  /** Captures until it matches. */
  see(pattern: RegExp, what?: 'screen' | 'history'): Promise<string>;
  isCursorVisible(): Promise<boolean>;
}

/** Opens a terminal, which is closed with all its processes when the test ends. */
export async function openTmux(
  t: Test,
  { columns, rows }: { columns: number; rows: number },
  env: Record<string, string> = {},
  command: readonly string[] = ['sh', '-i'],
): Promise<Tmux> {
  const directory = mkdtempSync(path.join(tmpdir(), 'tmux-'));
  const base = ['-u', '-S', path.join(directory, 'socket'), '-f', '/dev/null'];
  const tmux = async (...args: string[]): Promise<string> => (await run('tmux', [...base, ...args])).stdout;
  const shellEnv = { LC_ALL: 'C.UTF-8', PATH: process.env['PATH'] ?? '', HOME: directory, PS1: PROMPT, ...env };
  t.teardown(async () => {
    const panes = execFileSync('tmux', [...base, 'list-panes', '-a', '-F', '#{pane_pid}'], { encoding: 'utf8' });
    execFileSync('tmux', [...base, 'kill-server']);
    const pids = panes.trim().split('\n').map(Number);
    await waitFor('its shells to be gone', () => pids.every((pid) => (readProcess(pid)?.state ?? 'Z') === 'Z'));
    // a shell that gets SIGHUP may still write its history
    rmSync(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  });
  const variables = Object.entries(shellEnv).map(([name, value]) => `${name}=${value}`);
  // the shell inherits nothing of the environment of the tests, except what tmux itself sets
  const shell = ['env', '-i', ...variables, 'TERM=screen-256color', ...command];
  await tmux('new-session', '-d', '-x', String(columns), '-y', String(rows), '--', ...shell);

  const capture = (what: 'screen' | 'history' = 'screen'): Promise<string> =>
    tmux('capture-pane', '-p', ...(what === 'history' ? ['-S', '-'] : []));
  const see = async (pattern: RegExp, what?: 'screen' | 'history'): Promise<string> => {
    let last = '';
    const found = waitFor(`${String(pattern)} on the screen`, async () => {
      last = await capture(what);
      return pattern.test(last) && last;
    });
    return found.catch((error: unknown) => {
      throw new Error(`${String(error)}:\n${last}`);
    });
  };
  await see(/ready>/);
  return {
    home: directory,
    pid: Number(await tmux('display-message', '-p', '#{pane_pid}')),
    async enter(line) {
      await tmux(...typing(line));
    },
    captureAndEnter: (line) => tmux('capture-pane', '-p', '-S', '-', ';', ...typing(line)),
    async key(name) {
      await tmux('send-keys', name);
    },
    async resize(width, height) {
      await tmux('resize-window', '-x', String(width), '-y', String(height));
    },
    async record(file) {
      await tmux('pipe-pane', `exec cat >'${file}'`);
    },
    capture,
    see,
    isCursorVisible: async () => (await tmux('display-message', '-p', '#{cursor_flag}')).trim() === '1',
  };
}

/** Commands of tmux that type a line. It takes a semicolon at the end of an argument for the end of a command. */
function typing(line: string): string[] {
  return ['send-keys', '-l', '--', line.replace(/;$/, '\\;'), ';', 'send-keys', 'Enter'];
}
