/**
 * What is told, and what a channel is: something that can tell it to a person.
 *
 * A channel sends one alert and reports the outcome: it throws `Undeliverable` where that is not `sent`, and knows no
 * queue, rate or retry. Secrets are read for each attempt and kept nowhere, so no error uses the words of a library:
 * `channels/network.ts` has texts for their codes. A program that sends an alert has its own process group and is
 * killed with it.
 */
import type { Severity } from '../core/alerts.js';
import type { ExecutionEvent } from '../core/event.js';
import type { ExecutionJson } from '../core/execution.js';
import type { Urgency } from '../api/messages.js';

export { URGENCIES, type Urgency } from '../api/messages.js';

/** One line each for title and body, without control characters. */
export interface Alert {
  /** The same at each attempt, so that a target can tell a second one of them from a second alert. */
  id: string;
  /** The first of the rules that raised it, or `notify`, `test`, `suppressed`, `quiet`. */
  rule: string;
  /** All rules that raised it by the same cause, in the order of the configuration. */
  rules: readonly string[];
  title: string;
  body: string;
  urgency: Urgency;
  severity: Severity;
  /** When what it tells of happened, as in an event. */
  time: string;
  /** What raised it, and of which execution; both may be gone from the journal by the time it is told. */
  event?: ExecutionEvent;
  execution?: ExecutionJson;
  /** How many more there were that are not told, as there were too many at a time. */
  suppressed?: number;
  /** Of a summary after quiet hours: the newest of those that were held. */
  alerts?: HeldAlert[];
}

/** One line of a summary. */
export interface HeldAlert {
  time: string;
  rule: string;
  title: string;
  body: string;
  execution?: string;
}

/**
 * What became of one attempt. `unavailable`: nobody can be told here, and that is no failure. `retry`: worth another
 * attempt, not sooner than `after` milliseconds if the target asked for that.
 */
export type DeliveryOutcome =
  | { outcome: 'sent' }
  | { outcome: 'unavailable' | 'failed'; error: string }
  | { outcome: 'retry'; error: string; after?: number };

export interface AlertChannel {
  readonly name: string;
  readonly type: string;
  /** Why nobody can be told here at the moment, as far as one can see without trying: then there is nothing to record. */
  whyUnavailable?(): string | undefined;
  /** Never rejects, and settles soon after `signal` is aborted. */
  send(alert: Alert, signal: AbortSignal): Promise<DeliveryOutcome>;
  close?(): Promise<void>;
}
