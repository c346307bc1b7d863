/**
 * Holds the state that events are folded into, and bounds its size in memory.
 *
 * Every open execution is in memory, the most active ones whole, the others as summaries. So are the newest ended ones;
 * the rest is folded again from the files for each request. Events are still folded into the summary of an open
 * execution: it keeps the steps that routing and the outcome depend on, and counts the others. A checkpoint has one line
 * for each execution, so reading or writing it needs no more memory than the state.
 */
import type { AlertState } from './alerts.js';
import { emptyAlerts } from './alerts.js';
import type { Execution } from '../execution.js';
import { condenseExecution, summariseExecution } from './summary.js';

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
    if (execution.agent?.via === 'hooks') continue;
    whole.delete(execution.id);
    alive.set(execution.id, condenseExecution(execution));
  }
}

function trim(state: State): void {
  const { ended, summaries, limits } = state;
  while (ended.size > limits.ended) {
    const oldest = shift(ended);
    if (oldest) summaries.set(oldest.id, summariseExecution(oldest));
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

function shift(map: Map<string, Execution>): Execution | undefined {
  for (const [id, execution] of map) {
    map.delete(id);
    return execution;
  }
  return undefined;
}
