/** Events: the immutable facts that everything else is folded from. */

/** The payload of an event. Producers are not trusted: read it with the functions below. */
export type EventData = Record<string, unknown>;

/** What a producer hands in: an event that has no place in the journal yet. */
export interface NewEvent {
  type: string;
  /** RFC 3339 with milliseconds, UTC. Absent: the time of arrival. */
  time?: string;
  /** `time` was guessed, from a file's time for instance. */
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
  /** Who produced it. */
  source?: string;
  /** The source's own counter: (source, n) is taken once. */
  n?: number;
  /** The producer's own name for this event, which makes a resend of it known. */
  id?: string;
  /**
   * Names of the producer and of those that it runs in, the nearest first, where `source` does not say who it is. Only
   * routing reads it.
   */
  sender?: readonly string[];
  data: EventData;
}

/** One line of the journal. */
export interface ExecutionEvent extends NewEvent {
  /** Position in the journal: strictly increasing, never reused, below 2^53. */
  seq: number;
  time: string;
}

/** Why an execution or a step is over, in every face. */
export const FINAL_STATUSES = ['completed', 'failed', 'cancelled', 'timeout', 'skipped', 'lost'] as const;

/** Types that end an execution, with the status they give it. */
export const EXECUTION_ENDS: Readonly<Record<string, FinalStatus>> = {
  execution_completed: 'completed',
  execution_failed: 'failed',
  execution_cancelled: 'cancelled',
  execution_timeout: 'timeout',
  execution_lost: 'lost',
};

/** Types that end a step, with the status they give it. */
export const STEP_ENDS: Readonly<Record<string, FinalStatus>> = {
  step_completed: 'completed',
  step_failed: 'failed',
  step_skipped: 'skipped',
  step_cancelled: 'cancelled',
  step_timeout: 'timeout',
};

export type FinalStatus = (typeof FINAL_STATUSES)[number];

/** Every type that this version gives a meaning. Others are kept and shown as they are. */
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

/** About the machine or the journal as a whole, so they need no execution. */
export const GLOBAL_TYPES: ReadonlySet<string> = new Set(['queue_changed', 'alert_triggered', 'journal_note']);

/** Frequent and small in consequence: these may wait for the next periodic sync. */
const BULK_TYPES: ReadonlySet<string> = new Set(['output', 'log', 'activity', 'progress', 'resource_update']);

/** Does this event change what is true, so that it is synced to disk at once? */
export function isLifecycle(type: string): boolean {
  return !BULK_TYPES.has(type);
}

/** A field as text, or undefined when it is absent or something else. */
export function textOf(data: EventData, key: string): string | undefined {
  const value = data[key];
  return typeof value === 'string' ? value : undefined;
}

/** A field as a finite number, or undefined. */
export function numberOf(data: EventData, key: string): number | undefined {
  const value = data[key];
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

/** A field as a list of texts, or undefined when it is no list of texts. */
export function textsOf(data: EventData, key: string): string[] | undefined {
  const value = data[key];
  return Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : undefined;
}
