/** Runs scripts in each POSIX shell that is installed, without a daemon, and folds the spool that they write. */
import type { ChildProcess } from 'node:child_process';
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Test } from 'tap';
import type { ExecutionEvent } from '../../src/core/events/event.js';
import type { Execution } from '../../src/core/execution.js';
import { findExecution } from '../../src/core/state/state.js';
import { toNewEvent } from '../../src/protocol/validate.js';
import type { Home, Outcome } from './daemon.js';
import { createHome, PROGRESS } from './daemon.js';
import { folded } from './events.js';
import { whyNo } from './needs.js';
import { readSpool } from './spool.js';

/** Command lines that run a script, by the name of the shell. The bash 3.2 of macOS has the grammar of POSIX mode. */
const COMMANDS: Readonly<Record<string, readonly [string, ...string[]]>> = {
  dash: ['dash'],
  bash: ['bash'],
  'bash --posix': ['bash', '--posix'],
  'busybox sh': ['busybox', 'sh'],
  zsh: ['zsh', '-f', '-o', 'extendedglob', '-o', 'kshglob', '-o', 'warncreateglobal'],
  'zsh as sh': ['zsh', '--emulate', 'sh', '-f'],
};

export interface Shell {
  name: string;
  command: readonly [string, ...string[]];
  /** Why it cannot be used. */
  skip: string | false;
}

export const SHELLS: readonly Shell[] = Object.entries(COMMANDS).map(([name, command]) => ({
  name,
  command,
  skip: whyNo(command[0]),
}));

/** Quotes a word for any shell. */
export function quoteWord(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

export const LOAD = '. "$(progress path sh)"\n';

/** A home with `progress` in PATH, and with a `node` that fails: the library must not need it. */
export function createScriptHome(t: Test): Home {
  const home = createHome(t);
  const programs = path.join(home.directory, 'bin');
  mkdirSync(programs);
  writeFileSync(path.join(programs, 'node'), '#!/bin/sh\necho "node was started: $*" >&2\nexit 1\n');
  chmodSync(path.join(programs, 'node'), 0o755);
  home.env['PATH'] = [programs, path.dirname(PROGRESS), process.env['PATH']].join(':');
  return home;
}

type Command = Pick<Shell, 'command'>;

export function run(home: Home, { command }: Command, file: string, env: NodeJS.ProcessEnv = {}, input = ''): Outcome {
  const [program, ...args] = command;
  const { status, stdout, stderr } = spawnSync(program, [...args, file], {
    env: { ...home.env, NODE_OPTIONS: undefined, ...env },
    encoding: 'utf8',
    input,
  });
  return { status, stdout, stderr };
}

export function runText(
  home: Home,
  shell: Command,
  text: string,
  env: NodeJS.ProcessEnv = {},
  input?: string,
): Outcome {
  return run(home, shell, writeScript(home, text), env, input);
}

/** The leader of a process group, which lives until it is signalled or ends. */
export function startText(home: Home, { command }: Command, text: string): ChildProcess {
  const [program, ...args] = command;
  const env = { ...home.env, NODE_OPTIONS: undefined };
  return spawn(program, [...args, writeScript(home, text)], { env, detached: true, stdio: 'ignore' });
}

function writeScript(home: Home, text: string): string {
  const file = path.join(home.directory, 'script.sh');
  writeFileSync(file, text);
  return file;
}

/** The first execution in the spool, as the daemon would fold it. */
export function foldSpool(home: Home): Execution {
  const events = readSpool(home).map((event) => toNewEvent(event) as ExecutionEvent);
  // one second apart, whether the shell has a clock or not
  const state = folded(events.map(({ time: _time, ...event }) => event));
  const execution = findExecution(state, events[0]?.execution ?? '');
  if (!execution) throw new Error('no execution');
  return execution;
}

export function stepsOf({ steps }: Execution): string[] {
  return [...steps.values()].map(({ id, kind, status }) => `${kind} ${id}: ${status}`);
}
