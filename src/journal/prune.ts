/**
 * Removes executions from a sealed segment: writes it again without their events, block by block, and replaces the
 * old file. An interruption leaves one complete file. Readers that have the old one open continue with it.
 *
 * Pruning is an event in the journal, `pruned`, with IDs: the fold forgets these, and that is the commit. Data without
 * an execution (sources, queues) is carried over before. Then each sealed segment that holds the executions is
 * rewritten; `pruning` in the manifest holds the position from which events are still to
 * be processed, so that the next daemon continues. Sequence numbers stay, and a jump is not a gap. A file may be
 * replaced at any time, so a reader verifies that the index it has read belongs to the file it has open.
 */
import { type FileHandle, rename, utimes } from 'node:fs/promises';
import type { ExecutionEvent } from '../core/events/event.js';
import { ProgressError } from '../core/base/errors.js';
import { openRegular } from '../platform/regular-file.js';
import { packBlock } from './archive.js';
import { BlockIndex } from './block-index.js';
import { OPEN_TO_REPLACE, removeFile, statIfThere, syncDirectory, TEMPORARY } from './disk.js';
import { segmentPath } from './layout.js';
import { decodeLines, peekSeq } from './lines.js';
import { removeSegment } from './recovery.js';
import { loadIndex, writeIndex } from './scan.js';
import { SegmentFile } from './segment-file.js';

/** Executions by ID, and the seq up to which their events are removed. */
export type Gone = ReadonlyMap<string, number>;

const NEWLINE = 10;

/** @returns whether the segment held such events; all its seqs are below `below`, and events in `kept` stay */
export async function pruneSegment(
  directory: string,
  first: number,
  below: number,
  { gone, kept }: { gone: Gone; kept: ReadonlySet<number> },
): Promise<boolean> {
  const file = await SegmentFile.open(directory, first);
  if (file === undefined) return false;
  try {
    const index = await loadIndex(directory, file, { first: below });
    const touched = touchedBlocks(index, gone);
    if (touched.size === 0) return false;
    await replace(directory, file, await write(directory, file, { index, touched, below, gone, kept }));
    return true;
  } catch (error) {
    await removeFile(pathOf(directory, file) + TEMPORARY).catch(() => undefined); // the first error is the one to report
    throw error;
  } finally {
    await file.close();
  }
}

/** Whether the segment may hold events to remove. One that starts after the last of them holds none. */
export function mayHold(index: BlockIndex, gone: Gone): boolean {
  return [...index.executions()].some((id) => (index.seqs[0] ?? Infinity) <= (gone.get(id) ?? 0));
}

function touchedBlocks(index: BlockIndex, gone: Gone): ReadonlySet<number> {
  if (!mayHold(index, gone)) return new Set();
  const ids = [...index.executions()].filter((id) => gone.has(id));
  return new Set(ids.flatMap((id) => index.blocksOf(id)));
}

function pathOf(directory: string, { first, compressed }: SegmentFile): string {
  return segmentPath(directory, first, compressed ? 'gzip' : 'plain');
}

interface Task {
  index: BlockIndex;
  touched: ReadonlySet<number>;
  below: number;
  gone: Gone;
  kept: ReadonlySet<number>;
}

/** Writes the new file next to the old one. @returns its index */
async function write(directory: string, file: SegmentFile, task: Task): Promise<BlockIndex> {
  const path = pathOf(directory, file);
  const handle = await openRegular(path + TEMPORARY, OPEN_TO_REPLACE);
  try {
    const index = await writeBlocks(handle, file, task);
    await handle.sync();
    return index;
  } finally {
    await handle.close();
  }
}

async function writeBlocks(handle: FileHandle, file: SegmentFile, task: Task): Promise<BlockIndex> {
  const { index, touched, below } = task;
  const fresh = new BlockIndex(file.first);
  fresh.closed = true;
  fresh.lostThrough = index.lostThrough;
  if (file.compressed) fresh.gzip = { offsets: [], size: 0 };
  let before = -1;
  for (let block = 0; block < index.blocks; block++) {
    const end = index.offsets[block + 1] ?? index.size;
    const lines = await file.readBlock(index, block, end);
    const kept = lines && touched.has(block) ? without(lines, { before, below }, task) : lines;
    if (kept?.length === 0) continue;
    const start = fresh.size;
    const seq = kept === undefined ? NaN : peekSeq(kept, 0);
    fresh.startBlock(Number.isNaN(seq) ? (index.seqs[block] ?? 0) : seq);
    if (kept) {
      const add = (event: ExecutionEvent, _line: string, at: number) => fresh.addToBlock(event, start + at);
      before = decodeLines(kept, { ...ALL, before, below }, { event: add });
    }
    // a block that cannot be unpacked is copied unchanged
    fresh.size = start + (kept?.length ?? end - (index.offsets[block] ?? end));
    const bytes = await bytesFor(file, index, block, { kept, isChanged: kept !== lines });
    fresh.gzip?.offsets.push(fresh.gzip.size);
    if (fresh.gzip) fresh.gzip.size += bytes.length;
    await handle.writeFile(bytes);
  }
  return fresh;
}

/** Bytes of a block in the new file: the old ones if it has not changed. */
async function bytesFor(
  file: SegmentFile,
  index: BlockIndex,
  block: number,
  { kept = Buffer.alloc(0), isChanged }: { kept: Buffer | undefined; isChanged: boolean },
): Promise<Buffer> {
  if (!file.compressed) return kept;
  return isChanged ? packBlock(kept) : file.readPacked(index, block);
}

const ALL = { after: -1, through: Number.MAX_SAFE_INTEGER };

/** Removes whole lines of these executions; damaged bytes stay. */
function without(lines: Buffer, range: { before: number; below: number }, { gone, kept }: Task): Buffer {
  const parts: Buffer[] = [];
  let from = 0;
  const drop = ({ execution = '', seq }: ExecutionEvent, line: string, end: number) => {
    const start = end - Buffer.byteLength(line) - 1;
    const isWhole = lines[end - 1] === NEWLINE && (start === 0 || lines[start - 1] === NEWLINE);
    if (!isWhole || kept.has(seq) || seq > (gone.get(execution) ?? 0)) return;
    parts.push(lines.subarray(from, start));
    from = end;
  };
  decodeLines(lines, { ...ALL, ...range }, { event: drop });
  return Buffer.concat([...parts, lines.subarray(from)]);
}

/** Removes the old index before the old file: next to the new file it would report a loss. */
async function replace(directory: string, file: SegmentFile, index: BlockIndex): Promise<void> {
  const { first } = file;
  const path = pathOf(directory, file);
  const written = await statIfThere(path);
  if (written === undefined) throw new ProgressError('journal_failed', `${path} was removed by another program`);
  if (index.blocks === 0) {
    await removeFile(path + TEMPORARY);
    await removeSegment(directory, first);
  } else {
    await utimes(path + TEMPORARY, written.atime, written.mtime); // the time of the last event, for readers and retention
    await removeFile(segmentPath(directory, first, 'index'));
    await rename(path + TEMPORARY, path);
  }
  await syncDirectory(directory);
  if (index.blocks > 0) await writeIndex(directory, index);
}
