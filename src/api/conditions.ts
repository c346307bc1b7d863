/** Defines the conditions of alert rules, as used in the configuration and returned by the `rules` request. */
import type { FinalStatus } from '../core/events/event.js';
import type { Level } from '../core/events/filter.js';

/**
 * Conditions of a rule. All conditions must hold; a list holds if one of its items does. A pattern, with `*` and `?`, matches
 * a whole text.
 */
export interface Conditions {
  /** Event types. */
  readonly type?: readonly string[];
  /** Status of the execution at its end; `recovered`: the first success of its name after a failure. */
  readonly status?: readonly (FinalStatus | 'recovered')[];
  readonly attention?: readonly ('waiting' | 'silent')[];
  readonly kind?: readonly string[];
  /** Patterns; so are `name`, `queue`, `step` and the values of `label`. */
  readonly agent?: readonly string[];
  readonly name?: readonly string[];
  readonly label?: Readonly<Record<string, string>>;
  /** Minimum duration in milliseconds. */
  readonly longerThan?: number;
  readonly exitStatus?: readonly number[];
  readonly queue?: readonly string[];
  /** Minimum level of `log` events. */
  readonly level?: Level;
  /** Cost of the execution in US dollars that must be exceeded. */
  readonly costUsd?: number;
  readonly tokensPerMinute?: TokenRate;
  readonly resource?: ResourceCondition;
  /** Regular expression (RE2) for lines of output and log messages. */
  readonly output?: string;
  /** Name of a step that failed or timed out. */
  readonly step?: readonly string[];
}

/** Holds while the average over the window (milliseconds) is above this number of tokens per minute. */
export interface TokenRate {
  readonly above: number;
  readonly window: number;
}

/** Thresholds that must all be exceeded for `for` milliseconds without interruption. */
export interface ResourceCondition {
  /** Percent of one core. */
  readonly cpu?: number;
  /** Bytes. */
  readonly memory?: number;
  readonly for: number;
}
