/** The journal opened for writing, and the state that it adds up to. Whoever opens them holds the lock. */
import type { Config } from '../config.js';
import type { State } from '../core/state.js';
import { restoreForWriting } from '../journal/checkpoint.js';
import { Journal, type JournalOptions } from '../journal/journal.js';
import type { Paths } from '../paths.js';

type Surroundings = Pick<JournalOptions, 'now' | 'log' | 'note'>;

export interface History {
  journal: Journal;
  state: State;
}

export async function openHistory(
  paths: Pick<Paths, 'journal' | 'checkpoint'>,
  config: Config,
  surroundings: Surroundings,
): Promise<History> {
  const journal = await openJournal(paths, config, surroundings);
  return { journal, state: await restoreForWriting(paths.checkpoint, journal.source, journal, config.memory) };
}

export async function openJournal(
  paths: Pick<Paths, 'journal'>,
  config: Config,
  surroundings: Surroundings,
): Promise<Journal> {
  return await Journal.open({ directory: paths.journal, ...tuningOf(config), ...surroundings });
}

/** What of the configuration the journal goes by. */
export function tuningOf({ journal }: Config) {
  const { segmentSize, segmentAge, retainSize, retainAge, sync } = journal;
  return { segmentBytes: segmentSize, segmentMs: segmentAge, retainBytes: retainSize, retainMs: retainAge, sync };
}
