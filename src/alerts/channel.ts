/**
 * Alerts, and the channels that deliver them.
 *
 * A channel sends one alert and reports the outcome: it throws `Undeliverable` unless that is `sent`, and knows no
 * queue, rate or retry. Secrets are read for each attempt and kept nowhere, so no error uses the words of a library:
 * `channels/network.ts` has texts for their codes. A program that sends an alert has its own process group and is
 * killed with it.
 */
import type { Severity } from '../core/state/alerts.js';
import type { ExecutionEvent } from '../core/events/event.js';
import type { ExecutionJson } from '../core/execution.js';
import type { Urgency } from '../api/messages.js';

export { URGENCIES, type Urgency } from '../api/messages.js';

/** One line each for title and body, without control characters. */
export interface Alert {
  /** The same for each attempt, so that a target can distinguish a retry from another alert. */
  id: string;
  /** The first of the rules that raised it, or `notify`, `test`, `suppressed`, `quiet`. */
  rule: string;
  /** All rules that raised it by the same cause, in the order of the configuration. */
  rules: readonly string[];
  title: string;
  body: string;
  urgency: Urgency;
  severity: Severity;
  /** Time of its cause, as in an event. */
  time: string;
  /** Its cause and its execution; both may be removed from the journal before it is sent. */
  event?: ExecutionEvent;
  execution?: ExecutionJson;
  /** Number of alerts that were suppressed because there were too many at a time. */
  suppressed?: number;
  /** In a summary after quiet hours: the newest of the held alerts. */
  alerts?: HeldAlert[];
}

/** Line of a summary. */
export interface HeldAlert {
  time: string;
  rule: string;
  title: string;
  body: string;
  execution?: string;
}

/**
 * Outcome of one attempt. `unavailable`: no user can be reached here, which is not a failure. `retry`: worth another
 * attempt, not sooner than `after` milliseconds if the target requested that.
 */
export type DeliveryOutcome =
  | { outcome: 'sent' }
  | { outcome: 'unavailable' | 'failed'; error: string }
  | { outcome: 'retry'; error: string; after?: number };

/** Outcome of an alert whose channel is not configured. */
export const NO_SUCH_CHANNEL = { outcome: 'failed', error: 'there is no such channel' } as const;

export interface AlertChannel {
  readonly name: string;
  readonly type: string;
  /** Why the channel is unavailable, as far as that is known without an attempt; then no alert is recorded. */
  whyUnavailable?(): string | undefined;
  /** Never rejects, and settles soon after `signal` is aborted. */
  send(alert: Alert, signal: AbortSignal): Promise<DeliveryOutcome>;
  close?(): Promise<void>;
}
