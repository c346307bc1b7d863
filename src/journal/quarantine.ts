/** Copies what is cut off a segment to the quarantine. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { openRegular } from '../platform/regular-file.js';
import { DIRECTORY_MODE, OPEN_TO_REPLACE, syncDirectory } from './disk.js';
import type { SegmentFile } from './segment-file.js';

const CHUNK_BYTES = 1024 * 1024;

/** Copies from the offset to the end; the copy is synced when it resolves. */
export async function copyRange(file: SegmentFile, start: number, target: string): Promise<void> {
  await mkdir(path.dirname(target), { recursive: true, mode: DIRECTORY_MODE });
  const copy = await openRegular(target, OPEN_TO_REPLACE);
  try {
    for (let at = start; at < file.size; at += CHUNK_BYTES) {
      await copy.writeFile(await file.read(at, Math.min(CHUNK_BYTES, file.size - at)));
    }
    await copy.sync();
  } finally {
    await copy.close();
  }
  await syncDirectory(path.dirname(target));
}
