/** What the tests of the shells' hooks have in common: executions, states of the spool, processes that are started. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { ShellSession } from './shell-session.js';
import { waitFor } from './wait.js';

export interface Command {
  name: unknown;
  /** How it went on: the last of its events. */
  end: string;
  exitCode: unknown;
}

/** The executions of a kind of shell in the order of their starts. */
export function commandsOf(shell: ShellSession, prefix: string): Command[] {
  const events = shell.events(prefix);
  return events
    .filter(({ type }) => type === 'execution_started')
    .map(({ execution, data }) => {
      const last = events.findLast((event) => event.execution === execution);
      return { name: data['name'], end: last?.type.replace('execution_', '') ?? '', exitCode: last?.data['exitCode'] };
    });
}

/** Ways in which the spool can be no place to write to. */
export const BROKEN_SPOOLS: readonly [string, (spool: string) => void][] = [
  ['absent, below what is no directory', (spool) => replace(path.dirname(spool), (state) => writeFileSync(state, ''))],
  ['a file', (spool) => replace(spool, () => writeFileSync(spool, ''))],
  ['a FIFO', (spool) => replace(spool, () => spawnSync('mkfifo', [spool]))],
  ['a dangling symlink', (spool) => replace(spool, () => symlinkSync('/nonexistent/place', spool))],
  ['a link to a device', (spool) => replace(spool, () => symlinkSync('/dev/full', spool))],
];

/** The same of a shell's own file, or of its directory once the shell has chosen it. */
export const BROKEN_FILES: readonly [string, (file: string) => void][] = [
  ['a FIFO', (file) => replace(file, () => spawnSync('mkfifo', [file]))],
  ['a directory', (file) => replace(file, () => mkdirSync(file))],
  ['a dangling symlink', (file) => replace(file, () => symlinkSync(targetOf(file), file))],
  ['a link to a full device', (file) => replace(file, () => symlinkSync('/dev/full', file))],
  ['gone with its directory', (file) => rmSync(path.dirname(file), { recursive: true })],
];

/** Where a link in the place of a file leads: nothing may appear there. */
export const targetOf = (file: string): string => `${file}.target`;

function replace(name: string, make: (name: string) => unknown): void {
  rmSync(name, { recursive: true, force: true });
  make(name);
}

/** Processes that a process has started, and programs that it has become, while `act` ran. */
export async function countProcesses(pid: number, log: string, act: () => Promise<unknown>): Promise<number> {
  const calls = 'trace=clone,clone3,fork,vfork,execve';
  const strace = spawn('strace', ['-f', '-e', calls, '-o', log, '-p', String(pid)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = new Promise((resolve) => strace.once('exit', resolve));
  try {
    let told = '';
    strace.stderr.on('data', (chunk: Buffer) => (told += chunk.toString()));
    await waitFor('strace to be attached', () => told.includes('attached'));
    await act();
  } finally {
    strace.kill('SIGINT');
    await ended;
  }
  const lines = readFileSync(log, 'utf8').split('\n');
  return lines.filter((line) => /^\d+ +(clone3?|v?fork|execve)\(/.test(line) && !line.includes('CLONE_THREAD')).length;
}

/** What a shell has to be started by to have a spool on a disk of its own, which holds nearly nothing. */
export function onSmallDisk(spool: string, shell: string): string {
  return `exec unshare --mount sh -c 'mount -t tmpfs -o size=16k tmpfs ${spool} && exec ${shell}'`;
}
