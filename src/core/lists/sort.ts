/** Sorts executions by one of their values. */
import { elapsedOf, parseInstant } from '../estimates/durations.js';
import { remainingTime } from '../estimates/estimate.js';
import type { Execution, Status } from '../execution.js';

export const SORT_KEYS = ['name', 'status', 'elapsed', 'cpu', 'memory', 'started', 'ended', 'remaining'] as const;
export type SortKey = (typeof SORT_KEYS)[number];

export interface Sorting {
  key: SortKey;
  isDescending: boolean;
}

/** Parses a key, or one after a minus for the reverse order; returns undefined for anything else. */
export function parseSorting(text: string): Sorting | undefined {
  const isDescending = text.startsWith('-');
  const key = SORT_KEYS.find((known) => known === (isDescending ? text.slice(1) : text));
  return key && { key, isDescending };
}

/** Returns the executions in order; those without the value are last in either order, equal ones stay as they were. */
export function sortExecutionsBy(executions: readonly Execution[], sorting: Sorting, nowMs: number): Execution[] {
  const { key, isDescending } = sorting;
  const values = new Map(executions.map((execution) => [execution, VALUES[key](execution, nowMs)]));
  return [...executions].sort((a, b) => {
    const [left, right] = [values.get(a), values.get(b)];
    if (left === undefined || right === undefined) return Number(left === undefined) - Number(right === undefined);
    return isDescending ? compare(right, left) : compare(left, right);
  });
}

type Value = number | string | undefined;

const VALUES: Readonly<Record<SortKey, (execution: Execution, nowMs: number) => Value>> = {
  name: ({ name }) => name,
  status: statusRank,
  elapsed: elapsedOf,
  cpu: ({ resources }) => resources?.cpu,
  memory: ({ resources }) => resources?.rss ?? resources?.peakRss,
  started: ({ startedAt }) => parseInstant(startedAt),
  ended: ({ endedAt }) => parseInstant(endedAt),
  remaining: remainingMs,
};

/** From what needs a person to what needs no attention. */
const STATUS_ORDER: readonly Status[] = [
  ...(['running', 'paused', 'queued', 'pending'] as const),
  ...(['failed', 'timeout', 'lost', 'cancelled', 'completed', 'skipped'] as const),
];

function statusRank({ status, attention }: Execution): number {
  if (status !== 'running' || attention === undefined) return STATUS_ORDER.indexOf(status);
  return attention.state === 'waiting' ? -2 : -1;
}

/** An overdue execution has less than nothing left. */
function remainingMs(execution: Execution, nowMs: number): number | undefined {
  const remaining = remainingTime(execution, nowMs);
  return remaining === undefined ? undefined : remaining.remainingMs - (remaining.overdueMs ?? 0);
}

function compare(a: number | string, b: number | string): number {
  if (typeof a === 'string' && typeof b === 'string') return a.localeCompare(b);
  return a < b ? -1 : Number(a > b);
}
