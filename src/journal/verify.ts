/** Verifies every byte of the journal and reports damage. Changes nothing. */
import type { Gap, UnreadableSegment } from '../api/messages.js';
import type { BlockIndex } from './block-index.js';
import { isMissing, listSegments, type SegmentEntry } from './layout.js';
import { openSource, readJournal } from './reader.js';
import { type DamagedRange, readIndex, type Scan, scanSegment } from './scan.js';
import { SegmentFile } from './segment-file.js';
import { findUnreadable, whyUnreadable } from './source.js';

export interface JournalReport {
  segments: number;
  compressed: number;
  /** On disk. */
  bytes: number;
  events: number;
  /** The oldest and the newest seq; 0 when there are no events. */
  first: number;
  last: number;
  /** Events that were written twice because a sync failed; readers see them once. */
  copies: number;
  /** Bytes that are not an event, or whose seq is out of order; offsets are those in the file. */
  damage: (DamagedRange & { segment: number })[];
  /** Bytes after the last whole event of the newest segment: a write in progress, or one that a crash interrupted. */
  unfinished: number;
  /** Segments whose index does not describe them; readers ignore it. */
  badIndexes: number[];
  /** Segments that cannot be read. */
  unreadable: UnreadableSegment[];
  /** Gaps that readers get. */
  gaps: Gap[];
}

export async function verifyJournal(directory: string): Promise<JournalReport> {
  const report: JournalReport = {
    ...{ segments: 0, compressed: 0, bytes: 0, events: 0, first: 0, last: 0, copies: 0, unfinished: 0 },
    ...{ damage: [], badIndexes: [], unreadable: await findUnreadable(directory), gaps: [] },
  };
  const segments = await listSegments(directory);
  for (const [at, segment] of segments.entries()) await verifySegment(report, directory, segment, segments[at + 1]);
  const lines = report.copies;
  await countEvents(report, directory);
  report.copies = Math.max(0, lines - report.events);
  return report;
}

async function verifySegment(
  report: JournalReport,
  directory: string,
  segment: SegmentEntry,
  next: SegmentEntry | undefined,
): Promise<void> {
  if (isMissing(segment) || report.unreadable.some((one) => one.segment === segment.first)) return;
  const file = await SegmentFile.open(directory, segment.first);
  if (file === undefined) return; // removed by retention just now
  try {
    const scan = await scanSegment(file, next?.first);
    const index = await readIndex(directory, segment.first);
    addSegment(report, file, scan, { isNewest: next === undefined });
    if (isBad(index, scan, file)) report.badIndexes.push(segment.first);
  } catch (error) {
    const reason = whyUnreadable(segment.first, error);
    if (reason === undefined) throw error;
    report.unreadable.push({ segment: segment.first, reason });
  } finally {
    await file.close();
  }
}

function addSegment(report: JournalReport, file: SegmentFile, scan: Scan, { isNewest }: { isNewest: boolean }): void {
  const isOpenEnd = isNewest && !file.compressed;
  report.segments++;
  if (file.compressed) report.compressed++;
  report.bytes += file.size;
  report.copies += scan.index.lines; // until the events are counted, all lines
  report.last = Math.max(report.last, scan.index.last);
  if (isOpenEnd) report.unfinished = file.size - scan.index.size;
  for (const range of scan.damage) {
    if (!isOpenEnd || range.offset < scan.index.size) report.damage.push({ segment: file.first, ...range });
  }
}

/** Whether the index is wrong. A plain segment need not have one. */
function isBad(stored: BlockIndex | undefined, { index, damage }: Scan, file: SegmentFile): boolean {
  if (stored === undefined) return file.compressed;
  if (!file.fits(stored)) return true;
  return damage.length === 0 && (stored.lines !== index.lines || stored.last !== index.last);
}

/** Counts events as readers see them, up to the last that was scanned. */
async function countEvents(report: JournalReport, directory: string): Promise<void> {
  for await (const part of readJournal(openSource(directory), { through: report.last })) {
    if ('gap' in part) report.gaps.push(part.gap);
    else {
      report.events += part.events.length;
      report.first ||= part.events[0]?.seq ?? 0;
    }
  }
}
