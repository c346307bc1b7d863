/** Watches the names in a directory directly (fs.watch), which unlike chokidar misses none of two quick changes. */
import { watch } from 'node:fs';
import type { FSWatcher } from 'node:fs';
import { errnoOf } from '../core/base/errors.js';

/**
 * Watches a directory.
 *
 * @param onName Receives the name that has changed.
 * @param onUnknown Called when the name is unknown.
 * @returns Undefined if it cannot be watched (too many watches, no such directory); `onFailure` is called then.
 */
export function watchDirectoryNames(
  directory: string,
  onName: (name: string) => void,
  onUnknown: () => void,
  onFailure: (error: unknown) => void,
): FSWatcher | undefined {
  try {
    const watching = watch(directory, (_event, name) => {
      if (name === null) onUnknown();
      else onName(name);
    });
    return watching.on('error', (error) => {
      watching.close();
      onFailure(error);
    });
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    onFailure(error);
    return undefined;
  }
}
