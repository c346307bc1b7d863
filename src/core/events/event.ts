/** Defines events, the immutable facts that the state is folded from, and their types. */

/** Payload of an event. Producers are not trusted: read it with `textOf`, `numberOf` and `textsOf`. */
export type EventData = Record<string, unknown>;

/** Event of a producer, before it has a position in the journal. */
export interface NewEvent {
  type: string;
  /** RFC 3339 with milliseconds, UTC. Absent: the time of arrival. */
  time?: string;
  /** `time` is an estimate, for instance the modification time of a file. */
  approximate?: true;
  execution?: string;
  /** `execution` may also be the name of an execution or a unique prefix of its ID. Not part of the journal. */
  lookup?: true;
  /**
   * `execution` is that of the producer's environment, which may outlive the run that it was set for. Not part of the
   * journal.
   */
  inherited?: true;
  /**
   * `execution` is exactly that one, although another may have begun under its ID since. Set by the daemon's own producers;
   * not part of the journal.
   */
  exact?: true;
  step?: string;
  /** Name of the producer. */
  source?: string;
  /** Counter of the source: an event with a known (source, n) is a duplicate, so resending is idempotent. */
  n?: number;
  /** ID chosen by the producer, by which a resend is recognised. */
  id?: string;
  /** Names of the producer and its ancestors, the nearest first, where `source` does not identify it. For routing only. */
  sender?: readonly string[];
  data: EventData;
}

/** One line of the journal. */
export interface ExecutionEvent extends NewEvent {
  /** Position in the journal: strictly increasing, never reused, below 2^53. */
  seq: number;
  time: string;
}

/** Statuses of ended executions and steps. */
export const FINAL_STATUSES = ['completed', 'failed', 'cancelled', 'timeout', 'skipped', 'lost'] as const;

export type FinalStatus = (typeof FINAL_STATUSES)[number];

/** Statuses with which an execution can end; only steps are skipped. */
type ExecutionEnd = Exclude<FinalStatus, 'skipped'>;

/** Statuses with which an event can end a step; a step is lost only with its execution. */
type StepEnd = Exclude<FinalStatus, 'lost'>;

/** Types that end an execution, with the resulting status. */
export const EXECUTION_ENDS: Readonly<Record<string, FinalStatus>> = {
  execution_completed: 'completed',
  execution_failed: 'failed',
  execution_cancelled: 'cancelled',
  execution_timeout: 'timeout',
  execution_lost: 'lost',
} satisfies { [Status in ExecutionEnd as `execution_${Status}`]: Status };

/** Types that end a step, with the resulting status. */
export const STEP_ENDS: Readonly<Record<string, FinalStatus>> = {
  step_completed: 'completed',
  step_failed: 'failed',
  step_skipped: 'skipped',
  step_cancelled: 'cancelled',
  step_timeout: 'timeout',
} satisfies { [Status in StepEnd as `step_${Status}`]: Status };

/** Returns the status with which a type ends an execution; undefined for any other type. */
export function executionEndOf(type: string): FinalStatus | undefined {
  return Object.hasOwn(EXECUTION_ENDS, type) ? EXECUTION_ENDS[type] : undefined;
}

/** Returns the status with which a type ends a step; undefined for any other type. */
export function stepEndOf(type: string): FinalStatus | undefined {
  return Object.hasOwn(STEP_ENDS, type) ? STEP_ENDS[type] : undefined;
}

/** Types with a meaning in this version. Events of other types are stored and shown unchanged. */
export const EVENT_TYPES = [
  'execution_queued',
  'execution_started',
  'execution_completed',
  'execution_failed',
  'execution_cancelled',
  'execution_timeout',
  'execution_lost',
  'execution_paused',
  'execution_resumed',
  'execution_orphaned',
  'run_described',
  'outcome_stated',
  'step_planned',
  'step_started',
  'step_completed',
  'step_failed',
  'step_skipped',
  'step_cancelled',
  'step_timeout',
  'progress',
  'output',
  'log',
  'activity',
  'attention',
  'resource_update',
  'control',
  'queue_changed',
  'alert_triggered',
  'journal_note',
] as const;

export type EventType = (typeof EVENT_TYPES)[number];

/** Types about the machine or the journal, which need no execution. */
export const GLOBAL_TYPES: ReadonlySet<string> = new Set(['queue_changed', 'alert_triggered', 'journal_note']);

/** Types that start an execution. */
export const STARTS: ReadonlySet<string> = new Set(['execution_queued', 'execution_started']);

/** Types of events about an execution rather than by it, which do not count as activity. */
export const PASSIVE_TYPES: ReadonlySet<string> = new Set([
  ...['resource_update', 'attention', 'alert_triggered', 'control', 'queue_changed'],
]);

/** Frequent types whose loss is harmless: these wait for the next periodic sync. */
const BULK_TYPES: ReadonlySet<string> = new Set(['output', 'log', 'activity', 'progress', 'resource_update']);

/** Whether events of a type change a status, and so are synced to disk at once. */
export function isLifecycle(type: string): boolean {
  return !BULK_TYPES.has(type);
}

/** Returns a field if it is text. */
export function textOf(data: EventData, key: string): string | undefined {
  const value = data[key];
  return typeof value === 'string' ? value : undefined;
}

/** Returns a field if it is a finite number. */
export function numberOf(data: EventData, key: string): number | undefined {
  const value = data[key];
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

/** Returns a field if it is a list of texts. */
export function textsOf(data: EventData, key: string): string[] | undefined {
  const value = data[key];
  return Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : undefined;
}
