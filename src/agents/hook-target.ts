/** Decides which execution a hook call belongs to: its session's own, the run that the agent is, or none. */
import type { Execution } from '../core/execution.js';
import { isFinal } from '../core/execution.js';
import type { State } from '../core/state/state.js';
import { FORMATS } from './formats.js';
import type { HookCall } from './hook-call.js';
import { sourceOfSession, stateSourceOf, takesPrecedence } from './precedence.js';
import { newestOf } from './newest-execution.js';

export type HookTarget =
  /** The agent is a run, whose process gives the start and the end. */
  | { kind: 'run'; known: Execution }
  /** The session is an execution. `known`: that execution, which may have ended. `parent`: the execution that started it. */
  | { kind: 'own'; known: Execution | undefined; parent: string | undefined }
  /** A better source records the session. `left`: the execution that hooks have recorded before. */
  | { kind: 'none'; left: Execution | undefined };

/** @param pid process of the agent, if it is known */
export function hookTargetOf(call: HookCall, state: State, pid?: number): HookTarget {
  const around = call.within === undefined ? undefined : newestOf(state, call.within);
  const own = newestOf(state, call.session);
  const alive = own && !isFinal(own.status) ? own : undefined;
  const others = [...state.alive.values(), ...(around ? [around] : [])].filter(({ id }) => id !== own?.id);
  if (!takesPrecedence('hooks', sourceOfSession(call.session, others))) return { kind: 'none', left: alive };
  if (around && isAgentRun(around, call, pid)) {
    return FORMATS.ofProgram(around.process?.argv ?? [])
      ? { kind: 'none', left: alive }
      : { kind: 'run', known: around };
  }
  return { kind: 'own', known: own, parent: call.within };
}

/** Whether only hooks record this session: it is not a run, which has a command. */
export function isHookSession({ agent, kind, process }: Execution): boolean {
  return agent?.via === 'hooks' && kind === 'agent' && process?.argv === undefined;
}

/** Whether this run is the agent that called the hook, and not another session of the agent, which has started this one. */
function isAgentRun(run: Execution, call: HookCall, pid: number | undefined): boolean {
  const [program = ''] = run.process?.argv ?? [];
  if (program.slice(program.lastIndexOf('/') + 1) !== call.agent) return false;
  if (run.agent?.session === undefined) return true;
  // one process may have several sessions in succession
  const isItself = run.agent.session === call.session || (pid !== undefined && run.process?.pid === pid);
  return isItself && stateSourceOf(run) === 'hooks';
}
