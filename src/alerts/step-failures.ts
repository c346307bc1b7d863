/**
 * Memory of rules that have fired for a failure of a step. Some producers report one failure with two events, an error that
 * cannot be retried and the end of the step; the second one is deduplicated.
 */
import { evictOldest } from '../core/base/evict.js';
import { isObservedFailure } from '../core/execution.js';
import type { MatchSubject } from './matcher.js';
import { stepNameOf } from './matcher.js';

/** Bound of remembered attempts of steps. */
const MAX_FAILURES = 10_000;

export class StepFailures {
  /** Names of rules by attempt; undefined for a failure from before this memory. */
  readonly #fired = new Map<string, Set<string> | undefined>();

  /** Called for each event before rules are evaluated. */
  observe(subject: MatchSubject): void {
    const key = keyOf(subject);
    if (key === undefined || this.#fired.has(key)) return;
    this.#fired.set(key, isFirst(subject) ? new Set() : undefined);
    evictOldest(this.#fired, MAX_FAILURES);
  }

  /** Whether this rule has fired for this failure. */
  hasFired(rule: string, subject: MatchSubject): boolean {
    const key = keyOf(subject);
    if (key === undefined || !this.#fired.has(key)) return false;
    return this.#fired.get(key)?.has(rule) ?? true;
  }

  note(rule: string, subject: MatchSubject): void {
    const key = keyOf(subject);
    if (key !== undefined) this.#fired.get(key)?.add(rule);
  }
}

/** @returns undefined unless the event is a failure of a step */
function keyOf({ event, execution }: MatchSubject): string | undefined {
  if (!execution || (event.type !== 'step_failed' && event.type !== 'step_timeout')) return undefined;
  const step = stepNameOf(execution, event);
  return step && JSON.stringify([execution.id, step.id, step.attempts ?? 1]);
}

/** Whether the event is the first end of an attempt, which set its time. The end of an execution also ends its steps. */
function isFirst({ event, execution }: MatchSubject): boolean {
  const step = execution && stepNameOf(execution, event);
  if (!step || !isObservedFailure(step.status)) return true;
  return step.endedAt === event.time || step.endedAt === execution.endedAt;
}
