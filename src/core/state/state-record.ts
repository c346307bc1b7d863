/** Converts the state to and from its form on disk: in checkpoints, and in the notes that carry it over in the journal. */
import type { AlertStateJson, CarriedAlerts } from './alerts.js';
import { alertsFromJson, alertsToJson } from './alerts.js';
import type { EventData } from '../events/event.js';
import type { Step } from '../execution.js';
import type { ExecutionRecord } from './execution-record.js';
import type { ProducerState, Queue, State, StateLimits } from './state.js';
import { emptyState } from './state.js';

/** JSON form of the state without the executions, for a checkpoint. */
export interface OwnStateJson {
  seq: number;
  sources: [string, ProducerState][];
  /** Absent if there are none. */
  ids?: string[];
  queues: Queue[];
  /** Absent in checkpoints of earlier versions. */
  alerts?: AlertStateJson;
  removedThrough: number;
}

export function ownStateToJson(state: State): OwnStateJson {
  return {
    seq: state.seq,
    sources: [...state.sources],
    ...(state.ids.size > 0 && { ids: [...state.ids] }),
    queues: [...state.queues.values()],
    alerts: alertsToJson(state.alerts),
    removedThrough: state.removedThrough,
  };
}

/** Returns the state before the executions are installed. */
export function ownStateFromJson(json: OwnStateJson, limits: StateLimits): State {
  return {
    ...emptyState(limits),
    seq: json.seq,
    sources: new Map(json.sources),
    ids: new Set(json.ids),
    queues: new Map(json.queues.map((queue) => [queue.name, queue])),
    alerts: alertsFromJson(json.alerts),
    removedThrough: json.removedThrough,
  };
}

/**
 * Data of a `journal_note`, which the daemon writes when it removes events. State that only the removed events hold is
 * carried over before; applying a carried part again is idempotent. The steps of an execution are written before it, so
 * that a crash in between leaves the execution uncarried rather than without steps.
 */
export type CarryNote =
  | { kind: 'carried_steps'; steps: Step[] }
  | { kind: 'carried_execution'; execution: ExecutionRecord }
  | { kind: 'carried_sources'; sources: [string, ProducerState][] }
  | { kind: 'carried_queues'; queues: Queue[] }
  | ({ kind: 'carried_alerts' } & CarriedAlerts)
  | { kind: 'removed'; through: number }
  | { kind: 'pruned'; executions: string[] };

/** Casts the data of a note, which only the daemon writes, so their shape is known. */
export function asCarryNote(data: EventData): CarryNote {
  return data as unknown as CarryNote;
}
