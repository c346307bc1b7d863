/**
 * Which rules have told of which failure of a step. Some producers tell of one failure with two events, as an error that
 * cannot be retried and then as the end of the step: the second one ends nothing, and no rule tells of it again.
 */
import { evictOldest } from '../core/evict.js';
import type { MatchSubject } from './matcher.js';
import { stepNameOf } from './matcher.js';

/** Attempts of steps; older ones are told of as far as the execution says when they have ended. */
const MAX_FAILURES = 10_000;

export class StepFailures {
  /** Names of rules by attempt; undefined for a failure that was there before this memory. */
  readonly #told = new Map<string, Set<string> | undefined>();

  /** Of each event that is judged, before any rule is asked about it. */
  saw(subject: MatchSubject): void {
    const key = keyOf(subject);
    if (key === undefined || this.#told.has(key)) return;
    this.#told.set(key, isFirst(subject) ? new Set() : undefined);
    evictOldest(this.#told, MAX_FAILURES);
  }

  /** Has this rule told of this failure? */
  hasTold(rule: string, subject: MatchSubject): boolean {
    const key = keyOf(subject);
    if (key === undefined || !this.#told.has(key)) return false;
    return this.#told.get(key)?.has(rule) ?? true;
  }

  note(rule: string, subject: MatchSubject): void {
    const key = keyOf(subject);
    if (key !== undefined) this.#told.get(key)?.add(rule);
  }
}

/** Undefined for what is no failure of a step. */
function keyOf({ event, execution }: MatchSubject): string | undefined {
  if (!execution || (event.type !== 'step_failed' && event.type !== 'step_timeout')) return undefined;
  const step = stepNameOf(execution, event);
  return step && JSON.stringify([execution.id, step.id, step.attempts ?? 1]);
}

/** The first end of an attempt has given it its time; an execution that ends closes steps with its own. */
function isFirst({ event, execution }: MatchSubject): boolean {
  const step = execution && stepNameOf(execution, event);
  const hasFailed = step?.status === 'failed' || step?.status === 'timeout';
  return !hasFailed || step.endedAt === event.time || step.endedAt === execution?.endedAt;
}
