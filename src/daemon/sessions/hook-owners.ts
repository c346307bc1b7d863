/** Finds the process of an agent, and the run that it belongs to, from the process that called a hook. */
import path from 'node:path';
import type { Execution } from '../../core/execution.js';
import type { State } from '../../core/state/state.js';
import { AGENTS } from '../../core/agents.js';
import { SHELLS } from '../../platform/paths.js';
import { ancestorsOf, readCommand } from '../../platform/processes.js';
import { isProgramOf } from '../../agents/sessions/process-match.js';
import type { HookCall } from '../../agents/hook-call.js';

/** Programs that may run between an agent and its hook, and end at once. */
const HOOK = 'agent-hook';
const INTERMEDIATE: ReadonlySet<string> = new Set([...SHELLS, 'sh', 'dash', 'ksh', 'busybox', HOOK]);

/** Finds the run of a new session by its processes, since not every agent passes its environment to its hooks. */
export function inRun(call: HookCall, state: State): HookCall {
  const { session, pid, within } = call;
  if (within !== undefined || pid === undefined || state.alive.has(session)) return call;
  const own = nearestProgram(pid);
  const found = own === undefined ? undefined : startedIn(own, state.alive.values());
  return found === undefined ? call : { ...call, within: found };
}

export interface Owners {
  /** PID of the agent that has made this call, once certain. */
  ownerOf(call: HookCall): number | undefined;
  /** PID that may be the agent of that session. */
  candidateOf(session: string | undefined): number | undefined;
  forget(state: State): void;
}

/**
 * Identifies the process of an agent: the nearest ancestor of the hook that matches its program. Any other ancestor may
 * be a wrapper of one call (`timeout`, a Python script), so it counts only when a second call comes from it.
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
      const alive = new Set([...state.alive.values()].map(({ agent: { session } = {} }) => session));
      for (const session of candidates.keys()) if (!alive.has(session)) candidates.delete(session);
    },
  };
}

/** Finds the nearest process that is this agent's program: `pid` or an ancestor. */
function agentProgram(pid: number, name: string): number | undefined {
  const agent = AGENTS.find((one) => one === name);
  if (agent === undefined) return undefined;
  for (const one of ancestorsOf(pid)) {
    const command = readCommand(one.pid);
    // the hook program also has the name of the agent as an argument
    if (command && !command.argv.some((word) => path.basename(word) === HOOK) && isProgramOf(agent, command))
      return one.pid;
  }
  return undefined;
}

/** Finds the nearest process that is no shell; undefined if it has ended or is unknown. */
function nearestProgram(pid: number): number | undefined {
  for (const one of ancestorsOf(pid)) if (!INTERMEDIATE.has(one.name)) return one.pid;
  return undefined;
}

/** Finds the run of this process, or the nearest agent or run among its ancestors. */
function startedIn(pid: number, alive: Iterable<Execution>): string | undefined {
  const owners = new Map<number, string>();
  for (const { id, process: { pid: owner } = {}, kind, agent: { via } = {} } of alive) {
    // sessions of one process come one after another: none has started the other
    if (owner === undefined || (owner === pid && via !== undefined)) continue;
    if (kind === 'agent' || kind === 'run') owners.set(owner, id);
  }
  for (const ancestor of ancestorsOf(pid)) {
    const owner = owners.get(ancestor.pid);
    if (owner !== undefined) return owner;
  }
  return undefined;
}
