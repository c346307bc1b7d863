/** Matches sessions to processes: by the files that a process has open, otherwise by its working directory. Pure. */
import path from 'node:path';
import type { Agent } from '../../core/agents.js';
import type { ProcessCommand } from '../../platform/processes.js';
import { DEFINITIONS } from '../registry.js';

export interface ProcessMatch {
  /** Absolute path of the session file. */
  file: string;
  cwd: string | undefined;
  /** Last write, in Unix milliseconds. */
  writtenAt: number;
}

/** Words of a command line that may name the program: an interpreter, its options, and the program. */
const LEADING_WORDS = 4;

/** Whether a process is this agent's program, run directly or by an interpreter. */
export function isProgramOf(agent: Agent, { argv }: ProcessCommand): boolean {
  const { packagePath } = DEFINITIONS[agent];
  return argv
    .slice(0, LEADING_WORDS)
    .some((word) => path.basename(word).replace(/\.[cm]?js$/, '') === agent || word.includes(packagePath));
}

/**
 * Returns the sessions of one agent that have a process. A process that has no session file open is matched by its working
 * directory: of the sessions there, the newest ones are alive, one for each process.
 */
export function sessionsWithProcess<S extends ProcessMatch>(
  sessions: readonly S[],
  commands: readonly ProcessCommand[],
  openFiles: (pid: number) => readonly string[],
): Set<S> {
  const alive = new Set<S>();
  const unmatched: ProcessCommand[] = [];
  for (const command of commands) {
    const open = new Set(openFiles(command.pid));
    const held = sessions.filter(({ file }) => open.has(file));
    for (const session of held) alive.add(session);
    if (held.length === 0) unmatched.push(command);
  }
  const pids = new Set(commands.map(({ pid }) => pid));
  // a program that has started itself again is one process
  const tops = unmatched.filter(({ parent }) => !pids.has(parent));
  const newestFirst = [...sessions].sort((a, b) => b.writtenAt - a.writtenAt);
  for (const { cwd } of tops) {
    const session = newestFirst.find((one) => !alive.has(one) && one.cwd === cwd);
    if (session) alive.add(session);
  }
  return alive;
}
