/**
 * Appends batches to the active segment, whole or not at all, and rotates to a new one when it is full, has been
 * changed by another program, or cannot be synced. Lines of a failed sync are written again to a new segment.
 */
import path from 'node:path';
import type { NewEvent } from '../core/events/event.js';
import { errnoOf, ProgressError } from '../core/base/errors.js';
import { ActiveSegment } from './active-segment.js';
import { writeCleanMarker } from './clean-marker.js';
import { replaceLink, statIfThere } from './disk.js';
import { CURRENT, MANIFEST, SEQ_LIMIT, segmentName } from './layout.js';
import { type Batch, decodeLines } from './lines.js';
import { createDirectory, toNote } from './recovery.js';
import { writeIndex } from './scan.js';
import { Unsynced } from './unsynced.js';

export interface WriterOptions {
  directory: string;
  /** A segment ends at this size or this age. */
  segmentBytes: number;
  segmentMs: number;
  /** `always`: before a write is done; `interval`: lifecycle events at once and the rest within a second; `never`. */
  sync: 'always' | 'interval' | 'never';
  /** Wall clock, milliseconds. */
  now: () => number;
  /** A clock that never jumps, milliseconds. */
  uptime: () => number;
  log: (message: string) => void;
  /** Records an event of the journal itself. */
  note: (event: NewEvent) => void;
  /** Called when a segment was rotated and has to be synced and finished. */
  sealed: () => void;
  /** Called when a segment is synced, indexed and closed. */
  finished: (first: number) => Promise<void>;
  /** Restores the other files of the directory after their removal. */
  restoreDirectory: () => Promise<void>;
}

/** Options that may change while it writes. */
export type Tuning = Pick<WriterOptions, 'segmentBytes' | 'segmentMs' | 'sync'>;

/** Interval of checks that the file still exists, and of retries to create a new one. */
const CHECK_MS = 1_000;

export class SegmentWriter {
  seq: number;
  synced: number;
  nextSeq: number;
  readonly unsynced = new Unsynced();
  #options: WriterOptions;
  /** Undefined after an unclean shutdown until something is written. */
  #active: ActiveSegment | undefined;
  /** Rotated segments that are not synced yet, oldest first. */
  #sealing: ActiveSegment[] = [];
  /** Segments for which the journal has a note that another program changed them. */
  readonly #replaced = new WeakSet<ActiveSegment>();
  #checkedAt: number;
  #rotateAfter = -Infinity;

  constructor(options: WriterOptions, start: { seq: number; nextSeq: number; active: ActiveSegment | undefined }) {
    this.#options = options;
    this.#active = start.active;
    this.seq = start.seq;
    this.synced = start.seq;
    this.nextSeq = start.nextSeq;
    this.#checkedAt = options.uptime();
  }

  configure(given: Partial<Tuning>): void {
    this.#options = { ...this.#options, ...given };
  }

  /** Segments that are not finished, oldest first. */
  get live(): ActiveSegment[] {
    return this.#active ? [...this.#sealing, this.#active] : this.#sealing;
  }

  /** Whether a sync has failed and its lines are not written again yet. */
  get needsRewrite(): boolean {
    return this.live.some((segment) => segment.isDistrusted);
  }

  /** Writes a batch. When it rejects, nothing of the batch is in the journal, and its seqs are used up. */
  async write(batch: Batch, first: number): Promise<void> {
    try {
      await this.#prepare();
      const text = batch.lines.join('\n') + '\n';
      const bytes = Buffer.from(text);
      const segment = await this.#append(bytes, first);
      indexBatch(segment, batch, bytes.length === text.length);
      this.#accept(first, segment.index.last, bytes);
    } catch (error) {
      // a reader may have seen some of it in the file, and a crash may bring it back
      this.nextSeq = Math.max(this.nextSeq, (batch.events.at(-1)?.seq ?? first) + 1);
      throw error;
    }
  }

  #accept(first: number, last: number, bytes: Buffer): void {
    this.seq = last;
    this.nextSeq = last + 1;
    if (this.#options.sync === 'always') this.synced = last;
    if (this.#options.sync === 'interval') this.unsynced.add(first, last, bytes);
  }

  async #prepare(): Promise<void> {
    if (this.needsRewrite) await this.rewrite();
    if (this.#active?.isSpoilt) await this.#change(undefined);
    if (this.#active && this.#options.uptime() - this.#checkedAt >= CHECK_MS) await this.#checkFile(this.#active);
  }

  /** Checks whether another program has moved, removed or cut the file. */
  async #checkFile(active: ActiveSegment): Promise<void> {
    this.#checkedAt = this.#options.uptime();
    if (await active.isIntact()) return;
    await this.#noteReplaced(active);
    if (active.isDistrusted) await this.rewrite();
    else await this.#change(undefined);
  }

  /** Notes a replaced file once. Its index, which holds what is lost, needs the directory. */
  async #noteReplaced(segment: ActiveSegment): Promise<void> {
    await this.#ensureDirectory();
    if (this.#replaced.has(segment)) return;
    this.#replaced.add(segment);
    const { first, last } = segment.index;
    const message = `segment ${first} was moved, removed or changed by another program: writing continues in a new one`;
    this.#note('replaced', message, { from: first, to: last });
  }

  /** With `always`, a failed sync is a failed write, which is retried once in another file. */
  async #append(bytes: Buffer, first: number): Promise<ActiveSegment> {
    const durably = this.#options.sync === 'always';
    const segment = (this.#active ??= await this.#create(first));
    try {
      await segment.append(bytes, durably);
      return segment;
    } catch (error) {
      if (!segment.isDistrusted) throw error;
    }
    if (segment.isDisplaced) await this.#noteReplaced(segment);
    await this.#change(undefined);
    const fresh = (this.#active = await this.#create(first));
    await fresh.append(bytes, durably);
    this.#note('resynced', `a sync failed: writing continues in segment ${fresh.first}`, { from: first });
    return fresh;
  }

  async #create(first: number): Promise<ActiveSegment> {
    const { directory, now, log, uptime } = this.#options;
    await this.#ensureDirectory();
    const segment = await ActiveSegment.create(directory, first, now());
    this.#checkedAt = uptime();
    await replaceLink(path.join(directory, CURRENT), segmentName(first, 'plain')).catch((error: unknown) => {
      log(`${CURRENT} does not point to the newest segment: ${ProgressError.from(error).message}`);
    });
    return segment;
  }

  /** Creates the directory again if another program has removed or replaced it. */
  async #ensureDirectory(): Promise<void> {
    const { directory, restoreDirectory } = this.#options;
    if ((await statIfThere(path.join(directory, MANIFEST))) !== undefined) return;
    await createDirectory(directory);
    await restoreDirectory();
  }

  /** Rotates when due; if no new file can be created, writing continues in the old one. */
  async rotateIfDue(): Promise<void> {
    const { segmentBytes, segmentMs, now, uptime, log } = this.#options;
    const active = this.#active;
    if (active === undefined || uptime() < this.#rotateAfter) return;
    // a clock that was set back must not keep it open for years
    if (active.index.size < segmentBytes && Math.abs(now() - active.createdAt) < segmentMs) return;
    try {
      await this.#change(await this.#create(this.nextSeq));
    } catch (error) {
      if (errnoOf(error) === 'EEXIST') this.nextSeq++; // a file of that name exists
      this.#rotateAfter = uptime() + CHECK_MS;
      log(`cannot create a segment: ${ProgressError.from(error).message}`);
    }
  }

  /** Starts a new segment, so that everything written so far is in closed ones. */
  async rotate(): Promise<void> {
    if (this.#active !== undefined && this.#active.index.lines > 0)
      await this.#change(await this.#create(this.nextSeq));
  }

  /** Replaces the active segment; nothing more is appended to the old one. */
  async #change(next: ActiveSegment | undefined): Promise<void> {
    const old = this.#active;
    this.#active = next;
    if (old === undefined) return;
    old.index.closed = true;
    if (old.index.lines === 0) return old.discard();
    this.#sealing.push(old);
    if (this.#options.sync === 'interval') this.#options.sealed();
    else await this.#finish([old]);
  }

  async #finish(segments: ActiveSegment[]): Promise<void> {
    for (const segment of segments) {
      await this.#closeSealed(segment).catch((error: unknown) => {
        this.#options.log(`cannot write the index of segment ${segment.first}: ${ProgressError.from(error).message}`);
      });
      this.#sealing = this.#sealing.filter((other) => other !== segment);
      await this.#options.finished(segment.first);
    }
  }

  async #closeSealed(segment: ActiveSegment): Promise<void> {
    await segment.close();
    await writeIndex(this.#options.directory, segment.index);
  }

  /** @returns false when it failed and `rewrite` is needed. May run during a write. */
  async sync(): Promise<boolean> {
    const { seq } = this;
    const sealed = [...this.#sealing];
    try {
      for (const segment of this.live) if (segment.index.lines > 0) await segment.sync();
    } catch {
      return false; // the segment has the error
    }
    this.#markSynced(seq);
    await this.#finish(sealed);
    return true;
  }

  #markSynced(seq: number): void {
    this.synced = Math.max(this.synced, seq);
    this.unsynced.dropThrough(seq);
  }

  /**
   * Seals segments whose sync failed; unsynced lines go to a new segment with the same seqs. Segments that
   * hold nothing else are removed: a reader that had read one would take older lines in the new one for copies.
   */
  async rewrite(): Promise<void> {
    const from = this.unsynced.first;
    for (const segment of this.live) if (segment.isDisplaced) await this.#noteReplaced(segment);
    await this.#change(undefined);
    if (from !== undefined) {
      await this.#rewriteUnsynced();
      for (const segment of [...this.#sealing]) await this.#dropFrom(segment, from);
    }
    await this.#finish([...this.#sealing]);
  }

  /** Removes what was written again: the lines of the segment from this seq on. */
  async #dropFrom(segment: ActiveSegment, from: number): Promise<void> {
    const { index } = segment;
    if ((index.seqs[0] ?? 0) >= from) await this.#discard(segment);
    else if (segment.isDisplaced) {
      // the index of a removed file holds what is lost
      index.last = Math.min(index.last, from - 1);
      await segment.cutFrom(from);
    }
  }

  async #discard(segment: ActiveSegment): Promise<void> {
    this.#sealing = this.#sealing.filter((other) => other !== segment);
    await segment.discard().catch((error: unknown) => {
      this.#options.log(`cannot remove segment ${segment.first}: ${ProgressError.from(error).message}`);
    });
  }

  async #rewriteUnsynced(): Promise<void> {
    const fresh = await this.#create(this.nextSeq);
    try {
      for (const { bytes } of this.unsynced.batches) await appendLines(fresh, bytes);
      await fresh.sync();
    } catch (error) {
      await fresh.discard();
      throw error;
    }
    this.#active = fresh;
    const message = `events that could not be synced were written again in segment ${fresh.first}`;
    this.#note('resynced', message, { from: this.synced + 1, to: this.seq });
    this.#markSynced(this.seq);
  }

  /** Closes the active segment; the caller has synced it. */
  async close(): Promise<void> {
    const active = this.#active;
    if (active === undefined) return;
    const { directory } = this.#options;
    await active.close();
    await writeIndex(directory, active.index);
    const { first, size } = active.index;
    await writeCleanMarker(directory, { segment: first, size, seq: this.nextSeq - 1 });
  }

  #note(kind: string, message: string, data: Record<string, number>): void {
    this.#options.log(message);
    this.#options.note(toNote(kind, message, data));
  }
}

/** Adds a batch to the index. In ASCII text, the length of a line is its number of bytes. */
function indexBatch({ index }: ActiveSegment, { events, lines }: Batch, isAscii: boolean): void {
  let end = index.size;
  for (const [at, event] of events.entries()) {
    const line = lines[at] ?? '';
    end += (isAscii ? line.length : Buffer.byteLength(line)) + 1;
    index.add(event, end);
  }
}

async function appendLines(segment: ActiveSegment, bytes: Buffer): Promise<void> {
  const start = segment.index.size;
  await segment.append(bytes, false);
  const range = { before: -1, below: SEQ_LIMIT, after: -1, through: SEQ_LIMIT };
  decodeLines(bytes, range, { event: (event, _line, end) => segment.index.add(event, start + end) });
}
