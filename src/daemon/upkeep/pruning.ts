/**
 * Removes executions that are over, from everywhere. A note in the journal says that they are gone, and from then on
 * they are: the state forgets them, now and whenever the journal is read again. Their events leave the files after
 * that; whatever cuts this short, the notes tell the next daemon what is left to do.
 */
import type { State } from '../../core/state.js';
import { asCarryNote } from '../../core/state.js';
import { ProgressError } from '../../core/errors.js';
import type { Journal } from '../../journal/journal.js';
import { readJournal } from '../../journal/reader.js';
import { containing } from '../../journal/search.js';
import type { Replies } from '../../api/messages.js';
import type { Log } from '../daemon-log.js';
import type { Ingest } from '../intake/ingest.js';
import { batches, carriedByNone, prunedNotes } from './maintenance.js';

export interface Pruning {
  /** By full ids. What is not over stays, and what something alive waits for. */
  prune(ids: readonly string[]): Promise<Replies['prune']>;
  /** Resumes what an earlier daemon did not complete, in the background. */
  start(): void;
  /** Resolves when files are left alone. */
  close(): Promise<void>;
}

export interface PruningOptions {
  journal: Journal;
  state: State;
  ingest: Ingest;
  checkpoint: () => Promise<void>;
  /** The spool may hold events of these too. */
  eraseSpool: () => Promise<void>;
  /** Whatever else is kept of these goes. */
  forget: (ids: ReadonlySet<string>) => void;
  log: Log;
}

export function createPruning({
  journal,
  state,
  ingest,
  checkpoint,
  eraseSpool,
  forget,
  log,
}: PruningOptions): Pruning {
  const stop = new AbortController();
  let work: Promise<unknown> = Promise.resolve();

  const queue = async <T>(task: () => Promise<T>): Promise<T> => {
    const done = work.then(task, task);
    work = done.catch(() => undefined); // the caller is told
    return await done;
  };

  /** The commit: what comes after it can be done again. */
  const announce = async (ids: readonly string[]) => {
    await journal.beginPruning();
    for (const events of batches([...carriedByNone(state), ...prunedNotes(ids)].map((event) => [event]))) {
      await ingest.writeNow(events);
    }
    await journal.sync();
  };

  /** What notes name goes from the files, from what is kept beside the journal, and from the checkpoint. */
  const erase = async (): Promise<number> => {
    if (journal.pruning === undefined) return 0;
    const gone = await readNotes(journal, journal.pruning);
    // an alert that is not sent yet is still to be read
    const kept = new Set([...state.alerts.channels.values()].flatMap(({ pending }) => pending));
    const freed = gone.size === 0 ? 0 : await journal.prune(gone, stop.signal, kept);
    await eraseSpool();
    forget(new Set([...gone.keys()].filter((id) => !state.alive.has(id)))); // an id may be in use again
    await ingest.between(checkpoint);
    await journal.endPruning();
    if (gone.size > 0) log(`removed ${gone.size} executions, which has freed ${freed} bytes`);
    return freed;
  };

  const pruneNow = async (ids: readonly string[]) => {
    let executions: string[] = [];
    await ingest.between(async () => {
      const needed = new Set([...state.alive.values()].flatMap(({ after = [] }) => after));
      executions = [...new Set(ids)].filter((id) => !state.alive.has(id) && !needed.has(id));
      if (executions.length > 0) await announce(executions);
    });
    const freed = await erase();
    return { executions, freed };
  };

  return {
    prune: (ids) => queue(() => pruneNow(ids)),
    start() {
      queue(erase).catch((error: unknown) => {
        if (!stop.signal.aborted) log(`pruning: ${ProgressError.from(error).message}`);
      });
    },
    async close() {
      stop.abort(new ProgressError('unavailable', 'the daemon leaves: it goes on with this when it is started again'));
      await work;
    },
  };
}

/** Which executions the notes behind this seq name, and up to where. */
async function readNotes(journal: Journal, after: number): Promise<Map<string, number>> {
  const gone = new Map<string, number>();
  const search = containing('"type":"journal_note"');
  for await (const part of readJournal(journal.source, { after, through: journal.seq, search })) {
    if (!('events' in part)) continue;
    for (const { type, seq, data } of part.events) {
      const note = asCarryNote(data);
      if (type === 'journal_note' && note.kind === 'pruned') for (const id of note.executions) gone.set(id, seq);
    }
  }
  return gone;
}
