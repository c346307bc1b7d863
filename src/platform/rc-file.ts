/** Reads and atomically replaces files that users own (start-up files, settings), preserving owner, mode and links. */
import type { Stats } from 'node:fs';
import * as fs from 'node:fs';
import path from 'node:path';
import { errnoOf, ProgressError } from '../core/base/errors.js';
import { cannotWrite } from './regular-file.js';

export interface RcFile {
  /** Path as the shell uses it. */
  file: string;
  /** Path with links resolved; the links are preserved. */
  target: string;
  /** One character per byte (latin1); undefined if there is no such file. */
  text: string | undefined;
  stat: Stats | undefined;
}

/** Maximum size, far above that of any real settings or start-up file. */
const MAX_BYTES = 4 * 1024 * 1024;
const BACKUP = '.progress-backup';
const OWNER_WRITES = 0o200;

/** Reads a file and its attributes. @throws {ProgressError} If it is not readable, not a regular file, or too long. */
export function readRcFile(file: string): RcFile {
  try {
    const target = fs.realpathSync(file);
    const stat = fs.statSync(target);
    if (!stat.isFile()) throw new ProgressError('bad_config', `${file} is not a regular file`);
    if (stat.size > MAX_BYTES) throw new ProgressError('bad_config', `${file} is longer than ${MAX_BYTES} bytes`);
    return { file, target, text: fs.readFileSync(target, 'latin1'), stat };
  } catch (error) {
    if (error instanceof ProgressError) throw error;
    if (errnoOf(error) !== 'ENOENT') throw cannotRead(file, error);
    if (exists(file))
      throw new ProgressError('not_found', `${file} is a link to ${fs.readlinkSync(file)}, which is not there`);
    return { file, target: file, text: undefined, stat: undefined };
  }
}

/** Replaces the text of the file, or removes the file if `text` is undefined. @throws {ProgressError} If it cannot. */
export function writeRcFile({ file, target, stat }: RcFile, text: string | undefined): void {
  try {
    // a rename would replace a read-only file
    if (stat && (stat.mode & OWNER_WRITES) === 0)
      throw Object.assign(new Error('the file is read-only'), { code: 'EACCES' });
    if (text === undefined) fs.unlinkSync(target);
    else replace(target, text, stat);
  } catch (error) {
    throw cannotWrite(file, error);
  }
}

/** Replaces a file atomically: readers get the old text or the new one, also after a crash. */
function replace(target: string, text: string, stat: Stats | undefined): void {
  fs.mkdirSync(path.dirname(target), { recursive: true });
  const temporary = `${target}.progress-${process.pid}`;
  const descriptor = fs.openSync(temporary, 'wx', stat ? 0o600 : 0o666);
  try {
    if (stat) {
      fs.fchownSync(descriptor, stat.uid, stat.gid);
      fs.fchmodSync(descriptor, stat.mode & 0o7777);
    }
    fs.writeFileSync(descriptor, text, 'latin1');
    fs.fsyncSync(descriptor);
    fs.renameSync(temporary, target);
  } catch (error) {
    fs.unlinkSync(temporary);
    throw error;
  } finally {
    fs.closeSync(descriptor);
  }
}

/** Copies the file to a backup, unless there is one, which is closer to what the user wrote. @returns Path of the backup. */
export function keepBackup({ file, target, text }: RcFile): string | undefined {
  if (text === undefined) return undefined;
  const backup = file + BACKUP;
  try {
    fs.copyFileSync(target, backup, fs.constants.COPYFILE_EXCL);
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw cannotWrite(backup, error);
  }
  return backup;
}

/** Returns the text of the backup, if there is one. */
export function readBackup({ file }: RcFile): string | undefined {
  return exists(file + BACKUP) ? readRcFile(file + BACKUP).text : undefined;
}

export function removeBackup({ file }: RcFile): void {
  fs.unlinkSync(file + BACKUP);
}

function exists(file: string): boolean {
  return fs.lstatSync(file, { throwIfNoEntry: false }) !== undefined;
}

function cannotRead(file: string, cause: unknown): ProgressError {
  return new ProgressError('no_permission', `${file} cannot be read (${errnoOf(cause) ?? 'unknown error'})`, { cause });
}
