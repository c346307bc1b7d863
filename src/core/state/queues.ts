/** Computes the state of queues, and decides which queued executions start. */
import type { Execution, Status } from '../execution.js';
import { isFinal } from '../execution.js';
import type { EventData } from '../events/event.js';
import type { Queue, QueueDeclaration, State } from './state.js';
import { findExecution } from './state.js';

export interface QueueView {
  name: string;
  slots: number;
  paused: boolean;
  /** IDs; paused ones keep their slot. */
  running: string[];
  /** IDs, the next one first. */
  waiting: string[];
}

/** Returns the positions of waiting executions in their queues, from 1, by ID. */
export function positionsIn(queues: readonly QueueView[]): Map<string, number> {
  return new Map(queues.flatMap(({ waiting }) => waiting.map((id, index): [string, number] => [id, index + 1])));
}

/** Slots of a queue that was never configured. */
export const DEFAULT_SLOTS = 1;
export const MAX_SLOTS = 1_000;

/** Whether a number of slots is valid. Zero is not: a queue that must start nothing is paused instead. */
export function isSlots(value: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= MAX_SLOTS;
}

/**
 * Returns the data of `queue_changed` events that apply the declarations of the configuration. Later changes by a user
 * are kept until the declaration changes; a queue that is no longer declared is removed, unless a user has changed it.
 */
export function toDeclare(
  queues: ReadonlyMap<string, Queue>,
  declared: Readonly<Record<string, QueueDeclaration>>,
): EventData[] {
  const changed = Object.entries(declared).filter(([name, wanted]) => !isSame(queues.get(name)?.declared, wanted));
  const obsolete = [...queues.values()].filter((queue) => queue.declared && !Object.hasOwn(declared, queue.name));
  return [
    ...changed.map(([name, wanted]) => ({ name, ...wanted, declared: true })),
    ...obsolete.map((queue) =>
      isSame(settingsOf(queue), queue.declared)
        ? { name: queue.name, removed: true }
        : { name: queue.name, declared: false },
    ),
  ];
}

function isSame(one: QueueDeclaration | undefined, other: QueueDeclaration | undefined): boolean {
  return one?.slots === other?.slots && one?.paused === other?.paused;
}

/** Returns every queue that was configured or is in use, sorted by name. */
export function queueViews(state: State): QueueView[] {
  const views = new Map<string, QueueView>();
  const viewOf = (name: string): QueueView => {
    const known = views.get(name);
    if (known) return known;
    const view: QueueView = { name, ...settingsOf(state.queues.get(name)), running: [], waiting: [] };
    views.set(name, view);
    return view;
  };
  for (const name of state.queues.keys()) viewOf(name);
  for (const { id, queue, status } of executionsInQueues(state, state.alive.keys())) {
    if (queue === undefined) continue;
    const view = viewOf(queue);
    (status === 'queued' ? view.waiting : view.running).push(id);
  }
  return [...views.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Returns the settings of a queue, with defaults. */
export function settingsOf({ slots = DEFAULT_SLOTS, paused = false }: Partial<Queue> = {}): QueueDeclaration {
  return { slots, paused };
}

/** Whether an execution is queued or in a queue. */
export function isInQueue({ queue, status }: Execution): boolean {
  return queue !== undefined || status === 'queued';
}

/** Compares queued executions: moved ones in their order come first, then the others in order of creation. */
export function compareQueued(a: Execution, b: Execution): number {
  return (a.queueRank ?? Infinity) === (b.queueRank ?? Infinity)
    ? a.firstSeq - b.firstSeq
    : (a.queueRank ?? Infinity) - (b.queueRank ?? Infinity);
}

/** Returns the executions that wait in a queue, the next one first. */
export function waitingIn(state: State, queue: string): Execution[] {
  const own = [...state.alive.values()].filter((one) => one.queue === queue && one.status === 'queued');
  return own.sort(compareQueued);
}

/** Moves a queued execution to a position in its queue, from 1 on. All that wait there keep their present order. */
export function moveInQueue(state: State, execution: Execution, position: number): void {
  const { queue, status } = execution;
  if (queue === undefined || status !== 'queued' || !Number.isInteger(position) || position < 1) return;
  const order = waitingIn(state, queue).filter((one) => one !== execution);
  order.splice(position - 1, 0, execution);
  for (const [index, one] of order.entries()) one.queueRank = index + 1;
}

/** Returns the given executions that are queued or in a queue, in the order in which they start. */
function executionsInQueues(state: State, ids: Iterable<string>): Execution[] {
  const found: Execution[] = [];
  for (const id of ids) {
    const execution = state.alive.get(id);
    if (execution && isInQueue(execution)) found.push(execution);
  }
  return found.sort(compareQueued);
}

export interface QueueDecision {
  execution: Execution;
  /** Why it can never start; absent if it may start now. */
  refusal?: string;
}

/** Information that the state does not contain. */
export interface Knowledge {
  /** IDs of all executions that may be queued or in a queue. */
  candidates: Iterable<string>;
  /** IDs that were started but are still `queued` in the state. */
  begun: { has(id: string): boolean };
  /** Whether it has a runner to start. Called last, since it reads files. */
  isRun: (id: string) => boolean;
  /** Returns the status of an ID that is not in memory, `unknown` if there is none, undefined while it is looked up. */
  recall: (id: string) => Status | 'unknown' | undefined;
}

/** Decides which queued executions start or are refused. */
export function verdicts(state: State, { candidates, begun, isRun, recall }: Knowledge): QueueDecision[] {
  const waiting: Execution[] = [];
  const taken = new Map<string, number>();
  const take = (queue: string) => taken.set(queue, (taken.get(queue) ?? 0) + 1);
  for (const execution of executionsInQueues(state, candidates)) {
    if (execution.status === 'queued' && !begun.has(execution.id)) waiting.push(execution);
    else if (execution.queue !== undefined) take(execution.queue);
  }

  const statusOf = (id: string) => findExecution(state, id)?.status ?? recall(id);
  const decided: QueueDecision[] = [];
  for (const execution of waiting) {
    const { id, queue, after = [] } = execution;
    const needs = needsOf(state, execution, statusOf);
    if (needs.refusal !== undefined) {
      if (isRun(id)) decided.push({ execution, refusal: needs.refusal });
    } else if (!needs.waits && (queue === undefined ? after.length > 0 : hasRoom(state, queue, taken)) && isRun(id)) {
      if (queue !== undefined) take(queue);
      decided.push({ execution });
    }
  }
  return decided;
}

function hasRoom(state: State, queue: string, taken: ReadonlyMap<string, number>): boolean {
  const { slots, paused } = settingsOf(state.queues.get(queue));
  return !paused && (taken.get(queue) ?? 0) < slots;
}

type StatusOf = (id: string) => ReturnType<Knowledge['recall']>;

function needsOf(state: State, execution: Execution, statusOf: StatusOf): { waits: boolean; refusal?: string } {
  const { after = [] } = execution;
  let waits = false;
  for (const id of after) {
    const status = statusOf(id);
    if (status === 'completed') continue;
    waits = true;
    if (status === 'unknown') return { waits, refusal: `it was to come after ${id}, which is not known` };
    if (status !== undefined && isFinal(status)) {
      return { waits, refusal: `it was to come after ${id}, which is ${status}` };
    }
  }
  const cycle = waits ? cycleThrough(state, execution) : undefined;
  return { waits, ...(cycle && { refusal: `it would wait for itself: ${cycle.join(' after ')}` }) };
}

/**
 * Finds a dependency cycle through an execution. Every cycle has a member that depends on a later execution or on itself,
 * so the search starts only there and costs nothing in the usual case, where dependencies are older.
 */
function cycleThrough(state: State, { id, after = [], firstSeq }: Execution): string[] | undefined {
  const later = after.filter((need) => (state.alive.get(need)?.firstSeq ?? -1) >= firstSeq);
  const from = new Map<string, string>(later.map((need) => [need, id]));
  const open = [...later];
  for (let next; (next = open.pop()) !== undefined;) {
    if (next === id) return pathBack(id, from);
    const { status, after: needs = [] } = state.alive.get(next) ?? {};
    if (status !== 'queued') continue;
    for (const need of needs) {
      if (from.has(need)) continue;
      from.set(need, next);
      open.push(need);
    }
  }
  return undefined;
}

function pathBack(id: string, from: ReadonlyMap<string, string>): string[] {
  const path = [id];
  for (let at = from.get(id); at !== undefined && at !== id; at = from.get(at)) path.unshift(at);
  return [id, ...path];
}
