/** The bytes of an open file, decompressed when its name says that it is compressed, and a fingerprint of how it begins. */
import type { Hash } from 'node:crypto';
import { createHash } from 'node:crypto';
import type { Stats } from 'node:fs';
import { readSync } from 'node:fs';
import { readWhole, ZSTD_SUFFIX } from '../platform/zstd.js';

export interface Contents {
  readonly size: number;
  read(position: number, length: number): Buffer;
}

/** Of a compressed file, which is held in memory while it is read. */
const MAX_DECOMPRESSED_BYTES = 256 * 1024 * 1024;
const CHUNK_BYTES = 1024 * 1024;

/** @returns a function that opens contents. It keeps those of the last compressed file, which is read in parts. */
export function createContents(): (descriptor: number, file: string, stat: Stats) => Contents {
  let kept: { key: string; bytes: Buffer } | undefined;
  return (descriptor, file, stat) => {
    if (!file.endsWith(ZSTD_SUFFIX)) {
      kept = undefined;
      return { size: stat.size, read: (position, length) => readPart(descriptor, position, length) };
    }
    const key = `${file} ${stat.ino} ${stat.size} ${stat.mtimeMs}`;
    if (kept?.key !== key) kept = { key, bytes: readWhole(descriptor, file, MAX_DECOMPRESSED_BYTES) };
    const { bytes } = kept;
    return { size: bytes.length, read: (position, length) => bytes.subarray(position, position + length) };
  };
}

function readPart(descriptor: number, position: number, length: number): Buffer {
  const buffer = Buffer.allocUnsafe(Math.max(0, length));
  return buffer.subarray(0, readSync(descriptor, buffer, 0, buffer.length, position));
}

/** Of everything that was read of a file, to recognise a copy of it. */
export interface Fingerprint {
  add(bytes: Buffer): void;
  /** Whether the contents begin with the same `length` bytes. */
  isBeginningOf(contents: Contents, length: number): boolean;
}

export function createFingerprint(): Fingerprint {
  const hash = createHash('sha1');
  return {
    add: (bytes) => void hash.update(bytes),
    isBeginningOf(contents, length) {
      return contents.size >= length && digestOf(contents, length).equals(hash.copy().digest());
    },
  };
}

function digestOf(contents: Contents, length: number): Buffer {
  const hash: Hash = createHash('sha1');
  for (let at = 0; at < length; at += CHUNK_BYTES) hash.update(contents.read(at, Math.min(CHUNK_BYTES, length - at)));
  return hash.digest();
}
