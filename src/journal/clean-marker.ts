/** Clean-shutdown marker, clean.json: where the last writer stopped. Absent while a writer runs. */
import path from 'node:path';
import { readText } from '../platform/regular-file.js';
import { removeFile, replaceFile, statIfThere } from './disk.js';
import { CLEAN_MARKER } from './layout.js';

export interface CleanMarker {
  /** The segment to continue, and its size. */
  segment: number;
  size: number;
  /** The newest seq that may have been used. */
  seq: number;
}

export async function writeCleanMarker(directory: string, marker: CleanMarker): Promise<void> {
  await replaceFile(path.join(directory, CLEAN_MARKER), JSON.stringify(marker) + '\n');
}

/** Reads and removes the marker. */
export async function takeCleanMarker(directory: string): Promise<CleanMarker | undefined> {
  const file = path.join(directory, CLEAN_MARKER);
  if (!(await statIfThere(file))?.isFile()) return undefined; // closing replaces anything else of this name
  const text = await readText(file);
  await removeFile(file);
  try {
    const value: unknown = JSON.parse(text ?? '');
    return isMarker(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isMarker(value: unknown): value is CleanMarker {
  if (typeof value !== 'object' || value === null) return false;
  const { segment, size, seq }: Partial<Record<keyof CleanMarker, unknown>> = value;
  return Number.isSafeInteger(segment) && Number.isSafeInteger(size) && Number.isSafeInteger(seq);
}
