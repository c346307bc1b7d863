/** Converts executions to their form in replies: with what earlier ones took, and the estimate that follows from it. */
import { remainingTime } from '../../core/estimates/estimate.js';
import type { RemainingTime } from '../../core/estimates/forecast.js';
import type { Execution, ExecutionJson } from '../../core/execution.js';
import { executionToJson, isFinal } from '../../core/execution.js';
import { earlierRuns, expectationOf } from '../../core/estimates/history.js';
import type { State } from '../../core/state/state.js';

/** Converts one execution. */
export function toReply(execution: Execution, state: State): ExecutionJson {
  return toReplies([execution], state)[0] ?? executionToJson(execution);
}

/** Converts executions; the finished ones in memory are searched once for all of them. */
export function toReplies(executions: readonly Execution[], { ended }: State, nowMs = Date.now()): ExecutionJson[] {
  const earlier = new Map<string, Execution[]>();
  for (const { status, name } of executions) if (!isFinal(status)) earlier.set(name, []);
  if (earlier.size > 0) for (const one of ended.values()) earlier.get(one.name)?.push(one);
  return executions.map((execution) => replyOf(execution, earlier.get(execution.name) ?? [], nowMs));
}

function replyOf(execution: Execution, earlier: readonly Execution[], nowMs: number): ExecutionJson {
  const json = executionToJson(execution);
  if (isFinal(execution.status)) return json;
  const expectation = expectationOf(earlierRuns(execution, earlier));
  const estimate = remainingTime({ ...execution, ...(expectation && { expectation }) }, nowMs);
  return { ...json, ...(expectation && { expectation }), ...(estimate && { estimate: rounded(estimate) }) };
}

/** Whole milliseconds. */
function rounded({ basis, overdueMs, ...range }: RemainingTime): RemainingTime {
  const { remainingMs, lowMs, highMs } = range;
  return {
    ...{ remainingMs: Math.round(remainingMs), lowMs: Math.round(lowMs), highMs: Math.round(highMs), basis },
    ...(overdueMs !== undefined && { overdueMs: Math.round(overdueMs) }),
  };
}
