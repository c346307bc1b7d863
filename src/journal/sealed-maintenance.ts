/** Maintains sealed segments: compresses, removes and prunes them, and records which cannot be read. */
import type { NewEvent } from '../core/events/event.js';
import { ProgressError } from '../core/base/errors.js';
import { SerialQueue } from '../core/base/serial-queue.js';
import { Archiver } from './archiver.js';
import { BlockIndex } from './block-index.js';
import { syncDirectory } from './disk.js';
import { listSegments, SEQ_LIMIT, type SegmentEntry } from './layout.js';
import { type Manifest, writeManifest } from './manifest.js';
import { type Gone, pruneSegment } from './prune.js';
import { removeSegment, toNote } from './recovery.js';
import { writeIndex } from './scan.js';
import { SealedSegments } from './sealed-segments.js';

export interface SealedMaintenanceOptions {
  directory: string;
  manifest: Manifest;
  /** Whether the journal is being written to: then compression waits. */
  isBusy: () => boolean;
  /** First seqs of the segments that are not sealed, oldest first. */
  live: () => readonly number[];
  nextSeq: () => number;
  log: (message: string) => void;
  note: (event: NewEvent) => void;
}

export class SealedMaintenance {
  readonly segments: SealedSegments;
  readonly #options: SealedMaintenanceOptions;
  readonly #archiver: Archiver;
  /** Segments by first seq that cannot be read, and why. */
  readonly #unreadable = new Map<number, string>();
  /** Serializes removal and replacement. */
  readonly #work = new SerialQueue();
  #isClosed = false;

  constructor(options: SealedMaintenanceOptions) {
    const { directory, isBusy, log } = options;
    this.#options = options;
    this.segments = new SealedSegments(directory);
    this.#archiver = new Archiver({ directory, log, isBusy, archived: (first) => this.segments.put(first) });
  }

  get unreadable(): { segment: number; reason: string }[] {
    return [...this.#unreadable].map(([segment, reason]) => ({ segment, reason }));
  }

  /** Queues segments for compression. */
  archive(firsts: readonly number[]): void {
    if (!this.#isClosed) this.#archiver.add(...firsts);
  }

  /** Takes over a segment that was synced, indexed and closed. */
  async take(first: number): Promise<void> {
    await this.segments.put(first);
    this.archive([first]);
  }

  /** Stops compression, and waits for removal and pruning of the current segment. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#archiver.close();
    await this.#work.idle();
  }

  /** Records whether a segment can be read; logs changes. */
  noteReadability(first: number, failure: string | undefined): void {
    if (this.#unreadable.get(first) === failure) return;
    if (failure !== undefined) this.#unreadable.set(first, failure);
    else this.#unreadable.delete(first);
    this.#options.log(failure === undefined ? `segment ${first} can be read again` : `${failure}; readers get a gap`);
  }

  /** Removes segments that hold nothing newer than `seq`. */
  async removeThrough(seq: number): Promise<void> {
    await this.#work.run(() => this.#removeThrough(seq));
  }

  async #removeThrough(seq: number): Promise<void> {
    const { directory, manifest, nextSeq } = this.#options;
    const segments = await listSegments(directory);
    const ends = segments.map((_, at) => (segments[at + 1]?.first ?? nextSeq()) - 1);
    const removed = segments.filter(({ first }, at) => (ends[at] ?? SEQ_LIMIT) <= seq && !this.#isLive(first));
    if (removed.length === 0) return;
    manifest.removedThrough = Math.max(manifest.removedThrough ?? 0, ends[removed.length - 1] ?? 0);
    await writeManifest(directory, manifest);
    for (const { first } of removed) {
      await this.#archiver.drop(first);
      await removeSegment(directory, first);
      this.segments.remove(first);
      this.#unreadable.delete(first);
    }
    await syncDirectory(directory);
  }

  /** Removes these events from all sealed segments, except those in `kept`. @returns Bytes freed on disk. */
  async prune(gone: Gone, signal: AbortSignal, kept: ReadonlySet<number>): Promise<number> {
    const segments = await listSegments(this.#options.directory);
    let freed = 0;
    let failure: unknown;
    for (const [at, segment] of segments.entries()) {
      signal.throwIfAborted();
      if (this.#isLive(segment.first)) continue; // started after the newest of these events
      const below = segments[at + 1]?.first ?? SEQ_LIMIT;
      try {
        freed += await this.#work.run(() => this.#prune(segment, below, { gone, kept }));
      } catch (error) {
        // a segment that cannot be read or written does not stop the others; the next start tries again
        failure ??= error;
      }
    }
    if (failure !== undefined) throw ProgressError.from(failure);
    return freed;
  }

  async #prune(
    { first, plain }: SegmentEntry,
    below: number,
    task: { gone: Gone; kept: ReadonlySet<number> },
  ): Promise<number> {
    await this.#archiver.drop(first);
    const before = this.segments.bytes;
    const isPruned = await pruneSegment(this.#options.directory, first, below, task);
    if (isPruned) await this.segments.put(first);
    const freed = before - this.segments.bytes;
    if (plain) this.archive([first]); // drop() took it out of the queue
    return freed;
  }

  /** Writes an index for each segment that another program removed with its index, so that readers get a gap. */
  async restoreIndexes(): Promise<void> {
    const { directory, manifest, live, nextSeq, log, note } = this.#options;
    await writeManifest(directory, manifest);
    const existing = new Set((await listSegments(directory)).map(({ first }) => first));
    const known = [...this.segments.firsts, ...live()];
    const gone = this.segments.firsts.filter((first) => !existing.has(first));
    for (const first of gone) {
      const index = new BlockIndex(first);
      index.last = (known.find((next) => next > first) ?? nextSeq()) - 1;
      index.closed = true;
      await writeIndex(directory, index);
      this.segments.remove(first);
    }
    if (gone[0] === undefined) return;
    const message = `another program removed ${gone.length} segments of the journal: readers get a gap`;
    log(message);
    note(toNote('missing', message, { from: gone[0], to: (live()[0] ?? nextSeq()) - 1 }));
  }

  #isLive(first: number): boolean {
    return this.#options.live().includes(first);
  }
}
