/** Recovers the journal's directory when it is opened: repairs the tail, finishes interrupted work, notes losses. */
import { mkdir, readdir, rename } from 'node:fs/promises';
import path from 'node:path';
import type { NewEvent } from '../core/events/event.js';
import { ProgressError } from '../core/base/errors.js';
import { openRegular } from '../platform/regular-file.js';
import { ActiveSegment } from './active-segment.js';
import { isArchiveWhole } from './archive.js';
import { takeCleanMarker } from './clean-marker.js';
import type { BlockIndex } from './block-index.js';
import { DIRECTORY_MODE, OPEN_TO_APPEND, orMissing, removeFile, syncDirectory, syncFile, TEMPORARY } from './disk.js';
import { isMissing, listSegments, MANIFEST, QUARANTINE, SEQ_LIMIT, type SegmentEntry, segmentPath } from './layout.js';
import { createManifest, FORMAT_VERSION, type Manifest, readManifest, writeManifest } from './manifest.js';
import { copyRange } from './quarantine.js';
import { loadIndex, noteLoss, readIndex, scanSegment, writeIndex } from './scan.js';
import { SegmentFile } from './segment-file.js';
import { whyUnreadable } from './source.js';

export interface RecoveryOptions {
  directory: string;
  /** Whether to sync what may not be synced. */
  durable: boolean;
  now: () => number;
  log: (message: string) => void;
  note: (event: NewEvent) => void;
}

export interface Recovered {
  manifest: Manifest;
  readOnly: boolean;
  /** Seq of the newest event; 0 if there never was one. */
  seq: number;
  nextSeq: number;
  /** Writing continues in the same file only after a clean shutdown. */
  active: ActiveSegment | undefined;
  sealed: SegmentEntry[];
}

const MICROSECONDS = 1_000;

export async function recover(options: RecoveryOptions): Promise<Recovered> {
  const { directory } = options;
  const found = await readManifest(directory);
  if (typeof found === 'object' && found.version > FORMAT_VERSION) return openReadOnly(options, found);
  await createDirectory(directory);
  const manifest = typeof found === 'object' ? found : await replaceManifest(options, found);
  const segments = await tidy(options, manifest);
  await noteMissing(options, manifest, segments);
  const marker = await takeCleanMarker(directory);
  const newest = segments.findLast((segment) => !isMissing(segment));
  const active =
    newest !== undefined &&
    newest === segments.at(-1) &&
    (await unlessUnreadable(options, newest, () => resume(directory, newest, marker)));
  if (active) {
    const { last, first } = active.index;
    const seq = Math.max(last, first - 1);
    const sealed = segments.filter((segment) => segment !== newest && !isMissing(segment));
    return { manifest, readOnly: false, seq, nextSeq: Math.max(seq, marker?.seq ?? 0) + 1, active, sealed };
  }
  return startAnew(options, manifest, segments, newest);
}

/** Opens a journal that a later release has written. */
async function openReadOnly(options: RecoveryOptions, manifest: Manifest): Promise<Recovered> {
  const { directory } = options;
  const sealed = await listSegments(directory);
  const newest = sealed.findLast((segment) => !isMissing(segment));
  const index = newest && (await unlessUnreadable(options, newest, () => indexOf(directory, newest)));
  const seq = index?.last ?? 0;
  return { manifest, readOnly: true, seq, nextSeq: seq + 1, active: undefined, sealed };
}

async function indexOf(directory: string, segment: SegmentEntry): Promise<BlockIndex | undefined> {
  const file = await SegmentFile.open(directory, segment.first);
  try {
    return file && (await loadIndex(directory, file));
  } finally {
    await file?.close();
  }
}

export async function createDirectory(directory: string): Promise<void> {
  const created = await mkdir(directory, { recursive: true, mode: DIRECTORY_MODE });
  if (created !== undefined) await syncDirectory(path.dirname(created));
}

async function replaceManifest(options: RecoveryOptions, found: 'missing' | 'damaged'): Promise<Manifest> {
  const { directory, log, note } = options;
  if (found === 'damaged') {
    const kept = path.join(directory, QUARANTINE, `${options.now()}.${MANIFEST}`);
    await mkdir(path.dirname(kept), { recursive: true, mode: DIRECTORY_MODE });
    await rename(path.join(directory, MANIFEST), kept);
    const message = `${MANIFEST} was damaged: the journal has a new identity, the old file is ${kept}`;
    log(message);
    note(toNote('identity', message, {}));
  }
  const manifest = createManifest();
  await writeManifest(directory, manifest);
  return manifest;
}

/** Finishes interrupted work: half-written files, compression, removal. @returns the remaining segments */
async function tidy({ directory, log }: RecoveryOptions, manifest: Manifest): Promise<SegmentEntry[]> {
  const names = (await orMissing(readdir(directory))) ?? [];
  for (const name of names) if (name.endsWith(TEMPORARY)) await removeFile(path.join(directory, name));
  const segments = await listSegments(directory);
  const removed = manifest.removedThrough ?? 0;
  for (const [at, segment] of segments.entries()) {
    const last = (segments[at + 1]?.first ?? SEQ_LIMIT) - 1;
    if (last <= removed || (isMissing(segment) && segment.first <= removed))
      await removeSegment(directory, segment.first);
    else if (segment.plain && segment.gzip) {
      const { first } = segment;
      const isWhole = await unlessUnreadable({ log }, segment, () => isArchiveWhole(directory, first));
      if (isWhole === undefined) continue;
      const extra = isWhole ? 'plain' : 'gzip';
      log(`segment ${first} existed twice: removed the ${extra} copy`);
      await removeFile(segmentPath(directory, first, extra));
    }
  }
  return listSegments(directory);
}

/** Removes the index first: an index alone means that the segment was lost. */
export async function removeSegment(directory: string, first: number): Promise<void> {
  for (const part of ['index', 'plain', 'gzip'] as const) await removeFile(segmentPath(directory, first, part));
}

/** Notes each segment that another program removed, once. */
async function noteMissing(options: RecoveryOptions, manifest: Manifest, segments: SegmentEntry[]): Promise<void> {
  const { directory } = options;
  const missing = segments.filter(isMissing);
  const noted = new Set(manifest.notedMissing);
  for (const { first } of missing) {
    const index = noted.has(first) ? undefined : await readIndex(directory, first);
    if (index === undefined) continue;
    reportLoss(options, first, index.first, index.last);
  }
  if (missing.every(({ first }) => noted.has(first))) return;
  manifest.notedMissing = missing.map(({ first }) => first);
  await attempt(options, 'journal.json', () => writeManifest(directory, manifest));
}

type Marker = Awaited<ReturnType<typeof takeCleanMarker>>;

/** @returns undefined unless the last shutdown was clean and the file has not changed since */
async function resume(directory: string, newest: SegmentEntry, marker: Marker): Promise<ActiveSegment | undefined> {
  if (marker?.segment !== newest.first || !newest.plain) return undefined;
  const file = await SegmentFile.openPath(segmentPath(directory, newest.first, 'plain'), newest.first, false);
  if (file === undefined) return undefined;
  try {
    const index = file.size === marker.size ? await loadIndex(directory, file) : undefined;
    if (index?.size !== file.size || index.last > marker.seq) return undefined;
    // an index next to a plain segment means that it is finished and synced, which ends here
    await removeFile(segmentPath(directory, newest.first, 'index'));
    return await ActiveSegment.resume(directory, index);
  } finally {
    await file.close();
  }
}

/** After an unclean shutdown: seals all segments, and moves the seqs to where none can have been used. */
async function startAnew(
  options: RecoveryOptions,
  manifest: Manifest,
  segments: SegmentEntry[],
  newest: SegmentEntry | undefined,
): Promise<Recovered> {
  const { directory, now } = options;
  const repaired = newest && (await unlessUnreadable(options, newest, () => repair(options, newest)));
  const index = repaired ?? (newest && (await readIndex(directory, newest.first)));
  const missing = segments.at(-1);
  const lost = missing !== undefined && missing !== newest ? await readIndex(directory, missing.first) : undefined;
  const named = newest?.first ?? 1; // all older segments are below it
  const known = Math.max(
    index?.last ?? 0,
    index?.lostThrough ?? 0,
    lost?.last ?? 0,
    manifest.removedThrough ?? 0,
    named - 1,
  );
  const clock = Math.floor(now() * MICROSECONDS);
  const reserved = manifest.reservedThrough ?? 0;
  // above `named` too: the seq in the name of an empty segment may have been used
  const nextSeq = Math.max(known + 1, named + 1, ...[reserved + 1, clock].filter((seq) => seq < SEQ_LIMIT));
  // the content of an unreadable segment is unknown: a client that has read it must not be ahead of the journal
  const seq = newest !== undefined && index === undefined ? nextSeq - 1 : known;
  const sealed = (await listSegments(directory)).filter((segment) => !isMissing(segment));
  if (options.durable) await syncUnfinished(options, sealed);
  if (repaired !== undefined && repaired.lines > 0) {
    repaired.closed = true;
    await attempt(options, 'the index', () => writeIndex(directory, repaired));
  }
  return { manifest, readOnly: false, seq, nextSeq, active: undefined, sealed };
}

/** Syncs plain segments without an index, which may never have been synced. */
async function syncUnfinished(options: RecoveryOptions, segments: SegmentEntry[]): Promise<void> {
  for (const { first, plain, index } of segments) {
    if (!plain || index) continue;
    await attempt(options, `segment ${first}`, () => syncFile(segmentPath(options.directory, first, 'plain')));
  }
}

/** Cuts off an unfinished line at the end of the newest segment. */
async function repair(options: RecoveryOptions, newest: SegmentEntry): Promise<BlockIndex | undefined> {
  const { directory } = options;
  const file = await SegmentFile.open(directory, newest.first);
  if (file === undefined) return undefined;
  try {
    const stored = await readIndex(directory, newest.first);
    if (stored !== undefined && file.fits(stored)) return stored;
    const { index, damage } = await scanSegment(file);
    noteLoss(index, stored);
    if (index.lostThrough > 0) reportLoss(options, newest.first, index.last + 1, index.lostThrough);
    const elsewhere = damage.filter((range) => range.offset < index.size);
    if (elsewhere.length > 0) reportDamage(options, newest.first, elsewhere.length);
    if (!file.compressed && file.size > index.size)
      await attempt(options, 'the tail', () => cutTail(options, file, index.size));
    if (index.lines === 0) await removeEmpty(directory, newest.first);
    return index;
  } finally {
    await file.close();
  }
}

/** @returns the result of the task; undefined for a segment that cannot be read, which is not changed */
async function unlessUnreadable<T>(
  { log }: Pick<RecoveryOptions, 'log'>,
  { first }: SegmentEntry,
  task: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await task();
  } catch (error) {
    const reason = whyUnreadable(first, error);
    if (reason === undefined) throw error;
    log(`${reason}; it was not changed`);
    return undefined;
  }
}

function reportLoss({ log, note }: RecoveryOptions, segment: number, from: number, to: number): void {
  const message = `another program removed events from segment ${segment}: events ${from} to ${to} are lost`;
  log(message);
  note(toNote('missing', message, { from, to }));
}

function reportDamage({ log, note }: RecoveryOptions, segment: number, ranges: number): void {
  const message = `segment ${segment} is damaged in ${ranges} ${ranges === 1 ? 'place' : 'places'}: readers skip them`;
  log(message);
  note(toNote('damage', message, { segment, ranges }));
}

async function cutTail(options: RecoveryOptions, file: SegmentFile, end: number): Promise<void> {
  const { directory, log, note } = options;
  const bytes = file.size - end;
  const kept = path.join(directory, QUARANTINE, `${file.first}.${end}.bad`);
  await copyRange(file, end, kept);
  const handle = await openRegular(segmentPath(directory, file.first, 'plain'), OPEN_TO_APPEND);
  try {
    await handle.truncate(end);
    await handle.sync();
  } finally {
    await handle.close();
  }
  const message = `cut an incomplete event of ${bytes} bytes off the end of segment ${file.first}; it is kept in ${kept}`;
  log(message);
  note(toNote('repaired', message, { segment: file.first, offset: end, bytes }));
}

/** Removes a segment that is empty; bytes that could not be copied to the quarantine stay. */
async function removeEmpty(directory: string, first: number): Promise<void> {
  const file = await SegmentFile.open(directory, first);
  const isEmpty = file?.size === 0;
  await file?.close();
  if (isEmpty) await removeSegment(directory, first);
}

/** Runs a task that may fail without harm, on a full disk for instance; the next start tries again. */
async function attempt({ log }: RecoveryOptions, what: string, task: () => Promise<void>): Promise<void> {
  try {
    await task();
  } catch (error) {
    log(`cannot write ${what}: ${ProgressError.from(error).message}`);
  }
}

export function toNote(kind: string, message: string, data: Record<string, number>): NewEvent {
  return { type: 'journal_note', data: { kind, message, ...data } };
}
