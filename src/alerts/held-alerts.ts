/** Releases alerts that are held in the quiet hours of their channel, as a summary. */
import type { Severity } from '../core/state/alerts.js';
import { rulesOf, SEVERITIES } from '../core/state/alerts.js';
import type { Clock } from '../core/base/clock.js';
import type { ExecutionEvent, NewEvent } from '../core/events/event.js';
import { textOf } from '../core/events/event.js';
import { ProgressError } from '../core/base/errors.js';
import { URGENCIES } from './channel.js';
import { toSingleLine } from './single-line.js';
import type { EventWriter } from './alert-writer.js';
import { SEVERITY_OF } from './alert-event.js';
import { BODY_CHARS, URGENCY_OF } from './alert-text.js';

export interface HeldAlertsOptions {
  /** Channels with the seqs of the events that are held for them, oldest first, as they are in the state. */
  held: () => Iterable<readonly [channel: string, seqs: readonly number[]]>;
  /** Whether they can be sent over a channel now. */
  isReady: (channel: string) => boolean;
  /** Those of these events that the journal still has. */
  read: (seqs: readonly number[]) => Promise<ExecutionEvent[]>;
  summaryId: (channel: string, through: number) => string;
  writer: EventWriter;
  clock: Clock;
  log: (message: string) => void;
}

/** Interval of checks, since the wall clock may be set and the machine may sleep. */
const CHECK_MS = 30_000;
/** Number of alerts that a summary lists, the newest. */
const MAX_LISTED = 50;

/** Releases held alerts when quiet hours end: by time, by configuration, or by a start after them. */
export class HeldAlerts {
  readonly #options: HeldAlertsOptions;
  #cancel: (() => void) | undefined;
  #isBusy = false;
  #isClosed = false;

  constructor(options: HeldAlertsOptions) {
    this.#options = options;
  }

  /** To be called whenever alerts may be held, or may be released. */
  check(): void {
    const { held, isReady, clock, writer, log } = this.#options;
    if (this.#isClosed || this.#isBusy) return;
    this.#cancel?.();
    this.#cancel = undefined;
    const waiting = [...held()].filter(([, seqs]) => seqs.length > 0).map(([channel]) => channel);
    if (waiting.length === 0) return;
    this.#cancel = clock.after(CHECK_MS, () => this.check());
    const ready = waiting.filter(isReady);
    if (ready.length === 0) return;
    this.#isBusy = true;
    writer
      .between(async () => await this.#release(ready))
      .catch((error: unknown) => log(`cannot release held alerts: ${ProgressError.from(error).message}`))
      .finally(() => (this.#isBusy = false));
  }

  close(): void {
    this.#isClosed = true;
    this.#cancel?.();
  }

  async #release(channels: readonly string[]): Promise<void> {
    const { held, read, summaryId, writer } = this.#options;
    const events: NewEvent[] = [];
    for (const [channel, seqs] of held()) {
      const through = seqs.at(-1);
      if (through === undefined || !channels.includes(channel)) continue;
      const newest = await read(seqs.slice(-MAX_LISTED));
      events.push(releaseOf(channel, seqs.length, through, newest, summaryId(channel, through)));
    }
    if (events.length > 0) await writer.writeNow(events);
  }
}

/** Creates the event that replaces held ones: a single one unchanged, or a summary. */
function releaseOf(
  channel: string,
  count: number,
  through: number,
  newest: readonly ExecutionEvent[],
  id: string,
): NewEvent {
  const [first] = newest;
  const base = { outcome: 'pending', channel, releases: through };
  if (count === 1 && first) {
    const { execution } = first;
    return {
      type: 'alert_triggered',
      ...(execution !== undefined && { execution }),
      data: { ...first.data, ...base },
    };
  }
  const severity = SEVERITIES.findLast((one) => newest.some((event) => severityIn(event) === one)) ?? 'warning';
  const alerts = newest.map(({ time, execution, data }) => ({
    time,
    ...Object.fromEntries(['rule', 'title', 'body'].map((key) => [key, textOf(data, key) ?? ''])),
    ...(execution !== undefined && { execution }),
  }));
  const titles = newest.map(({ data }) => textOf(data, 'title') ?? '').toReversed();
  return {
    type: 'alert_triggered',
    data: {
      ...{ ...base, id, rule: 'quiet', rules: [...new Set(newest.flatMap(({ data }) => rulesOf(data)))] },
      ...{ title: `! ${count} alerts in quiet hours`, body: toSingleLine(titles.join(' · '), BODY_CHARS) },
      ...{ severity, urgency: URGENCY_OF[severity], held: count, alerts },
    },
  };
}

/** Severity of a recorded alert. */
export function severityIn({ data }: Pick<NewEvent, 'data'>): Severity {
  const urgency = URGENCIES.find((known) => known === data['urgency']) ?? 'normal';
  return SEVERITIES.find((known) => known === data['severity']) ?? SEVERITY_OF[urgency];
}
