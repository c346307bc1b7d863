/** Finds the process of an agent, and the run that it belongs to, from the process that called a hook. */
import path from 'node:path';
import type { Execution } from '../../core/execution.js';
import type { State } from '../../core/state.js';
import { AGENTS } from '../../core/agents.js';
import { ancestorsOf, readCommand } from '../../platform/processes.js';
import { isProgramOf } from '../../agents/sessions/process-match.js';
import type { HookCall } from '../../agents/hook-call.js';

/** Between an agent and its hook there may be such; they are gone at once. */
const HOOK = 'agent-hook';
const SHELLS: ReadonlySet<string> = new Set(['sh', 'bash', 'dash', 'zsh', 'fish', 'ksh', 'busybox', HOOK]);

/** Not every agent hands its environment on to its hooks: of a new session its processes tell where it belongs. */
export function inRun(call: HookCall, state: State): HookCall {
  const { session, pid, within } = call;
  if (within !== undefined || pid === undefined || state.alive.has(session)) return call;
  const own = nearestProgram(pid);
  const found = own === undefined ? undefined : startedIn(own, state.alive.values());
  return found === undefined ? call : { ...call, within: found };
}

export interface Owners {
  /** The process of the agent that has made this call, as soon as that is certain. */
  ownerOf(call: HookCall): number | undefined;
  /** What may be the process of that session. */
  candidateOf(session: string | undefined): number | undefined;
  forget(state: State): void;
}

/**
 * Which process is the agent? The nearest above the hook that looks like its program. Any other may be a wrapper that
 * lives as long as one call (`timeout`, a script of Python): it counts when a second call comes from it.
 */
export function createOwners(): Owners {
  const candidates = new Map<string, number>();
  return {
    ownerOf({ agent, pid, session }) {
      if (pid === undefined) return undefined;
      const program = agentProgram(pid, agent);
      if (program !== undefined) return program;
      const nearest = nearestProgram(pid);
      const before = candidates.get(session);
      if (nearest !== undefined) candidates.set(session, nearest);
      return nearest === before ? nearest : undefined;
    },
    candidateOf: (session) => (session === undefined ? undefined : candidates.get(session)),
    forget(state) {
      const alive = new Set([...state.alive.values()].map(({ session }) => session));
      for (const session of candidates.keys()) if (!alive.has(session)) candidates.delete(session);
    },
  };
}

/** The nearest process that is this agent's program: `pid`, or one that it descends from. */
function agentProgram(pid: number, name: string): number | undefined {
  const agent = AGENTS.find((one) => one === name);
  if (agent === undefined) return undefined;
  for (const one of ancestorsOf(pid)) {
    const command = readCommand(one.pid);
    // the name of the agent is an argument of its hook, too
    if (command && !command.argv.some((word) => path.basename(word) === HOOK) && isProgramOf(agent, command))
      return one.pid;
  }
  return undefined;
}

/** The nearest process that is no shell; undefined where it is gone already, or cannot be told. */
function nearestProgram(pid: number): number | undefined {
  for (const one of ancestorsOf(pid)) if (!SHELLS.has(one.name)) return one.pid;
  return undefined;
}

/** The run that this process is, or the agent or run that it descends from. */
function startedIn(pid: number, alive: Iterable<Execution>): string | undefined {
  const owners = new Map<number, string>();
  for (const { id, pid: owner, kind, via } of alive) {
    // a process may have several sessions one after another, none of which has started the other
    if (owner === undefined || (owner === pid && via !== undefined)) continue;
    if (kind === 'agent' || kind === 'run') owners.set(owner, id);
  }
  for (const ancestor of ancestorsOf(pid)) {
    const owner = owners.get(ancestor.pid);
    if (owner !== undefined) return owner;
  }
  return undefined;
}
