/** Reads files of agents, which are not trusted: regular files of this user only. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { userInfo } from 'node:os';
import { readWhole } from '../../platform/zstd.js';
import { openTail } from '../../tailing/tail.js';

/** A longer file is not read. */
const MAX_BYTES = 256 * 1024 * 1024;

/** Reads the beginning of a small file, as a tail would. @returns an empty text if it cannot be read */
export function readSmallFile(file: string): string {
  const parts: Buffer[] = [];
  const ignore = () => undefined;
  const onBytes = (bytes: Buffer) => void parts.push(Buffer.from(bytes));
  openTail({ file, label: file, taken: 0, onBytes, onRewind: ignore, onRefused: ignore, log: ignore }).read();
  return Buffer.concat(parts).toString('utf8');
}

/** Reads a file, which may be compressed. @param bytes length of the beginning to read; default: all of it */
export function readOwnFile(file: string, bytes?: number): string | undefined {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const stat = fstatSync(descriptor);
    if (!stat.isFile() || stat.uid !== userInfo().uid) return undefined;
    if (bytes === undefined) {
      return stat.size > MAX_BYTES ? undefined : readWhole(descriptor, file, MAX_BYTES).toString('utf8');
    }
    const buffer = Buffer.allocUnsafe(Math.min(bytes, stat.size));
    return buffer.subarray(0, readSync(descriptor, buffer, 0, buffer.length, 0)).toString('utf8');
  } catch {
    return undefined;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}
