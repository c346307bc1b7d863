/** Records open executions of a spool file as lost when its writer has ended. */
import type { NewEvent } from '../../core/events/event.js';
import type { State } from '../../core/state/state.js';
import { isHookSession } from '../../agents/hook-target.js';
import type { Runs } from '../runs/runs.js';

export interface LostWriters {
  runs: Pick<Runs, 'runnerGone'>;
  record: (event: NewEvent) => void;
  /** Why no more events come. */
  error: string;
}

/** Excludes runs, whose processes may remain, and sessions, whose hook program ends after each call. */
export function loseOpen(state: State, source: string, { runs, record, error }: LostWriters): void {
  for (const id of state.sources.get(source)?.open ?? []) {
    const execution = state.alive.get(id);
    if (!execution || isHookSession(execution) || runs.runnerGone(id)) continue;
    record({ type: 'execution_lost', execution: id, data: { error } });
  }
}
