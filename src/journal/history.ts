/** Restores one execution that is no longer in memory from its events in the files. */
import type { Execution } from '../core/execution.js';
import { fold } from '../core/fold.js';
import { emptyState, findExecution } from '../core/state/state.js';
import type { JournalSource } from './reader.js';
import { readJournal } from './reader.js';

/** Folds the events of one execution up to the seq `through`; undefined when the journal holds none. */
export async function readExecution(
  source: JournalSource,
  id: string,
  through?: number,
): Promise<Execution | undefined> {
  const state = emptyState();
  for await (const chunk of readJournal(source, { execution: id, ...(through !== undefined && { through }) })) {
    if ('events' in chunk) for (const event of chunk.events) fold(state, event);
  }
  return findExecution(state, id);
}
