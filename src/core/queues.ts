/** Queues: who runs in each, who waits, and who may start. */
import type { Execution } from './execution.js';
import { isFinal } from './execution.js';
import type { State } from './state.js';
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

/** Every queue that was set or is in use, by name. */
export function queueViews(state: State): QueueView[] {
  const views = new Map<string, QueueView>();
  const viewOf = (name: string): QueueView => {
    const known = views.get(name);
    if (known) return known;
    const { slots = DEFAULT_SLOTS, paused = false } = state.queues.get(name) ?? {};
    const view: QueueView = { name, slots, paused, running: [], waiting: [] };
    views.set(name, view);
    return view;
  };
  for (const name of state.queues.keys()) viewOf(name);
  for (const { id, queue, status } of inOrder(state)) {
    if (queue === undefined) continue;
    const view = viewOf(queue);
    (status === 'queued' ? view.waiting : view.running).push(id);
  }
  return [...views.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Alive ones, the one that was named first first. */
function inOrder(state: State): Execution[] {
  return [...state.alive.values()].sort((a, b) => a.firstSeq - b.firstSeq);
}

export interface Verdict {
  execution: Execution;
  /** Why it will never start; it may start now if this is not given. */
  refusal?: string;
}

/**
 * What is decided about those that wait. `begun`: ids that were told to start and are still seen as queued; `isRun`: is
 * it ours to start?
 */
export function verdicts(state: State, begun: ReadonlySet<string>, isRun: (id: string) => boolean): Verdict[] {
  const taken = new Map<string, number>();
  const alive = inOrder(state);
  const take = (queue: string) => taken.set(queue, (taken.get(queue) ?? 0) + 1);
  for (const { id, queue, status } of alive) {
    if (queue !== undefined && (status !== 'queued' || begun.has(id))) take(queue);
  }
  return alive.flatMap((execution): Verdict[] => {
    if (execution.status !== 'queued' || begun.has(execution.id) || !isRun(execution.id)) return [];
    const { queue, after = [] } = execution;
    const needed = after.map((id) => outcomeOf(state, id));
    const refusal = needed.find((outcome) => outcome !== 'waits' && outcome !== 'completed');
    if (refusal !== undefined) return [{ execution, refusal }];
    if (needed.includes('waits')) return [];
    if (queue === undefined) return after.length > 0 ? [{ execution }] : [];
    const { slots = DEFAULT_SLOTS, paused = false } = state.queues.get(queue) ?? {};
    if (paused || (taken.get(queue) ?? 0) >= slots) return [];
    take(queue);
    return [{ execution }];
  });
}

function outcomeOf(state: State, id: string): string {
  const execution = findExecution(state, id);
  if (!execution) return `it was to come after ${id}, which is not known`;
  if (!isFinal(execution.status)) return 'waits';
  return execution.status === 'completed' ? 'completed' : `it was to come after ${id}, which is ${execution.status}`;
}
