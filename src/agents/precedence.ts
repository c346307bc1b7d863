/**
 * Which source of an agent's session counts, where several tell of it.
 *
 * What is said and done comes from one source alone, so that nothing is told twice: the first of `SESSION_SOURCES` that
 * tells of the session. Hooks tell no tokens: those come from the file beside them.
 *
 * The state (busy, waiting, between two turns) and the process come from the first of these that knows:
 * 1. the registry: the agent's own account of its processes, which Claude Code keeps of interactive sessions;
 * 2. the source of the above; a file that says that a turn was interrupted counts beside hooks, which do not tell that;
 * 3. the processes of the machine: the agent's program, by its open files or its directory;
 * 4. silence.
 * A sign of life in any of them counts more than the absence of one in another.
 */
import type { Execution } from '../core/execution.js';

/**
 * The best first. `stream`: what the agent prints in a run, which is there at once and whole. `hooks`: its own calls,
 * which alone tell of questions and of the end. `transcript`: its file, which comes late and tells neither.
 */
export const SESSION_SOURCES = ['stream', 'hooks', 'transcript'] as const;

export type SessionSource = (typeof SESSION_SOURCES)[number];

/** Is what `source` has to tell to be taken? `told`: who has told of this session so far, if anybody has. */
export function takes(source: SessionSource, told: SessionSource | undefined): boolean {
  return told === undefined || SESSION_SOURCES.indexOf(source) <= SESSION_SOURCES.indexOf(told);
}

/**
 * Who has told of this session so far. Hooks and transcripts tell it under its own id as that of the execution, and
 * say in `via` who they are; a run has an id of its own, and tells the session's in its stream.
 */
export function toldBy(session: string, executions: Iterable<Execution>): SessionSource | undefined {
  const found = [...executions].filter((execution) => execution.session === session).map(stateSourceOf);
  return SESSION_SOURCES.find((source) => found.includes(source));
}

/** Who tells the session of this execution. */
export function stateSourceOf({ via }: Execution): SessionSource {
  return SESSION_SOURCES.find((source) => source === via) ?? 'stream';
}
