/** Alerts over a journal in memory, with channels that a test controls, and a manual clock. */
import type { AlertsSettings } from '../../src/alerts/alerts.js';
import { Alerts } from '../../src/alerts/alerts.js';
import type { Alert, AlertChannel, DeliveryOutcome } from '../../src/alerts/channel.js';
import { createRecovery } from '../../src/alerts/recovery.js';
import { createRules } from '../../src/alerts/rules.js';
import type { RuleConfig } from '../../src/config/alert-schema.js';
import type { ChannelBase, ChannelConfig } from '../../src/config/channel-schema.js';
import type { ExecutionEvent, NewEvent } from '../../src/core/events/event.js';
import { fold } from '../../src/core/fold.js';
import type { State } from '../../src/core/state/state.js';
import { emptyState } from '../../src/core/state/state.js';
import type { Draft } from './events.js';
import { createManualClock } from './manual-clock.js';

/** Answers an alert in place of a channel. */
export type Send = (alert: Alert, signal: AbortSignal) => Promise<DeliveryOutcome> | DeliveryOutcome;

export interface BenchOptions {
  rules?: readonly (Partial<RuleConfig> | 'builtin')[];
  alerts?: Partial<AlertsSettings['alerts']>;
  /** Channels by name; all but desktop are configured. */
  channels?: Record<string, Send>;
  /** Their configuration, by name. */
  channelSettings?: Record<string, ChannelBase>;
  unavailable?: () => string | undefined;
}

const START = Date.parse('2026-01-02T03:04:05.000Z');

export function settingsOf({
  rules = ['builtin'],
  alerts = {},
  channels = {},
  channelSettings = {},
}: BenchOptions): AlertsSettings {
  const configured = Object.keys({ ...channels, ...channelSettings }).filter(
    (name) => name !== 'desktop' || channelSettings[name] !== undefined,
  );
  return {
    alerts: { desktop: true, rate: 1_000, retryFor: 86_400_000, interactive: ['builtin'], ...alerts },
    rules: rules.map((rule, index) =>
      rule === 'builtin'
        ? rule
        : { name: `rule-${index}`, when: {}, notify: ['desktop'], throttle: 0, repeat: 'each', ...rule },
    ),
    channels: Object.fromEntries(
      configured.map((name): [string, ChannelConfig] => [
        name,
        name === 'desktop'
          ? { type: name, ...channelSettings[name] }
          : { type: 'command', command: [name], timeout: 1_000, ...channelSettings[name] },
      ]),
    ),
  };
}

export function createAlertBench(options: BenchOptions = {}) {
  const journal: ExecutionEvent[] = [];
  const logged: string[] = [];
  const sent: (Alert & { channel: string })[] = [];
  const clock = createManualClock();
  /** Wall clock, and number of writes that fail next. */
  const world = { now: START, failures: 0, frozen: false };
  let current: { alerts: Alerts; state: State };

  const openChannel = (name: string): AlertChannel => ({
    name,
    type: name,
    ...(name === 'desktop' && { whyUnavailable: () => options.unavailable?.() }),
    async send(alert, signal) {
      sent.push({ ...alert, channel: name });
      return (await options.channels?.[name]?.(alert, signal)) ?? { outcome: 'sent' };
    },
  });

  const writeNow = async (events: NewEvent[]): Promise<void> => {
    const { state } = current;
    await Promise.resolve();
    // a killed process writes nothing any more
    if (world.frozen || state !== current.state) return await new Promise(() => {});
    if (world.failures > 0) {
      world.failures -= 1;
      throw new Error('no space');
    }
    const stamped = events.map((event, index) =>
      Object.assign(event, {
        seq: (journal.at(-1)?.seq ?? 0) + 1 + index,
        time: event.time ?? new Date(world.now).toISOString(),
      }),
    );
    // as in the files
    journal.push(...(JSON.parse(JSON.stringify(stamped)) as ExecutionEvent[]));
    for (const event of stamped) fold(state, event);
    current.alerts.onBatch(stamped);
  };

  const start = (settings = settingsOf(options)) => {
    const recovery = createRecovery(createRules(settings.rules), 'journal', clock, () => world.now);
    const state = emptyState();
    for (const event of journal) recovery.observe(event, fold(state, event), state);
    const recovered = recovery.end(state);
    const writer = {
      // nor do leftovers of another process
      between: async (task: () => Promise<void>) =>
        state === current.state ? await task() : await new Promise<void>(() => {}),
      writeNow,
    };
    current = { alerts: undefined as never, state };
    current.alerts = new Alerts({
      ...{ state, journal: 'journal', recovered, settings, open: openChannel, writer, clock },
      read: async (seqs) => await Promise.resolve(journal.filter(({ seq }) => seqs.includes(seq))),
      find: () => Promise.resolve(undefined),
      now: () => world.now,
      log: (message) => void logged.push(message),
    });
  };
  start();

  return {
    ...{ journal, logged, sent, clock, world },
    get state() {
      return current.state;
    },
    get alerts() {
      return current.alerts;
    },
    /** Writes events as a producer, with the current time. */
    async write(...drafts: Draft[]) {
      await writeNow(drafts.map((draft) => ({ data: {}, ...draft })));
    },
    /** Advances both clocks. */
    async pass(ms: number) {
      world.now += ms;
      clock.advance(ms);
      await settle();
    },
    /** Continues in another process with the journal alone. */
    restart: start,
    /** Alerts in the journal. */
    alertsIn: () => journal.filter(({ type }) => type === 'alert_triggered'),
    outcomes: () => journal.filter(({ type }) => type === 'alert_triggered').map(({ data }) => data['outcome']),
    settle,
  };
}

/** Waits until all work is done that does not depend on time. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
}
