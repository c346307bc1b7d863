/** Reads a whole segment to find out what is in it: the index when there is none to believe, and all damage. */
import { crc32, inflateRawSync, type InflateRaw } from 'node:zlib';
import { readText } from '../platform/regular-file.js';
import { BlockIndex } from './block-index.js';
import { replaceFile } from './disk.js';
import { SEQ_LIMIT, type SegmentEntry, segmentPath } from './layout.js';
import { decodeLines, peekSeq } from './lines.js';
import { MAX_BLOCK_BYTES, type SegmentFile } from './segment-file.js';

/** Much larger than a line, so that a window without a newline is damage. */
const WINDOW_BYTES = 1024 * 1024;
const NEWLINE = 10;

/** What zlib writes in front of a member that has no name and no time. */
const MEMBER_MAGIC = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0]);
const MEMBER_HEADER_BYTES = 10;
const MEMBER_TRAILER_BYTES = 8;

/** Of a compressed segment: in the compressed file. */
export interface DamagedRange {
  offset: number;
  bytes: number;
}

export interface Scan {
  /** Its `size` ends with the last whole good line. */
  index: BlockIndex;
  damage: DamagedRange[];
}

/** `below`: the name of the next segment, which all seqs of this one are below. */
export async function scanSegment(file: SegmentFile, below = SEQ_LIMIT): Promise<Scan> {
  return file.compressed ? scanMembers(file, below) : scanPlain(file, below);
}

/** The index of a segment: the stored one if it fits the file, else from a scan. Without a successor it may still grow. */
export async function loadIndex(
  directory: string,
  file: SegmentFile,
  next?: Pick<SegmentEntry, 'first'>,
): Promise<BlockIndex> {
  const stored = await readIndex(directory, file.first);
  if (stored !== undefined && file.fits(stored)) return stored;
  const { index } = await scanSegment(file, next?.first);
  noteLoss(index, stored);
  // What follows the last good line is damage to be told of, where it is not a write under way.
  if (next !== undefined && !file.compressed && index.blocks > 0) index.size = file.size;
  return index;
}

/** Does an older index of the segment know of later lines than are in it now? */
export function noteLoss(found: BlockIndex, stored: BlockIndex | undefined): void {
  const last = stored === undefined ? 0 : Math.max(stored.last, stored.lostThrough);
  if (last > found.last) found.lostThrough = last;
}

/** What is lost when it is not durable is found again by a scan. */
export async function writeIndex(directory: string, index: BlockIndex): Promise<void> {
  await replaceFile(segmentPath(directory, index.first, 'index'), index.serialize(), { durable: false });
}

/** The index beside a segment, whether it still describes it or not. One that cannot be read is rebuilt by a scan. */
export async function readIndex(directory: string, first: number): Promise<BlockIndex | undefined> {
  const text = await readText(segmentPath(directory, first, 'index')).catch(() => undefined);
  const index = text === undefined ? undefined : BlockIndex.parse(text);
  return index?.first === first ? index : undefined;
}

async function scanPlain(file: SegmentFile, below: number): Promise<Scan> {
  const scan: Scan = { index: new BlockIndex(file.first), damage: [] };
  let before: number | undefined;
  for await (const { buffer, offset } of readWindows(file)) {
    before ??= seqBefore(buffer, file.first);
    before = decodeLines(buffer, wholeRange(before, below), {
      event: (event, _line, end) => scan.index.add(event, offset + end),
      damage: (start, end) => addDamage(scan, offset + start, end - start),
    });
  }
  return scan;
}

/** Damage side by side counts as one place. */
function addDamage({ damage }: Scan, offset: number, bytes: number): void {
  const before = damage.at(-1);
  if (before !== undefined && before.offset + before.bytes === offset) before.bytes += bytes;
  else damage.push({ offset, bytes });
}

/** Whole lines; the last one of a window comes first in the next, so that each line is judged beside its neighbour. */
async function* readWindows(file: SegmentFile): AsyncGenerator<{ buffer: Buffer; offset: number }> {
  for (let offset = 0; offset < file.size;) {
    const window = await file.read(offset, Math.min(WINDOW_BYTES, file.size - offset));
    if (window.length === 0) return; // cut while we read it
    const buffer = offset + window.length < file.size ? window.subarray(0, endOfLastButOne(window)) : window;
    yield { buffer, offset };
    offset += buffer.length;
  }
}

/** Where the last but one of the whole lines ends, if there are two; a window without any is damage as a whole. */
function endOfLastButOne(window: Buffer): number {
  const last = window.lastIndexOf(NEWLINE);
  if (last === -1) return window.length;
  const lastButOne = last > 0 ? window.lastIndexOf(NEWLINE, last - 1) : -1;
  return (lastButOne === -1 ? last : lastButOne) + 1;
}

async function scanMembers(file: SegmentFile, below: number): Promise<Scan> {
  const index = new BlockIndex(file.first);
  const gzip = { offsets: [] as number[], size: file.size };
  const scan: Scan = { index, damage: [] };
  let before: number | undefined;
  for (let offset = 0, next: number; offset < file.size; offset = next) {
    const member = await readMember(file, offset);
    next = offset + member.bytes;
    gzip.offsets.push(offset);
    const { lines } = member;
    before ??= lines === undefined ? file.first - 1 : seqBefore(lines, file.first);
    index.startBlock(Math.max(before + 1, lines === undefined ? 0 : peekSeq(lines, 0) || 0));
    if (lines === undefined) addDamage(scan, offset, member.bytes);
    else before = indexMember(scan, lines, offset, wholeRange(before, below));
  }
  index.closed = true;
  index.gzip = gzip;
  return scan;
}

function indexMember(scan: Scan, lines: Buffer, offset: number, range: ReturnType<typeof wholeRange>): number {
  const start = scan.index.size;
  const last = decodeLines(lines, range, {
    event: (event, _line, end) => scan.index.addToBlock(event, start + end),
    damage: (from, to) => addDamage(scan, offset, to - from),
  });
  scan.index.size = start + lines.length;
  return last;
}

/** The member at an offset and the bytes it takes; without lines when it is damaged, up to where the next one begins. */
async function readMember(file: SegmentFile, offset: number): Promise<{ lines?: Buffer; bytes: number }> {
  const window = await file.read(offset, MAX_BLOCK_BYTES);
  try {
    const options = { info: true, maxOutputLength: MAX_BLOCK_BYTES };
    const inflated: unknown = inflateRawSync(window.subarray(MEMBER_HEADER_BYTES), options);
    const { buffer, engine } = inflated as { buffer: Buffer; engine: InflateRaw }; // what `info` makes of the result
    const end = MEMBER_HEADER_BYTES + engine.bytesWritten;
    if (window.readUInt32LE(end) === crc32(buffer)) return { lines: buffer, bytes: end + MEMBER_TRAILER_BYTES };
  } catch {
    // no member begins here, or it is damaged or cut
  }
  const next = window.indexOf(MEMBER_MAGIC, 1);
  return { bytes: next === -1 ? window.length : next };
}

/** A segment begins with the seq of its name; a first line with another one stands for itself. */
function seqBefore(buffer: Buffer, first: number): number {
  return peekSeq(buffer, 0) === first ? first - 1 : -1;
}

function wholeRange(before: number, below: number) {
  return { before, below, after: -1, through: SEQ_LIMIT };
}
