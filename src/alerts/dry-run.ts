/** Evaluates rules against recorded events: which fire, and why the others do not. */
import { emptyState, findExecution, installExecution } from '../core/state/state.js';
import type { ExecutionEvent } from '../core/events/event.js';
import type { Execution } from '../core/execution.js';
import { isFinal } from '../core/execution.js';
import { fold } from '../core/fold.js';
import type { Match } from './rule-evaluator.js';
import { RuleEvaluator } from './rule-evaluator.js';
import type { MatchSubject } from './matcher.js';
import { elapsedSince } from './matcher.js';
import type { Rule } from './rules.js';
import { formatDuration } from '../core/text/format.js';

export interface DryRunResult {
  rule: Rule;
  matches: Match[];
  /** For a rule that never fires: the event that came nearest, and what was missing. */
  nearest?: { event?: ExecutionEvent; why: string[] };
}

/** @param known - executions before these events. @returns results in the order of the rules */
export function dryRun(
  rules: readonly Rule[],
  events: readonly ExecutionEvent[],
  known: readonly Execution[] = [],
): DryRunResult[] {
  const state = emptyState();
  for (const execution of known) installExecution(state, execution, isFinal(execution.status));
  const results = new Map(rules.map((rule): [Rule, DryRunResult] => [rule, { rule, matches: [] }]));
  const evaluator = new RuleEvaluator(
    rules,
    () => state.alerts,
    (rule, event, why) => {
      const found = results.get(rule);
      const reasons = why();
      if (found && reasons.length <= (found.nearest?.why.length ?? Infinity)) found.nearest = { event, why: reasons };
    },
  );
  const note = (matches: readonly Match[]) => {
    for (const match of matches) results.get(match.rule)?.matches.push(match);
  };
  let last: MatchSubject | undefined;
  for (const event of events) {
    // alerts of that time do not affect the rules of now
    if (event.type === 'alert_triggered') continue;
    const now = Date.parse(event.time);
    for (let at = evaluator.nextAt; at !== undefined && at <= now; at = evaluator.nextAt)
      note(evaluator.due({ at, now: at }, (id) => state.alive.get(id)));
    fold(state, event);
    const execution = event.execution === undefined ? undefined : findExecution(state, event.execution);
    note(evaluator.take(event, execution, { at: now, now }));
    if (execution) last = { event, execution };
  }
  return [...results.values()].map(({ rule, matches, nearest }) => {
    if (matches.length > 0) return { rule, matches };
    return { rule, matches, nearest: nearest ?? { why: [whyNever(rule, last)] } };
  });
}

/** Reason for a rule that was never evaluated. */
function whyNever({ types, during, filters }: Rule, last: MatchSubject | undefined): string {
  if (during === undefined) return `there is no event ${[...types].join(' or ')}`;
  if (!last) return 'there is no execution';
  const failing = filters.find((test) => !test.holds(last));
  if (failing) return failing.why(last);
  return `it took ${formatDuration(elapsedSince(last) ?? 0)}, not longer than ${formatDuration(during)}`;
}
