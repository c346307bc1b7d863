/** Plans what `progress prune` removes, from the files of the journal. */
import type { Execution } from '../../../core/execution.js';
import { isFinal } from '../../../core/execution.js';
import { fold } from '../../../core/fold.js';
import { DEFAULT_LIMITS, emptyState, newestFirst } from '../../../core/state/state.js';
import type { JournalSource } from '../../../journal/reader.js';
import { readJournal } from '../../../journal/reader.js';
import { type Criteria, fulfils } from '../../shared/execution-filter.js';

/** All given criteria must hold. */
export interface PruneCriteria extends Criteria {
  ids: ReadonlySet<string> | undefined;
  statuses: readonly string[] | undefined;
  /** Ended before this time, RFC 3339. */
  before: string | undefined;
  /** Minimum size of events in bytes. */
  bytes: number | undefined;
}

export interface PruneCandidate {
  execution: Execution;
  /** Size of its events, uncompressed. */
  bytes: number;
}

/** Finds matching executions that have ended, newest first. */
export async function planPrune(source: JournalSource, wanted: PruneCriteria): Promise<PruneCandidate[]> {
  // bounds memory: executions that have ended are kept as summaries
  const state = emptyState({ ...DEFAULT_LIMITS, ended: 0, summaries: Infinity });
  const sizes = new Map<string, number>();
  for await (const part of readJournal(source)) {
    if (!('events' in part)) continue;
    for (const [index, event] of part.events.entries()) {
      const bytes = Buffer.byteLength(part.lines[index] ?? '') + 1;
      if (event.execution !== undefined) sizes.set(event.execution, (sizes.get(event.execution) ?? 0) + bytes);
      fold(state, event);
    }
  }
  return newestFirst(state)
    .map((execution) => ({ execution, bytes: sizes.get(execution.id) ?? 0 }))
    .filter((candidate) => isWanted(candidate, wanted));
}

function isWanted({ execution, bytes }: PruneCandidate, wanted: PruneCriteria): boolean {
  const { id, status, endedAt, lastActivity } = execution;
  return (
    isFinal(status) &&
    wanted.ids?.has(id) !== false &&
    wanted.statuses?.includes(status) !== false &&
    (wanted.before === undefined || (endedAt ?? lastActivity) < wanted.before) &&
    bytes >= (wanted.bytes ?? 0) &&
    fulfils(execution, wanted)
  );
}
