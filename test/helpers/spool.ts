/** Reads the files of a spool. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** A home, or as much of it as is read. */
interface SpoolOwner {
  paths: { spool: string };
}

/** A line of the spool. */
export interface SpoolEvent extends Record<string, unknown> {
  type: string;
  time?: number | string;
  execution?: string;
  step?: string;
  data: Record<string, unknown>;
}

/** The texts of the files by their names. */
export function readSpoolFiles({ paths }: SpoolOwner): Map<string, string> {
  const names = existsSync(paths.spool) ? readdirSync(paths.spool).sort() : [];
  return new Map(names.map((name) => [name, readFileSync(path.join(paths.spool, name), 'utf8')]));
}

/** All events, file by file, or those of files whose names have a prefix. A line without its newline is left out. */
export function readSpool(owner: SpoolOwner, prefix = ''): SpoolEvent[] {
  const files = [...readSpoolFiles(owner)].filter(([name]) => name.startsWith(prefix) && name.endsWith('.ndjson'));
  const lines = files.flatMap(([, text]) => text.split('\n').slice(0, -1));
  return lines.map((line) => JSON.parse(line) as SpoolEvent);
}
