/** Finds the files of one session by its ID, without reading the files of others. */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import type { SessionFiles } from './session-files.js';

/** Directories that are read for one session. */
const MAX_DIRECTORIES = 20_000;

/**
 * @param roots directories of the agent's sessions, archives included
 * @returns absolute paths of the session's own file, its copies, and the files of its sub-agents
 */
export function filesOfSession(files: SessionFiles, roots: readonly string[], session: string): string[] {
  const { identify, isDirectory, mayContain = () => true } = files;
  return roots.flatMap((root) => {
    const found: string[] = [];
    const directories: (readonly string[])[] = [[]];
    for (const parts of directories) {
      for (const entry of entriesOf(path.join(root, ...parts))) {
        const below = [...parts, entry.name];
        if (entry.isFile() && identify(below)?.session === session) found.push(path.join(root, ...below));
        else if (entry.isDirectory() && isDirectory(below) && mayContain(below, session)) directories.push(below);
        if (directories.length > MAX_DIRECTORIES) return found;
      }
    }
    return found;
  });
}

/** Returns the entries of a directory, sorted by name; none if it cannot be read. */
export function entriesOf(directory: string) {
  try {
    return readdirSync(directory, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch {
    return [];
  }
}
