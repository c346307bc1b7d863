/** The channels in use: each is opened when it is needed first, and has a delivery lane. */
import { BUILTIN_CHANNELS, type ChannelConfig } from '../config/channel-schema.js';
import type { Severity } from '../core/alerts.js';
import type { Clock } from '../core/clock.js';
import type { ExecutionEvent, NewEvent } from '../core/event.js';
import { suggest } from '../core/suggest.js';
import { isQuiet } from '../core/quiet-hours.js';
import type { State } from '../core/state.js';
import { ProgressError } from '../core/errors.js';
import type { ChannelStatus } from '../api/messages.js';
import type { Alert, AlertChannel } from './channel.js';
import type { DeliveryQueue, DeliverySettings } from './delivery-queue.js';
import { createDeliveryQueue } from './delivery-queue.js';
import { isSevereEnough, summaryId } from './alert-event.js';
import { channelStatus } from './status.js';

/** Of the configuration. */
export interface ChannelSettings {
  readonly alerts: DeliverySettings & { readonly desktop: boolean };
  readonly channels: Readonly<Record<string, ChannelConfig>>;
}

export interface ChannelSetOptions {
  state: State;
  /** The journal's ID. */
  journal: string;
  settings: ChannelSettings;
  /** Without a configuration: one of the channels that are there without one. */
  open: (name: string, config: ChannelConfig | undefined) => AlertChannel;
  read: (seqs: readonly number[]) => Promise<ExecutionEvent[]>;
  alertOf: (event: ExecutionEvent) => Promise<Alert>;
  write: (events: NewEvent[]) => Promise<void>;
  clock: Clock;
  now: () => number;
  log: (message: string) => void;
}

const SWITCHED_OFF = 'it is switched off (alerts.desktop)';

/** A desktop, where the configuration does not want it. */
const UNWANTED: AlertChannel = {
  name: 'desktop',
  type: 'desktop',
  send: () => Promise.resolve({ outcome: 'unavailable', error: SWITCHED_OFF }),
};

export class ChannelSet {
  readonly #options: ChannelSetOptions;
  readonly #lanes = new Map<string, DeliveryQueue>();
  /** Why a channel cannot be used, as it was logged last. */
  readonly #logged = new Map<string, string>();
  readonly #beganAt: number;
  #settings: ChannelSettings;

  constructor(options: ChannelSetOptions) {
    this.#options = options;
    this.#settings = options.settings;
    this.#beganAt = options.now() - options.clock.now();
  }

  configure(settings: ChannelSettings): void {
    this.#settings = settings;
    for (const [name, lane] of this.#lanes) lane.use(this.#open(name), settings.alerts);
  }

  lane(name: string): DeliveryQueue {
    const known = this.#lanes.get(name);
    if (known) return known;
    const { state, journal, now: _now, ...options } = this.#options;
    const lane = createDeliveryQueue({
      ...options,
      name,
      pending: () => state.alerts.channels.get(name)?.pending ?? [],
      summaryId: (through) => summaryId(journal, name, through),
      now: () => this.#beganAt + options.clock.now(),
    });
    this.#lanes.set(name, lane);
    lane.use(this.#open(name), this.#settings.alerts);
    return lane;
  }

  /** Whether an alert of this severity is for this channel, and somebody may see it, now or after its quiet hours. */
  takes(name: string, severity: Severity): boolean {
    const wanted = this.#settings.channels[name]?.severity;
    return isSevereEnough(severity, wanted) && (this.isQuiet(name) || this.#isAvailable(name));
  }

  isQuiet(name: string): boolean {
    const hours = this.#settings.channels[name]?.quiet ?? [];
    return isQuiet(hours, this.#options.now()) && !this.#isUnwanted(name);
  }

  /** Whether what is held for it may be sent. */
  isReady(name: string): boolean {
    if (this.isQuiet(name)) return false;
    return this.#isUnwanted(name) || this.lane(name).channel?.whyUnavailable?.() === undefined;
  }

  /** @throws {ProgressError} `not_found` if there is no such channel. */
  check(name: string): void {
    if (this.#isConfigured(name)) return;
    const names = [...new Set([...BUILTIN_CHANNELS, ...Object.keys(this.#settings.channels)])];
    const nearest = suggest(name, names);
    const advice = nearest === undefined ? `there are ${names.join(', ')}` : `did you mean ${nearest}?`;
    throw new ProgressError('not_found', `there is no channel ${JSON.stringify(name)}: ${advice}`);
  }

  /** Of these, of those that are configured, and of those for which something waits. */
  status(named: readonly string[]): ChannelStatus[] {
    const { channels } = this.#options.state.alerts;
    const waiting = [...channels].filter(([, { pending, held = [] }]) => pending.length + held.length > 0);
    const names = new Set([...named, ...Object.keys(this.#settings.channels), ...waiting.map(([name]) => name)]);
    return [...names].map((name) => {
      const lane = this.lane(name);
      const unavailable = this.#isUnwanted(name) ? SWITCHED_OFF : lane.channel?.whyUnavailable?.();
      return channelStatus(name, channels.get(name), lane, unavailable);
    });
  }

  async close(): Promise<void> {
    await Promise.all([...this.#lanes.values()].map((lane) => lane.close()));
  }

  /** Where nobody is there is nothing to record; it is logged once. */
  #isAvailable(name: string): boolean {
    if (this.#isUnwanted(name)) return false;
    const why = this.lane(name).channel?.whyUnavailable?.();
    if (why !== undefined && why !== this.#logged.get(name)) this.#options.log(`no ${name} notifications: ${why}`);
    if (why === undefined) this.#logged.delete(name);
    else this.#logged.set(name, why);
    return why === undefined;
  }

  #isConfigured(name: string): boolean {
    return Object.hasOwn(this.#settings.channels, name) || BUILTIN_CHANNELS.includes(name);
  }

  #isUnwanted(name: string): boolean {
    return this.lane(name).channel?.send === UNWANTED.send;
  }

  #open(name: string): AlertChannel | undefined {
    const { channels, alerts } = this.#settings;
    const isDesktop = (channels[name]?.type ?? name) === 'desktop';
    if (isDesktop && !alerts.desktop) return { ...UNWANTED, name };
    return this.#isConfigured(name) ? this.#options.open(name, channels[name]) : undefined;
  }
}
