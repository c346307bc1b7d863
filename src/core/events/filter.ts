/** Filters events: the same conditions for subscriptions, files and user interfaces. */
import type { ExecutionEvent } from './event.js';

export const LEVELS = ['debug', 'info', 'warning', 'error'] as const;
export type Level = (typeof LEVELS)[number];

/** Conditions of a filter; all that are given must hold. */
export interface Filter {
  /** Full ID of an execution. */
  execution?: string | undefined;
  step?: string | undefined;
  types?: readonly string[] | undefined;
  /** The lowest level of `log` events; other types pass. */
  level?: Level | undefined;
  /** Of `output` events; other types pass. */
  stream?: string | undefined;
  /** Omits `output`, `log` and `activity` of all executions but these: lists need the status only. */
  details?: readonly string[] | undefined;
}

/** Types that make up most events, needed only where a single execution is shown. */
const DETAIL_TYPES: ReadonlySet<string> = new Set(['output', 'log', 'activity']);

/** Fields of an event that a filter reads. */
export type Matchable = Pick<ExecutionEvent, 'type' | 'execution' | 'step' | 'data'>;

/** Whether a filter has no conditions. */
export function isOpen(filter: Filter): boolean {
  return Object.values(filter).every((value) => value === undefined);
}

/** Returns the rank of a level; an unknown one ranks as `info`. */
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
