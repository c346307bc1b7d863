/** What the files in the journal's directory are called, and which segments they make up. */
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { orMissing } from './disk.js';

export const MANIFEST = 'journal.json';
export const CLEAN_MARKER = 'clean.json';
export const CURRENT = 'current.jsonl';
export const QUARANTINE = 'quarantine';

/** As microseconds since 1970, seqs from here on lie beyond the year 2110: in a file they can only be damage. */
export const SEQ_LIMIT = 2 ** 52;

/** A segment by what is there of it. One with an index alone has been taken away. */
export interface SegmentEntry {
  /** The file's name: above all seqs of older segments, and at most its own first new one. */
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

/** Oldest first; none when there is no directory. Links are nobody's segments. */
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

/** Has it been taken away, so that its index alone tells of it? */
export function isMissing(segment: SegmentEntry): boolean {
  return !segment.plain && !segment.gzip;
}
