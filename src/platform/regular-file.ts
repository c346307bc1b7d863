/**
 * Opens, reads and replaces regular files, without ever blocking: opening a FIFO in the place of a file would otherwise
 * block until it has a writer.
 */
import {
  accessSync,
  closeSync,
  constants,
  fstatSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { ErrorCode } from '../core/base/errors.js';
import { errnoOf, ProgressError } from '../core/base/errors.js';
import { nearestExisting } from './own-directory.js';

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;
const FILE_MODE = 0o600;
/** Errors of open(2) for writing: a FIFO without a reader or a socket; a directory. */
const NOT_REGULAR = new Set(['ENXIO', 'EISDIR']);

/** Thrown for a directory, FIFO, socket or device in the place of a file. */
export class NotRegularFile extends ProgressError {
  constructor(file: string, cause?: unknown) {
    super('no_permission', `${file} is not a regular file: move it away`, { cause });
  }
}

/**
 * Returns a descriptor of a regular file.
 *
 * @param flags Flags of open(2); O_NONBLOCK is added, which has no effect on a regular file.
 * @throws {NotRegularFile} Or the error of the system.
 */
export function openRegularSync(file: string, flags: number): number {
  let descriptor: number;
  try {
    descriptor = openSync(file, flags | O_NONBLOCK, FILE_MODE);
  } catch (error) {
    throw explain(file, error);
  }
  if (fstatSync(descriptor).isFile()) return descriptor;
  closeSync(descriptor);
  throw new NotRegularFile(file);
}

/** Opens a regular file as `openRegularSync` does, and returns a handle. */
export async function openRegular(file: string, flags: number): Promise<FileHandle> {
  const handle = await open(file, flags | O_NONBLOCK, FILE_MODE).catch((error: unknown) => {
    throw explain(file, error);
  });
  try {
    if ((await handle.stat()).isFile()) return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
  await handle.close();
  throw new NotRegularFile(file);
}

function explain(file: string, error: unknown): unknown {
  return NOT_REGULAR.has(errnoOf(error) ?? '') ? new NotRegularFile(file, error) : error;
}

/**
 * Reads a text; returns undefined if there is no file.
 *
 * @throws {NotRegularFile} Or the error of the system.
 */
export function readTextSync(file: string): string | undefined {
  let descriptor: number | undefined;
  try {
    descriptor = openRegularSync(file, O_RDONLY);
    return readFileSync(descriptor, 'utf8');
  } catch (error) {
    return undefinedIfAbsent(error);
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/** Reads a text as `readTextSync` does, without blocking the event loop, for long texts. */
export async function readText(file: string): Promise<string | undefined> {
  let handle: FileHandle | undefined;
  try {
    handle = await openRegular(file, O_RDONLY);
    return await handle.readFile('utf8');
  } catch (error) {
    return undefinedIfAbsent(error);
  } finally {
    await handle?.close();
  }
}

function undefinedIfAbsent(error: unknown): undefined {
  if (errnoOf(error) === 'ENOENT') return undefined;
  throw error;
}

/** Replaces a file atomically by a private one with this text. */
export function replaceTextSync(file: string, text: string): void {
  const draft = `${file}.new`;
  // a draft may remain from a crash
  rmSync(draft, { force: true });
  const descriptor = openSync(draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, FILE_MODE);
  try {
    writeFileSync(descriptor, text);
  } finally {
    closeSync(descriptor);
  }
  renameSync(draft, file);
}

const WRITE_CODES: Readonly<Record<string, ErrorCode>> = {
  ENOSPC: 'disk_full',
  EDQUOT: 'disk_full',
  EROFS: 'read_only',
};

/** Creates the error for a file or directory that cannot be created or written. */
export function cannotWrite(file: string, error: unknown): ProgressError {
  if (error instanceof ProgressError) return error;
  const errno = errnoOf(error) === 'ENOENT' ? (whyRefused(file) ?? 'ENOENT') : errnoOf(error);
  const reason = errno === 'EROFS' ? 'its file system is read-only' : (error as Error).message;
  const code = WRITE_CODES[errno ?? ''] ?? 'no_permission';
  return new ProgressError(code, `${file} cannot be written: ${reason}`, { cause: error });
}

/** Finds the actual error where Node reports ENOENT for parents that cannot be created, from the nearest existing one. */
function whyRefused(file: string): string | undefined {
  try {
    accessSync(nearestExisting(file), constants.W_OK);
    return undefined;
  } catch (error) {
    return errnoOf(error);
  }
}
