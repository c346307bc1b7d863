/** Records as lost what a spool file has open whose writer has ended. */
import type { NewEvent } from '../../core/event.js';
import type { State } from '../../core/state.js';
import { isHookSession } from '../../agents/hook-target.js';
import type { Runs } from '../runs/runs.js';

export interface LostWriters {
  runs: Pick<Runs, 'runnerGone'>;
  record: (event: NewEvent) => void;
  /** Why nothing more comes. */
  error: string;
}

/** Not the runs of which a process may be left, nor sessions: a hook program, which writes one call, ends at once. */
export function loseOpen(state: State, source: string, { runs, record, error }: LostWriters): void {
  for (const id of state.sources.get(source)?.open ?? []) {
    const execution = state.alive.get(id);
    if (!execution || isHookSession(execution) || runs.runnerGone(id)) continue;
    record({ type: 'execution_lost', execution: id, data: { error } });
  }
}
