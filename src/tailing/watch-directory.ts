/** The system's own word of what happens in a directory: at once, and of the last of two quick changes too. */
import { watch } from 'node:fs';
import type { FSWatcher } from 'node:fs';
import { errnoOf } from '../core/errors.js';

/**
 * `notice` gets the name that something has happened to, `lookAtAll` is called when that is not known. Undefined where
 * there are too many watches already, no such directory, or a file system that has none; `onFailure` is called then.
 */
export function watchDirectoryNames(
  directory: string,
  notice: (name: string) => void,
  lookAtAll: () => void,
  onFailure: (error: unknown) => void,
): FSWatcher | undefined {
  try {
    const watching = watch(directory, (_event, name) => {
      if (name === null) lookAtAll();
      else notice(name);
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
