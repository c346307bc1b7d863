/** Creates or checks private directories, which contain sockets and history. */
import { lstatSync, mkdirSync } from 'node:fs';
import { userInfo } from 'node:os';
import path from 'node:path';
import { errnoOf, ProgressError } from '../core/base/errors.js';
import { makeOwnDirectory } from './own-directory.js';
import { cannotWrite } from './regular-file.js';

/**
 * Creates a directory with mode 0700, or checks that it is a directory of this user that no other user can enter.
 *
 * @throws {ProgressError} `no_permission` if it is not.
 */
export function ensurePrivateDirectory(directory: string): void {
  try {
    makeOwnDirectory(path.dirname(directory));
    mkdirSync(directory, { mode: 0o700 });
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw cannotWrite(directory, error);
  }
  const stat = lstatSync(directory);
  if (!stat.isDirectory()) throw unusable(directory, 'it is not a directory');
  if (stat.uid !== userInfo().uid) throw unusable(directory, `it belongs to user ${stat.uid}`);
  if ((stat.mode & 0o077) !== 0) {
    throw unusable(directory, `others may enter it (mode ${(stat.mode & 0o777).toString(8)}): chmod 700 it`);
  }
}

function unusable(directory: string, why: string): ProgressError {
  return new ProgressError('no_permission', `${directory} cannot be used: ${why}`);
}
