/** Converts alerts to the events that record them, and back to what a channel sends. */
import { createHash } from 'node:crypto';
import type { ExecutionEvent, NewEvent } from '../core/events/event.js';
import type { Severity } from '../core/state/alerts.js';
import { rulesOf, SEVERITIES } from '../core/state/alerts.js';
import { numberOf, textOf } from '../core/events/event.js';
import type { ExecutionJson } from '../core/execution.js';
import type { Alert, HeldAlert, Urgency } from './channel.js';
import { URGENCIES } from './channel.js';
import type { Match } from './rule-evaluator.js';
import { URGENCY_OF, withRules } from './alert-text.js';

const ID_CHARS = 22;

/** Deterministic ID of an alert, so that none is sent twice and a target can recognise a second attempt. */
export function alertId(journal: string, { rule, cause }: Match, channel: string): string {
  return hash([journal, rule.name, channel, cause]);
}

/** ID of the summary of alerts that were suppressed through that seq. */
export function summaryId(journal: string, channel: string, through: number): string {
  return hash([journal, channel, through]);
}

function hash(parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url').slice(0, ID_CHARS);
}

/** Match, and the channels that it is to be sent over. */
export interface AlertEvent {
  match: Match;
  channels: readonly string[];
}

/** Creates the events that record alerts before they are sent; rules with the same cause share one for each channel. */
export function toPending(journal: string, alerts: readonly AlertEvent[]): NewEvent[] {
  const groups = new Map<string, { channel: string; matches: [Match, ...Match[]] }>();
  for (const { match, channels } of alerts) {
    for (const channel of channels) {
      const key = JSON.stringify([channel, ...causeOf(match)]);
      const group = groups.get(key);
      if (group) group.matches.push(match);
      else groups.set(key, { channel, matches: [match] });
    }
  }
  return [...groups.values()].map(({ channel, matches }) => pendingOf(journal, channel, matches));
}

/** Key by which matches are grouped into one alert. */
function causeOf({ event, execution, cause, once, text }: Match): unknown[] {
  return event ? [cause, execution?.id, once] : [execution?.id, once, text.title];
}

function pendingOf(journal: string, channel: string, matches: [Match, ...Match[]]): NewEvent {
  const [first] = matches;
  const { execution, event, cause, once } = first;
  const severity = worstOf(matches.map(({ text }) => text.severity));
  const text = { ...first.text, severity, urgency: URGENCY_OF[severity] };
  const rules = matches.map(({ rule }) => rule.name);
  const streak = matches.flatMap(({ rule }) => (rule.repeat === 'streak' ? [rule.name] : []));
  return {
    type: 'alert_triggered',
    ...(execution && { execution: execution.id }),
    data: {
      ...{ outcome: 'pending', id: alertId(journal, first, channel), rule: first.rule.name, channel },
      ...(rules.length > 1 ? { rules, ...withRules(text, rules) } : text),
      ...(event && { cause }),
      ...(once && { once: true }),
      ...(streak.length > 0 && { streak }),
    },
  };
}

/** @returns the highest severity */
function worstOf(severities: readonly Severity[]): Severity {
  return SEVERITIES.findLast((severity) => severities.includes(severity)) ?? 'info';
}

/** Whether a severity reaches the minimum of a channel. */
export function isSevereEnough(severity: Severity, wanted: Severity = 'info'): boolean {
  return SEVERITIES.indexOf(severity) >= SEVERITIES.indexOf(wanted);
}

/** Severities of alerts that record none: those of earlier versions, and manual ones. */
export const SEVERITY_OF: Readonly<Record<Urgency, Severity>> = {
  low: 'info',
  normal: 'warning',
  critical: 'critical',
};

/** @returns the IDs of the single matches of a grouped alert, from its event */
export function alertIdsOf(journal: string, { data }: ExecutionEvent): string[] {
  const [cause, channel] = [numberOf(data, 'cause'), textOf(data, 'channel')];
  if (cause === undefined || channel === undefined) return [];
  return rulesOf(data).map((name) => hash([journal, name, channel, cause]));
}

/** Creates the alert of an event; its cause and its execution may have been removed since. */
export function toAlert(pending: ExecutionEvent, cause: ExecutionEvent | undefined, execution?: ExecutionJson): Alert {
  const { data, time } = pending;
  const suppressed = numberOf(data, 'suppressed');
  const alerts = data['alerts'];
  const urgency = URGENCIES.find((known) => known === data['urgency']) ?? 'normal';
  return {
    id: textOf(data, 'id') ?? String(pending.seq),
    rule: textOf(data, 'rule') ?? '',
    rules: rulesOf(data),
    title: textOf(data, 'title') ?? '',
    body: textOf(data, 'body') ?? '',
    urgency,
    severity: SEVERITIES.find((known) => known === data['severity']) ?? SEVERITY_OF[urgency],
    time: cause?.time ?? time,
    ...(cause && { event: cause }),
    ...(execution && { execution }),
    ...(suppressed !== undefined && { suppressed }),
    ...(Array.isArray(alerts) && { alerts: alerts as HeldAlert[] }),
  };
}
