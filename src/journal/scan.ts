/** Scans a whole segment: rebuilds its index, and finds all damage. */
import { crc32, inflateRawSync, type InflateRaw } from 'node:zlib';
import { readText } from '../platform/regular-file.js';
import { BlockIndex } from './block-index.js';
import { replaceFile } from './disk.js';
import { SEQ_LIMIT, type SegmentEntry, segmentPath } from './layout.js';
import { decodeLines, peekSeq } from './lines.js';
import { MAX_BLOCK_BYTES, type SegmentFile } from './segment-file.js';

/** Much larger than a line, so that a window without a newline is damaged. */
const WINDOW_BYTES = 1024 * 1024;
const NEWLINE = 10;

/** Header that zlib writes before a member without name and time. */
const MEMBER_MAGIC = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0]);
const MEMBER_HEADER_BYTES = 10;
const MEMBER_TRAILER_BYTES = 8;

/** Offsets are those in the file, compressed or not. */
export interface DamagedRange {
  offset: number;
  bytes: number;
}

export interface Scan {
  /** Its `size` ends with the last whole good line. */
  index: BlockIndex;
  damage: DamagedRange[];
}

/** @param below - name of the next segment; all seqs of this one are below it */
export async function scanSegment(file: SegmentFile, below = SEQ_LIMIT): Promise<Scan> {
  return file.compressed ? scanMembers(file, below) : scanPlain(file, below);
}

/** Loads the stored index if it fits the file, else scans. A segment without a successor may still grow. */
export async function loadIndex(
  directory: string,
  file: SegmentFile,
  next?: Pick<SegmentEntry, 'first'>,
): Promise<BlockIndex> {
  const stored = await readIndex(directory, file.first);
  if (stored !== undefined && file.fits(stored)) return stored;
  const { index } = await scanSegment(file, next?.first);
  noteLoss(index, stored);
  // what follows the last good line is damage to report, unless a write is in progress
  if (next !== undefined && !file.compressed && index.blocks > 0) index.size = file.size;
  return index;
}

/** Notes a loss if an older index of the segment has later lines than the file. */
export function noteLoss(found: BlockIndex, stored: BlockIndex | undefined): void {
  const last = stored === undefined ? 0 : Math.max(stored.last, stored.lostThrough);
  if (last > found.last) found.lostThrough = last;
}

/** Writes the index without syncing: a scan rebuilds a lost one. */
export async function writeIndex(directory: string, index: BlockIndex): Promise<void> {
  await replaceFile(segmentPath(directory, index.first, 'index'), index.serialize(), { durable: false });
}

/** Reads the stored index of a segment, whether it still fits the file or not; undefined if it cannot be read. */
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

/** Adjacent damage counts as one range. */
function addDamage({ damage }: Scan, offset: number, bytes: number): void {
  const before = damage.at(-1);
  if (before !== undefined && before.offset + before.bytes === offset) before.bytes += bytes;
  else damage.push({ offset, bytes });
}

/** Reads windows of whole lines; the last line of a window is the first of the next, so that each has its neighbours. */
async function* readWindows(file: SegmentFile): AsyncGenerator<{ buffer: Buffer; offset: number }> {
  for (let offset = 0; offset < file.size;) {
    const window = await file.read(offset, Math.min(WINDOW_BYTES, file.size - offset));
    if (window.length === 0) return; // truncated meanwhile
    const buffer = offset + window.length < file.size ? window.subarray(0, endOfLastButOne(window)) : window;
    yield { buffer, offset };
    offset += buffer.length;
  }
}

/** End of the last but one whole line, if there are two; a window without newline is damaged as a whole. */
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

/** Reads the member at an offset; a damaged one has no lines, and extends to the start of the next one. */
async function readMember(file: SegmentFile, offset: number): Promise<{ lines?: Buffer; bytes: number }> {
  const window = await file.read(offset, MAX_BLOCK_BYTES);
  try {
    const options = { info: true, maxOutputLength: MAX_BLOCK_BYTES };
    const inflated: unknown = inflateRawSync(window.subarray(MEMBER_HEADER_BYTES), options);
    const { buffer, engine } = inflated as { buffer: Buffer; engine: InflateRaw }; // the result with `info`
    const end = MEMBER_HEADER_BYTES + engine.bytesWritten;
    if (window.readUInt32LE(end) === crc32(buffer)) return { lines: buffer, bytes: end + MEMBER_TRAILER_BYTES };
  } catch {
    // no member starts here, or it is damaged or truncated
  }
  const next = window.indexOf(MEMBER_MAGIC, 1);
  return { bytes: next === -1 ? window.length : next };
}

/** A segment normally starts with the seq of its name; otherwise the seq before its first line is unknown. */
function seqBefore(buffer: Buffer, first: number): number {
  return peekSeq(buffer, 0) === first ? first - 1 : -1;
}

function wholeRange(before: number, below: number) {
  return { before, below, after: -1, through: SEQ_LIMIT };
}
