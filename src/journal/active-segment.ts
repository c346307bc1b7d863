/** The one file that is written to: whole batches or nothing of them. */
import type { FileHandle } from 'node:fs/promises';
import { BlockIndex } from './block-index.js';
import { ProgressError } from '../core/errors.js';
import { openRegular } from '../platform/regular-file.js';
import { OPEN_NEW_TO_APPEND, OPEN_TO_APPEND, removeFile, statIfThere, syncDirectory } from './disk.js';
import { segmentPath } from './layout.js';
import { scanSegment } from './scan.js';
import { SegmentFile } from './segment-file.js';

export class ActiveSegment {
  readonly index: BlockIndex;
  /** Wall clock, milliseconds. */
  readonly createdAt: number;
  readonly #directory: string;
  readonly #handle: FileHandle;
  readonly #inode: number;
  /** Its name is not yet known to be on disk. */
  #unlisted: boolean;
  /** A failed sync: what the kernel had not written by then, it has forgotten. */
  #distrust: Error | undefined;
  /** The name leads to another file, to none, or to a part of what was written. */
  #displaced = false;
  /** Bytes behind the good end that could not be cut off. */
  #dirty = false;

  private constructor(
    directory: string,
    index: BlockIndex,
    handle: FileHandle,
    file: { ino: number; createdAt: number; isNew: boolean },
  ) {
    this.#directory = directory;
    this.index = index;
    this.#handle = handle;
    this.#inode = file.ino;
    this.createdAt = file.createdAt;
    this.#unlisted = file.isNew;
  }

  /** Never opens what is there already, be it a file or a planted link. */
  static async create(directory: string, first: number, createdAt: number): Promise<ActiveSegment> {
    const handle = await openRegular(segmentPath(directory, first, 'plain'), OPEN_NEW_TO_APPEND);
    const { ino } = await handle.stat();
    return new ActiveSegment(directory, new BlockIndex(first), handle, { ino, createdAt, isNew: true });
  }

  /** Goes on in a file whose content the index describes. */
  static async resume(directory: string, index: BlockIndex): Promise<ActiveSegment> {
    const handle = await openRegular(segmentPath(directory, index.first, 'plain'), OPEN_TO_APPEND);
    const { ino, birthtimeMs } = await handle.stat();
    return new ActiveSegment(directory, index, handle, { ino, createdAt: birthtimeMs, isNew: false });
  }

  get first(): number {
    return this.index.first;
  }

  get path(): string {
    return segmentPath(this.#directory, this.first, 'plain');
  }

  /** Has a sync failed, so that its unsynced lines must be written again elsewhere? */
  get isDistrusted(): boolean {
    return this.#distrust !== undefined;
  }

  /** Has somebody taken away what was written, so that its unsynced lines must be written again elsewhere? */
  get isDisplaced(): boolean {
    return this.#displaced;
  }

  /** Must nothing more be appended to it? */
  get isSpoilt(): boolean {
    return this.#dirty || this.isDistrusted;
  }

  /** All of the bytes, or none and an error. They count once they are in the index. */
  async append(bytes: Buffer, durably: boolean): Promise<void> {
    try {
      await this.#writeAll(bytes);
      if (durably) await this.sync();
    } catch (error) {
      await this.#undo();
      throw error;
    }
  }

  async #writeAll(bytes: Buffer): Promise<void> {
    // A short count hides the reason; writing the rest brings it out.
    for (let done = 0; done < bytes.length;) {
      const { bytesWritten } = await this.#handle.write(bytes, done, bytes.length - done, null);
      if (bytesWritten === 0) throw new ProgressError('disk_full', 'the disk takes no more of the journal');
      done += bytesWritten;
    }
  }

  /** Cuts off what is behind the good end. */
  async #undo(): Promise<void> {
    try {
      const { size } = await this.#handle.stat();
      if (size > this.index.size) await this.#handle.truncate(this.index.size);
      this.#dirty = size < this.index.size; // somebody else cut it
    } catch {
      this.#dirty = true;
    }
  }

  /**
   * What is on disk counts only while the name leads to it. After a failure it only fails: a later success of the same
   * file would mean nothing.
   */
  async sync(): Promise<void> {
    if (this.#distrust !== undefined) throw this.#distrust;
    try {
      if (this.#unlisted) await this.#syncName();
      else await this.#handle.datasync();
      await this.#checkName();
    } catch (error) {
      this.#distrust = ProgressError.from(error);
      throw error;
    }
  }

  async #syncName(): Promise<void> {
    await this.#handle.sync();
    await syncDirectory(this.#directory);
    this.#unlisted = false;
  }

  /** Returns the size. A write may be under way: the file may be longer than the index says, never shorter. */
  async #checkName(): Promise<number> {
    const { size } = this.index;
    const stat = await statIfThere(this.path);
    if (stat?.ino === this.#inode && stat.size >= size) return stat.size;
    this.#displaced = true;
    throw new ProgressError('journal_failed', `${this.path} was moved, removed, replaced or truncated`);
  }

  /** Is the file under its name this one, as long as the last write left it? Not to be called during a write. */
  async isIntact(): Promise<boolean> {
    try {
      return (await this.#checkName()) === this.index.size;
    } catch (error) {
      this.#distrust = ProgressError.from(error);
      return false;
    }
  }

  /** Takes the lines from this seq on out of a file that was truncated while they were appended to it. */
  async cutFrom(seq: number): Promise<void> {
    const stat = await statIfThere(this.path);
    if (stat?.ino !== this.#inode) return;
    const file = await SegmentFile.openPath(this.path, this.first, false);
    if (file === undefined) return;
    try {
      const { index } = await scanSegment(file, seq);
      await this.#handle.truncate(index.size);
    } finally {
      await file.close();
    }
  }

  async close(): Promise<void> {
    if (this.#dirty) await this.#undo();
    await this.#handle.close();
  }

  /** Closes and removes it: nothing in it is needed. */
  async discard(): Promise<void> {
    await this.#handle.close();
    const stat = await statIfThere(this.path);
    if (stat?.ino === this.#inode) await removeFile(this.path);
  }
}
