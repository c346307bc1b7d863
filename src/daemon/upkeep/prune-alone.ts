/** Prunes without a daemon: this process holds the lock and writes the journal meanwhile. */
import { rm } from 'node:fs/promises';
import { loadConfig } from '../../config/load.js';
import type { NewEvent } from '../../core/events/event.js';
import { ProgressError } from '../../core/base/errors.js';
import { restore } from '../../journal/checkpoint.js';
import type { Paths } from '../../platform/paths.js';
import type { Replies } from '../../api/messages.js';
import { eraseRun } from '../../runner/store.js';
import { blankTaken } from '../../spool/eraser.js';
import { claim } from '../daemon.js';
import { Ingest } from '../intake/ingest.js';
import { openJournal } from './open-journal.js';
import { Pruning } from './pruning.js';

/**
 * Removes executions by full IDs.
 *
 * @param log receives problems found in the journal
 */
export async function pruneAlone(
  paths: Paths,
  ids: readonly string[],
  log: (message: string) => void,
): Promise<Replies['prune']> {
  const config = loadConfig(paths.config);
  const lock = claim(paths);
  if (!lock) throw new ProgressError('unavailable', 'a daemon runs and does not answer: nothing is removed beside it');
  try {
    const notes: NewEvent[] = [];
    const journal = await openJournal(paths, config, { log, note: (event) => notes.push(event) });
    const state = await restore(paths.checkpoint, journal.source, journal, config.memory);
    const ingest = new Ingest({ journal, state, now: Date.now, publish: () => undefined, onDrain: () => undefined });
    // without a checkpoint the next daemon reads all events, and evaluates alerts for those that no daemon has
    const checkpoint = async () => {
      await journal.sync();
      await rm(paths.checkpoint, { force: true });
    };
    const forget = (removed: ReadonlySet<string>) => [...removed].forEach((id) => eraseRun(paths, id));
    const eraseSpool = async () => {
      await journal.sync();
      await blankTaken(paths.spool, (source) => state.sources.get(source)?.n);
    };
    const pruning = new Pruning({ journal, state, ingest, checkpoint, eraseSpool, forget, log: () => undefined });
    try {
      await ingest.between(() => ingest.writeNow(notes.splice(0)));
      return await pruning.prune(ids);
    } finally {
      await pruning.close();
      await journal.close();
    }
  } finally {
    lock.release();
  }
}
