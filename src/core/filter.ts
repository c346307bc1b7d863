/** Which events a reader wants: the same conditions on the socket, in files and in faces. */
import type { ExecutionEvent } from './event.js';

export const LEVELS = ['debug', 'info', 'warning', 'error'] as const;
export type Level = (typeof LEVELS)[number];

/** All given conditions must hold. */
export interface Filter {
  /** An execution's full id. */
  execution?: string | undefined;
  step?: string | undefined;
  types?: readonly string[] | undefined;
  /** The lowest level of `log` events; other types pass. */
  level?: Level | undefined;
  /** Of `output` events; other types pass. */
  stream?: string | undefined;
  /** Of executions that are not named here what they write and say is left out: lists want how things stand. */
  details?: readonly string[] | undefined;
}

/** The bulk of all events, which only a face that shows this one execution wants. */
const DETAIL_TYPES: ReadonlySet<string> = new Set(['output', 'log', 'activity']);
/** What a filter looks at. */
export type Matchable = Pick<ExecutionEvent, 'type' | 'execution' | 'step' | 'data'>;

/** Does nothing restrict it? */
export function isOpen(filter: Filter): boolean {
  return Object.values(filter).every((value) => value === undefined);
}

/** A level's rank; an unknown one ranks as `info`. */
export function levelRank(level: unknown): number {
  const rank = LEVELS.indexOf(level as Level);
  return rank === -1 ? 1 : rank;
}

export function matches(filter: Filter, event: Matchable): boolean {
  if (filter.execution !== undefined && event.execution !== filter.execution) return false;
  if (filter.step !== undefined && event.step !== filter.step) return false;
  if (filter.types !== undefined && !filter.types.includes(event.type)) return false;
  if (filter.details !== undefined && DETAIL_TYPES.has(event.type)) {
    if (event.execution === undefined || !filter.details.includes(event.execution)) return false;
  }
  if (filter.stream !== undefined && event.type === 'output' && event.data['stream'] !== filter.stream) return false;
  if (filter.level !== undefined && event.type === 'log') {
    return levelRank(event.data['level']) >= levelRank(filter.level);
  }
  return true;
}
