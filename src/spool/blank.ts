/**
 * Blanks parts of a spool file in place: bytes become spaces, line breaks remain. The file keeps its length and inode,
 * since its writer may live and lines are known by their offsets. Readers skip blank lines.
 */
import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { errnoOf } from '../core/base/errors.js';
import { openRegular } from '../platform/regular-file.js';

/** Byte range [start, end). */
export type Range = readonly [start: number, end: number];

const CHUNK_BYTES = 256 * 1024;
const NEWLINE = 0x0a;
const SPACE = 0x20;

/** @returns how many bytes have changed; 0 when the file does not exist */
export async function blankRanges(file: string, ranges: readonly Range[]): Promise<number> {
  return await withFile(file, constants.O_RDWR, async (handle) => {
    const before = await handle.stat();
    if (before.uid !== userInfo().uid) return 0;
    let changed = 0;
    for (const [start, end] of ranges) changed += await blank(handle, start, Math.min(end, before.size));
    if (changed === 0) return 0;
    // the time of the file is that of its last event, unless lines were appended meanwhile
    if ((await handle.stat()).size === before.size) await handle.utimes(before.atime, before.mtime);
    return changed;
  });
}

async function blank(handle: FileHandle, start: number, end: number): Promise<number> {
  let changed = 0;
  for (let at = start; at < end; at += CHUNK_BYTES) {
    const chunk = Buffer.alloc(Math.min(CHUNK_BYTES, end - at));
    const { bytesRead } = await handle.read(chunk, 0, chunk.length, at);
    const bytes = chunk.subarray(0, bytesRead);
    let count = 0;
    for (const [index, byte] of bytes.entries()) {
      if (byte === NEWLINE || byte === SPACE) continue;
      bytes[index] = SPACE;
      count++;
    }
    if (count > 0) await handle.write(bytes, 0, bytes.length, at);
    changed += count;
  }
  return changed;
}

/** Finds lines that end in a part of a file; the first one may lack its beginning. */
export async function findLines(
  file: string,
  [from, through]: Range,
  isWanted: (text: string) => boolean,
): Promise<Range[]> {
  const found: Range[] = [];
  await withFile(file, constants.O_RDONLY, async (handle) => {
    let carried = Buffer.alloc(0);
    for (let at = from; at < through;) {
      const chunk = Buffer.alloc(Math.min(CHUNK_BYTES, through - at));
      const { bytesRead } = await handle.read(chunk, 0, chunk.length, at);
      if (bytesRead === 0) break;
      const start = at - carried.length;
      const bytes = Buffer.concat([carried, chunk.subarray(0, bytesRead)]);
      at += bytesRead;
      let begin = 0;
      for (let end; (end = bytes.indexOf(NEWLINE, begin)) !== -1; begin = end + 1) {
        if (isWanted(bytes.toString('utf8', begin, end))) found.push([start + begin, start + end]);
      }
      carried = bytes.subarray(begin);
    }
    return 0;
  });
  return found;
}

async function withFile(file: string, flags: number, use: (handle: FileHandle) => Promise<number>): Promise<number> {
  let handle: FileHandle;
  try {
    handle = await openRegular(file, flags | constants.O_NOFOLLOW);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return 0;
    throw error;
  }
  try {
    return await use(handle);
  } finally {
    await handle.close();
  }
}
