/** The conditions of an alert rule: what the configuration holds and the `rules` request returns. */
import type { FinalStatus } from '../core/event.js';
import type { Level } from '../core/filter.js';

/** All that is given must hold; of a list any. Patterns match whole texts, with `*` and `?`. */
export interface Conditions {
  /** Types of events. */
  readonly type?: readonly string[];
  /** Of the execution, at its end; `recovered`: the first success of its name after a failure. */
  readonly status?: readonly (FinalStatus | 'recovered')[];
  readonly attention?: readonly ('waiting' | 'silent')[];
  readonly kind?: readonly string[];
  /** A pattern, as are name, queue, step and the values of label. */
  readonly agent?: readonly string[];
  readonly name?: readonly string[];
  readonly label?: Readonly<Record<string, string>>;
  /** In milliseconds. */
  readonly longerThan?: number;
  readonly exitStatus?: readonly number[];
  readonly queue?: readonly string[];
  /** Of events of the type `log`: this level or a worse one. */
  readonly level?: Level;
  /** US dollars that the execution has cost are more than this. */
  readonly costUsd?: number;
  readonly tokensPerMinute?: TokenRate;
  readonly resource?: ResourceCondition;
  /** A regular expression (RE2), on lines of output and messages of the log. */
  readonly output?: string;
  /** A step of this name failed or timed out. */
  readonly step?: readonly string[];
}

/** More tokens a minute than this, on average over the window, in milliseconds. */
export interface TokenRate {
  readonly above: number;
  readonly window: number;
}

/** Above each of the given thresholds for so many milliseconds without a break. */
export interface ResourceCondition {
  /** Percent of one core. */
  readonly cpu?: number;
  /** In bytes. */
  readonly memory?: number;
  readonly for: number;
}
