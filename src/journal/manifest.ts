/** Manifest, journal.json: the journal's identity, its format version, and what was removed from it. */
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { NotRegularFile, readText } from '../platform/regular-file.js';
import { replaceFile } from './disk.js';
import { MANIFEST } from './layout.js';

/** Incremented when an older release can no longer append to what this one writes. */
export const FORMAT_VERSION = 1;

export interface Manifest {
  version: number;
  id: string;
  /** High-water mark: no seq above it was ever assigned, whatever segments were lost and whatever the clock says. */
  reservedThrough?: number;
  /** Events up to this seq were removed by retention. */
  removedThrough?: number;
  /** Notes after this seq name executions that are pruned and may still be in files. */
  pruning?: number;
  /** Segments (by first seq) whose disappearance has been noted in the journal. */
  notedMissing?: number[];
}

const ID_BYTES = 10;

export function createManifest(): Manifest {
  return { version: FORMAT_VERSION, id: randomBytes(ID_BYTES).toString('hex') };
}

/** @returns `missing` when there is none, `damaged` when it cannot be parsed */
export async function readManifest(directory: string): Promise<Manifest | 'missing' | 'damaged'> {
  try {
    const text = await readText(path.join(directory, MANIFEST));
    if (text === undefined) return 'missing';
    const value: unknown = JSON.parse(text);
    return isManifest(value) ? value : 'damaged';
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof NotRegularFile) return 'damaged';
    throw error;
  }
}

export async function writeManifest(directory: string, manifest: Manifest): Promise<void> {
  await replaceFile(path.join(directory, MANIFEST), JSON.stringify(manifest) + '\n');
}

/** @returns the seq through which retention has removed events; 0 if unknown */
export async function readRemovedThrough(directory: string): Promise<number> {
  const manifest = await readManifest(directory);
  return typeof manifest === 'object' ? (manifest.removedThrough ?? 0) : 0;
}

function isManifest(value: unknown): value is Manifest {
  if (typeof value !== 'object' || value === null) return false;
  const fields: Partial<Record<keyof Manifest, unknown>> = value;
  return (
    Number.isSafeInteger(fields.version) &&
    typeof fields.id === 'string' &&
    (fields.reservedThrough === undefined || Number.isSafeInteger(fields.reservedThrough)) &&
    (fields.removedThrough === undefined || Number.isSafeInteger(fields.removedThrough)) &&
    (fields.pruning === undefined || Number.isSafeInteger(fields.pruning)) &&
    (fields.notedMissing === undefined || Array.isArray(fields.notedMissing))
  );
}
