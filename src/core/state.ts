/**
 * Holds the state that events are folded into, bounds its size in memory, and converts it to JSON.
 *
 * Every open execution is in memory, the most active ones whole, the others as summaries. So are the newest ended ones;
 * the rest is folded again from the files for each request. Events are still folded into the summary of an open
 * execution: it keeps the steps that routing and the outcome depend on, and counts the others. A checkpoint has one line
 * for each execution, so reading or writing it needs no more memory than the state.
 */
import type { AlertState, AlertStateJson, CarriedAlerts } from './alerts.js';
import { alertsFromJson, alertsToJson, emptyAlerts } from './alerts.js';
import type { EventData, NewEvent } from './event.js';
import type { Execution, ExecutionJson } from './execution.js';
import { condenseSteps } from './steps.js';

/** Numbers of executions in memory. Every open execution is kept, whole or as a summary. */
export interface StateLimits {
  /** Open executions with steps and tail, at least 1. */
  open: number;
  /** Ended executions with steps and tail. */
  ended: number;
  /** Older ended executions, as summaries. */
  summaries: number;
}

export const DEFAULT_LIMITS: StateLimits = { open: 1_000, ended: 1_000, summaries: 10_000 };

/** State of a producer. */
export interface ProducerState {
  /** The highest n written; -1 if it has no counter. */
  n: number;
  /** Open executions that it started, the newest last, to which its events without an execution are routed. */
  open: string[];
  firstSeq: number;
  lastSeq: number;
  time: string;
}

export interface Queue {
  name: string;
  slots?: number;
  paused?: boolean;
  /** The last applied declaration of the configuration. */
  declared?: QueueDeclaration;
}

export interface QueueDeclaration {
  slots: number;
  paused: boolean;
}

/** The state. Every map is ordered by time. */
export interface State {
  /** seq of the newest event folded. */
  seq: number;
  alive: Map<string, Execution>;
  /** IDs of the executions in `alive` that are not summaries. */
  whole: Set<string>;
  ended: Map<string, Execution>;
  summaries: Map<string, Execution>;
  sources: Map<string, ProducerState>;
  /** Fingerprints of events with an ID, the newest last. */
  ids: Set<string>;
  /** ID of the run of each task inside a run, by the ID of the task. */
  tasks: Map<string, string>;
  queues: Map<string, Queue>;
  alerts: AlertState;
  /** All events up to this seq have been removed from the journal. */
  removedThrough: number;
  limits: StateLimits;
}

/** Maximum number of producers; beyond it the least recently active half is evicted. */
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

/** Finds an execution in memory by its full ID. */
export function findExecution(state: State, id: string): Execution | undefined {
  return state.alive.get(id) ?? state.ended.get(id) ?? state.summaries.get(id);
}

/** Finds the run that contains the task with this ID. */
export function runOfTask(state: State, id: string): Execution | undefined {
  const run = state.tasks.get(id);
  return run === undefined ? undefined : findExecution(state, run);
}

/** Makes the ID of a task an alias of its run, unless an execution has that ID. */
export function addTask(state: State, run: Execution, id: string): void {
  if (state.tasks.has(id) || findExecution(state, id)) return;
  run.tasks = [...(run.tasks ?? []), id];
  state.tasks.set(id, run.id);
}

function forget(state: State, { tasks = [] }: Execution): void {
  for (const id of tasks) state.tasks.delete(id);
}

/** Returns all executions in memory, the newest first. */
export function newestFirst(state: State): Execution[] {
  return [...state.summaries.values(), ...state.ended.values(), ...state.alive.values()].sort(
    (a, b) => b.firstSeq - a.firstSeq,
  );
}

/** Inserts an existing execution into the state: from a page of a list, or carried over in the journal. */
export function installExecution(state: State, execution: Execution, over: boolean): void {
  const place = !over ? state.alive : execution.summarised ? state.summaries : state.ended;
  for (const kept of [state.alive, state.whole, state.ended, state.summaries]) kept.delete(execution.id);
  place.set(execution.id, execution);
  for (const id of execution.tasks ?? []) state.tasks.set(id, execution.id);
  if (!over && !execution.summarised) keepWhole(state, execution);
}

/** Inserts a new open execution into the state. */
export function openExecution(state: State, execution: Execution): void {
  state.alive.set(execution.id, execution);
  keepWhole(state, execution);
}

function keepWhole(state: State, { id }: Execution): void {
  state.whole.add(id);
  trimOpen(state);
}

/** Moves an execution that has ended to the bounded part of the state. */
export function retire(state: State, execution: Execution): void {
  const { id } = execution;
  state.alive.delete(id);
  state.whole.delete(id);
  (execution.summarised ? state.summaries : state.ended).set(id, execution);
  trim(state);
}

/** Changes the limits and evicts what exceeds them. */
export function setLimits(state: State, limits: StateLimits): void {
  state.limits = limits;
  trim(state);
  trimOpen(state);
}

/** Share of open executions that are condensed at once, so that the cost of sorting is amortised over many events. */
const TRIMMED_SHARE = 0.1;

/**
 * Condenses the least recently active open executions. Never the newest, since an event is being folded into it; nor a
 * session of hooks, whose later events refer to all of its steps.
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

/** Forgets executions and producers without events after `through`, whose events are removed from the journal. */
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

/** Forgets those of these executions that have ended, when they are pruned. */
export function forgetExecutions(state: State, ids: readonly string[]): void {
  for (const id of ids) {
    const execution = state.ended.get(id) ?? state.summaries.get(id);
    if (execution) forget(state, execution);
    state.ended.delete(id);
    state.summaries.delete(id);
  }
}

/** Records a source as the newest one. */
export function rememberSource(state: State, name: string, source: ProducerState): void {
  state.sources.delete(name);
  state.sources.set(name, source);
  if (state.sources.size <= MAX_SOURCES) return;
  const quietest = [...state.sources].sort(([, a], [, b]) => a.lastSeq - b.lastSeq).slice(0, MAX_SOURCES / 2);
  for (const [quiet] of quietest) state.sources.delete(quiet);
}

/** Number of event IDs remembered: a resend follows its event closely. */
const MAX_IDS = 10_000;

/**
 * Returns a fingerprint by which a resend of an event with an ID is recognised; undefined without an ID. Producers count
 * IDs from 1 in each of their runs, so the data, the step and the execution that the event names are included.
 *
 * @param isNamed Whether the event names its execution, rather than being routed to it.
 */
export function fingerprint({ id, data, step, execution = '' }: NewEvent, isNamed: boolean): string | undefined {
  if (id === undefined) return undefined;
  const [first] = execution.split('~');
  // routing may have set the type and the error of an end
  const given = { ...data, error: undefined };
  return `${id} ${hash(JSON.stringify([given, step, isNamed ? first : undefined]))}`;
}

/** Returns all possible fingerprints of a written event, of which it is unknown whether it named its execution. */
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

/** Hashes a text to 53 bits (cyrb53), to distinguish events of the same ID; works in a browser. */
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

/** Fields of a summary, which lists show; the rest is in the journal. */
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
 * Returns the summary of an open execution: what its later events, its end and a list need. It is a new object, since
 * deleting properties increases the memory that an object takes.
 */
function condense(execution: Execution): Execution {
  const { parameters: _parameters, input: _input, output: _output, ...rest } = execution;
  const summary: Execution = { ...rest, steps: new Map(execution.steps), tail: [], summarised: true };
  condenseSteps(summary);
  return summary;
}

/** JSON form of the state without the executions, for a checkpoint. */
export interface OwnStateJson {
  seq: number;
  sources: [string, ProducerState][];
  /** Absent if there are none. */
  ids?: string[];
  queues: Queue[];
  /** Absent in checkpoints of earlier versions. */
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

/** Returns the state before the executions are installed. */
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
 * Data of a `journal_note`, which the daemon writes when it removes events. State that only the removed events hold is
 * carried over before; applying a carried part again is idempotent. The steps of an execution are written before it, so
 * that a crash in between leaves the execution uncarried rather than without steps.
 */
export type CarryNote =
  | { kind: 'carried_steps'; steps: ExecutionJson['steps'] }
  | { kind: 'carried_execution'; execution: ExecutionJson }
  | { kind: 'carried_sources'; sources: [string, ProducerState][] }
  | { kind: 'carried_queues'; queues: Queue[] }
  | ({ kind: 'carried_alerts' } & CarriedAlerts)
  | { kind: 'removed'; through: number }
  | { kind: 'pruned'; executions: string[] };

/** Casts the data of a note, which only the daemon writes, so their shape is known. */
export function asCarryNote(data: EventData): CarryNote {
  return data as unknown as CarryNote;
}
