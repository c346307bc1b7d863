/** Channels in use: each is opened on first use, and has a delivery queue. */
import { BUILTIN_CHANNELS, type ChannelConfig, unknownChannel } from '../config/channel-schema.js';
import type { Severity } from '../core/state/alerts.js';
import type { Clock } from '../core/base/clock.js';
import type { ExecutionEvent, NewEvent } from '../core/events/event.js';
import { isQuiet } from '../core/text/quiet-hours.js';
import type { State } from '../core/state/state.js';
import { ProgressError } from '../core/base/errors.js';
import type { ChannelStatus } from '../api/messages.js';
import type { Alert, AlertChannel } from './channel.js';
import type { DeliverySettings } from './delivery-queue.js';
import { DeliveryQueue } from './delivery-queue.js';
import { isSevereEnough, summaryId } from './alert-event.js';
import { channelStatus } from './status.js';

/** Part of the configuration. */
export interface ChannelSettings {
  readonly alerts: DeliverySettings & { readonly desktop: boolean };
  readonly channels: Readonly<Record<string, ChannelConfig>>;
}

export interface ChannelSetOptions {
  state: State;
  /** ID of the journal. */
  journal: string;
  settings: ChannelSettings;
  /** Opens a channel; without a configuration, a built-in one. */
  open: (name: string, config: ChannelConfig | undefined) => AlertChannel;
  read: (seqs: readonly number[]) => Promise<ExecutionEvent[]>;
  alertOf: (event: ExecutionEvent) => Promise<Alert>;
  write: (events: NewEvent[]) => Promise<void>;
  clock: Clock;
  now: () => number;
  log: (message: string) => void;
}

const SWITCHED_OFF = 'it is switched off (alerts.desktop)';

/** Desktop channel that the configuration has switched off. */
const DISABLED: AlertChannel = {
  name: 'desktop',
  type: 'desktop',
  send: () => Promise.resolve({ outcome: 'unavailable', error: SWITCHED_OFF }),
};

export class ChannelSet {
  readonly #options: ChannelSetOptions;
  readonly #queues = new Map<string, DeliveryQueue>();
  /** Last logged reasons why channels are unavailable. */
  readonly #logged = new Map<string, string>();
  readonly #startedAt: number;
  #settings: ChannelSettings;

  constructor(options: ChannelSetOptions) {
    this.#options = options;
    this.#settings = options.settings;
    this.#startedAt = options.now() - options.clock.now();
  }

  configure(settings: ChannelSettings): void {
    this.#settings = settings;
    for (const [name, queue] of this.#queues) queue.use(this.#open(name), settings.alerts);
  }

  queueOf(name: string): DeliveryQueue {
    const known = this.#queues.get(name);
    if (known) return known;
    const { state, journal, now: _now, ...options } = this.#options;
    const queue = new DeliveryQueue({
      ...options,
      name,
      pending: () => state.alerts.channels.get(name)?.pending ?? [],
      summaryId: (through) => summaryId(journal, name, through),
      now: () => this.#startedAt + options.clock.now(),
    });
    this.#queues.set(name, queue);
    queue.use(this.#open(name), this.#settings.alerts);
    return queue;
  }

  /** Whether the channel accepts this severity, and is available now or after its quiet hours. */
  takes(name: string, severity: Severity): boolean {
    const wanted = this.#settings.channels[name]?.severity;
    return isSevereEnough(severity, wanted) && (this.isQuiet(name) || this.#isAvailable(name));
  }

  isQuiet(name: string): boolean {
    const hours = this.#settings.channels[name]?.quiet ?? [];
    return isQuiet(hours, this.#options.now()) && !this.#isDisabled(name);
  }

  /** Whether held alerts can be sent. */
  isReady(name: string): boolean {
    if (this.isQuiet(name)) return false;
    return this.#isDisabled(name) || this.queueOf(name).channel?.whyUnavailable?.() === undefined;
  }

  /** @throws ProgressError `not_found` if there is no such channel */
  check(name: string): void {
    if (this.#isConfigured(name)) return;
    const names = [...new Set([...BUILTIN_CHANNELS, ...Object.keys(this.#settings.channels)])];
    throw new ProgressError('not_found', unknownChannel(name, names));
  }

  /** Status of the named channels, of configured ones, and of those with waiting alerts. */
  status(named: readonly string[]): ChannelStatus[] {
    const { channels } = this.#options.state.alerts;
    const waiting = [...channels].filter(([, { pending, held = [] }]) => pending.length + held.length > 0);
    const names = new Set([...named, ...Object.keys(this.#settings.channels), ...waiting.map(([name]) => name)]);
    return [...names].map((name) => {
      const queue = this.queueOf(name);
      const unavailable = this.#isDisabled(name) ? SWITCHED_OFF : queue.channel?.whyUnavailable?.();
      return channelStatus(name, channels.get(name), queue, unavailable);
    });
  }

  async close(): Promise<void> {
    await Promise.all([...this.#queues.values()].map((queue) => queue.close()));
  }

  /** Whether the channel is available; logs once why it is not. */
  #isAvailable(name: string): boolean {
    if (this.#isDisabled(name)) return false;
    const why = this.queueOf(name).channel?.whyUnavailable?.();
    if (why !== undefined && why !== this.#logged.get(name)) this.#options.log(`no ${name} notifications: ${why}`);
    if (why === undefined) this.#logged.delete(name);
    else this.#logged.set(name, why);
    return why === undefined;
  }

  #isConfigured(name: string): boolean {
    return Object.hasOwn(this.#settings.channels, name) || BUILTIN_CHANNELS.includes(name);
  }

  #isDisabled(name: string): boolean {
    return this.queueOf(name).channel?.send === DISABLED.send;
  }

  #open(name: string): AlertChannel | undefined {
    const { channels, alerts } = this.#settings;
    const isDesktop = (channels[name]?.type ?? name) === 'desktop';
    if (isDesktop && !alerts.desktop) return { ...DISABLED, name };
    return this.#isConfigured(name) ? this.#options.open(name, channels[name]) : undefined;
  }
}
