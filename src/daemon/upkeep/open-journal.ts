/** Opens the journal for writing, with the settings of the configuration. The caller holds the lock. */
import type { Config } from '../../config/load.js';
import { Journal, type JournalOptions } from '../../journal/journal.js';
import type { Paths } from '../../platform/paths.js';

export async function openJournal(
  paths: Pick<Paths, 'journal'>,
  config: Pick<Config, 'journal'>,
  surroundings: Pick<JournalOptions, 'now' | 'log' | 'note'>,
): Promise<Journal> {
  return await Journal.open({ directory: paths.journal, ...tuningOf(config), ...surroundings });
}

export function tuningOf({ journal }: Pick<Config, 'journal'>) {
  const { segmentSize, segmentAge, retainSize, retainAge, sync } = journal;
  return { segmentBytes: segmentSize, segmentMs: segmentAge, retainBytes: retainSize, retainMs: retainAge, sync };
}
