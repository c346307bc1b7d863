/** Alerts from end to end: what is published is judged, what fires is written down, and each channel sends its own. */
import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { AlertsConfig } from '../config-alerts.js';
import type { ChannelConfig } from '../config-channels.js';
import { BUILTIN_CHANNELS } from '../config-channels.js';
import { MAX_PENDING } from '../core/alerts.js';
import type { Clock } from '../core/clock.js';
import type { ExecutionEvent, NewEvent } from '../core/event.js';
import { numberOf, textOf } from '../core/event.js';
import type { Execution } from '../core/execution.js';
import { executionToJson } from '../core/execution.js';
import { isQuiet } from '../core/quiet-hours.js';
import { findNearest } from '../core/nearest.js';
import type { State } from '../core/state.js';
import { findExecution } from '../core/state.js';
import { ProgressError } from '../errors.js';
import type { AlertsStatus, Attempt, ChannelStatus, Notice, RuleView } from '../protocol/messages.js';
import type { Alert, Channel } from './channel.js';
import type { Match } from './judge.js';
import { createJudge } from './judge.js';
import type { Lane } from './lane.js';
import { createLane } from './lane.js';
import { toLine } from './line.js';
import type { Writer } from './outbox.js';
import { createOutbox } from './outbox.js';
import type { Raised } from './raised.js';
import { isSevereEnough, summaryId, toAlert, toPending } from './raised.js';
import { QuietKeeper, severityIn } from './quiet.js';
import type { Recovery } from './recovery.js';
import { createRules } from './rules.js';
import { channelStatus, ruleView } from './status.js';

export interface Alerts {
  /** These are in the journal and in the state. */
  wrote(events: readonly ExecutionEvent[]): void;
  /** What has fired is in the journal afterwards; for use between two writes only. */
  flush(): Promise<void>;
  /** Takes another configuration over. */
  configure(settings: AlertsSettings): void;
  /** Tells somebody something: it is certain to be sent when this resolves, with the seq of each channel's event. */
  notify(notice: Notice): Promise<{ channel: string; seq: number }[]>;
  /** Tries a channel at once, whatever waits for it. */
  test(channel: string): Promise<Attempt>;
  /** Does a rule depend on what this execution uses? */
  isAskedForResources(id: string): boolean;
  rules(): RuleView[];
  status(): AlertsStatus;
  close(): Promise<void>;
}

/** Of the configuration. */
export interface AlertsSettings extends AlertsConfig {
  readonly alerts: {
    readonly desktop: boolean;
    readonly rate: number;
    readonly giveUp: number;
    readonly interactive: readonly string[];
  };
}

export interface AlertsOptions {
  state: State;
  /** The journal's id. */
  journal: string;
  recovered: ReturnType<Recovery['end']>;
  settings: AlertsSettings;
  /** Without a configuration: one of the channels that are there without one. */
  open: (name: string, config: ChannelConfig | undefined) => Channel;
  /** Events of the journal, as far as they are there. */
  read: (seqs: readonly number[]) => Promise<ExecutionEvent[]>;
  /** What memory no longer holds. */
  find: (id: string) => Promise<Execution | undefined>;
  writer: Writer;
  clock: Clock;
  now: () => number;
  log: (message: string) => void;
}

/** Whoever tells something by hand may say more than a rule does. */
const TITLE_CHARS = 200;
const BODY_CHARS = 2_000;
/** Of an attempt by hand. */
const TEST_MS = 60_000;

export function createAlerts(options: AlertsOptions): Alerts {
  const { state, journal, recovered, open, read, find, writer, clock, now, log } = options;
  let { settings } = options;
  let { judge } = recovered;
  const lanes = new Map<string, Lane>();
  /** Why nobody can be told over a channel, as it was said last. */
  const said = new Map<string, string>();
  let timer: { at: number; cancel: () => void } | undefined;
  let closed = false;
  const beganAt = now() - clock.now();

  const pendingOf = (channel: string) => state.alerts.channels.get(channel)?.pending ?? [];
  const outbox = createOutbox({ writer, roomOf: (name) => MAX_PENDING - pendingOf(name).length, clock, log });
  const write = (events: NewEvent[]) => writer.between(() => writer.writeNow(events));
  const moment = () => ({ at: clock.now(), now: now() });

  const isConfigured = (name: string) => Object.hasOwn(settings.channels, name) || BUILTIN_CHANNELS.includes(name);

  const openChannel = (name: string): Channel | undefined => {
    const isDesktop = (settings.channels[name]?.type ?? name) === 'desktop';
    if (isDesktop && !settings.alerts.desktop) return { ...UNWANTED, name };
    return isConfigured(name) ? open(name, settings.channels[name]) : undefined;
  };

  const alertOf = async (event: ExecutionEvent): Promise<Alert> => {
    const seq = numberOf(event.data, 'cause');
    const [cause] = seq === undefined ? [] : await read([seq]);
    const { execution: id } = event;
    const execution = id === undefined ? undefined : (findExecution(state, id) ?? (await find(id)));
    return toAlert(event, cause, execution && executionToJson(execution));
  };

  const laneOf = (name: string): Lane => {
    const known = lanes.get(name);
    if (known) return known;
    const lane = createLane({
      name,
      pending: () => pendingOf(name),
      read,
      alertOf,
      write,
      summaryId: (through) => summaryId(journal, name, through),
      clock,
      now: () => beganAt + clock.now(),
      log,
    });
    lanes.set(name, lane);
    lane.use(openChannel(name), settings.alerts);
    return lane;
  };

  /** Where nobody is there is nothing to record; it is said once. */
  const isSomebodyThere = (name: string): boolean => {
    const { channel } = laneOf(name);
    if (isUnwanted(channel)) return false;
    const why = channel?.whyUnavailable?.();
    if (why !== undefined && why !== said.get(name)) log(`no ${name} notifications: ${why}`);
    if (why === undefined) said.delete(name);
    else said.set(name, why);
    return why === undefined;
  };

  const isQuietNow = (name: string) =>
    isQuiet(settings.channels[name]?.quiet ?? [], now()) && !isUnwanted(laneOf(name).channel);

  /** What is critical passes. */
  const hold = (event: NewEvent): NewEvent => {
    const isHeld = isQuietNow(textOf(event.data, 'channel') ?? '') && severityIn(event) !== 'critical';
    return isHeld ? { ...event, data: { ...event.data, outcome: 'held' } } : event;
  };

  const quiet = new QuietKeeper({
    held: () => [...state.alerts.channels].map(([name, { held = [] }]) => [name, held] as const),
    isReady: (name) => {
      const { channel } = laneOf(name);
      return !isQuietNow(name) && (isUnwanted(channel) || channel?.whyUnavailable?.() === undefined);
    },
    summaryId: (name, through) => summaryId(journal, name, through),
    ...{ read, writer, clock, log },
  });

  const isWanted = ({ telling }: Match, name: string) =>
    isSevereEnough(telling.severity, settings.channels[name]?.severity);

  /** Matches of one event, or of the same time. */
  const raise = (raised: readonly Raised[]) => {
    const reachable = raised.map(({ match, channels }) => ({
      match,
      channels: channels.filter((name) => isWanted(match, name) && (isQuietNow(name) || isSomebodyThere(name))),
    }));
    for (const event of toPending(journal, reachable)) outbox.add(hold(event));
  };
  const raiseAll = (matches: readonly Match[]) =>
    raise(matches.map((match) => ({ match, channels: match.rule.notify })));

  /** Rules that wait for time to pass. */
  const arm = () => {
    const { nextAt } = judge;
    if (closed || nextAt === undefined || (timer && timer.at <= nextAt)) return;
    timer?.cancel();
    const cancel = clock.after(Math.max(0, nextAt - clock.now()), () => {
      timer = undefined;
      raiseAll(judge.due(moment(), (id) => state.alive.get(id)));
      arm();
    });
    timer = { at: nextAt, cancel };
  };

  const checkChannel = (name: string): void => {
    if (isConfigured(name)) return;
    const names = [...new Set([...BUILTIN_CHANNELS, ...Object.keys(settings.channels)])];
    const nearest = findNearest(name, names);
    const advice = nearest === undefined ? `there are ${names.join(', ')}` : `did you mean ${nearest}?`;
    throw new ProgressError('not_found', `there is no channel ${JSON.stringify(name)}: ${advice}`);
  };

  const statusOf = (name: string): ChannelStatus => {
    const lane = laneOf(name);
    const unavailable = isUnwanted(lane.channel) ? SWITCHED_OFF : lane.channel?.whyUnavailable?.();
    return channelStatus(name, state.alerts.channels.get(name), lane, unavailable);
  };

  raise(recovered.missed);
  for (const name of state.alerts.channels.keys()) laneOf(name).wake();
  arm();
  quiet.check();

  return {
    wrote(events) {
      let at: { at: number; now: number } | undefined;
      for (const event of events) {
        if (event.type === 'alert_triggered') {
          if (event.data['outcome'] === 'held') quiet.check();
          if (event.data['outcome'] === 'pending') laneOf(textOf(event.data, 'channel') ?? '').wake();
        } else if (judge.isAskedAbout(event.type)) {
          const execution = event.execution === undefined ? undefined : findExecution(state, event.execution);
          raiseAll(judge.take(event, execution, (at ??= moment())));
        }
      }
      arm();
    },
    flush: () => outbox.flush(),
    configure(changed) {
      const before = settings;
      settings = changed;
      const isSame = (key: keyof AlertsSettings) => isDeepStrictEqual(before[key], changed[key]);
      if (!isSame('alerts') || !isSame('channels')) {
        for (const [name, lane] of lanes) lane.use(openChannel(name), changed.alerts);
        quiet.check();
      }
      if (isSame('rules') && isDeepStrictEqual(before.alerts.interactive, changed.alerts.interactive)) return;
      judge = createJudge(createRules(changed.rules, changed.alerts.interactive), () => state.alerts);
      judge.adopt(state.alive.values(), moment());
      timer?.cancel();
      timer = undefined;
      arm();
    },
    async notify({ title, body, channels, urgency = 'normal', execution }) {
      channels.forEach(checkChannel);
      const events = [...new Set(channels)].map((channel): NewEvent => {
        const what = { title: toLine(title, TITLE_CHARS), body: toLine(body ?? '', BODY_CHARS), urgency };
        const data = { outcome: 'pending', id: randomUUID(), rule: 'notify', channel, ...what };
        return hold({ type: 'alert_triggered', ...(execution !== undefined && { execution }), data });
      });
      await write(events);
      return events.map((event) => ({ channel: String(event.data['channel']), seq: (event as ExecutionEvent).seq }));
    },
    async test(name) {
      checkChannel(name);
      const { channel } = laneOf(name);
      const what = {
        title: `Test of ${name}`,
        body: 'Alerts get through.',
        urgency: 'normal',
        severity: 'info',
      } as const;
      const alert: Alert = {
        id: randomUUID(),
        rule: 'test',
        rules: ['test'],
        ...what,
        time: new Date(now()).toISOString(),
      };
      const outcome = (await channel?.send(alert, AbortSignal.timeout(TEST_MS))) ?? UNKNOWN;
      const attempt: Attempt =
        outcome.outcome === 'retry' ? { outcome: 'failed', error: outcome.error } : { ...outcome };
      const { id, rule, title } = alert;
      await write([{ type: 'alert_triggered', data: { id, rule, channel: name, title, ...attempt, attempts: 1 } }]);
      return attempt;
    },
    isAskedForResources(id) {
      const execution = state.alive.get(id);
      return execution !== undefined && judge.isAskedForResources(execution);
    },
    rules: () => judge.rules.map((rule) => ruleView(rule, state.alerts)),
    status() {
      const names = new Set([
        ...judge.rules.flatMap(({ notify }) => notify),
        ...Object.keys(settings.channels),
        ...[...state.alerts.channels]
          .filter(([, { pending, held = [] }]) => pending.length + held.length > 0)
          .map(([name]) => name),
      ]);
      return { rules: judge.rules.length, channels: [...names].map(statusOf) };
    },
    async close() {
      closed = true;
      timer?.cancel();
      outbox.close();
      quiet.close();
      await Promise.all([...lanes.values()].map((lane) => lane.close()));
    },
  };
}

const SWITCHED_OFF = 'it is switched off (alerts.desktop)';

/** A desktop, where the configuration does not want it. */
const UNWANTED: Channel = {
  name: 'desktop',
  type: 'desktop',
  send: () => Promise.resolve({ outcome: 'unavailable', error: SWITCHED_OFF }),
};

function isUnwanted(channel: Channel | undefined): boolean {
  return channel?.send === UNWANTED.send;
}

const UNKNOWN = { outcome: 'failed', error: 'there is no such channel' } as const;
