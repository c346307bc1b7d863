/**
 * Appends batches to the active segment, whole or not at all, and changes over to a new one when it is full, has been
 * tampered with, or cannot be synced. What a failed sync leaves in doubt is written once more, elsewhere.
 */
import path from 'node:path';
import type { NewEvent } from '../core/event.js';
import { errnoOf, ProgressError } from '../core/errors.js';
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
  /** What the journal wants to have written in itself. */
  note: (event: NewEvent) => void;
  /** A segment was rotated, and is to be synced and finished soon. */
  sealed: () => void;
  /** A segment is synced, indexed and closed. */
  finished: (first: number) => Promise<void>;
  /** Puts back what the directory holds beside segments, when it was taken away. */
  restoreDirectory: () => Promise<void>;
}

/** What may change while it writes. */
export type Tuning = Pick<WriterOptions, 'segmentBytes' | 'segmentMs' | 'sync'>;

/** How often to look, while writing, whether the file is still there; and to try again to begin a new one. */
const LOOK_MS = 1_000;

export class SegmentWriter {
  seq: number;
  synced: number;
  nextSeq: number;
  readonly unsynced = new Unsynced();
  #options: WriterOptions;
  /** Undefined until something is written, after anything but a clean stop. */
  #active: ActiveSegment | undefined;
  /** Closed to writing, oldest first; not yet known to be on disk. */
  #sealing: ActiveSegment[] = [];
  /** The journal has a note that another program has changed their files. */
  readonly #replaced = new WeakSet<ActiveSegment>();
  #lookedAt: number;
  #rotateAfter = -Infinity;

  constructor(options: WriterOptions, start: { seq: number; nextSeq: number; active: ActiveSegment | undefined }) {
    this.#options = options;
    this.#active = start.active;
    this.seq = start.seq;
    this.synced = start.seq;
    this.nextSeq = start.nextSeq;
    this.#lookedAt = options.uptime();
  }

  configure(given: Partial<Tuning>): void {
    this.#options = { ...this.#options, ...given };
  }

  /** Segments that are not finished, oldest first. */
  get live(): ActiveSegment[] {
    return this.#active ? [...this.#sealing, this.#active] : this.#sealing;
  }

  /** Has a sync failed whose lines have not been written again yet? */
  get needsRewrite(): boolean {
    return this.live.some((segment) => segment.isDistrusted);
  }

  /** Rejects with nothing of the batch in the journal; its seqs are used up then. */
  async write(batch: Batch, first: number): Promise<void> {
    try {
      await this.#prepare();
      const text = batch.lines.join('\n') + '\n';
      const bytes = Buffer.from(text);
      const segment = await this.#append(bytes, first);
      indexBatch(segment, batch, bytes.length === text.length);
      this.#accept(first, segment.index.last, bytes);
    } catch (error) {
      // Some of it may have been seen in the file, or may come back after a crash.
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
    if (this.#active && this.#options.uptime() - this.#lookedAt >= LOOK_MS) await this.#look(this.#active);
  }

  /** Somebody may have moved, removed or cut the file. */
  async #look(active: ActiveSegment): Promise<void> {
    this.#lookedAt = this.#options.uptime();
    if (await active.isIntact()) return;
    await this.#noteReplaced(active);
    if (active.isDistrusted) await this.rewrite();
    else await this.#change(undefined);
  }

  /** Once for each. Its index, which tells what is lost, needs a directory. */
  async #noteReplaced(segment: ActiveSegment): Promise<void> {
    await this.#ensureDirectory();
    if (this.#replaced.has(segment)) return;
    this.#replaced.add(segment);
    const { first, last } = segment.index;
    const message = `segment ${first} was moved, removed or changed by another program: writing continues in a new one`;
    this.#note('replaced', message, { from: first, to: last });
  }

  /** With `always`, a failed sync is a failed write, tried once more in another file. */
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
    this.#note('resynced', `a sync failed: going on in segment ${fresh.first}`, { from: first });
    return fresh;
  }

  async #create(first: number): Promise<ActiveSegment> {
    const { directory, now, log, uptime } = this.#options;
    await this.#ensureDirectory();
    const segment = await ActiveSegment.create(directory, first, now());
    this.#lookedAt = uptime();
    await replaceLink(path.join(directory, CURRENT), segmentName(first, 'plain')).catch((error: unknown) => {
      log(`${CURRENT} does not point to the newest segment: ${ProgressError.from(error).message}`);
    });
    return segment;
  }

  /** Another program may have removed it, or put another one in its place. */
  async #ensureDirectory(): Promise<void> {
    const { directory, restoreDirectory } = this.#options;
    if ((await statIfThere(path.join(directory, MANIFEST))) !== undefined) return;
    await createDirectory(directory);
    await restoreDirectory();
  }

  /** Without a new file the old one serves on. */
  async rotateIfDue(): Promise<void> {
    const { segmentBytes, segmentMs, now, uptime, log } = this.#options;
    const active = this.#active;
    if (active === undefined || uptime() < this.#rotateAfter) return;
    // a clock that has jumped back must not keep it open for years
    if (active.index.size < segmentBytes && Math.abs(now() - active.createdAt) < segmentMs) return;
    try {
      await this.#change(await this.#create(this.nextSeq));
    } catch (error) {
      if (errnoOf(error) === 'EEXIST') this.nextSeq++; // that name is taken
      this.#rotateAfter = uptime() + LOOK_MS;
      log(`no new segment yet: ${ProgressError.from(error).message}`);
    }
  }

  /** Begins a new segment, so that everything written so far is in closed ones. */
  async rotate(): Promise<void> {
    if (this.#active !== undefined && this.#active.index.lines > 0)
      await this.#change(await this.#create(this.nextSeq));
  }

  /** Nothing is appended to the old active segment any more. */
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
        this.#options.log(`segment ${segment.first} has no index for now: ${ProgressError.from(error).message}`);
      });
      this.#sealing = this.#sealing.filter((other) => other !== segment);
      await this.#options.finished(segment.first);
    }
  }

  async #closeSealed(segment: ActiveSegment): Promise<void> {
    await segment.close();
    await writeIndex(this.#options.directory, segment.index);
  }

  /** False when it failed: then `rewrite` is needed. May run beside a write. */
  async sync(): Promise<boolean> {
    const { seq } = this;
    const sealed = [...this.#sealing];
    try {
      for (const segment of this.live) if (segment.index.lines > 0) await segment.sync();
    } catch {
      return false; // the segment knows
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
   * Seals what a failed sync leaves in doubt; its unsynced lines go to a new segment with the same seqs. Segments that
   * hold nothing else are removed then: a reader that came by one of them would take older lines in the new one for second copies.
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

  /** What the segment holds from this seq on has been written again. */
  async #dropFrom(segment: ActiveSegment, from: number): Promise<void> {
    const { index } = segment;
    if ((index.seqs[0] ?? 0) >= from) await this.#discard(segment);
    else if (segment.isDisplaced) {
      // the index of a file that is gone tells what is lost
      index.last = Math.min(index.last, from - 1);
      await segment.cutFrom(from);
    }
  }

  async #discard(segment: ActiveSegment): Promise<void> {
    this.#sealing = this.#sealing.filter((other) => other !== segment);
    await segment.discard().catch((error: unknown) => {
      this.#options.log(`segment ${segment.first} is left behind: ${ProgressError.from(error).message}`);
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

  /** Everything is synced that is to be. */
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

/** Of text that is ASCII alone, bytes need not be counted line by line. */
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
