/**
 * What the events add up to, how much of it stays in memory, and its form as JSON.
 *
 * Every open execution is in memory, the most active ones whole; so are the newest ended ones, and older ones as
 * summaries; the rest is folded again from the files for each request. The summary of an open execution is still
 * folded into: it keeps the steps that routing and the outcome depend on, and counts the others. A checkpoint has a
 * line for each execution, so reading or writing it needs no more memory than the state.
 */
import type { AlertState, AlertStateJson, CarriedAlerts } from './alerts.js';
import { alertsFromJson, alertsToJson, emptyAlerts } from './alerts.js';
import type { EventData, NewEvent } from './event.js';
import type { Execution, ExecutionJson } from './execution.js';
import { condenseSteps } from './steps.js';

/** How much stays in memory. Every open execution is there, whole or as a summary. */
export interface StateLimits {
  /** Open executions with steps and tail, at least 1. */
  open: number;
  /** Ended executions with steps and tail. */
  ended: number;
  /** Older ones, as a summary. */
  summaries: number;
}

export const DEFAULT_LIMITS: StateLimits = { open: 1_000, ended: 1_000, summaries: 10_000 };

/** What is known of a producer. */
export interface ProducerState {
  /** The highest n taken; -1 when it does not count. */
  n: number;
  /** Alive executions that it started, the newest last: where its events without an execution belong. */
  open: string[];
  firstSeq: number;
  lastSeq: number;
  time: string;
}

export interface Queue {
  name: string;
  slots?: number;
  paused?: boolean;
  /** What the configuration says of it, as it was told last. */
  declared?: QueueDeclaration;
}

export interface QueueDeclaration {
  slots: number;
  paused: boolean;
}

/** In each map the order is that of time. */
export interface State {
  /** seq of the newest event folded. */
  seq: number;
  alive: Map<string, Execution>;
  /** IDs of those of `alive` that are not summaries. */
  whole: Set<string>;
  ended: Map<string, Execution>;
  summaries: Map<string, Execution>;
  sources: Map<string, ProducerState>;
  /** Fingerprints of events that have an ID, the newest last. */
  ids: Set<string>;
  /** The run that each task inside a run belongs to, by their IDs. */
  tasks: Map<string, string>;
  queues: Map<string, Queue>;
  alerts: AlertState;
  /** Everything up to this seq has left the journal. */
  removedThrough: number;
  limits: StateLimits;
}

/** More producers than this are not remembered: the half that was quiet longest is forgotten at once. */
const MAX_SOURCES = 100_000;

export function emptyState(limits: StateLimits = DEFAULT_LIMITS): State {
  return {
    seq: 0,
    alive: new Map(),
    whole: new Set(),
    ended: new Map(),
    summaries: new Map(),
    sources: new Map(),
    ids: new Set(),
    tasks: new Map(),
    queues: new Map(),
    alerts: emptyAlerts(),
    removedThrough: 0,
    limits,
  };
}

/** By its full id, wherever it is remembered. */
export function findExecution(state: State, id: string): Execution | undefined {
  return state.alive.get(id) ?? state.ended.get(id) ?? state.summaries.get(id);
}

/** The run that a task with this ID is inside of. */
export function runOfTask(state: State, id: string): Execution | undefined {
  const run = state.tasks.get(id);
  return run === undefined ? undefined : findExecution(state, run);
}

/** Makes the ID of a task another name of its run, unless an execution has it. */
export function addTask(state: State, run: Execution, id: string): void {
  if (state.tasks.has(id) || findExecution(state, id)) return;
  run.tasks = [...(run.tasks ?? []), id];
  state.tasks.set(id, run.id);
}

function forget(state: State, { tasks = [] }: Execution): void {
  for (const id of tasks) state.tasks.delete(id);
}

/** Everything remembered, newest start first. */
export function newestFirst(state: State): Execution[] {
  return [...state.summaries.values(), ...state.ended.values(), ...state.alive.values()].sort(
    (a, b) => b.firstSeq - a.firstSeq,
  );
}

/** Puts an execution as it is into the state: from a page of a list, or carried over in the journal. */
export function installExecution(state: State, execution: Execution, over: boolean): void {
  const place = !over ? state.alive : execution.summarised ? state.summaries : state.ended;
  for (const kept of [state.alive, state.whole, state.ended, state.summaries]) kept.delete(execution.id);
  place.set(execution.id, execution);
  for (const id of execution.tasks ?? []) state.tasks.set(id, execution.id);
  if (!over && !execution.summarised) keepWhole(state, execution);
}

/** Puts a new open execution into the state. */
export function openExecution(state: State, execution: Execution): void {
  state.alive.set(execution.id, execution);
  keepWhole(state, execution);
}

function keepWhole(state: State, { id }: Execution): void {
  state.whole.add(id);
  trimOpen(state);
}

/** It is over: from now on it is remembered only as long as the limits allow. */
export function retire(state: State, execution: Execution): void {
  const { id } = execution;
  state.alive.delete(id);
  state.whole.delete(id);
  (execution.summarised ? state.summaries : state.ended).set(id, execution);
  trim(state);
}

/** As if they had always been these; what was forgotten under closer ones stays so. */
export function setLimits(state: State, limits: StateLimits): void {
  state.limits = limits;
  trim(state);
  trimOpen(state);
}

/** So many more than needed become summaries at once that finding the least active costs each event little. */
const TRIMMED_SHARE = 0.1;

/**
 * Of open executions, the least active become summaries. The newest never does, since an event is being folded into it;
 * nor does a session of hooks, whose calls are understood by all of its steps.
 */
function trimOpen({ alive, whole, limits }: State): void {
  if (whole.size <= limits.open) return;
  const kept = Math.max(1, Math.floor(limits.open * (1 - TRIMMED_SHARE)));
  const byActivity = [...whole].flatMap((id) => alive.get(id) ?? []).sort((a, b) => a.lastSeq - b.lastSeq);
  for (const execution of byActivity.slice(0, -kept)) {
    if (execution.via === 'hooks') continue;
    whole.delete(execution.id);
    alive.set(execution.id, condense(execution));
  }
}

function trim(state: State): void {
  const { ended, summaries, limits } = state;
  while (ended.size > limits.ended) {
    const oldest = shift(ended);
    if (oldest) summaries.set(oldest.id, summarise(oldest));
  }
  while (summaries.size > limits.summaries) {
    const oldest = shift(summaries);
    if (oldest) forget(state, oldest);
  }
}

/** Everything that was only in events up to `through` goes, as these leave the journal. */
export function forgetThrough(state: State, through: number): void {
  for (const map of [state.ended, state.summaries]) {
    for (const [id, execution] of map) {
      if (execution.lastSeq > through) continue;
      map.delete(id);
      forget(state, execution);
    }
  }
  for (const [name, source] of state.sources) if (source.lastSeq <= through) state.sources.delete(name);
  state.removedThrough = Math.max(state.removedThrough, through);
}

/** What is over of these goes, as somebody wants it gone. */
export function forgetExecutions(state: State, ids: readonly string[]): void {
  for (const id of ids) {
    const execution = state.ended.get(id) ?? state.summaries.get(id);
    if (execution) forget(state, execution);
    state.ended.delete(id);
    state.summaries.delete(id);
  }
}

/** The newest comes last, whether it was known or not. */
export function rememberSource(state: State, name: string, source: ProducerState): void {
  state.sources.delete(name);
  state.sources.set(name, source);
  if (state.sources.size <= MAX_SOURCES) return;
  const quietest = [...state.sources].sort(([, a], [, b]) => a.lastSeq - b.lastSeq).slice(0, MAX_SOURCES / 2);
  for (const [quiet] of quietest) state.sources.delete(quiet);
}

/** IDs of more events than these are not remembered: a resend follows its event closely. */
const MAX_IDS = 10_000;

/**
 * What an event with an ID is known by when it comes again. Producers count their IDs from 1, each of their runs anew: so
 * the data, the step and the execution that an event names belong to it. `isNamed`: does it name its execution itself?
 */
export function fingerprint({ id, data, step, execution = '' }: NewEvent, isNamed: boolean): string | undefined {
  if (id === undefined) return undefined;
  const [first] = execution.split('~');
  // routing may have decided on the type and the error of an end
  const told = { ...data, error: undefined };
  return `${id} ${hash(JSON.stringify([told, step, isNamed ? first : undefined]))}`;
}

/** What a written event may be known by: afterwards nobody knows whether it named its execution or was routed to it. */
export function fingerprints(event: NewEvent): string[] {
  return [true, false].flatMap((isNamed) => fingerprint(event, isNamed) ?? []);
}

export function rememberId(state: State, event: NewEvent): void {
  for (const print of fingerprints(event)) state.ids.add(print);
  for (const oldest of state.ids) {
    if (state.ids.size <= 2 * MAX_IDS) break;
    state.ids.delete(oldest);
  }
}

/** 53 bits of a text (cyrb53): enough to tell events of one ID apart, in a browser too. */
function hash(text: string): string {
  let high = 0xdeadbeef;
  let low = 0x41c6ce57;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    high = Math.imul(high ^ code, 2_654_435_761);
    low = Math.imul(low ^ code, 1_597_334_677);
  }
  high = Math.imul(high ^ (high >>> 16), 2_246_822_507) ^ Math.imul(low ^ (low >>> 13), 3_266_489_909);
  low = Math.imul(low ^ (low >>> 16), 2_246_822_507) ^ Math.imul(high ^ (high >>> 13), 3_266_489_909);
  return (4_294_967_296 * (2_097_151 & low) + (high >>> 0)).toString(36);
}

function shift(map: Map<string, Execution>): Execution | undefined {
  for (const [id, execution] of map) {
    map.delete(id);
    return execution;
  }
  return undefined;
}

/** The fields that a list shows; the rest is in the journal. */
const SUMMARY_FIELDS = [
  ...[
    'id',
    'name',
    'kind',
    'status',
    'implicit',
    'agent',
    'session',
    'via',
    'parent',
    'queue',
    'after',
    'labels',
    'tasks',
    'successor',
  ],
  ...['queuedAt', 'startedAt', 'endedAt', 'durationMs', 'exitCode', 'signal', 'error', 'endedBy', 'dismissed'],
  ...['lastActivity', 'progress', 'resources', 'tokens', 'costUsd', 'lines', 'firstSeq', 'lastSeq', 'carriedSeq'],
] as readonly (keyof Execution)[];

function summarise(execution: Execution): Execution {
  const kept = SUMMARY_FIELDS.filter((field) => execution[field] !== undefined).map((field) => [
    field,
    execution[field],
  ]);
  return { ...(Object.fromEntries(kept) as Execution), steps: new Map(), tail: [], summarised: true };
}

/**
 * The summary of an open execution: what its later events, its end and a list need. It is another object, since one
 * that has lost fields takes more memory than it had before.
 */
function condense(execution: Execution): Execution {
  const { parameters: _parameters, input: _input, output: _output, ...rest } = execution;
  const summary: Execution = { ...rest, steps: new Map(execution.steps), tail: [], summarised: true };
  condenseSteps(summary);
  return summary;
}

/** The state as JSON, for a checkpoint; without the executions. */
export interface OwnStateJson {
  seq: number;
  sources: [string, ProducerState][];
  /** Absent if there are none. */
  ids?: string[];
  queues: Queue[];
  /** Absent in what an earlier version wrote. */
  alerts?: AlertStateJson;
  removedThrough: number;
}

export function ownStateToJson(state: State): OwnStateJson {
  return {
    seq: state.seq,
    sources: [...state.sources],
    ...(state.ids.size > 0 && { ids: [...state.ids] }),
    queues: [...state.queues.values()],
    alerts: alertsToJson(state.alerts),
    removedThrough: state.removedThrough,
  };
}

/** The state before the executions are installed. */
export function ownStateFromJson(json: OwnStateJson, limits: StateLimits): State {
  return {
    ...emptyState(limits),
    seq: json.seq,
    sources: new Map(json.sources),
    ids: new Set(json.ids),
    queues: new Map(json.queues.map((queue) => [queue.name, queue])),
    alerts: alertsFromJson(json.alerts),
    removedThrough: json.removedThrough,
  };
}

/**
 * What the daemon writes when events go: the `kind` of a `journal_note`, and its fields. What is carried is written again
 * before; to whoever has seen what it repeats, that says nothing new. The steps of an execution come before it, so that a crash between
 * them leaves it uncarried, not without steps.
 */
export type CarryNote =
  | { kind: 'carried_steps'; steps: ExecutionJson['steps'] }
  | { kind: 'carried_execution'; execution: ExecutionJson }
  | { kind: 'carried_sources'; sources: [string, ProducerState][] }
  | { kind: 'carried_queues'; queues: Queue[] }
  | ({ kind: 'carried_alerts' } & CarriedAlerts)
  | { kind: 'removed'; through: number }
  | { kind: 'pruned'; executions: string[] };

/** Notes are written by the daemon alone, so their shape is known. */
export function asCarryNote(data: EventData): CarryNote {
  return data as unknown as CarryNote;
}
