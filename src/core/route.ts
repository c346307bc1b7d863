/** Which execution an event belongs to, and whether its (source, n) was taken: decided in order, before it is written. */
import type { NewEvent } from './event.js';
import { EXECUTION_ENDS, GLOBAL_TYPES } from './event.js';
import { isFinal } from './execution.js';
import { nextGeneration, STARTS } from './fold.js';
import type { State } from './state.js';
import { findExecution } from './state.js';

/** Where an event goes that names neither an execution nor a source. */
export const DEFAULT_EXECUTION = 'default';

export interface Router {
  /** Was this (source, n) written before? */
  isTaken(event: NewEvent): boolean;
  /** Takes an event that has not been written before. The execution's id, or undefined where none is needed. */
  route(event: NewEvent): string | undefined;
  /** The events routed since the last call are folded into the state, or dropped. */
  settle(): void;
}

/** Answers from `state`, and for events routed but not folded yet from what it said about them. */
export function createRouter(state: State): Router {
  const counted = new Map<string, number>();
  const over = new Map<string, boolean>();
  const successors = new Map<string, string>();
  const opened = new Map<string, string[]>();

  const isTaken = ({ source, n }: NewEvent) =>
    source !== undefined && n !== undefined && n <= (counted.get(source) ?? state.sources.get(source)?.n ?? -1);

  /** Has its start been seen? If not, the start of one that has ended is late, and opens no other generation. */
  const isStarted = (id: string): boolean => {
    if (over.has(id)) return true;
    const execution = findExecution(state, id);
    return execution !== undefined && execution.implicit === undefined;
  };

  const isOver = (id: string): boolean => {
    const execution = findExecution(state, id);
    return over.get(id) ?? (isStarted(id) && execution !== undefined && isFinal(execution.status));
  };

  const newest = (id: string): string => {
    const successor = successors.get(id) ?? findExecution(state, id)?.successor;
    return successor === undefined ? id : newest(successor);
  };

  const openOf = (source: string | undefined): string | undefined => {
    if (source === undefined) return undefined;
    const ids = [...(state.sources.get(source)?.open ?? []), ...(opened.get(source) ?? [])];
    return ids.findLast((id) => !isOver(id));
  };

  const locate = (event: NewEvent): string | undefined => {
    // these mean the execution that they name, not the one that came after it
    if (event.type === 'journal_note' || event.type === 'alert_triggered') return event.execution;
    if (event.execution === undefined && GLOBAL_TYPES.has(event.type)) return undefined;
    const id = newest(event.execution ?? openOf(event.source) ?? event.source ?? DEFAULT_EXECUTION);
    if (!STARTS.has(event.type) || !isOver(id)) return id;
    const next = nextGeneration(id);
    successors.set(id, next);
    return next;
  };

  const remember = (event: NewEvent, execution: string) => {
    if (STARTS.has(event.type)) {
      over.set(execution, false);
      if (event.source === undefined) return;
      const ids = opened.get(event.source);
      if (ids) ids.push(execution);
      else opened.set(event.source, [execution]);
    } else if (Object.hasOwn(EXECUTION_ENDS, event.type) && isStarted(execution)) over.set(execution, true);
  };

  return {
    isTaken,
    route(event) {
      if (event.source !== undefined && event.n !== undefined) counted.set(event.source, event.n);
      const execution = locate(event);
      if (execution !== undefined) remember(event, execution);
      return execution;
    },
    settle() {
      for (const map of [counted, over, successors, opened]) map.clear();
    },
  };
}
