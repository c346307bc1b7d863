/** The few file operations that the journal needs beside node's: atomic replacement, directory sync, tolerant removal. */
import { constants } from 'node:fs';
import { lstat, open, rename, symlink, unlink } from 'node:fs/promises';
import path from 'node:path';
import { errnoOf } from '../core/errors.js';
import { openRegular } from '../platform/regular-file.js';

const { O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_RDONLY, O_TRUNC, O_WRONLY } = constants;

export const OPEN_TO_READ = O_RDONLY | O_NOFOLLOW;
export const OPEN_TO_APPEND = O_WRONLY | O_APPEND | O_NOFOLLOW;
export const OPEN_NEW_TO_APPEND = OPEN_TO_APPEND | O_CREAT | O_EXCL;
export const OPEN_TO_REPLACE = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW;

export const DIRECTORY_MODE = 0o700;

/** What a file is called until it is whole. Leftovers are removed when the journal is opened. */
export const TEMPORARY = '.tmp';

/** Replaces the file so that a reader sees the old text or the new one, after power loss too if `durable`. */
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
    await removeFile(temporary).catch(() => undefined); // the first error is the one that tells
    throw error;
  }
  if (durable) await syncDirectory(path.dirname(file));
}

/** Points the link at `target`; there is no moment without a link. */
export async function replaceLink(link: string, target: string): Promise<void> {
  const temporary = link + TEMPORARY;
  await removeFile(temporary);
  await symlink(target, temporary);
  await rename(temporary, link);
}

/** Makes creations, renames and removals in it durable. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes a file that somebody may have left unsynced durable. */
export async function syncFile(file: string): Promise<void> {
  const handle = await openRegular(file, OPEN_TO_READ);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Removes the file, whether it is there or not. */
export async function removeFile(file: string): Promise<void> {
  await orMissing(unlink(file));
}

export async function statIfThere(file: string) {
  return orMissing(lstat(file));
}

/** What it yields, or undefined when the file does not exist. */
export async function orMissing<T>(operation: Promise<T>): Promise<T | undefined> {
  try {
    return await operation;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
