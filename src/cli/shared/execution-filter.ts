/** Filters events by criteria on their executions, whose names and labels are only in their first events. */
import type { ExecutionEvent } from '../../core/events/event.js';
import type { Execution } from '../../core/execution.js';
import { fold } from '../../core/fold.js';
import { STARTS } from '../../core/events/event.js';
import type { State } from '../../core/state/state.js';
import { DEFAULT_LIMITS, emptyState, findExecution } from '../../core/state/state.js';
import { anyOf, containing, type LineSearch } from '../../journal/search.js';
import { matchesGlob } from '../../platform/patterns.js';

/** All given criteria must hold; in values `*` matches any text and `?` any character. */
export interface Criteria {
  name?: string | undefined;
  kind?: string | undefined;
  agent?: string | undefined;
  labels?: Readonly<Record<string, string>> | undefined;
}

export function fulfils({ name, kind, agent, labels = {} }: Execution, criteria: Criteria): boolean {
  const holds = (pattern: string | undefined, value: string | undefined) =>
    pattern === undefined || (value !== undefined && matchesGlob(pattern, value));
  return (
    holds(criteria.name, name) &&
    holds(criteria.kind, kind) &&
    holds(criteria.agent, agent?.name) &&
    Object.entries(criteria.labels ?? {}).every(([key, pattern]) => holds(pattern, labels[key]))
  );
}

/**
 * Creates a test for events, called in their order: whether their execution fulfils the criteria.
 * @param known - the current state; executions that it has forgotten are folded from their starts as these are read
 */
export function createExecutionFilter(criteria: Criteria, known: State): (event: ExecutionEvent) => boolean {
  const started = emptyState({ ...DEFAULT_LIMITS, ended: Infinity, summaries: 0 });
  const decided = new Map<string, boolean>();
  return (event) => {
    const { execution: id, type } = event;
    if (id === undefined) return false;
    if (STARTS.has(type)) {
      fold(started, event);
      decided.delete(id);
    }
    let isFulfilled = decided.get(id);
    if (isFulfilled === undefined) {
      const execution = findExecution(known, id) ?? findExecution(started, id);
      isFulfilled = execution !== undefined && fulfils(execution, criteria);
      decided.set(id, isFulfilled);
    }
    return isFulfilled;
  };
}

/** Extends a search by the starts of executions, which `createExecutionFilter` needs. */
export function withStarts(search: LineSearch | undefined): LineSearch | undefined {
  return search && anyOf([search, ...[...STARTS].map((type) => containing(`"type":"${type}"`))]);
}
