/** What rules have raised alerts about: decides whether another one would repeat it. */
import type { AlertState } from '../core/alerts.js';
import { spokeKey, streakOf } from '../core/alerts.js';
import type { Execution } from '../core/execution.js';
import { formatDuration } from '../core/format.js';
import { evictOldest } from '../core/evict.js';
import type { Moment } from './moment.js';
import type { Rule } from './rules.js';

/** For one rule and execution, or name. */
const MAX_TOLD = 10_000;

/**
 * The state of alerts, as the events in the journal have it, and what has fired since, which is not there yet.
 * `once`: of an execution it may be told once.
 */
export class RaisedAlerts {
  readonly #alerts: () => AlertState;
  /** When, by a clock that is never set back. */
  readonly #here = new Map<string, number>();

  constructor(alerts: () => AlertState) {
    this.#alerts = alerts;
  }

  /** Why this rule is not to raise an alert now, though all its conditions hold. */
  whyNot(rule: Rule, execution: Execution | undefined, moment: Moment, once: boolean): string | undefined {
    if (once && execution && !rule.isRecurring) {
      if (execution.alerts?.includes(rule.name) || this.#here.has(executionKey(rule, execution)))
        return 'it has told of this execution before';
    }
    if (rule.repeat === 'streak' && execution) {
      const { rules = [] } = streakOf(this.#alerts(), execution) ?? {};
      if (rules.includes(rule.name) || this.#here.has(streakKey(rule, execution)))
        return `it has told of ${execution.name} before, which has not succeeded since (repeat: streak)`;
    }
    const quiet = this.#quietFor(rule, execution, moment);
    return quiet > 0 ? `it is to be quiet for ${formatDuration(quiet)} more (throttle)` : undefined;
  }

  note(rule: Rule, execution: Execution | undefined, moment: Moment, once: boolean): void {
    if (rule.throttle > 0) this.#remember(spokeKey(rule.name, execution), moment);
    if (!execution) return;
    if (once) this.#remember(executionKey(rule, execution), moment);
    if (rule.repeat === 'streak' && execution.status !== 'completed')
      this.#remember(streakKey(rule, execution), moment);
  }

  /** An execution of this name has succeeded, which ends its streak for these rules. */
  endStreak(rules: Iterable<Rule>, execution: Execution): void {
    for (const rule of rules) this.#here.delete(streakKey(rule, execution));
  }

  /** Milliseconds that a rule is still to be quiet about executions of this name. */
  #quietFor(rule: Rule, execution: Execution | undefined, { at, now }: Moment): number {
    if (rule.throttle === 0) return 0;
    const key = spokeKey(rule.name, execution);
    const here = this.#here.get(key);
    const there = this.#alerts().spoke.get(key);
    // a clock that was set back makes nobody wait for longer than once
    const elapsed =
      here !== undefined ? at - here : there === undefined ? Infinity : Math.max(0, now - Date.parse(there));
    return Math.max(0, rule.throttle - elapsed);
  }

  #remember(key: string, { at }: Moment): void {
    this.#here.delete(key);
    this.#here.set(key, at);
    evictOldest(this.#here, MAX_TOLD);
  }
}

function executionKey({ name }: Rule, { id }: Execution): string {
  return `${name}\n\n${id}`;
}

function streakKey({ name }: Rule, execution: Execution): string {
  return `${name}\n\n\n${execution.name}`;
}
