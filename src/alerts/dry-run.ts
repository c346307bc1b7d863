/** What rules would have made of events that have happened: those that fire, and of the others why they do not. */
import { emptyState, findExecution, installExecution } from '../core/state.js';
import type { ExecutionEvent } from '../core/event.js';
import type { Execution } from '../core/execution.js';
import { isFinal } from '../core/execution.js';
import { fold } from '../core/fold.js';
import type { Match } from './rule-evaluator.js';
import { RuleEvaluator } from './rule-evaluator.js';
import type { MatchSubject } from './matcher.js';
import { elapsedSince } from './matcher.js';
import type { Rule } from './rules.js';
import { formatDuration } from '../core/format.js';

export interface DryRunResult {
  rule: Rule;
  matches: Match[];
  /** Of a rule that never fires: the event that came nearest to it, and what was missing. */
  nearest?: { event?: ExecutionEvent; why: string[] };
}

/** In the order of the rules. `known`: executions as they were before these events. */
export function dryRun(
  rules: readonly Rule[],
  events: readonly ExecutionEvent[],
  known: readonly Execution[] = [],
): DryRunResult[] {
  const state = emptyState();
  for (const execution of known) installExecution(state, execution, isFinal(execution.status));
  const rehearsed = new Map(rules.map((rule): [Rule, DryRunResult] => [rule, { rule, matches: [] }]));
  const judge = new RuleEvaluator(
    rules,
    () => state.alerts,
    (rule, event, why) => {
      const found = rehearsed.get(rule);
      const reasons = why();
      if (found && reasons.length <= (found.nearest?.why.length ?? Infinity)) found.nearest = { event, why: reasons };
    },
  );
  const note = (matches: readonly Match[]) => {
    for (const match of matches) rehearsed.get(match.rule)?.matches.push(match);
  };
  let last: MatchSubject | undefined;
  for (const event of events) {
    // those that were told then say nothing of what would be told now
    if (event.type === 'alert_triggered') continue;
    const now = Date.parse(event.time);
    for (let at = judge.nextAt; at !== undefined && at <= now; at = judge.nextAt)
      note(judge.due({ at, now: at }, (id) => state.alive.get(id)));
    fold(state, event);
    const execution = event.execution === undefined ? undefined : findExecution(state, event.execution);
    note(judge.take(event, execution, { at: now, now }));
    if (execution) last = { event, execution };
  }
  return [...rehearsed.values()].map(({ rule, matches, nearest }) => {
    if (matches.length > 0) return { rule, matches };
    return { rule, matches, nearest: nearest ?? { why: [whyNever(rule, last)] } };
  });
}

/** Of a rule that was never asked. */
function whyNever({ types, during, filters }: Rule, last: MatchSubject | undefined): string {
  if (during === undefined) return `there is no event ${[...types].join(' or ')}`;
  if (!last) return 'there is no execution';
  const failing = filters.find((test) => !test.holds(last));
  if (failing) return failing.why(last);
  return `it took ${formatDuration(elapsedSince(last) ?? 0)}, not longer than ${formatDuration(during)}`;
}
