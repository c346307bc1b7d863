/** Names of the files in the journal's directory, and the segments that they form. */
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { orMissing } from './disk.js';

export const MANIFEST = 'journal.json';
export const CLEAN_MARKER = 'clean.json';
export const CURRENT = 'current.jsonl';
export const QUARANTINE = 'quarantine';

/** Seqs are microseconds since 1970; from here on they are after the year 2110, which in a file is damage. */
export const SEQ_LIMIT = 2 ** 52;

/** Segment and which of its files exist. One with an index alone was removed by another program. */
export interface SegmentEntry {
  /** Name of the file: above all seqs of older segments, at most its own first new seq. */
  first: number;
  plain: boolean;
  gzip: boolean;
  index: boolean;
}

type Part = 'plain' | 'gzip' | 'index';

const SUFFIXES: Readonly<Record<Part, string>> = { plain: '.jsonl', gzip: '.jsonl.gz', index: '.index.json' };
const SEGMENT_NAME = /^([1-9]\d{0,15})(\.jsonl|\.jsonl\.gz|\.index\.json)$/;

export function segmentPath(directory: string, first: number, part: Part): string {
  return path.join(directory, segmentName(first, part));
}

export function segmentName(first: number, part: Part): string {
  return `${first}${SUFFIXES[part]}`;
}

/** Lists segments, oldest first; none when there is no directory. Symbolic links are ignored. */
export async function listSegments(directory: string): Promise<SegmentEntry[]> {
  const files = (await orMissing(readdir(directory, { withFileTypes: true }))) ?? [];
  const segments = new Map<number, SegmentEntry>();
  for (const file of files) {
    const match = SEGMENT_NAME.exec(file.name);
    if (match === null || !file.isFile()) continue;
    const first = Number(match[1]);
    const entry = segments.get(first) ?? { first, plain: false, gzip: false, index: false };
    entry[partOf(match[2])] = true;
    segments.set(first, entry);
  }
  return [...segments.values()].sort((a, b) => a.first - b.first);
}

function partOf(suffix: string | undefined): Part {
  if (suffix === SUFFIXES.plain) return 'plain';
  return suffix === SUFFIXES.gzip ? 'gzip' : 'index';
}

/** Whether another program has removed it, so that only its index is left. */
export function isMissing(segment: SegmentEntry): boolean {
  return !segment.plain && !segment.gzip;
}
