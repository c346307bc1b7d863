/** The journal opened for writing, and the state that it adds up to. Whoever opens them holds the lock. */
import type { Config } from '../config.js';
import type { State } from '../core/state.js';
import { restoreForWriting } from '../journal/checkpoint.js';
import { Journal, type JournalOptions } from '../journal/journal.js';
import type { Paths } from '../paths.js';

export interface History {
  journal: Journal;
  state: State;
}

export async function openHistory(
  paths: Pick<Paths, 'journal' | 'checkpoint'>,
  { journal: settings, memory }: Config,
  surroundings: Pick<JournalOptions, 'now' | 'log' | 'note'>,
): Promise<History> {
  const journal = await Journal.open({
    directory: paths.journal,
    segmentBytes: settings.segmentSize,
    segmentMs: settings.segmentAge,
    retainBytes: settings.retainSize,
    retainMs: settings.retainAge,
    sync: settings.sync,
    ...surroundings,
  });
  const limits = { ended: memory.ended, summaries: memory.summaries };
  return { journal, state: await restoreForWriting(paths.checkpoint, journal.source, journal, limits) };
}
