/** Checks that the tests of all shells with hooks share: recorded commands, broken spools, started processes. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Test } from 'tap';
import { readProcess } from '../../src/platform/processes.js';
import type { HookShell } from './hook-shells.js';
import type { ShellSession } from './shell-session.js';
import { openHooked, openShell } from './shell-session.js';
import type { SpoolEvent } from './spool.js';
import { waitFor } from './wait.js';

export interface Command {
  name: unknown;
  /** Status by the last of its events. */
  end: string;
  exitCode: unknown;
}

/** The executions in the order of their starts, file by file. */
export function commandsOf(shell: ShellSession): Command[] {
  return commandsIn(shell.events());
}

export const namesOf = (shell: ShellSession): unknown[] => commandsOf(shell).map(({ name }) => name);

/** The executions of these events. */
export function commandsIn(events: readonly SpoolEvent[]): Command[] {
  return events
    .filter(({ type }) => type === 'execution_started')
    .map(({ execution, data }) => {
      const last = events.findLast((event) => event.execution === execution);
      return { name: data['name'], end: last?.type.replace('execution_', '') ?? '', exitCode: last?.data['exitCode'] };
    });
}

/** States in which the spool cannot be written. */
export const BROKEN_SPOOLS: readonly [string, (spool: string) => void][] = [
  ['absent, below what is no directory', (spool) => replace(path.dirname(spool), (state) => writeFileSync(state, ''))],
  ['a file', (spool) => replace(spool, () => writeFileSync(spool, ''))],
  ['a FIFO', (spool) => replace(spool, () => spawnSync('mkfifo', [spool]))],
  ['a dangling symlink', (spool) => replace(spool, () => symlinkSync('/nonexistent/place', spool))],
  ['a link to a device', (spool) => replace(spool, () => symlinkSync('/dev/full', spool))],
];

/** The same for the file of a shell, or its directory after the shell has chosen it. */
const BROKEN_FILES: readonly [string, (file: string) => void][] = [
  ['a FIFO', (file) => replace(file, () => spawnSync('mkfifo', [file]))],
  ['a directory', (file) => replace(file, () => mkdirSync(file))],
  ['a dangling symlink', (file) => replace(file, () => symlinkSync(targetOf(file), file))],
  ['a link to a full device', (file) => replace(file, () => symlinkSync('/dev/full', file))],
  ['gone with its directory', (file) => rmSync(path.dirname(file), { recursive: true, force: true })],
];

/** Both, as functions of a file in the spool of a shell. */
export const BROKEN: readonly [string, (file: string) => void][] = [
  ...BROKEN_SPOOLS.map(([state, breakIt]): [string, (file: string) => void] => [
    `a spool that is ${state}`,
    (file) => breakIt(path.dirname(file)),
  ]),
  ...BROKEN_FILES.map(([state, breakIt]): [string, (file: string) => void] => [`a file that is ${state}`, breakIt]),
];

/** Target of a link that replaces a file: nothing may be created there. */
export const targetOf = (file: string): string => `${file}.target`;

function replace(name: string, make: (name: string) => unknown): void {
  rmSync(name, { recursive: true, force: true });
  make(name);
}

/**
 * Checks that a user sees nothing of the hooks: `lines` print the same with them and with an empty file. Some of
 * them load the file $H.
 */
export async function sameWithHooks(
  t: Test,
  shell: HookShell,
  lines: readonly string[],
  { clean = (text) => text, check }: { clean?: (text: string) => string; check?: (hooked: ShellSession) => void } = {},
): Promise<void> {
  const empty = path.join(t.testdir({ 'empty.fish': '' }), 'empty.fish');
  const [without, withHooks] = await Promise.all(
    [empty, shell.hooks].map(async (file) => {
      const session = await openShell(t, shell, { H: file });
      const transcript: string[] = [];
      for (const line of [...shell.before, ...lines])
        transcript.push(`${line} => ${clean((await session.run(line)).replaceAll(file, 'FILE'))}`);
      if (file === shell.hooks) check?.(session);
      else t.strictSame(session.events(), [], 'nothing is reported without hooks');
      return transcript;
    }),
  );
  t.strictSame(withHooks, without);
}

/** Counts the processes that a process starts, and the programs that it executes, during `act`. */
export async function countProcesses(pid: number, log: string, act: () => Promise<unknown>): Promise<number> {
  const calls = 'trace=clone,clone3,fork,vfork,execve';
  const strace = spawn('strace', ['-f', '-e', calls, '-o', log, '-p', String(pid)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = new Promise((resolve) => strace.once('exit', resolve));
  try {
    let output = '';
    strace.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    await waitFor('strace to be attached', () => output.includes('attached'));
    await act();
  } finally {
    strace.kill('SIGINT');
    await ended;
  }
  const lines = readFileSync(log, 'utf8').split('\n');
  return lines.filter((line) => /^\d+ +(clone3?|v?fork|execve)\(/.test(line) && !line.includes('CLONE_THREAD')).length;
}

/** Command line that starts a shell whose spool is on a nearly full disk of its own. */
export function onSmallDisk(spool: string, shell: string): string {
  return `exec unshare --mount sh -c 'mount -t tmpfs -o size=16k tmpfs ${spool} && exec ${shell}'`;
}

/**
 * Two commands that Ctrl-Z pauses are continued by `bg` and by `fg`, and Ctrl-C ends them. `lines` bring them to the
 * foreground one by one, each with the output of the shell.
 */
export async function checkResuming(
  t: Test,
  shell: HookShell,
  lines: readonly (readonly [line: string, says: RegExp])[],
): Promise<void> {
  const session = await openHooked(t, shell);
  const resumed = () => session.events(`${shell.name}-`).filter(({ type }) => type === 'execution_resumed').length;
  for (const word of ['one', 'two']) {
    await session.enter(`sh -c "echo ${word}; exec sleep 100"`);
    await session.see(new RegExp(`^${word}`, 'm'));
    await session.untilPrompt(() => session.key('C-z'));
  }
  await session.run('bg');
  await waitFor('bg', () => resumed() > 0);
  for (const [line, says] of lines) {
    await session.enter(line);
    await session.see(says);
    // before the job has the terminal, Ctrl-C would go to the shell
    await waitFor('the job in the foreground', () => readProcess(session.pid)?.foregroundGroup !== session.pid);
    await session.untilPrompt(() => session.key('C-c'));
  }
  t.strictSame(commandsOf(session), [
    { name: 'sh -c "echo one; exec sleep 100"', end: 'cancelled', exitCode: 130 },
    { name: 'sh -c "echo two; exec sleep 100"', end: 'cancelled', exitCode: 130 },
  ]);
  t.equal(resumed(), 2);
}
