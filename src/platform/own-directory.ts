/** Makes directories of ours, and none that its owner could not use. */
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { ProgressError } from '../core/errors.js';

const ROOT_UID = 0;

/**
 * Makes `directory` and those above it, mode 0700, unless they are there.
 * @throws {ProgressError} `no_permission` where root would make it below a directory of another user: sudo and su may keep
 *   HOME, and what root left there, its owner could neither write nor remove. Also where it would be in a home directory
 *   that does not exist: accounts of services have such a home on purpose.
 */
export function makeOwnDirectory(directory: string): void {
  const refusal = whyNotOwn(directory);
  if (refusal !== undefined) throw new ProgressError('no_permission', refusal);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
}

/** Why nothing of ours may be written to `directory`. The shells' half is `__progress_is_own` in hooks/emit.sh. */
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

export function nearestExisting(file: string): string {
  for (let at = file; ; at = path.dirname(at)) {
    if (existsSync(at) || path.dirname(at) === at) return at;
  }
}
