/** File operations of the journal: atomic replacement, directory sync, tolerant removal. */
import { constants } from 'node:fs';
import { lstat, open, rename, symlink, unlink } from 'node:fs/promises';
import path from 'node:path';
import { errnoOf } from '../core/base/errors.js';
import { openRegular } from '../platform/regular-file.js';

const { O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_RDONLY, O_TRUNC, O_WRONLY } = constants;

export const OPEN_TO_READ = O_RDONLY | O_NOFOLLOW;
export const OPEN_TO_APPEND = O_WRONLY | O_APPEND | O_NOFOLLOW;
export const OPEN_NEW_TO_APPEND = OPEN_TO_APPEND | O_CREAT | O_EXCL;
export const OPEN_TO_REPLACE = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW;

export const DIRECTORY_MODE = 0o700;

/** Suffix of a file until it is complete. Leftovers are removed when the journal is opened. */
export const TEMPORARY = '.tmp';

/** Replaces the file atomically: readers see the old text or the new one, also after power loss if `durable`. */
export async function replaceFile(
  file: string,
  text: string | Iterable<string>,
  { durable = true } = {},
): Promise<void> {
  const temporary = file + TEMPORARY;
  try {
    await removeFile(temporary); // left over from a crash, or not a regular file
    const handle = await openRegular(temporary, OPEN_TO_REPLACE);
    try {
      for (const chunk of typeof text === 'string' ? [text] : text) await handle.appendFile(chunk);
      if (durable) await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    await removeFile(temporary).catch(() => undefined); // the first error is the one to report
    throw error;
  }
  if (durable) await syncDirectory(path.dirname(file));
}

/** Points the link at `target` atomically. */
export async function replaceLink(link: string, target: string): Promise<void> {
  const temporary = link + TEMPORARY;
  await removeFile(temporary);
  await symlink(target, temporary);
  await rename(temporary, link);
}

/** Makes creations, renames and removals in a directory durable. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Syncs a file that an earlier writer may have left unsynced. */
export async function syncFile(file: string): Promise<void> {
  const handle = await openRegular(file, OPEN_TO_READ);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Removes the file if it exists. */
export async function removeFile(file: string): Promise<void> {
  await orMissing(unlink(file));
}

export async function statIfThere(file: string) {
  return orMissing(lstat(file));
}

/** @returns the result of the operation; undefined when the file does not exist */
export async function orMissing<T>(operation: Promise<T>): Promise<T | undefined> {
  try {
    return await operation;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
