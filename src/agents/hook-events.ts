/**
 * Converts hook calls of agents to events. Pure: from a call and what is known of its session before it.
 *
 * `hooks/claude-plugin/agent-hook` is a shell program that needs no other file: it appends the JSON payload to the
 * spool unchanged, or in hexadecimal if it is not one line, so nothing is quoted in a shell. The meaning of a call
 * depends on its session, so `submitDeferred` interprets it after everything before it is folded. A payload that is
 * too long for the shared file is in a separate file, which a line in the shared file names: the shared file has the
 * order of all calls. Calls are deduplicated by content (`repeated-calls.ts`). A late call does not undo the end of a turn.
 */
import type { EventData } from '../core/events/event.js';
import type { Execution, Step } from '../core/execution.js';
import { stringOf } from '../formats/json.js';
import type { StreamEvent } from '../formats/parser.js';
import type { ExecutionEnd, HookContext, HookEvent } from './hook-actions.js';
import { isOwnQuestion, PERMISSION_PREFIX, permissionQuestion, startSubagent } from './hook-actions.js';
import type { HookCall } from './hook-call.js';
import type { OpenStep, PlanItem, RecorderState } from './recorder.js';
import { AgentRecorder, PLAN_PREFIX } from './recorder.js';
import { hookEventOf, hooksOf } from './registry.js';
import { isTurnEnd, TURN_FAILED, TURN_OVER, TURN_STOPPED } from './turn.js';

/** Whether a call can be the first one of a session, or the first one after its end. */
export function isBeginning(call: HookCall, known: Execution | undefined): boolean {
  if (known?.steps.has(stringOf(call.fields['tool_use_id']) ?? '')) return false;
  return (
    hookEventOf(call.agent, call.event).startsSession === true || (known === undefined && call.event !== 'SessionEnd')
  );
}

/** Returns the events of a call, except those of the start and the end of the session. */
export function hookEvents(call: HookCall, known: Execution | undefined): StreamEvent[] {
  const recorder = new AgentRecorder(call.subagent, stateOf(call, known));
  const context: HookContext = { hooks: hooksOf(call.agent), call, fields: call.fields, recorder, known };
  const event = hookEventOf(call.agent, call.event);
  if (call.subagent !== undefined && call.event !== 'SubagentStop') startSubagent(context);
  if (isAnswer(event, context)) recorder.resume();
  event.record?.(context);
  return recorder.take();
}

/** Whether a call shows that the session no longer waits. */
function isAnswer({ isNoAnswer, mayBeLate, isResult }: HookEvent, { fields, known }: HookContext): boolean {
  if (isNoAnswer) return false;
  const reason = known?.attention?.state === 'waiting' ? (known.attention.reason ?? '') : '';
  const id = stringOf(fields['tool_use_id']);
  const step = id === undefined ? undefined : known?.steps.get(id);
  if (isTurnEnd(reason)) return !mayBeLate && step === undefined;
  if (!isResult || !reason.startsWith(PERMISSION_PREFIX)) return true;
  // the result of another tool does not answer the question about a tool that has not run
  const isAsked = ({ name, status }: Step) => status === 'running' && reason === permissionQuestion(name);
  return (step !== undefined && isAsked(step)) || ![...(known?.steps.values() ?? [])].some(isAsked);
}

/** Returns the data of a session that its hooks have. */
export function describeSession({ agent, session, fields }: HookCall): EventData {
  const [cwd, model] = [stringOf(fields['cwd']), stringOf(fields['model'])];
  return { agent, session, via: 'hooks', ...(cwd !== undefined && { cwd }), ...(model !== undefined && { model }) };
}

const VANISHED: ExecutionEnd = {
  type: 'execution_lost',
  data: { error: 'the agent process ended without reporting the end of the session' },
};

/**
 * Returns the end of a session: completed between two turns, otherwise the end in the middle of a turn.
 * @param options.isGone the process has ended, and no hook has reported the end
 */
export function endOfSession(known: Execution, { isGone = false } = {}): ExecutionEnd {
  const { agent: { name = '', turns } = {}, attention, steps, tail } = known;
  const reason = attention?.state === 'waiting' ? (attention.reason ?? '') : '';
  if (reason.startsWith(TURN_FAILED)) {
    return { type: 'execution_failed', data: { error: reason.slice(TURN_FAILED.length) } };
  }
  if (reason.startsWith(TURN_STOPPED)) return { type: 'execution_cancelled', data: { error: 'interrupted' } };
  const isUnused = turns === undefined && steps.size === 0 && tail.length === 0;
  if (isUnused || reason.startsWith(TURN_OVER)) return { type: 'execution_completed', data: {} };
  const hooks = hooksOf(name);
  const error = hooks.errorOf?.(tail.at(-1) ?? '');
  if (error !== undefined) return { type: 'execution_failed', data: { error } };
  return isGone ? VANISHED : hooks.unfinished;
}

/** Returns the end of a session whose process continues with another session. */
export function endOfLeft(known: Execution, session: string): ExecutionEnd {
  const { type, data } = endOfSession(known);
  return { type, data: { summary: `its process went on with session ${session}`, ...data } };
}

function stateOf({ subagent, fields }: HookCall, known: Execution | undefined): RecorderState {
  const open = new Map<string, OpenStep>();
  const planned = new Map<string, PlanItem['status']>();
  for (const { id, status, parent, kind } of known?.steps.values() ?? []) {
    if (kind === 'criterion' && id.startsWith(PLAN_PREFIX)) planned.set(id, planStatusOf(status));
    else if (status === 'running') open.set(id, parent === undefined ? {} : { parent });
  }
  return {
    cwd: stringOf(fields['cwd']),
    isWaiting: known?.attention?.state === 'waiting' && isOwnQuestion(known, subagent),
    open,
    planned,
  };
}

function planStatusOf(status: Step['status']): PlanItem['status'] {
  return status === 'pending' || status === 'running' || status === 'completed' ? status : 'skipped';
}
