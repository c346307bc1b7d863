/** Derives the deliveries of alerts from their events. */
import type { AlertOutcome } from '../core/state/alerts.js';
import { alertOutcomeOf } from '../core/state/alerts.js';
import type { ExecutionEvent } from '../core/events/event.js';
import { numberOf, textOf, textsOf } from '../core/events/event.js';

export interface Delivery {
  time: string;
  channel: string;
  outcome: AlertOutcome;
  id?: string;
  rule?: string;
  /** All rules, if there are several. */
  rules?: string[];
  execution?: string;
  title?: string;
  body?: string;
  /** Time of the outcome, and the number of attempts. */
  settledAt?: string;
  attempts?: number;
  error?: string;
  /** Number of alerts that this entry summarises. */
  count?: number;
}

/** @returns one entry for each alert and channel, in order; `events` may start anywhere */
export function deliveriesOf(events: readonly ExecutionEvent[]): Delivery[] {
  const deliveries: Delivery[] = [];
  const open = new Map<string, { seq: number; delivery: Delivery }[]>();
  for (const event of events) {
    const outcome = alertOutcomeOf(event);
    const channel = textOf(event.data, 'channel');
    if (outcome === undefined || channel === undefined) continue;
    if (outcome === 'held') {
      deliveries.push(toDelivery(event, channel, outcome));
      continue;
    }
    if (outcome === 'pending') {
      const delivery = toDelivery(event, channel, outcome);
      deliveries.push(delivery);
      open.set(channel, [...(open.get(channel) ?? []), { seq: event.seq, delivery }]);
      continue;
    }
    const of = numberOf(event.data, 'of');
    if (of === undefined) {
      deliveries.push(toDelivery(event, channel, outcome));
      continue;
    }
    const { attempts, error } = toDelivery(event, channel, outcome);
    const waiting = open.get(channel) ?? [];
    const settled = { outcome, settledAt: event.time, ...(attempts !== undefined && { attempts }) };
    for (const { seq, delivery } of waiting)
      if (seq <= of) Object.assign(delivery, settled, error !== undefined && { error });
    open.set(
      channel,
      waiting.filter(({ seq }) => seq > of),
    );
  }
  return deliveries;
}

function toDelivery({ time, execution, data }: ExecutionEvent, channel: string, outcome: AlertOutcome): Delivery {
  const texts = ['id', 'rule', 'title', 'body', 'error'].map((key) => [key, textOf(data, key)] as const);
  const numbers = ['attempts', 'count'].map((key) => [key, numberOf(data, key)] as const);
  const given = [
    ...texts,
    ...numbers,
    ['rules', textsOf(data, 'rules')] as const,
    ['execution', execution] as const,
  ].filter(([, value]) => value !== undefined);
  return { time, channel, outcome, ...(Object.fromEntries(given) as Partial<Delivery>) };
}
