/** Segment file, plain or compressed, opened for reading by blocks. */
import type { Stats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { openRegular } from '../platform/regular-file.js';
import type { BlockIndex } from './block-index.js';
import { OPEN_TO_READ, orMissing, statIfThere } from './disk.js';
import { segmentPath } from './layout.js';

const unpack = promisify(gunzip);

/** A block is at most 64 KiB plus one line; a member that unpacks to more than this is damaged. */
export const MAX_BLOCK_BYTES = 1024 * 1024;

export class SegmentFile {
  readonly first: number;
  readonly compressed: boolean;
  /** Bytes on disk at the time of opening. */
  readonly size: number;
  readonly #handle: FileHandle;
  readonly #path: string;
  readonly #inode: number;

  private constructor(path: string, first: number, compressed: boolean, stat: Stats, handle: FileHandle) {
    this.first = first;
    this.compressed = compressed;
    this.size = stat.size;
    this.#inode = stat.ino;
    this.#path = path;
    this.#handle = handle;
  }

  /** @returns undefined when it does not exist. An open file stays readable when its name is removed. */
  static async open(directory: string, first: number): Promise<SegmentFile | undefined> {
    // compression creates the second name before it removes the first
    for (const part of ['plain', 'gzip'] as const) {
      const file = await SegmentFile.openPath(segmentPath(directory, first, part), first, part === 'gzip');
      if (file !== undefined) return file;
    }
    return undefined;
  }

  /** Opens one form of a segment by its path. */
  static async openPath(path: string, first: number, compressed: boolean): Promise<SegmentFile | undefined> {
    const handle = await orMissing(openRegular(path, OPEN_TO_READ));
    if (handle === undefined) return undefined;
    try {
      return new SegmentFile(path, first, compressed, await handle.stat(), handle);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** Whether its name still refers to this file. */
  async isInPlace(): Promise<boolean> {
    return (await statIfThere(this.#path))?.ino === this.#inode;
  }

  /** Whether the index describes this file. */
  fits(index: BlockIndex): boolean {
    if (this.compressed) return index.gzip?.size === this.size;
    return this.size === index.size || (index.closed && this.size > index.size);
  }

  /** Reads the lines of a block up to the offset `end` in the plain segment; undefined when they cannot be unpacked. */
  async readBlock(index: BlockIndex, block: number, end: number): Promise<Buffer | undefined> {
    if (this.compressed) return this.#readMember(index, block);
    const start = index.offsets[block] ?? end;
    return this.read(start, end - start);
  }

  /** Reads the compressed member of a block. */
  async readPacked(index: BlockIndex, block: number): Promise<Buffer> {
    const { offsets, size } = index.gzip ?? { offsets: [], size: 0 };
    const start = offsets[block] ?? size;
    return this.read(start, (offsets[block + 1] ?? size) - start);
  }

  async #readMember(index: BlockIndex, block: number): Promise<Buffer | undefined> {
    const member = await this.readPacked(index, block);
    try {
      return await unpack(member, { maxOutputLength: MAX_BLOCK_BYTES });
    } catch {
      return undefined; // the checksum or the structure is wrong: the caller reports the loss
    }
  }

  /** @returns fewer bytes than requested at the end of the file */
  async read(position: number, length: number): Promise<Buffer> {
    const buffer = Buffer.allocUnsafe(length);
    let done = 0;
    while (done < length) {
      const { bytesRead } = await this.#handle.read(buffer, done, length - done, position + done);
      if (bytesRead === 0) break;
      done += bytesRead;
    }
    return buffer.subarray(0, done);
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}
