/**
 * Single writer of the journal. What is written survives the process; what is synced survives power loss.
 *
 * A batch is written whole or not at all: a partial write is cut off. A file whose sync has failed is never
 * synced again: its unsynced lines go to a new segment, and readers drop the second copy. The same happens when the
 * name no longer refers to the file after a sync, or to a shorter one, so that what is reported as synced can be
 * found. What other programs remove later the index reports as a gap. Blocks of about 64 KiB are the unit of
 * the index and of compression, so one execution can be read out of a gigabyte.
 */
import { isLifecycle } from '../core/events/event.js';
import { ProgressError } from '../core/base/errors.js';
import { SerialQueue } from '../core/base/serial-queue.js';
import type { JournalStatus } from '../api/messages.js';
import { orMissing, syncFile } from './disk.js';
import { WriteFailure } from './failure.js';
import { listSegments, segmentPath } from './layout.js';
import type { Batch } from './lines.js';
import { type Manifest, writeManifest } from './manifest.js';
import { type Gone, mayHold } from './prune.js';
import { createDirectory, recover, type Recovered } from './recovery.js';
import { SealedMaintenance } from './sealed-maintenance.js';
import { SegmentWriter, type Tuning, type WriterOptions } from './segment-writer.js';
import type { RetentionLimits } from './sealed-segments.js';
import { findUnreadable, type JournalSource } from './source.js';
import { SyncSchedule } from './sync-schedule.js';

export type { Batch } from './lines.js';

type Given = 'directory' | keyof Tuning;
type Optional = 'now' | 'uptime' | 'log' | 'note';

/** `note` may be called before `open` has resolved. */
export interface JournalOptions
  extends RetentionLimits, Pick<WriterOptions, Given>, Partial<Pick<WriterOptions, Optional>> {}

type Options = RetentionLimits & Pick<WriterOptions, Given | Optional>;

/** Unsynced bytes beyond which a sync starts at once. */
const SYNC_BYTES = 8 * 1024 * 1024;
/** One second in microseconds: a crash moves the seqs no further ahead of the clock. */
const RESERVED_SEQS = 1_000_000;
/** Compression waits while the last write is more recent than this. */
const BUSY_MS = 200;

export class Journal {
  readonly id: string;
  /** A later release has written the directory. */
  readonly readOnly: boolean;
  readonly source: JournalSource;
  #options: Options;
  readonly #manifest: Manifest;
  readonly #writer: SegmentWriter;
  readonly #schedule = new SyncSchedule(() => this.#syncPass());
  readonly #failure: WriteFailure;
  readonly #sealed: SealedMaintenance;
  /** Serializes changes of the active segment. */
  readonly #work = new SerialQueue();
  #isWriting = false;
  #isClosed = false;
  #writtenAt = -Infinity;

  private constructor(options: Options, recovered: Recovered) {
    const { directory, log, note, uptime } = options;
    this.#options = options;
    this.#manifest = recovered.manifest;
    this.id = recovered.manifest.id;
    this.readOnly = recovered.readOnly;
    this.#failure = new WriteFailure(uptime);
    this.#sealed = new SealedMaintenance({
      ...{ directory, log, note, manifest: recovered.manifest },
      isBusy: () => uptime() - this.#writtenAt < BUSY_MS,
      live: () => this.#writer.live.map(({ first }) => first),
      nextSeq: () => this.nextSeq,
    });
    const sealed = () => this.#schedule.now();
    const finished = (first: number) => this.#sealed.take(first);
    const restoreDirectory = () => this.#sealed.restoreIndexes();
    this.#writer = new SegmentWriter({ ...options, sealed, finished, restoreDirectory }, recovered);
    this.source = {
      directory,
      live: (first) => this.#findLive(first),
      onOpen: (first, failure) => this.#sealed.noteReadability(first, failure),
    };
  }

  /** Opens the journal for writing; the caller holds the daemon's lock. */
  static async open(given: JournalOptions): Promise<Journal> {
    const now = () => Date.now();
    const uptime = () => performance.now();
    const options = { now, uptime, log: () => undefined, note: () => undefined, ...given };
    const recovered = await recover({ ...options, durable: options.sync !== 'never' });
    const journal = new Journal(options, recovered);
    await Promise.all(recovered.sealed.map(({ first }) => journal.#sealed.segments.put(first)));
    for (const { segment, reason } of await findUnreadable(options.directory))
      journal.#sealed.noteReadability(segment, reason);
    const unfinished = recovered.sealed.filter((segment) => segment.plain || !segment.index);
    if (!journal.readOnly) journal.#sealed.archive(unfinished.map(({ first }) => first));
    return journal;
  }

  /** Seq of the newest event written; 0 if there is none. */
  get seq(): number {
    return this.#writer.seq;
  }

  /** Seq of the newest event that is known to be on disk. */
  get synced(): number {
    return this.#writer.synced;
  }

  /** Seq of the next event. Read it before each write: a failed write has used up its seqs. */
  get nextSeq(): number {
    return this.#writer.nextSeq;
  }

  /** Writes a batch; one call at a time. When it rejects, nothing of the batch is in the journal. */
  async write(batch: Batch): Promise<void> {
    const first = batch.events[0]?.seq;
    if (first === undefined) return;
    this.#check(batch, first);
    this.#isWriting = true;
    try {
      this.#failure.check();
      if (this.#writer.unsynced.isFull) await this.sync();
      await this.#work.run(() => this.#write(batch, first));
    } finally {
      this.#isWriting = false;
    }
  }

  /** Resolves when everything written so far is on disk, unless syncing is off. */
  async sync(): Promise<void> {
    if (this.#options.sync !== 'never' && this.synced < this.seq) await this.#schedule.request();
  }

  /**
   * Changes limits and the way of syncing; to be called between writes. What was written before is synced first, so
   * that `synced` stays true.
   */
  async configure(given: RetentionLimits & Tuning): Promise<void> {
    const { sync, directory } = this.#options;
    if (sync !== given.sync && !this.readOnly) {
      // with `never`, closed segments were not synced
      if (sync === 'never') await syncSegments(directory);
      if (this.synced < this.seq) await this.#schedule.request();
    }
    this.#options = { ...this.#options, ...given };
    this.#writer.configure(given);
  }

  /** Syncs, and writes the clean-shutdown marker. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#sealed.close();
    await this.#work.idle();
    try {
      if (this.#options.sync === 'interval') await this.#schedule.request();
      await this.#writer.close();
    } catch (error) {
      this.#options.log(`the journal was not closed cleanly: ${ProgressError.from(error).message}`);
    }
    this.#schedule.stop();
  }

  status(): JournalStatus {
    const { live } = this.#writer;
    const { segments, unreadable } = this.#sealed;
    const failure = this.#failure.error?.toJSON();
    return {
      id: this.id,
      directory: this.#options.directory,
      seq: this.seq,
      synced: this.synced,
      segments: segments.count + live.length,
      bytes: live.reduce((sum, segment) => sum + segment.index.size, segments.bytes),
      ...(failure && { failure }),
      ...(unreadable.length > 0 && { unreadable }),
    };
  }

  /** Last seq of the oldest segments that exceed retention by size or, with `byAge`, by age; never of the active one. */
  expired({ byAge = true } = {}): number | undefined {
    if (this.readOnly) return undefined;
    const first = this.#writer.live[0]?.first ?? this.seq + 1;
    return this.#sealed.segments.expired(this.#options, byAge ? this.#options.now() : -Infinity, {
      first,
      total: this.status().bytes,
    });
  }

  /** Removes segments that hold nothing newer; the caller has written and synced what is alive in them again. */
  async removeThrough(seq: number): Promise<void> {
    await this.#sealed.removeThrough(seq);
  }

  /** Notes after this seq name executions whose events may still be in the files; undefined without such notes. */
  get pruning(): number | undefined {
    return this.#manifest.pruning;
  }

  /** Called before such notes are written, so that pruning continues after a crash. */
  async beginPruning(): Promise<void> {
    this.#checkWritable();
    this.#manifest.pruning ??= this.seq;
    await writeManifest(this.#options.directory, this.#manifest);
  }

  async endPruning(): Promise<void> {
    delete this.#manifest.pruning;
    await writeManifest(this.#options.directory, this.#manifest);
  }

  /**
   * Removes these events from all files, one segment at a time. Returns how many bytes that has freed on disk.
   * `kept`: seqs of events that are not removed.
   */
  async prune(gone: Gone, signal: AbortSignal, kept: ReadonlySet<number> = new Set()): Promise<number> {
    await this.#sealFor(gone);
    return await this.#sealed.prune(gone, signal, kept);
  }

  /** Rotates the active segment if it holds one of them. */
  async #sealFor(gone: Gone): Promise<void> {
    const holds = () => this.#writer.live.some(({ index }) => mayHold(index, gone));
    if (!holds()) return;
    await this.#work.run(() => this.#attempt(() => this.#writer.rotate()));
    if (this.#options.sync === 'interval') await this.#schedule.request();
    if (holds())
      throw new ProgressError(
        'journal_failed',
        'the newest events cannot be synced, so nothing was removed from files',
      );
  }

  #check({ events, lines }: Batch, first: number): void {
    this.#checkWritable();
    if (this.#isClosed) throw new ProgressError('journal_failed', 'the journal is closed');
    if (this.#isWriting) throw new ProgressError('internal', 'two concurrent writes to the journal');
    if (first < this.nextSeq)
      throw new ProgressError('internal', `event ${first} is out of order: ${this.nextSeq} is next`);
    if (events.length !== lines.length) throw new ProgressError('internal', 'a batch has a line for each event');
  }

  #checkWritable(): void {
    if (!this.readOnly) return;
    const advice = 'use that release, or move the directory away';
    throw new ProgressError('read_only', `${this.#options.directory} was written by a later release: ${advice}`);
  }

  #findLive(first: number) {
    return this.#writer.live.find((segment) => segment.first === first)?.index;
  }

  async #write(batch: Batch, first: number): Promise<void> {
    await this.#attempt(async () => {
      await this.#reserve(batch.events.at(-1)?.seq ?? first);
      await this.#writer.write(batch, first);
    });
    this.#writtenAt = this.#options.uptime();
    await this.#writer.rotateIfDue();
    if (this.#options.sync === 'interval') this.#scheduleSync(batch);
  }

  /** Raises the high-water mark, which survives power loss, before a seq above it is used: no seq is assigned twice. */
  async #reserve(seq: number): Promise<void> {
    const { directory } = this.#options;
    const { reservedThrough } = this.#manifest;
    if (seq <= (reservedThrough ?? 0)) return;
    this.#manifest.reservedThrough = seq + RESERVED_SEQS;
    try {
      await createDirectory(directory);
      await writeManifest(directory, this.#manifest);
    } catch (error) {
      if (reservedThrough === undefined) delete this.#manifest.reservedThrough;
      else this.#manifest.reservedThrough = reservedThrough;
      throw error;
    }
  }

  #scheduleSync({ events }: Batch): void {
    const isUrgent = this.#writer.unsynced.bytes >= SYNC_BYTES || events.some(({ type }) => isLifecycle(type));
    if (isUrgent) this.#schedule.now();
    else this.#schedule.soon();
  }

  async #syncPass(): Promise<void> {
    if (await this.#writer.sync()) return;
    await this.#work.run(async () => {
      if (!this.#writer.needsRewrite) return; // a write has done it meanwhile
      this.#failure.check();
      await this.#attempt(() => this.#writer.rewrite());
    });
  }

  /** Runs a task that writes; logs failure and recovery once each. */
  async #attempt(task: () => Promise<void>): Promise<void> {
    const { log, note } = this.#options;
    const wasFailing = this.#failure.error !== undefined;
    try {
      await task();
    } catch (thrown) {
      const error = this.#failure.set(thrown);
      if (!wasFailing) log(error.message);
      throw error;
    }
    const recovery = this.#failure.clear();
    if (recovery === undefined) return;
    log('the journal can be written again');
    note(recovery);
  }
}

/** Syncs plain segments; compressed ones are synced when they are created. */
async function syncSegments(directory: string): Promise<void> {
  for (const { first, plain } of await listSegments(directory)) {
    // compression may have replaced it meanwhile
    if (plain) await orMissing(syncFile(segmentPath(directory, first, 'plain')));
  }
}
