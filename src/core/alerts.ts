/**
 * What the events about alerts add up to. An alert is written down before it is sent, with the outcome `pending`, and
 * once more when it is settled: so whatever dies in between, it is sent at least once.
 */
import { clip, NAME_CHARS } from './fields.js';
import type { EventData, ExecutionEvent, NewEvent } from './event.js';
import { numberOf, textOf, textsOf } from './event.js';
import type { Execution, Status } from './execution.js';
import { isFailure } from './execution.js';

/**
 * `held`: until the quiet hours of the channel end. `lost`: it has left the journal before it could be sent.
 * `unavailable`: nobody can be told there.
 */
export const ALERT_OUTCOMES = ['pending', 'held', 'sent', 'failed', 'unavailable', 'suppressed', 'lost'] as const;
export type AlertOutcome = (typeof ALERT_OUTCOMES)[number];

/** How much an alert matters, the least first. */
export const SEVERITIES = ['info', 'warning', 'error', 'critical'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** What became of the alerts over one channel. */
export interface ChannelRecord {
  /** seqs of those that are to be sent, oldest first. */
  pending: number[];
  /** seqs of those that are held until its quiet hours end, oldest first. */
  held?: number[];
  /** How many, by outcome. */
  counts: Partial<Record<AlertOutcome, number>>;
  /** When the last one was sent. */
  sentAt?: string;
  /** Of the last one that was not, if none was sent since. */
  error?: string;
}

/** How often a rule has raised an alert, and when last. */
export interface RuleRecord {
  fired: number;
  at: string;
  /** seq of the event that it was raised by: over several channels it counts once. */
  cause?: number;
}

/** The failures of one name since its last success. */
export interface StreakRecord {
  failures: number;
  /** Rules with `repeat: streak` that have told of them. */
  rules: string[];
  /** seq of that success, and how many failures it ended; 0 if they are unknown. */
  since: number;
  ended: number;
}

export interface AlertState {
  channels: Map<string, ChannelRecord>;
  rules: Map<string, RuleRecord>;
  /** When a rule last spoke of executions of a name, by `spokeKey`. */
  spoke: Map<string, string>;
  /** By the name of the executions. */
  streaks: Map<string, StreakRecord>;
}

/** The same as JSON. Those that are pending are told by their events alone. */
export interface AlertStateJson {
  channels: [string, ChannelRecord][];
  rules: [string, RuleRecord][];
  spoke: [string, string][];
  streaks: [string, StreakRecord][];
}

/** The same in parts, as notes in the journal have it. */
export interface CarriedAlerts extends Partial<AlertStateJson> {
  /** These streaks are the first part of all that there are: others are none. */
  whole?: true;
}

/** More than this of one channel are not kept for later. */
export const MAX_PENDING = 10_000;
const MAX_CHANNELS = 100;
/** Those of configurations that are long gone are forgotten. */
const MAX_RULES = 1_000;
const MAX_SPOKE = 2_000;
const MAX_STREAKS = 2_000;
/** Of one execution. */
const MAX_TOLD = 32;

export function emptyAlerts(): AlertState {
  return { channels: new Map(), rules: new Map(), spoke: new Map(), streaks: new Map() };
}

export function spokeKey(rule: string, execution: Pick<Execution, 'name'> | undefined): string {
  return `${rule}\n${clip(execution?.name ?? '', NAME_CHARS)}`;
}

export function foldAlert(alerts: AlertState, event: ExecutionEvent, execution: Execution | undefined): void {
  const { data } = event;
  const outcome = alertOutcomeOf(event);
  // in journals of before there was one event for each alert, after it was sent
  const isOld = ['id', 'of', 'count'].every((key) => data[key] === undefined);
  const rules = rulesOf(data);
  if (execution) noteTold(execution, rules, isOld || data['once'] === true);
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
    // it was counted when it was held
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

/** undefined: not one of ours. */
export function alertOutcomeOf({ data }: Pick<ExecutionEvent, 'data'>): AlertOutcome | undefined {
  return ALERT_OUTCOMES.find((known) => known === data['outcome']);
}

/** The rules that an alert is of: `rule` names the first, and `rules` all if there are several. */
export function rulesOf(data: EventData): string[] {
  const rule = textOf(data, 'rule');
  return textsOf(data, 'rules') ?? (rule === undefined ? [] : [rule]);
}

function noteTold(execution: Execution, rules: readonly string[], once: boolean): void {
  execution.alerted = true;
  if (once) execution.alerts = [...new Set([...(execution.alerts ?? []), ...rules])].slice(-MAX_TOLD);
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

/** How many failures of its name in a row the success of an execution has ended, with this event. */
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

/** A rule has told of a streak, unless that has ended since. */
function noteStreak({ streaks }: AlertState, { data }: ExecutionEvent, { name, status }: Execution): void {
  const told = textsOf(data, 'streak') ?? [];
  if (told.length === 0 || status === 'completed') return;
  const key = clip(name, NAME_CHARS);
  const streak = newest(streaks, key, MAX_STREAKS, newStreak);
  if ((numberOf(data, 'cause') ?? Infinity) > streak.since)
    streak.rules = [...new Set([...streak.rules, ...told])].slice(-MAX_TOLD);
}

/** What stands under a name, put last; of more than `most` the first goes. */
function newest<T>(map: Map<string, T>, name: string, most: number, make: () => T): T {
  const value = map.get(name) ?? make();
  map.delete(name);
  map.set(name, value);
  const [oldest] = map.keys();
  if (map.size > most && oldest !== undefined) map.delete(oldest);
  return value;
}

/** For those pending alerts whose events leave the journal: that they are lost. */
export function loseAlerts(alerts: AlertState, through: number): NewEvent[] {
  return [...alerts.channels].flatMap(([channel, { pending }]): NewEvent[] => {
    const gone = pending.filter((seq) => seq <= through);
    const of = gone.at(-1);
    if (of === undefined) return [];
    const error = 'it left the journal before it could be sent';
    return [{ type: 'alert_triggered', data: { channel, outcome: 'lost', of, count: gone.length, error } }];
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

/** What a note tells again: to whoever knows it already, nothing new. */
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
  // without the events before, a second end of an execution looks like its first
  if (carried.whole) alerts.streaks.clear();
  for (const [name, record] of carried.streaks ?? []) {
    // in the order of the note, since the first are dropped first
    alerts.streaks.delete(name);
    alerts.streaks.set(name, { ...record, rules: [...record.rules] });
  }
}
