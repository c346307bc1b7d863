/** One line for the spool, which the daemon takes when it comes to it; `bin/progress` does the same in the shell. */
import { randomBytes } from 'node:crypto';
import { closeSync, constants, writeSync } from 'node:fs';
import path from 'node:path';
import { ProgressError } from '../core/errors.js';
import { makeOwnDirectory } from '../platform/own-directory.js';
import type { Paths } from '../platform/paths.js';
import { cannotWrite, openRegularSync } from '../platform/regular-file.js';
import { SHARED_NAME, SPOOL_SUFFIX } from './names.js';

/** All shells write so much in one write, newline included: so the lines of many writers do not mix. */
const MAX_SHARED_BYTES = 4_096;
const UNIQUE_BYTES = 8;

const { O_WRONLY, O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
const SAFELY = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW;

/** Written when it returns. A line that is too long for the shared file has a file of its own. */
export function appendToSpool(paths: Pick<Paths, 'spool'>, line: string): void {
  const bytes = Buffer.from(`${line}\n`);
  const isShared = bytes.length <= MAX_SHARED_BYTES;
  const unique = randomBytes(UNIQUE_BYTES).toString('hex');
  const file = path.join(paths.spool, isShared ? SHARED_NAME : `emit-${process.pid}-${unique}${SPOOL_SUFFIX}`);
  try {
    makeOwnDirectory(paths.spool);
    append(file, isShared ? SAFELY : SAFELY | O_EXCL, bytes);
  } catch (error) {
    throw cannotWrite(file, error);
  }
}

function append(file: string, flags: number, bytes: Buffer): void {
  const fd = openRegularSync(file, flags);
  try {
    // a second write for the rest would stand behind another writer's line
    if (writeSync(fd, bytes) < bytes.length) throw new ProgressError('disk_full', `${file}: the disk is full`);
  } finally {
    closeSync(fd);
  }
}
