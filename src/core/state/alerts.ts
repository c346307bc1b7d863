/**
 * Folds `alert_triggered` events into the state of alerts: pending deliveries, counts, rules and failure streaks.
 *
 * An alert is recorded with the outcome `pending` before it is sent, and again when it is settled. So a crash in between
 * leads to a second delivery, never to none (at-least-once delivery).
 */
import { evictOldest } from '../base/evict.js';
import { clip, NAME_CHARS } from '../events/fields.js';
import type { EventData, ExecutionEvent, NewEvent } from '../events/event.js';
import { numberOf, textOf, textsOf } from '../events/event.js';
import type { Execution, Status } from '../execution.js';
import { isFailure } from '../execution.js';

/**
 * Outcomes of the delivery of an alert. `held`: until the quiet hours of the channel end. `lost`: removed from the journal
 * before it could be sent. `unavailable`: the channel cannot deliver.
 */
export const ALERT_OUTCOMES = ['pending', 'held', 'sent', 'failed', 'unavailable', 'suppressed', 'lost'] as const;
export type AlertOutcome = (typeof ALERT_OUTCOMES)[number];

/** Severities of alerts, in ascending order. */
export const SEVERITIES = ['info', 'warning', 'error', 'critical'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** Deliveries of one channel. */
export interface ChannelRecord {
  /** seqs of the alerts to be sent, oldest first. */
  pending: number[];
  /** seqs of the alerts held until the quiet hours end, oldest first. */
  held?: number[];
  /** Number of alerts by outcome. */
  counts: Partial<Record<AlertOutcome, number>>;
  /** Time of the last successful delivery. */
  sentAt?: string;
  /** Error of the last failed delivery, unless a later one succeeded. */
  error?: string;
}

/** How often a rule has fired, and when it did last. */
export interface RuleRecord {
  fired: number;
  at: string;
  /** seq of the event that triggered the last alert: an alert over several channels counts once. */
  cause?: number;
}

/** The failures of one name since its last success. */
export interface StreakRecord {
  failures: number;
  /** Rules with `repeat: streak` that have already reported this streak. */
  rules: string[];
  /** seq of the last success, and the number of failures that it ended; 0 if unknown. */
  since: number;
  ended: number;
}

export interface AlertState {
  channels: Map<string, ChannelRecord>;
  rules: Map<string, RuleRecord>;
  /** Time of the last alert of a rule for a name, by `spokeKey`. */
  spoke: Map<string, string>;
  /** By the name of the executions. */
  streaks: Map<string, StreakRecord>;
}

/** JSON form of the state, for checkpoints. */
export interface AlertStateJson {
  channels: [string, ChannelRecord][];
  rules: [string, RuleRecord][];
  spoke: [string, string][];
  streaks: [string, StreakRecord][];
}

/** A part of the state, as carried over by a note in the journal. Pending alerts are carried over as events. */
export interface CarriedAlerts extends Partial<AlertStateJson> {
  /** This note begins a complete list of streaks: any other known streak is obsolete. */
  whole?: true;
}

/** Upper bound of pending and of held alerts of one channel; the oldest are dropped. */
export const MAX_PENDING = 10_000;
const MAX_CHANNELS = 100;
/** Bounds of the maps; records of former configurations are evicted. */
const MAX_RULES = 1_000;
const MAX_SPOKE = 2_000;
const MAX_STREAKS = 2_000;
/** Rules remembered for one execution or streak. */
const MAX_REPORTED = 32;

export function emptyAlerts(): AlertState {
  return { channels: new Map(), rules: new Map(), spoke: new Map(), streaks: new Map() };
}

export function spokeKey(rule: string, execution: Pick<Execution, 'name'> | undefined): string {
  return `${rule}\n${clip(execution?.name ?? '', NAME_CHARS)}`;
}

export function foldAlert(alerts: AlertState, event: ExecutionEvent, execution: Execution | undefined): void {
  const { data } = event;
  const outcome = alertOutcomeOf(event);
  // earlier versions wrote one event for each alert, after it was sent
  const isOld = ['id', 'of', 'count'].every((key) => data[key] === undefined);
  const rules = rulesOf(data);
  if (execution) noteReported(execution, rules, isOld || data['once'] === true);
  const name = textOf(data, 'channel');
  if (isOld || outcome === undefined || name === undefined) return;
  const channel = newest(alerts.channels, name, MAX_CHANNELS, () => ({ pending: [], counts: {} }));
  if (outcome === 'held') channel.held = [...(channel.held ?? []), event.seq].slice(-MAX_PENDING);
  const releases = numberOf(data, 'releases');
  if (releases !== undefined && channel.held) channel.held = channel.held.filter((seq) => seq > releases);
  if (outcome === 'pending') {
    channel.pending.push(event.seq);
    if (channel.pending.length > MAX_PENDING) channel.pending.shift();
  }
  if (outcome === 'pending' || outcome === 'held') {
    // a released alert was counted when it was held
    if (releases !== undefined) return;
    for (const rule of rules) noteFiring(alerts, rule, event, execution);
    if (execution) noteStreak(alerts, event, execution);
    return;
  }
  const of = numberOf(data, 'of');
  if (of !== undefined) settleThrough(channel.pending, of);
  channel.counts[outcome] = (channel.counts[outcome] ?? 0) + (numberOf(data, 'count') ?? 1);
  if (outcome === 'sent') {
    channel.sentAt = event.time;
    delete channel.error;
  } else if (outcome === 'failed' || outcome === 'unavailable')
    channel.error = clip(textOf(data, 'error') ?? outcome, NAME_CHARS);
}

function settleThrough(pending: number[], of: number): void {
  const next = pending.findIndex((seq) => seq > of);
  pending.splice(0, next < 0 ? pending.length : next);
}

/** Returns the outcome of an alert, or undefined for an unknown one. */
export function alertOutcomeOf({ data }: Pick<ExecutionEvent, 'data'>): AlertOutcome | undefined {
  return ALERT_OUTCOMES.find((known) => known === data['outcome']);
}

/** Returns the rules that triggered an alert: `rule` names the first, `rules` all if there are several. */
export function rulesOf(data: EventData): string[] {
  const rule = textOf(data, 'rule');
  return textsOf(data, 'rules') ?? (rule === undefined ? [] : [rule]);
}

function noteReported(execution: Execution, rules: readonly string[], once: boolean): void {
  execution.alerted = true;
  if (once) execution.alerts = [...new Set([...(execution.alerts ?? []), ...rules])].slice(-MAX_REPORTED);
}

function noteFiring(alerts: AlertState, rule: string, { data, time }: ExecutionEvent, execution?: Execution): void {
  const cause = numberOf(data, 'cause');
  const record = newest(alerts.rules, rule, MAX_RULES, (): RuleRecord => ({ fired: 0, at: time }));
  if (cause === undefined || cause !== record.cause) record.fired += 1;
  record.at = time;
  if (cause !== undefined) record.cause = cause;
  const key = spokeKey(rule, execution);
  newest(alerts.spoke, key, MAX_SPOKE, () => time);
  alerts.spoke.set(key, time);
}

export function streakOf(alerts: AlertState, { name }: Pick<Execution, 'name'>): StreakRecord | undefined {
  return alerts.streaks.get(clip(name, NAME_CHARS));
}

/** Returns the number of consecutive failures that the success at `seq` ended; undefined if it ended none. */
export function recoveredBy(alerts: AlertState, execution: Execution, seq: number): number | undefined {
  const streak = execution.status === 'completed' ? streakOf(alerts, execution) : undefined;
  return streak?.since === seq && streak.ended > 0 ? streak.ended : undefined;
}

function newStreak(): StreakRecord {
  return { failures: 0, rules: [], since: 0, ended: 0 };
}

/**
 * Counts failures by name until one succeeds.
 * @param before The status of an execution whose end replaces another one.
 */
export function countOutcome({ streaks }: AlertState, { name, status }: Execution, seq: number, before?: Status): void {
  const key = clip(name, NAME_CHARS);
  const known = streaks.get(key);
  if (known && before !== undefined && isFailure(before)) known.failures -= 1;
  if (isFailure(status)) {
    newest(streaks, key, MAX_STREAKS, newStreak).failures += 1;
  } else if (status === 'completed' && known) {
    streaks.set(key, { failures: 0, rules: [], since: seq, ended: known.failures });
  }
}

/** Records that rules have reported a streak, unless a success has ended it since. */
function noteStreak({ streaks }: AlertState, { data }: ExecutionEvent, { name, status }: Execution): void {
  const reported = textsOf(data, 'streak') ?? [];
  if (reported.length === 0 || status === 'completed') return;
  const key = clip(name, NAME_CHARS);
  const streak = newest(streaks, key, MAX_STREAKS, newStreak);
  if ((numberOf(data, 'cause') ?? Infinity) > streak.since)
    streak.rules = [...new Set([...streak.rules, ...reported])].slice(-MAX_REPORTED);
}

/** Returns the value of a key, created if missing, as the most recently used; evicts the least recently used one. */
function newest<T>(map: Map<string, T>, name: string, most: number, make: () => T): T {
  const value = map.get(name) ?? make();
  map.delete(name);
  map.set(name, value);
  evictOldest(map, most);
  return value;
}

/** Error of an alert whose event is removed from the journal while it is pending. */
export const LEFT_JOURNAL = 'it left the journal before it could be sent';

/** Returns events that mark pending alerts as `lost` whose own events are removed from the journal. */
export function loseAlerts(alerts: AlertState, through: number): NewEvent[] {
  return [...alerts.channels].flatMap(([channel, { pending }]): NewEvent[] => {
    const lost = pending.filter((seq) => seq <= through);
    const of = lost.at(-1);
    if (of === undefined) return [];
    return [
      { type: 'alert_triggered', data: { channel, outcome: 'lost', of, count: lost.length, error: LEFT_JOURNAL } },
    ];
  });
}

export function alertsToJson({ channels, rules, spoke, streaks }: AlertState): AlertStateJson {
  return { channels: [...channels], rules: [...rules], spoke: [...spoke], streaks: [...streaks] };
}

export function alertsFromJson(json: AlertStateJson | undefined): AlertState {
  if (!json) return emptyAlerts();
  const channels = json.channels.map(([name, record]): [string, ChannelRecord] => [
    name,
    { ...record, ...heldIn(record), pending: [...record.pending], counts: { ...record.counts } },
  ]);
  return {
    channels: new Map(channels),
    rules: new Map(json.rules.map(([name, record]) => [name, { ...record }])),
    spoke: new Map(json.spoke),
    streaks: new Map(json.streaks.map(([name, record]) => [name, { ...record, rules: [...record.rules] }])),
  };
}

function heldIn({ held }: ChannelRecord): Pick<ChannelRecord, 'held'> {
  return held ? { held: [...held] } : {};
}

/** Applies a carried part of the state. Idempotent. */
export function foldCarriedAlerts(alerts: AlertState, carried: CarriedAlerts): void {
  for (const [name, record] of carried.channels ?? [])
    alerts.channels.set(name, {
      ...record,
      ...heldIn(record),
      counts: { ...record.counts },
      pending: alerts.channels.get(name)?.pending ?? [],
    });
  for (const [name, record] of carried.rules ?? []) alerts.rules.set(name, { ...record });
  for (const [key, time] of carried.spoke ?? []) alerts.spoke.set(key, time);
  // without the earlier events, a second end of an execution would be counted like a first one
  if (carried.whole) alerts.streaks.clear();
  for (const [name, record] of carried.streaks ?? []) {
    // keep the order of the note, which is the order of eviction
    alerts.streaks.delete(name);
    alerts.streaks.set(name, { ...record, rules: [...record.rules] });
  }
}
