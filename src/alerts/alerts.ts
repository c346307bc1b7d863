/**
 * Alerts from end to end: evaluates published events, records alerts, and delivers them over each channel.
 *
 * An alert is in the journal as `pending`, by the next write, before it is sent, and a checkpoint waits for that. Alerts
 * that a crash has prevented are found by evaluating everything after the checkpoint again (`recovery.ts`); IDs derive
 * from the cause, which deduplicates them. Matches with the same cause are one alert for each channel.
 * Whether a name is in a streak of failures is part of the fold (`core/state/alerts.ts`). In the quiet hours of a channel
 * alerts are written as `held`; `held-alerts.ts` checks every 30 seconds whether one event may replace them. Pauses,
 * rates and thresholds use a monotonic clock.
 */
import { isDeepStrictEqual } from 'node:util';
import type { AlertsConfig } from '../config/alert-schema.js';
import { MAX_PENDING } from '../core/state/alerts.js';
import type { ExecutionEvent, NewEvent } from '../core/events/event.js';
import { numberOf, textOf } from '../core/events/event.js';
import type { Execution } from '../core/execution.js';
import { executionToJson } from '../core/execution.js';
import { findExecution } from '../core/state/state.js';
import type { AlertsStatus, Attempt, Notice, RuleView } from '../api/messages.js';
import { noticeEvents, tryChannel } from './manual-alerts.js';
import type { Alert } from './channel.js';
import type { ChannelSetOptions } from './channel-set.js';
import { ChannelSet } from './channel-set.js';
import type { Match } from './rule-evaluator.js';
import type { Moment } from './moment.js';
import { RuleEvaluator } from './rule-evaluator.js';
import type { AlertWriter, EventWriter } from './alert-writer.js';
import { createAlertWriter } from './alert-writer.js';
import { HeldAlerts, severityIn } from './held-alerts.js';
import type { AlertEvent } from './alert-event.js';
import { summaryId, toAlert, toPending } from './alert-event.js';
import type { Recovery } from './recovery.js';
import { createRules } from './rules.js';
import { ruleView } from './status.js';

/** Part of the configuration. */
export interface AlertsSettings extends AlertsConfig {
  readonly alerts: {
    readonly desktop: boolean;
    readonly rate: number;
    readonly retryFor: number;
    readonly interactive: readonly string[];
  };
}

export interface AlertsOptions extends Omit<ChannelSetOptions, 'write' | 'alertOf' | 'settings'> {
  recovered: ReturnType<Recovery['end']>;
  settings: AlertsSettings;
  /** Finds executions that memory no longer holds. */
  find: (id: string) => Promise<Execution | undefined>;
  writer: EventWriter;
}

export class Alerts {
  readonly #options: AlertsOptions;
  readonly #channels: ChannelSet;
  readonly #alertWriter: AlertWriter;
  readonly #quiet: HeldAlerts;
  #settings: AlertsSettings;
  #evaluator: RuleEvaluator;
  #timer: { at: number; cancel: () => void } | undefined;
  #isClosed = false;

  constructor(options: AlertsOptions) {
    const { state, journal, recovered, read, writer, clock, log } = options;
    this.#options = options;
    this.#settings = options.settings;
    this.#evaluator = recovered.evaluator;
    const roomOf = (name: string) => MAX_PENDING - (state.alerts.channels.get(name)?.pending ?? []).length;
    this.#alertWriter = createAlertWriter({ writer, roomOf, clock, log });
    this.#channels = new ChannelSet({
      ...options,
      write: (events) => this.#write(events),
      alertOf: (event) => this.#alertOf(event),
    });
    this.#quiet = new HeldAlerts({
      held: () => [...state.alerts.channels].map(([name, { held = [] }]) => [name, held] as const),
      isReady: (name) => this.#channels.isReady(name),
      summaryId: (name, through) => summaryId(journal, name, through),
      ...{ read, writer, clock, log },
    });
    this.#raise(recovered.missed);
    for (const name of state.alerts.channels.keys()) this.#channels.queueOf(name).wake();
    this.#arm();
    this.#quiet.check();
  }

  onBatch(events: readonly ExecutionEvent[]): void {
    const { state } = this.#options;
    let at: Moment | undefined;
    for (const event of events) {
      if (event.type === 'alert_triggered') {
        if (event.data['outcome'] === 'held') this.#quiet.check();
        if (event.data['outcome'] === 'pending') this.#channels.queueOf(textOf(event.data, 'channel') ?? '').wake();
      } else if (this.#evaluator.needs(event.type)) {
        const execution = event.execution === undefined ? undefined : findExecution(state, event.execution);
        this.#raiseMatches(this.#evaluator.take(event, execution, (at ??= this.#moment())));
      }
    }
    this.#arm();
  }

  /** Writes alerts that have fired; for use between two writes only. */
  flush(): Promise<void> {
    return this.#alertWriter.flush();
  }

  /** Applies a changed configuration. */
  configure(changed: AlertsSettings): void {
    const { state } = this.#options;
    const before = this.#settings;
    this.#settings = changed;
    const isSame = (key: keyof AlertsSettings) => isDeepStrictEqual(before[key], changed[key]);
    if (!isSame('alerts') || !isSame('channels')) {
      this.#channels.configure(changed);
      this.#quiet.check();
    }
    if (isSame('rules') && isDeepStrictEqual(before.alerts.interactive, changed.alerts.interactive)) return;
    this.#evaluator = new RuleEvaluator(createRules(changed.rules, changed.alerts.interactive), () => state.alerts);
    this.#evaluator.adopt(state.alive.values(), this.#moment());
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#arm();
  }

  /** Records a notification, which is then certain to be sent. @returns The seq of each channel's event. */
  async notify(notice: Notice): Promise<{ channel: string; seq: number }[]> {
    for (const name of notice.channels) this.#channels.check(name);
    const events = noticeEvents(notice).map((event) => this.#hold(event));
    await this.#write(events);
    return events.map((event) => ({ channel: String(event.data['channel']), seq: (event as ExecutionEvent).seq }));
  }

  /** Sends a test over a channel at once, before pending alerts. */
  async test(name: string): Promise<Attempt> {
    this.#channels.check(name);
    const time = new Date(this.#options.now()).toISOString();
    const { attempt, event } = await tryChannel(name, this.#channels.queueOf(name).channel, time);
    await this.#write([event]);
    return attempt;
  }

  /** Whether a rule depends on the resource usage of this execution. */
  needsResources(id: string): boolean {
    const execution = this.#options.state.alive.get(id);
    return execution !== undefined && this.#evaluator.needsResources(execution);
  }

  rules(): RuleView[] {
    return this.#evaluator.rules.map((rule) => ruleView(rule, this.#options.state.alerts));
  }

  status(): AlertsStatus {
    const named = this.#evaluator.rules.flatMap(({ notify }) => notify);
    return { rules: this.#evaluator.rules.length, channels: this.#channels.status(named) };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#alertWriter.close();
    this.#quiet.close();
    await this.#channels.close();
  }

  #write(events: NewEvent[]): Promise<void> {
    const { writer } = this.#options;
    return writer.between(() => writer.writeNow(events));
  }

  #moment(): Moment {
    const { clock, now } = this.#options;
    return { at: clock.now(), now: now() };
  }

  async #alertOf(event: ExecutionEvent): Promise<Alert> {
    const { state, read, find } = this.#options;
    const seq = numberOf(event.data, 'cause');
    const [cause] = seq === undefined ? [] : await read([seq]);
    const { execution: id } = event;
    const execution = id === undefined ? undefined : (findExecution(state, id) ?? (await find(id)));
    return toAlert(event, cause, execution && executionToJson(execution));
  }

  /** Marks an alert as held in quiet hours of its channel, unless it is critical. */
  #hold(event: NewEvent): NewEvent {
    const isHeld = this.#channels.isQuiet(textOf(event.data, 'channel') ?? '') && severityIn(event) !== 'critical';
    return isHeld ? { ...event, data: { ...event.data, outcome: 'held' } } : event;
  }

  /** Records alerts of matches of one event, or of one point in time. */
  #raise(alerts: readonly AlertEvent[]): void {
    const accepted = alerts.map(({ match, channels }) => ({
      match,
      channels: channels.filter((name) => this.#channels.takes(name, match.text.severity)),
    }));
    for (const event of toPending(this.#options.journal, accepted)) this.#alertWriter.add(this.#hold(event));
  }

  #raiseMatches(matches: readonly Match[]): void {
    this.#raise(matches.map((match) => ({ match, channels: match.rule.notify })));
  }

  /** Sets a timer for rules that depend on time alone. */
  #arm(): void {
    const { nextAt } = this.#evaluator;
    if (this.#isClosed || nextAt === undefined || (this.#timer && this.#timer.at <= nextAt)) return;
    this.#timer?.cancel();
    const { clock, state } = this.#options;
    const cancel = clock.after(Math.max(0, nextAt - clock.now()), () => {
      this.#timer = undefined;
      this.#raiseMatches(this.#evaluator.due(this.#moment(), (id) => state.alive.get(id)));
      this.#arm();
    });
    this.#timer = { at: nextAt, cancel };
  }
}
