/**
 * Delivers the alerts of one channel one after the other, in the order of the journal, with a rate limit and backoff.
 *
 * Pending alerts are in the journal; this queue reads a few at a time. An alert is pending until the event with its outcome
 * is written. So an alert may be sent twice after a crash, but is not lost.
 */
import type { AlertOutcome } from '../core/state/alerts.js';
import { alertOutcomeOf, LEFT_JOURNAL } from '../core/state/alerts.js';
import type { Clock } from '../core/base/clock.js';
import type { EventData, ExecutionEvent, NewEvent } from '../core/events/event.js';
import { formatDuration } from '../core/text/format.js';
import { ProgressError } from '../core/base/errors.js';
import { backOff } from './backoff.js';
import type { Alert, AlertChannel, DeliveryOutcome } from './channel.js';
import { NO_SUCH_CHANNEL } from './channel.js';
import { createAllowance } from './rate-limit.js';

export interface DeliverySettings {
  /** Alerts a minute. */
  rate: number;
  /** Milliseconds after which an alert is no longer retried. */
  retryFor: number;
}

export interface DeliveryQueueOptions {
  name: string;
  /** Returns the current seqs of events of pending alerts, oldest first. */
  pending: () => readonly number[];
  /** Reads those of these events that exist. */
  read: (seqs: readonly number[]) => Promise<ExecutionEvent[]>;
  alertOf: (event: ExecutionEvent) => Promise<Alert>;
  /** Writes these events together; rejects when they cannot be written. */
  write: (events: NewEvent[]) => Promise<void>;
  /** Returns the ID of the alert that reports the number of alerts suppressed through this seq. */
  summaryId: (through: number) => string;
  clock: Clock;
  /** Unix milliseconds by a monotonic clock. */
  now: () => number;
  log: (message: string) => void;
  random?: () => number;
}

/** Maximum number of pending alerts in memory. */
const AHEAD = 32;
/** Time that alerts above the rate limit wait. Those that still exceed it are suppressed, and one alert reports their number. */
const WINDOW_MS = 30_000;
/** Timeout of an attempt, in addition to the timeouts of the channels, which are shorter. */
const ATTEMPT_MS = 6 * 60_000;
/** Delay before the journal is read or written again after a failure. */
const TROUBLE_MS = 5_000;

/** Final outcome of one alert, or of all alerts through one. */
interface Settled {
  outcome: Exclude<AlertOutcome, 'pending' | 'held'>;
  error?: string;
  attempts?: number;
  count?: number;
}

export class DeliveryQueue {
  readonly #options: DeliveryQueueOptions;
  readonly #allowance;
  readonly #closing = new AbortController();
  #settings: DeliverySettings = { rate: 1, retryFor: 0 };
  #channel: AlertChannel | undefined;
  #running: Promise<void> | undefined;
  /** Ends the current pause. */
  #interrupt = (): void => {};
  /** Ends the current backoff. */
  #retryNow = (): void => {};
  /** Pending alerts that were read from the journal. */
  #ahead: ExecutionEvent[] = [];
  /** Whether the first of `#ahead` has taken its token from the rate limit. */
  #isAllowed = false;
  /** Number of attempts to send the first of `#ahead`. */
  #attempts = 0;
  /** Consecutive failures of any alert. */
  #failures = 0;
  #trouble: { error: string; at: number } | undefined;
  /** Seq of the newest alert with an outcome, which may not be written yet. */
  #settledThrough = 0;
  #unwritten: NewEvent[] = [];

  constructor(options: DeliveryQueueOptions) {
    this.#options = options;
    this.#allowance = createAllowance(1, options.clock);
  }

  get channel(): AlertChannel | undefined {
    return this.#channel;
  }

  /** While the newest attempt has failed: its error, and milliseconds until the next attempt. */
  get trouble(): { error: string; nextMs: number } | undefined {
    const now = this.#options.clock.now();
    return this.#trouble && { error: this.#trouble.error, nextMs: Math.max(0, this.#trouble.at - now) };
  }

  /** Starts deliveries if alerts are pending. */
  wake(): void {
    if (this.#running || this.#isClosing || this.#waiting().length === 0) return;
    this.#running = this.#work().finally(() => {
      this.#running = undefined;
      this.wake();
    });
  }

  /** Replaces the channel; without one, pending alerts fail. */
  use(channel: AlertChannel | undefined, settings: DeliverySettings): void {
    this.#settings = settings;
    this.#allowance.set(settings.rate);
    if (channel !== this.#channel) void this.#closeChannel();
    this.#channel = channel;
    this.#retryNow();
    this.wake();
  }

  /** Aborts the current attempt; its alert is sent again after the next start. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#interrupt();
    await this.#running;
    await this.#closeChannel();
  }

  async #closeChannel(): Promise<void> {
    await this.#channel?.close?.().catch(() => undefined);
  }

  get #isClosing(): boolean {
    return this.#closing.signal.aborted;
  }

  async #work(): Promise<void> {
    while (!this.#isClosing) {
      try {
        if (!(await this.#advance())) return;
      } catch (error) {
        this.#options.log(`alerts over ${this.#options.name}: ${ProgressError.from(error).message}`);
        await this.#pause(TROUBLE_MS);
      }
    }
  }

  /** Takes one step. @returns False when no alert is pending. */
  async #advance(): Promise<boolean> {
    if (this.#unwritten.length > 0) await this.#writeOutcomes();
    const seqs = this.#waiting();
    const [first] = seqs;
    if (first === undefined) return false;
    // pruning may have ended some of them
    this.#ahead = this.#ahead.filter(({ seq }) => seq >= first);
    if (this.#channel && !this.#takeToken()) {
      await this.#limitRate();
      return true;
    }
    if (this.#ahead.length === 0) await this.#readAhead(seqs);
    const [event] = this.#ahead;
    if (event?.seq === first) await this.#deliver(event);
    else {
      this.#options.log(`an alert over ${this.#options.name}: ${LEFT_JOURNAL}`);
      await this.#settle(first, { outcome: 'lost', error: LEFT_JOURNAL });
    }
    return true;
  }

  #waiting(): readonly number[] {
    const seqs = this.#options.pending();
    const next = seqs.findIndex((seq) => seq > this.#settledThrough);
    return next < 0 ? [] : next === 0 ? seqs : seqs.slice(next);
  }

  async #readAhead(seqs: readonly number[]): Promise<void> {
    const events = await this.#options.read(seqs.slice(0, AHEAD));
    this.#ahead = events.filter((event) => alertOutcomeOf(event) === 'pending');
  }

  #takeToken(): boolean {
    this.#isAllowed ||= this.#allowance.take();
    return this.#isAllowed;
  }

  async #limitRate(): Promise<void> {
    await this.#pause(WINDOW_MS);
    const beyond = this.#waiting();
    if (!this.#isClosing && beyond.length > this.#allowance.left) await this.#suppress(beyond);
  }

  /** Replaces these alerts by one that reports their number. */
  async #suppress(seqs: readonly number[]): Promise<void> {
    const { name, summaryId } = this.#options;
    const of = seqs.at(-1) ?? 0;
    const count = seqs.length;
    const summary: NewEvent = {
      type: 'alert_triggered',
      data: {
        ...{ outcome: 'pending', id: summaryId(of), rule: 'suppressed', channel: name, suppressed: count },
        ...{ title: `! ${count} more alerts suppressed`, body: 'progress notify --log lists them', urgency: 'normal' },
      },
    };
    await this.#settle(of, { outcome: 'suppressed', count }, undefined, [summary]);
  }

  async #deliver(event: ExecutionEvent): Promise<void> {
    if (!this.#channel) return await this.#settle(event.seq, NO_SUCH_CHANNEL, event);
    if (this.#failures > 0 && this.#attempts === 0 && this.#isExpired(event)) {
      return await this.#settle(
        event.seq,
        { outcome: 'failed', error: 'expired while earlier alerts were retried' },
        event,
      );
    }
    this.#attempts += 1;
    const outcome = await this.#attempt(event, this.#channel);
    if (this.#isClosing) return;
    if (outcome.outcome === 'retry') return await this.#retry(event, outcome);
    this.#failures = 0;
    this.#trouble = undefined;
    const counted = outcome.outcome !== 'unavailable' && { attempts: this.#attempts };
    await this.#settle(event.seq, { ...outcome, ...counted }, event);
  }

  async #attempt(event: ExecutionEvent, channel: AlertChannel): Promise<DeliveryOutcome> {
    const { alertOf, clock, log } = this.#options;
    const alert = await alertOf(event);
    const timeout = new AbortController();
    const signal = AbortSignal.any([this.#closing.signal, timeout.signal]);
    return await new Promise<DeliveryOutcome>((resolve) => {
      const cancel = clock.after(ATTEMPT_MS, () => {
        timeout.abort();
        resolve({ outcome: 'retry', error: `no answer within ${formatDuration(ATTEMPT_MS)}` });
      });
      channel
        .send(alert, signal)
        .catch((error: unknown): DeliveryOutcome => ({ outcome: 'retry', error: ProgressError.from(error).message }))
        .then((outcome) => {
          cancel();
          resolve(outcome);
        }, log);
    });
  }

  /** Waits for the next attempt, unless the alert has expired. */
  async #retry(event: ExecutionEvent, { error, after }: { error: string; after?: number }): Promise<void> {
    const { name, log, clock, random } = this.#options;
    this.#failures += 1;
    if (this.#isExpired(event))
      return await this.#settle(event.seq, { outcome: 'failed', error, attempts: this.#attempts }, event);
    if (this.#failures === 1) log(`alerts over ${name} cannot be delivered: ${error}`);
    const ms = backOff(this.#failures, after, random);
    this.#trouble = { error, at: clock.now() + ms };
    const paused = this.#pause(ms);
    this.#retryNow = this.#interrupt;
    await paused;
    this.#retryNow = () => {};
  }

  #isExpired({ time }: ExecutionEvent): boolean {
    return this.#options.now() - Date.parse(time) > this.#settings.retryFor;
  }

  async #pause(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const cancel = this.#options.clock.after(ms, resolve);
      this.#interrupt = () => {
        cancel();
        resolve();
      };
    });
  }

  async #settle(of: number, settled: Settled, event?: ExecutionEvent, more: NewEvent[] = []): Promise<void> {
    this.#settledThrough = of;
    this.#ahead = this.#ahead.filter(({ seq }) => seq > of);
    this.#attempts = 0;
    this.#isAllowed = false;
    const data = { ...(event && describe(event)), channel: this.#options.name, of, ...settled };
    const execution = event?.execution;
    this.#unwritten.push({ type: 'alert_triggered', ...(execution !== undefined && { execution }), data }, ...more);
    await this.#writeOutcomes();
  }

  async #writeOutcomes(): Promise<void> {
    await this.#options.write(this.#unwritten);
    this.#unwritten = [];
  }
}

/** Fields of the alert that the event with its outcome repeats. */
function describe({ data }: ExecutionEvent): EventData {
  const kept = ['id', 'rule', 'rules', 'title'].map((key) => [key, data[key]] as const);
  return Object.fromEntries(kept.filter(([, value]) => value !== undefined));
}
