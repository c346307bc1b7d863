/** Queues: who runs in each, who waits, and who may start. */
import type { Execution, Status } from './execution.js';
import { isFinal } from './execution.js';
import type { EventData } from './event.js';
import type { Queue, QueueDeclaration, State } from './state.js';
import { findExecution } from './state.js';

export interface QueueView {
  name: string;
  slots: number;
  paused: boolean;
  /** Ids; paused ones keep their slot. */
  running: string[];
  /** Ids, the next one first. */
  waiting: string[];
}

/** Of a queue that nobody has set. */
export const DEFAULT_SLOTS = 1;
export const MAX_SLOTS = 1_000;

/** A queue that shall start nothing is paused: one without slots would say so less clearly. */
export function isSlots(value: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= MAX_SLOTS;
}

/**
 * What has to be told so that the queues are as declared. A declaration holds from when it is told: what somebody sets
 * later stays until the declaration changes, and a queue that is not declared any more goes, unless it was set since.
 */
export function toDeclare(
  queues: ReadonlyMap<string, Queue>,
  declared: Readonly<Record<string, QueueDeclaration>>,
): EventData[] {
  const changed = Object.entries(declared).filter(([name, wanted]) => !isSame(queues.get(name)?.declared, wanted));
  const gone = [...queues.values()].filter(({ name, declared: told }) => told && !Object.hasOwn(declared, name));
  return [
    ...changed.map(([name, wanted]) => ({ name, ...wanted, declared: true })),
    ...gone.map((queue) =>
      isSame(settingsOf(queue), queue.declared)
        ? { name: queue.name, removed: true }
        : { name: queue.name, declared: false },
    ),
  ];
}

function isSame(one: QueueDeclaration | undefined, other: QueueDeclaration | undefined): boolean {
  return one?.slots === other?.slots && one?.paused === other?.paused;
}

/** Every queue that was set or is in use, by name. */
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
  for (const { id, queue, status } of concerned(state, state.alive.keys())) {
    if (queue === undefined) continue;
    const view = viewOf(queue);
    (status === 'queued' ? view.waiting : view.running).push(id);
  }
  return [...views.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Of one that nobody has set: the defaults. */
export function settingsOf({ slots = DEFAULT_SLOTS, paused = false }: Partial<Queue> = {}): QueueDeclaration {
  return { slots, paused };
}

/** Does it wait, or is it in a queue? */
export function isInQueue({ queue, status }: Execution): boolean {
  return queue !== undefined || status === 'queued';
}

/** Those of these that wait or are in a queue, the one that was named first first. */
function concerned(state: State, ids: Iterable<string>): Execution[] {
  const found: Execution[] = [];
  for (const id of ids) {
    const execution = state.alive.get(id);
    if (execution && isInQueue(execution)) found.push(execution);
  }
  return found.sort((a, b) => a.firstSeq - b.firstSeq);
}

export interface QueueDecision {
  execution: Execution;
  /** Why it will never start; it may start now if this is not given. */
  refusal?: string;
}

/** What the state does not tell. */
export interface Knowledge {
  /** Ids of all that may wait or be in a queue. */
  candidates: Iterable<string>;
  /** Ids that were told to start and are still seen as queued. */
  begun: { has(id: string): boolean };
  /** Is it ours to start? Asked last, since it looks at files. */
  isRun: (id: string) => boolean;
  /** About an id that is not in memory: how it stands, `unknown` if there is none, undefined if that is not known yet. */
  recall: (id: string) => Status | 'unknown' | undefined;
}

/** What is decided about those that wait. */
export function verdicts(state: State, { candidates, begun, isRun, recall }: Knowledge): QueueDecision[] {
  const waiting: Execution[] = [];
  const taken = new Map<string, number>();
  const take = (queue: string) => taken.set(queue, (taken.get(queue) ?? 0) + 1);
  for (const execution of concerned(state, candidates)) {
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
  const circle = waits ? circleThrough(state, execution) : undefined;
  return { waits, ...(circle && { refusal: `it would wait for itself: ${circle.join(' after ')}` }) };
}

/**
 * The way over `after` from an execution back to it. In every circle there is one that names a later one, or itself:
 * only from there it is looked for, which costs nothing while everybody names what was there before.
 */
function circleThrough(state: State, { id, after = [], firstSeq }: Execution): string[] | undefined {
  const later = after.filter((need) => (state.alive.get(need)?.firstSeq ?? -1) >= firstSeq);
  const from = new Map<string, string>(later.map((need) => [need, id]));
  const open = [...later];
  for (let next; (next = open.pop()) !== undefined;) {
    if (next === id) return wayBack(id, from);
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

function wayBack(id: string, from: ReadonlyMap<string, string>): string[] {
  const way = [id];
  for (let at = from.get(id); at !== undefined && at !== id; at = from.get(at)) way.unshift(at);
  return [id, ...way];
}
