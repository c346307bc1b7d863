/** Memory of raised alerts: decides whether another one would be a repetition. */
import type { AlertState } from '../core/state/alerts.js';
import { spokeKey, streakOf } from '../core/state/alerts.js';
import type { Execution } from '../core/execution.js';
import { formatDuration } from '../core/text/format.js';
import { evictOldest } from '../core/base/evict.js';
import type { Moment } from './moment.js';
import type { Rule } from './rules.js';

/** Bound of remembered alerts. */
const MAX_RAISED = 10_000;

/**
 * State of alerts by the events in the journal, and alerts that have fired since and are not written yet.
 * `once`: at most one alert per execution.
 */
export class RaisedAlerts {
  readonly #alerts: () => AlertState;
  /** Times of alerts that are not in the journal yet, by a monotonic clock. */
  readonly #unwritten = new Map<string, number>();

  constructor(alerts: () => AlertState) {
    this.#alerts = alerts;
  }

  /** @returns why the rule must not raise an alert now, although all its conditions hold */
  whyNot(rule: Rule, execution: Execution | undefined, moment: Moment, once: boolean): string | undefined {
    if (once && execution && !rule.isRecurring) {
      if (execution.alerts?.includes(rule.name) || this.#unwritten.has(executionKey(rule, execution)))
        return 'it has fired for this execution before';
    }
    if (rule.repeat === 'streak' && execution) {
      const { rules = [] } = streakOf(this.#alerts(), execution) ?? {};
      if (rules.includes(rule.name) || this.#unwritten.has(streakKey(rule, execution)))
        return `it has fired for ${execution.name} before, which has not succeeded since (repeat: streak)`;
    }
    const quiet = this.#quietFor(rule, execution, moment);
    return quiet > 0 ? `it is throttled for another ${formatDuration(quiet)} (throttle)` : undefined;
  }

  note(rule: Rule, execution: Execution | undefined, moment: Moment, once: boolean): void {
    if (rule.throttle > 0) this.#remember(spokeKey(rule.name, execution), moment);
    if (!execution) return;
    if (once) this.#remember(executionKey(rule, execution), moment);
    if (rule.repeat === 'streak' && execution.status !== 'completed')
      this.#remember(streakKey(rule, execution), moment);
  }

  /** Ends the streak of a name after a success. */
  endStreak(rules: Iterable<Rule>, execution: Execution): void {
    for (const rule of rules) this.#unwritten.delete(streakKey(rule, execution));
  }

  /** Remaining throttle of a rule for executions of this name, in milliseconds. */
  #quietFor(rule: Rule, execution: Execution | undefined, { at, now }: Moment): number {
    if (rule.throttle === 0) return 0;
    const key = spokeKey(rule.name, execution);
    const here = this.#unwritten.get(key);
    const there = this.#alerts().spoke.get(key);
    // a clock that was set back extends the throttle at most once
    const elapsed =
      here !== undefined ? at - here : there === undefined ? Infinity : Math.max(0, now - Date.parse(there));
    return Math.max(0, rule.throttle - elapsed);
  }

  #remember(key: string, { at }: Moment): void {
    this.#unwritten.delete(key);
    this.#unwritten.set(key, at);
    evictOldest(this.#unwritten, MAX_RAISED);
  }
}

function executionKey({ name }: Rule, { id }: Execution): string {
  return `${name}\n\n${id}`;
}

function streakKey({ name }: Rule, execution: Execution): string {
  return `${name}\n\n\n${execution.name}`;
}
