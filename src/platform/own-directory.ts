/** Creates the program's directories, and refuses those that their owner could not use. */
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { ProgressError } from '../core/base/errors.js';

const ROOT_UID = 0;

/**
 * Creates a directory and its missing parents, mode 0700.
 *
 * @throws {ProgressError} `no_permission` if root would create it below a directory of another user: sudo and su may keep
 *   HOME, whose owner could neither write nor remove files of root. Also if it would be
 *   in a home directory that does not exist: service accounts have such a home on purpose.
 */
export function makeOwnDirectory(directory: string): void {
  const refusal = whyNotOwn(directory);
  if (refusal !== undefined) throw new ProgressError('no_permission', refusal);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
}

/** Returns why the program must not write to a directory. `__progress_is_own` in hooks/emit.sh does the same in shells. */
export function whyNotOwn(directory: string, uid = process.geteuid?.()): string | undefined {
  const home = directory.startsWith(`${homedir()}/`) ? homedir() : undefined;
  if (home !== undefined && !existsSync(home)) {
    return `the home directory ${home} does not exist; set PROGRESS_HOME to a directory that does`;
  }
  if (uid !== ROOT_UID) return undefined;
  const nearest = nearestExisting(home ?? directory);
  const owner = statSync(nearest).uid;
  if (owner === ROOT_UID) return undefined;
  return (
    `${nearest} belongs to user ${owner}, and you are root: nothing is recorded there. ` +
    'Use a root shell with its own home (`sudo -i`, `su -`), or set PROGRESS_HOME to a directory of root'
  );
}

/** Returns a path, or its nearest existing parent. */
export function nearestExisting(file: string): string {
  for (let at = file; ; at = path.dirname(at)) {
    if (existsSync(at) || path.dirname(at) === at) return at;
  }
}
