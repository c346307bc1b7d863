/** Appends one event to the spool, with or without a daemon; `bin/progress` does the same in the shell. */
import { randomBytes } from 'node:crypto';
import { closeSync, constants, writeSync } from 'node:fs';
import path from 'node:path';
import { ProgressError } from '../core/base/errors.js';
import { makeOwnDirectory } from '../platform/own-directory.js';
import type { Paths } from '../platform/paths.js';
import { cannotWrite, openRegularSync } from '../platform/regular-file.js';
import { SHARED_NAME, SPOOL_SUFFIX } from './names.js';

/** Shells write this much in one write(2), newline included, so that lines of several writers do not mix. */
const MAX_SHARED_BYTES = 4_096;
const UNIQUE_BYTES = 8;

const { O_WRONLY, O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
const SAFELY = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW;

/** Writes the line before it returns: to the shared file, or to a separate file when the line is too long. */
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
    // a second write for the rest could follow another writer's line
    if (writeSync(fd, bytes) < bytes.length) throw new ProgressError('disk_full', `${file}: the disk is full`);
  } finally {
    closeSync(fd);
  }
}
