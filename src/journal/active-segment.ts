/** Segment that is written to; appends whole batches or nothing. */
import type { FileHandle } from 'node:fs/promises';
import { BlockIndex } from './block-index.js';
import { ProgressError } from '../core/base/errors.js';
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
  /** The directory entry is not synced yet. */
  #isNameUnsynced: boolean;
  /** Error of a failed sync, after which the kernel has dropped what it had not written. */
  #distrust: Error | undefined;
  /** The name refers to another file, to none, or to a truncated one. */
  #displaced = false;
  /** Bytes after the last good line could not be cut off. */
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
    this.#isNameUnsynced = file.isNew;
  }

  /** Creates the file; never opens an existing file or link. */
  static async create(directory: string, first: number, createdAt: number): Promise<ActiveSegment> {
    const handle = await openRegular(segmentPath(directory, first, 'plain'), OPEN_NEW_TO_APPEND);
    const { ino } = await handle.stat();
    return new ActiveSegment(directory, new BlockIndex(first), handle, { ino, createdAt, isNew: true });
  }

  /** Continues a file whose content the index describes. */
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

  /** Whether a sync has failed, so that unsynced lines must be written again to another file. */
  get isDistrusted(): boolean {
    return this.#distrust !== undefined;
  }

  /** Whether another program has moved or cut the file, so that unsynced lines must be written again. */
  get isDisplaced(): boolean {
    return this.#displaced;
  }

  /** Whether nothing more must be appended. */
  get isSpoilt(): boolean {
    return this.#dirty || this.isDistrusted;
  }

  /** Appends all bytes, or none and throws. They belong to the journal once they are in the index. */
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
    // a short write has no error code; writing the rest returns it
    for (let done = 0; done < bytes.length;) {
      const { bytesWritten } = await this.#handle.write(bytes, done, bytes.length - done, null);
      if (bytesWritten === 0) throw new ProgressError('disk_full', 'the disk is full: no space for the journal');
      done += bytesWritten;
    }
  }

  /** Cuts off bytes after the last good line. */
  async #undo(): Promise<void> {
    try {
      const { size } = await this.#handle.stat();
      if (size > this.index.size) await this.#handle.truncate(this.index.size);
      this.#dirty = size < this.index.size; // another program cut it
    } catch {
      this.#dirty = true;
    }
  }

  /**
   * Syncs the file, and checks that its name still refers to it. After a failure all calls fail: a later success of the same
   * file would mean nothing, since the kernel has dropped the data.
   */
  async sync(): Promise<void> {
    if (this.#distrust !== undefined) throw this.#distrust;
    try {
      if (this.#isNameUnsynced) await this.#syncName();
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
    this.#isNameUnsynced = false;
  }

  /** @returns the size, which during a write may exceed that of the index */
  async #checkName(): Promise<number> {
    const { size } = this.index;
    const stat = await statIfThere(this.path);
    if (stat?.ino === this.#inode && stat.size >= size) return stat.size;
    this.#displaced = true;
    throw new ProgressError('journal_failed', `${this.path} was moved, removed, replaced or truncated`);
  }

  /** Whether the name refers to this file, with the size after the last write. Not to be called during a write. */
  async isIntact(): Promise<boolean> {
    try {
      return (await this.#checkName()) === this.index.size;
    } catch (error) {
      this.#distrust = ProgressError.from(error);
      return false;
    }
  }

  /** Removes the lines from this seq on from a file that was truncated while they were appended. */
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

  /** Closes and removes the file. */
  async discard(): Promise<void> {
    await this.#handle.close();
    const stat = await statIfThere(this.path);
    if (stat?.ino === this.#inode) await removeFile(this.path);
  }
}
