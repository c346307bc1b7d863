/** Compresses a sealed segment, one gzip member per block; an interruption leaves exactly one valid copy. */
import { type FileHandle, rename, utimes } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { ProgressError } from '../core/base/errors.js';
import { openRegular } from '../platform/regular-file.js';
import type { BlockIndex, GzipLayout } from './block-index.js';
import { OPEN_TO_REPLACE, removeFile, statIfThere, syncDirectory, TEMPORARY } from './disk.js';
import { listSegments, SEQ_LIMIT, segmentPath } from './layout.js';
import { loadIndex, readIndex, writeIndex } from './scan.js';
import { MAX_BLOCK_BYTES, SegmentFile } from './segment-file.js';

/** Compresses one block into a gzip member. */
export const packBlock = promisify(gzip);

/** Called between blocks: delays compression while the machine is busy, and throws to stop it. */
export type CompressionPace = () => Promise<void>;

/** Compresses a segment, unless it has been removed or is mostly damaged. */
export async function archiveSegment(directory: string, first: number, pace: CompressionPace): Promise<void> {
  const file = await SegmentFile.open(directory, first);
  if (file === undefined) return;
  try {
    const next = (await listSegments(directory)).find((segment) => segment.first > first);
    const index = await loadIndex(directory, file, next ?? { first: SEQ_LIMIT });
    index.closed = true;
    if (file.compressed) await writeIndex(directory, index);
    else if (isWorthwhile(index)) await replaceByArchive(directory, file, index, pace);
  } finally {
    await file.close();
  }
}

/** Whether the compressed copy of a segment is valid, so that the plain one can be removed. */
export async function isArchiveWhole(directory: string, first: number): Promise<boolean> {
  const index = await readIndex(directory, first);
  return index !== undefined && isWhole(segmentPath(directory, first, 'gzip'), index, () => Promise.resolve());
}

function isWorthwhile(index: BlockIndex): boolean {
  const sizes = index.offsets.map((_, block) => endOf(index, block) - (index.offsets[block] ?? 0));
  return sizes.length > 0 && Math.max(...sizes) <= MAX_BLOCK_BYTES;
}

function endOf(index: BlockIndex, block: number): number {
  return index.offsets[block + 1] ?? index.size;
}

async function replaceByArchive(
  directory: string,
  file: SegmentFile,
  index: BlockIndex,
  pace: CompressionPace,
): Promise<void> {
  const archive = segmentPath(directory, file.first, 'gzip');
  const plain = segmentPath(directory, file.first, 'plain');
  const temporary = archive + TEMPORARY;
  try {
    index.gzip = await writeArchive(temporary, file, index, pace);
    if (!(await isWhole(temporary, index, pace)))
      throw new ProgressError('journal_failed', `${archive}: the compressed copy differs from the segment`);
    const written = await statIfThere(plain);
    if (written === undefined) throw new ProgressError('journal_failed', `${plain} was removed by another program`);
    await utimes(temporary, written.atime, written.mtime); // the time of the last event, for readers and retention
    await writeIndex(directory, index); // it describes both forms
    await rename(temporary, archive);
  } catch (error) {
    await removeFile(temporary).catch(() => undefined); // the first error is the one to report
    throw error;
  }
  await syncDirectory(directory);
  await removeFile(plain);
}

async function writeArchive(
  path: string,
  file: SegmentFile,
  index: BlockIndex,
  pace: CompressionPace,
): Promise<GzipLayout> {
  const handle = await openRegular(path, OPEN_TO_REPLACE);
  try {
    const layout = await writeMembers(handle, file, index, pace);
    await handle.sync();
    return layout;
  } finally {
    await handle.close();
  }
}

async function writeMembers(
  handle: FileHandle,
  file: SegmentFile,
  index: BlockIndex,
  pace: CompressionPace,
): Promise<GzipLayout> {
  const layout: GzipLayout = { offsets: [], size: 0 };
  for (let block = 0; block < index.blocks; block++) {
    await pace();
    const member = await packBlock((await file.readBlock(index, block, endOf(index, block))) ?? '');
    layout.offsets.push(layout.size);
    await handle.writeFile(member);
    layout.size += member.length;
  }
  return layout;
}

/** Whether every member unpacks to the size of its block. */
async function isWhole(path: string, index: BlockIndex, pace: CompressionPace): Promise<boolean> {
  const file = await SegmentFile.openPath(path, index.first, true);
  if (file === undefined) return false;
  try {
    if (!file.fits(index)) return false;
    for (let block = 0; block < index.blocks; block++) {
      await pace();
      const lines = await file.readBlock(index, block, 0);
      if (lines?.length !== endOf(index, block) - (index.offsets[block] ?? 0)) return false;
    }
    return true;
  } finally {
    await file.close();
  }
}
