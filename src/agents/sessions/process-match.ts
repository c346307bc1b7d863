/** Which sessions have a process: by the files that it has open, else by where it works. Pure. */
import path from 'node:path';
import type { Agent } from '../../core/agents.js';
import type { ProcessCommand } from '../../platform/processes.js';

export interface ProcessMatch {
  agent: Agent;
  /** Absolute. */
  file: string;
  cwd: string | undefined;
  /** Unix milliseconds. */
  writtenAt: number;
}

/** Where a program's own name is not that of the agent: the package that it lies in. */
const PACKAGES: Readonly<Record<Agent, string>> = {
  claude: '/claude-code/',
  codex: '/@openai/codex',
  gemini: '/gemini-cli/',
};
/** An interpreter, its options, and the program. */
const LEADING_WORDS = 4;

/** Is it this agent's program, as such or run by an interpreter? */
export function isProgramOf(agent: Agent, { argv }: ProcessCommand): boolean {
  return argv
    .slice(0, LEADING_WORDS)
    .some((word) => path.basename(word).replace(/\.[cm]?js$/, '') === agent || word.includes(PACKAGES[agent]));
}

/**
 * The sessions of one agent that somebody works on. An agent has its session's file open, or only its working
 * directory tells: then of the sessions there so many are alive as there are such processes, the newest first.
 */
export function sessionsWithProcess<S extends ProcessMatch>(
  sessions: readonly S[],
  commands: readonly ProcessCommand[],
  openFiles: (pid: number) => readonly string[],
): Set<S> {
  const alive = new Set<S>();
  const free: ProcessCommand[] = [];
  for (const command of commands) {
    const open = new Set(openFiles(command.pid));
    const held = sessions.filter(({ file }) => open.has(file));
    for (const session of held) alive.add(session);
    if (held.length === 0) free.push(command);
  }
  const pids = new Set(commands.map(({ pid }) => pid));
  // a program that has started itself again is one
  const tops = free.filter(({ parent }) => !pids.has(parent));
  const newestFirst = [...sessions].sort((a, b) => b.writtenAt - a.writtenAt);
  for (const { cwd } of tops) {
    const session = newestFirst.find((one) => !alive.has(one) && one.cwd === cwd);
    if (session) alive.add(session);
  }
  return alive;
}
