/** What lies in a spool, for tests of those who write it. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Home } from './daemon.js';

/** The files by their names. */
export function readSpoolFiles({ paths }: Pick<Home, 'paths'>): Map<string, string> {
  const names = existsSync(paths.spool) ? readdirSync(paths.spool).sort() : [];
  return new Map(names.map((name) => [name, readFileSync(path.join(paths.spool, name), 'utf8')]));
}

/** Every event of every spool file. */
export function readSpool(home: Pick<Home, 'paths'>): Record<string, unknown>[] {
  const files = [...readSpoolFiles(home)].filter(([name]) => name.endsWith('.ndjson'));
  const lines = files.flatMap(([, text]) => text.split('\n').slice(0, -1));
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}
