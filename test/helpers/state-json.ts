/** A whole state as JSON, for comparisons and round trips. */
import type { ExecutionJson } from '../../src/core/execution.js';
import { executionFromJson, executionToJson } from '../../src/core/execution.js';
import type { StateLimits, State } from '../../src/core/state/state.js';
import type { OwnStateJson } from '../../src/core/state/state-record.js';
import { installExecution } from '../../src/core/state/state.js';
import { ownStateFromJson, ownStateToJson } from '../../src/core/state/state-record.js';

export interface StateJson extends OwnStateJson {
  alive: ExecutionJson[];
  ended: ExecutionJson[];
  summaries: ExecutionJson[];
}

export function stateToJson(state: State): StateJson {
  return {
    ...ownStateToJson(state),
    alive: [...state.alive.values()].map(executionToJson),
    ended: [...state.ended.values()].map(executionToJson),
    summaries: [...state.summaries.values()].map(executionToJson),
  };
}

export function stateFromJson(json: StateJson, limits: StateLimits): State {
  const state = ownStateFromJson(json, limits);
  for (const one of json.alive) installExecution(state, executionFromJson(one), false);
  for (const one of [...json.ended, ...json.summaries]) installExecution(state, executionFromJson(one), true);
  return state;
}
