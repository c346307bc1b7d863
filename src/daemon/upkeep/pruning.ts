/**
 * Removes executions that have ended from every file. A note in the journal commits the removal: from then on the state
 * does not have them, now and whenever the journal is read again. Their events leave the files after that; when this is
 * interrupted, the notes say what the next daemon must complete.
 */
import type { State } from '../../core/state/state.js';
import { asCarryNote } from '../../core/state/state-record.js';
import { ProgressError } from '../../core/base/errors.js';
import { SerialQueue } from '../../core/base/serial-queue.js';
import type { Journal } from '../../journal/journal.js';
import { readJournal } from '../../journal/reader.js';
import { containing } from '../../journal/search.js';
import type { Replies } from '../../api/messages.js';
import type { Component } from '../component.js';
import type { Log } from '../daemon-log.js';
import type { Ingest } from '../intake/ingest.js';
import { batches, carriedByNone, prunedNotes } from './carry-over.js';

export interface PruningOptions {
  journal: Journal;
  state: State;
  ingest: Ingest;
  checkpoint: () => Promise<void>;
  /** Blanks the events of removed executions in the spool. */
  eraseSpool: () => Promise<void>;
  /** Removes everything else that is kept of these executions. */
  forget: (ids: ReadonlySet<string>) => void;
  log: Log;
}

export class Pruning implements Component {
  readonly #options: PruningOptions;
  readonly #stop = new AbortController();
  readonly #work = new SerialQueue();

  constructor(options: PruningOptions) {
    this.#options = options;
  }

  /** Completes, in the background, what an earlier daemon did not. */
  start(): void {
    this.#work
      .run(() => this.#erase())
      .catch((error: unknown) => {
        if (!this.#stop.signal.aborted) this.#options.log(`pruning: ${ProgressError.from(error).message}`);
      });
  }

  /**
   * Removes executions by their full IDs. Those that have not ended stay, and those that an open execution waits for.
   */
  async prune(ids: readonly string[]): Promise<Replies['prune']> {
    return await this.#work.run(() => this.#prune(ids));
  }

  /** Interrupts the work. Resolves when no file is being changed. */
  async close(): Promise<void> {
    const reason = 'the daemon stops: the removal continues when it is started again';
    this.#stop.abort(new ProgressError('unavailable', reason));
    await this.#work.idle();
  }

  async #prune(ids: readonly string[]): Promise<Replies['prune']> {
    const { state, ingest } = this.#options;
    let executions: string[] = [];
    await ingest.between(async () => {
      const needed = new Set([...state.alive.values()].flatMap(({ after = [] }) => after));
      executions = [...new Set(ids)].filter((id) => !state.alive.has(id) && !needed.has(id));
      if (executions.length > 0) await this.#commit(executions);
    });
    const freed = await this.#erase();
    return { executions, freed };
  }

  /** Writes the notes. Everything after them can be repeated. */
  async #commit(ids: readonly string[]): Promise<void> {
    const { journal, state, ingest } = this.#options;
    await journal.beginPruning();
    for (const events of batches([...carriedByNone(state), ...prunedNotes(ids)].map((event) => [event]))) {
      await ingest.writeNow(events);
    }
    await journal.sync();
  }

  /** Removes what the notes name from all files. Returns the number of freed bytes. */
  async #erase(): Promise<number> {
    const { journal, state, ingest, checkpoint, eraseSpool, forget, log } = this.#options;
    if (journal.pruning === undefined) return 0;
    const removed = await readNotes(journal, journal.pruning);
    // an alert that is not sent yet needs its event
    const kept = new Set([...state.alerts.channels.values()].flatMap(({ pending }) => pending));
    const freed = removed.size === 0 ? 0 : await journal.prune(removed, this.#stop.signal, kept);
    await eraseSpool();
    forget(new Set([...removed.keys()].filter((id) => !state.alive.has(id)))); // an ID may be in use again
    await ingest.between(checkpoint);
    await journal.endPruning();
    if (removed.size > 0) log(`removed ${removed.size} executions, which has freed ${freed} bytes`);
    return freed;
  }
}

/** Executions that the notes after a seq name, each with the seq up to which its events are removed. */
async function readNotes(journal: Journal, after: number): Promise<Map<string, number>> {
  const removed = new Map<string, number>();
  const search = containing('"type":"journal_note"');
  for await (const part of readJournal(journal.source, { after, through: journal.seq, search })) {
    if (!('events' in part)) continue;
    for (const { type, seq, data } of part.events) {
      const note = asCarryNote(data);
      if (type === 'journal_note' && note.kind === 'pruned') for (const id of note.executions) removed.set(id, seq);
    }
  }
  return removed;
}
