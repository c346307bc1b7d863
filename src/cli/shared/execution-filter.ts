/** Whose events are wanted, by what is known of their executions: labels and names stand in their first events alone. */
import type { ExecutionEvent } from '../../core/event.js';
import type { Execution } from '../../core/execution.js';
import { fold, STARTS } from '../../core/fold.js';
import type { State } from '../../core/state.js';
import { DEFAULT_LIMITS, emptyState, findExecution } from '../../core/state.js';
import { ProgressError } from '../../core/errors.js';
import { anyOf, containing, type LineSearch } from '../../journal/search.js';
import { matchesGlob } from '../../platform/patterns.js';

/** All that are given must hold; in values `*` stands for any text and `?` for any character. */
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
    holds(criteria.agent, agent) &&
    Object.entries(criteria.labels ?? {}).every(([key, pattern]) => holds(pattern, labels[key]))
  );
}

/** `team=infra` each, as on the command line. */
export function parseLabels(pairs: readonly string[] | undefined): Record<string, string> | undefined {
  for (const pair of pairs ?? []) {
    if (pair.indexOf('=') < 1) throw new ProgressError('usage', `--label: "${pair}" is not key=value`);
  }
  return (
    pairs &&
    Object.fromEntries(pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]))
  );
}

/**
 * Tells of each event, in order, whether its execution fulfils the criteria. `known`: the state as it is now; of those
 * that it does not remember any more, what their starts tell as they come by.
 */
export function createExecutionFilter(criteria: Criteria, known: State): (event: ExecutionEvent) => boolean {
  const told = emptyState({ ...DEFAULT_LIMITS, ended: Infinity, summaries: 0 });
  const verdicts = new Map<string, boolean>();
  return (event) => {
    const { execution: id, type } = event;
    if (id === undefined) return false;
    if (STARTS.has(type)) {
      fold(told, event);
      verdicts.delete(id);
    }
    let verdict = verdicts.get(id);
    if (verdict === undefined) {
      const execution = findExecution(known, id) ?? findExecution(told, id);
      verdict = execution !== undefined && fulfils(execution, criteria);
      verdicts.set(id, verdict);
    }
    return verdict;
  };
}

/** The lines wanted, and those that `createOwners` has to see. */
export function withStarts(search: LineSearch | undefined): LineSearch | undefined {
  return search && anyOf([search, ...[...STARTS].map((type) => containing(`"type":"${type}"`))]);
}
