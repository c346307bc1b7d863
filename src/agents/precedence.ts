/**
 * Decides which source of an agent's session counts, if there are several.
 *
 * The content of a session comes from one source, so that nothing is recorded twice: the first of `SESSION_SOURCES`
 * that has the session. Hooks have no tokens; those of a hooked session come from its session file.
 *
 * The state (busy, waiting, between two turns) and the process come from the first of these that knows them:
 * 1. the agent's process registry, which Claude Code keeps for interactive sessions;
 * 2. the source of the content; beside hooks, also a session file with an interruption, for which there is no hook;
 * 3. the processes of the machine: the agent's program, by its open files or its working directory;
 * 4. inactivity.
 * A sign of life in any of them outweighs its absence in another.
 */
import type { Execution } from '../core/execution.js';

/**
 * Sources, the best first. `stream`: output of a run, which is immediate and complete. `hooks`: calls of the agent, the
 * only source of questions and of the end. `transcript`: session file, which is late and has neither.
 */
export const SESSION_SOURCES = ['stream', 'hooks', 'transcript'] as const;

export type SessionSource = (typeof SESSION_SOURCES)[number];

/** Whether events of `source` are recorded. @param current source of the session so far */
export function takesPrecedence(source: SessionSource, current: SessionSource | undefined): boolean {
  return current === undefined || SESSION_SOURCES.indexOf(source) <= SESSION_SOURCES.indexOf(current);
}

/**
 * Returns the best source among the executions of a session. Hooks and session files use the session's ID as that of the
 * execution and set `via`; a run has a different ID, and the session of its output in `session`.
 */
export function sourceOfSession(session: string, executions: Iterable<Execution>): SessionSource | undefined {
  const found = [...executions].filter((execution) => execution.agent?.session === session).map(stateSourceOf);
  return SESSION_SOURCES.find((source) => found.includes(source));
}

/** Returns the source of an execution's session. */
export function stateSourceOf({ agent: { via } = {} }: Execution): SessionSource {
  return SESSION_SOURCES.find((source) => source === via) ?? 'stream';
}
