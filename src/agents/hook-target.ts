/** Where the call of a hook belongs: to an execution of its own, to the run that the agent is, or nowhere. */
import type { Execution } from '../core/execution.js';
import { isFinal } from '../core/execution.js';
import type { State } from '../core/state.js';
import { findExecution } from '../core/state.js';
import { FORMATS } from './formats.js';
import type { HookCall } from './hook-call.js';
import { stateSourceOf, takes, toldBy } from './precedence.js';

export type HookTarget =
  /** The agent is a run: that has a beginning and an end of its own. */
  | { kind: 'run'; known: Execution }
  /** `known`: it was heard of before, and may be over. `parent`: it was started in that one. */
  | { kind: 'own'; known: Execution | undefined; parent: string | undefined }
  /** Somebody else tells it. `left`: what was told of it before that one began. */
  | { kind: 'none'; left: Execution | undefined };

/** `pid`: the agent's process, where it is known. */
export function hookTargetOf(call: HookCall, state: State, pid?: number): HookTarget {
  const around = call.within === undefined ? undefined : newestOf(state, call.within);
  const own = newestOf(state, call.session);
  const alive = own && !isFinal(own.status) ? own : undefined;
  const others = [...state.alive.values(), ...(around ? [around] : [])].filter(({ id }) => id !== own?.id);
  if (!takes('hooks', toldBy(call.session, others))) return { kind: 'none', left: alive };
  if (around && isSession(around, call, pid)) {
    return FORMATS.ofProgram(around.argv ?? []) ? { kind: 'none', left: alive } : { kind: 'run', known: around };
  }
  return { kind: 'own', known: own, parent: call.within };
}

/** Is it a session that only hooks tell of? A run has a command, and an end of its own. */
export function isHookSession({ via, kind, argv }: Execution): boolean {
  return via === 'hooks' && kind === 'agent' && argv === undefined;
}

/** Is this run the agent itself? Not if it is another session of the same agent: that one has started this. */
function isSession(run: Execution, call: HookCall, pid: number | undefined): boolean {
  const [program = ''] = run.argv ?? [];
  if (program.slice(program.lastIndexOf('/') + 1) !== call.agent) return false;
  if (run.session === undefined) return true;
  // its own process may go on with another session
  const isItself = run.session === call.session || (pid !== undefined && run.pid === pid);
  return isItself && stateSourceOf(run) === 'hooks';
}

/** What runs under this id now, or ran last. */
function newestOf(state: State, id: string): Execution | undefined {
  const found = findExecution(state, id);
  return found?.successor === undefined ? found : (newestOf(state, found.successor) ?? found);
}
