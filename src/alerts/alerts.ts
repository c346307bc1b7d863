/** Alerts from end to end: what is published is judged, what fires is written down, and each channel sends its own. */
import { isDeepStrictEqual } from 'node:util';
import type { AlertsConfig } from '../config-alerts.js';
import { MAX_PENDING } from '../core/alerts.js';
import type { ExecutionEvent, NewEvent } from '../core/event.js';
import { numberOf, textOf } from '../core/event.js';
import type { Execution } from '../core/execution.js';
import { executionToJson } from '../core/execution.js';
import { findExecution } from '../core/state.js';
import type { AlertsStatus, Attempt, Notice, RuleView } from '../protocol/messages.js';
import { noticeEvents, tryChannel } from './by-hand.js';
import type { Alert } from './channel.js';
import type { ChannelSetOptions } from './channel-set.js';
import { ChannelSet } from './channel-set.js';
import type { Match } from './judge.js';
import { createJudge } from './judge.js';
import type { Writer } from './outbox.js';
import { createOutbox } from './outbox.js';
import { QuietKeeper, severityIn } from './quiet.js';
import type { Raised } from './raised.js';
import { summaryId, toAlert, toPending } from './raised.js';
import type { Recovery } from './recovery.js';
import { createRules } from './rules.js';
import { ruleView } from './status.js';

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

export interface AlertsOptions extends Omit<ChannelSetOptions, 'write' | 'alertOf' | 'settings'> {
  recovered: ReturnType<Recovery['end']>;
  settings: AlertsSettings;
  /** What memory no longer holds. */
  find: (id: string) => Promise<Execution | undefined>;
  writer: Writer;
}

export function createAlerts(options: AlertsOptions): Alerts {
  const { state, journal, recovered, read, find, writer, clock, now, log } = options;
  let { settings } = options;
  let { judge } = recovered;
  let timer: { at: number; cancel: () => void } | undefined;
  let closed = false;

  const write = (events: NewEvent[]) => writer.between(() => writer.writeNow(events));
  const moment = () => ({ at: clock.now(), now: now() });
  const pendingOf = (channel: string) => state.alerts.channels.get(channel)?.pending ?? [];
  const outbox = createOutbox({ writer, roomOf: (name) => MAX_PENDING - pendingOf(name).length, clock, log });

  const alertOf = async (event: ExecutionEvent): Promise<Alert> => {
    const seq = numberOf(event.data, 'cause');
    const [cause] = seq === undefined ? [] : await read([seq]);
    const { execution: id } = event;
    const execution = id === undefined ? undefined : (findExecution(state, id) ?? (await find(id)));
    return toAlert(event, cause, execution && executionToJson(execution));
  };
  const channels = new ChannelSet({ ...options, write, alertOf });

  /** What is critical passes quiet hours. */
  const hold = (event: NewEvent): NewEvent => {
    const isHeld = channels.isQuiet(textOf(event.data, 'channel') ?? '') && severityIn(event) !== 'critical';
    return isHeld ? { ...event, data: { ...event.data, outcome: 'held' } } : event;
  };
  const quiet = new QuietKeeper({
    held: () => [...state.alerts.channels].map(([name, { held = [] }]) => [name, held] as const),
    isReady: (name) => channels.isReady(name),
    summaryId: (name, through) => summaryId(journal, name, through),
    ...{ read, writer, clock, log },
  });

  /** Matches of one event, or of the same time. */
  const raise = (raised: readonly Raised[]) => {
    const taken = raised.map(({ match, channels: names }) => ({
      match,
      channels: names.filter((name) => channels.takes(name, match.telling.severity)),
    }));
    for (const event of toPending(journal, taken)) outbox.add(hold(event));
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

  raise(recovered.missed);
  for (const name of state.alerts.channels.keys()) channels.lane(name).wake();
  arm();
  quiet.check();

  return {
    wrote(events) {
      let at: { at: number; now: number } | undefined;
      for (const event of events) {
        if (event.type === 'alert_triggered') {
          if (event.data['outcome'] === 'held') quiet.check();
          if (event.data['outcome'] === 'pending') channels.lane(textOf(event.data, 'channel') ?? '').wake();
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
        channels.configure(changed);
        quiet.check();
      }
      if (isSame('rules') && isDeepStrictEqual(before.alerts.interactive, changed.alerts.interactive)) return;
      judge = createJudge(createRules(changed.rules, changed.alerts.interactive), () => state.alerts);
      judge.adopt(state.alive.values(), moment());
      timer?.cancel();
      timer = undefined;
      arm();
    },
    async notify(notice) {
      for (const name of notice.channels) channels.check(name);
      const events = noticeEvents(notice).map(hold);
      await write(events);
      return events.map((event) => ({ channel: String(event.data['channel']), seq: (event as ExecutionEvent).seq }));
    },
    async test(name) {
      channels.check(name);
      const { attempt, event } = await tryChannel(name, channels.lane(name).channel, new Date(now()).toISOString());
      await write([event]);
      return attempt;
    },
    isAskedForResources(id) {
      const execution = state.alive.get(id);
      return execution !== undefined && judge.isAskedForResources(execution);
    },
    rules: () => judge.rules.map((rule) => ruleView(rule, state.alerts)),
    status() {
      const named = judge.rules.flatMap(({ notify }) => notify);
      return { rules: judge.rules.length, channels: channels.status(named) };
    },
    async close() {
      closed = true;
      timer?.cancel();
      outbox.close();
      quiet.close();
      await channels.close();
    },
  };
}
