/** A file that others append to: read on in parts, by nobody fooled, with an account of what of it is written. */
import { closeSync, constants, fstatSync, lstatSync, openSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { userInfo } from 'node:os';
import { errnoOf, ProgressError } from '../core/errors.js';
import { ZSTD_SUFFIX } from '../platform/zstd.js';
import type { Contents } from './contents.js';
import { createContents, createFingerprint } from './contents.js';

/** What became of one line, told in the order of the file. */
export interface Receipt {
  written(): void;
  /** It was written before. */
  duplicate(): void;
  /** Not now: the disk is full, for instance. */
  refused(error: ProgressError): void;
}

export interface TailOptions {
  file: string;
  /** Of the file, in the log. */
  label: string;
  /** Where the journal says that it was read to, in bytes. */
  taken: number;
  /** What was taken is read again, for a reader that has to know it. */
  fromStart?: true;
  /**
   * The file was cut, or replaced by one with another beginning: all of it is read again, as if nothing was taken.
   * A copy, a compressed one for instance, is read on. Absent: such a file is left alone. Files with `fromStart` alone.
   */
  onReplaced?: () => void;
  /** A part of the file that ends with a newline, or has none. `end`: the offset behind it. */
  onBytes: (bytes: Buffer, end: number) => void;
  /** Asked after each line: is the reader to pause here? The rest is read by the next call of `read`. */
  isFull?: () => boolean;
  /** Called before the bytes of one look: when the file was last written to, in Unix milliseconds. */
  onLook?: (writtenAt: number) => void;
  /** The next bytes come from an earlier place, the beginning of a line. */
  onRewind: () => void;
  /** A line could not be written now: call `rewind` in a while. */
  onRefused: () => void;
  log: (message: string) => void;
}

export type TailResult =
  /** Nothing more to read for now. */
  | 'done'
  | 'more'
  | 'gone'
  /** It is not to be read, or cannot be: it was said why. */
  | 'left alone';

export interface Tail {
  readonly leftAlone: string | undefined;
  /** Every line before here is written, or refused for good. */
  readonly settled: number;
  readonly size: number;
  /** When it was last written to, in milliseconds, if everything in it was taken or it is left alone; else undefined. */
  readonly idleSince: number | undefined;
  /** To be told what becomes of the line that ends there. */
  receiptFor(end: number): Receipt;
  /** Reads one chunk. */
  read(): TailResult;
  /** Goes back to the first line that was not written. */
  rewind(): void;
  /** The file was moved to `path`. */
  move(path: string): void;
  /** Reads all of the file again, as if nothing was taken: it was replaced while no tail read it. */
  replace(): void;
  leave(why: string): TailResult;
}

/** Read at once, so that no file keeps the others waiting. */
const CHUNK_BYTES = 64 * 1024;
/** A file that nobody can have meant. */
const MAX_FILE_BYTES = 1024 * 1024 * 1024;

const NEWLINE = 0x0a;

export function openTail(options: TailOptions): Tail {
  const { label, taken, fromStart, onReplaced, onBytes, isFull, onLook, onRewind, onRefused, log } = options;
  let { file } = options;
  const openContents = createContents();
  let settled = taken;
  /** Read up to here. */
  let position = fromStart ? 0 : taken;
  let size = 0;
  /** Unknown before the first look. */
  let writtenAt: number | undefined;
  let inode: number | undefined;
  let waiting = 0;
  let stopped = false;
  let trouble: string | undefined;
  let leftAlone: string | undefined;
  let unreadable: string | undefined;
  let generation = 0;
  /** Of everything before `position`, where the file may be replaced. */
  let fingerprint = onReplaced && createFingerprint();

  const leave = (why: string): TailResult => {
    leftAlone = why;
    log(`${label} is left alone: ${why}`);
    return 'left alone';
  };

  const check = (stat: Stats): string | undefined => {
    if (!stat.isFile()) return 'it is not a regular file';
    if (stat.uid !== userInfo().uid) return `it belongs to user ${stat.uid}`;
    return stat.size > MAX_FILE_BYTES ? `it is larger than ${MAX_FILE_BYTES} bytes` : undefined;
  };

  /** A copy that was put in its place goes on where the file ended. */
  const isReplaced = (contents: Contents, { ino }: Stats): boolean => {
    if (contents.size < Math.max(position, settled)) return true;
    return inode !== undefined && ino !== inode && fingerprint?.isBeginningOf(contents, position) !== true;
  };

  const restart = (from: number) => {
    generation++;
    waiting = 0;
    stopped = false;
    position = from;
    fingerprint &&= createFingerprint();
    onRewind();
  };

  const replace = () => {
    log(`${label} was cut, or written anew: it is read again from its beginning`);
    settled = 0;
    onReplaced?.();
    restart(0);
  };

  /** Line by line, so that each is known by where it ends. */
  const push = (chunk: Buffer) => {
    for (let start = 0; start < chunk.length;) {
      const newline = chunk.indexOf(NEWLINE, start);
      const next = newline === -1 ? chunk.length : newline + 1;
      const born = generation;
      position += next - start;
      fingerprint?.add(chunk.subarray(start, next));
      onBytes(chunk.subarray(start, next), position);
      if (born !== generation) return;
      start = next;
      if (newline !== -1 && isFull?.()) return;
    }
  };

  const readFrom = (descriptor: number): TailResult => {
    const stat = fstatSync(descriptor);
    writtenAt = stat.mtimeMs;
    const wrong = check(stat);
    if (wrong !== undefined) return leave(wrong);
    const contents = openContents(descriptor, file, stat);
    if (isReplaced(contents, stat)) {
      if (!onReplaced) return leave('it was cut, or written anew: nobody knows what was taken of it');
      replace();
    }
    size = contents.size;
    inode = stat.ino;
    unreadable = undefined;
    onLook?.(writtenAt);
    push(contents.read(position, Math.min(CHUNK_BYTES, size - position)));
    return position < size ? 'more' : 'done';
  };

  return {
    get leftAlone() {
      return leftAlone;
    },
    get settled() {
      return settled;
    },
    get size() {
      return size;
    },
    get idleSince() {
      const isRead = position === size && waiting === 0 && !stopped;
      return isRead || leftAlone !== undefined ? writtenAt : undefined;
    },
    receiptFor(end) {
      const born = generation;
      const settle = () => {
        if (born !== generation) return;
        waiting--;
        if (!stopped) settled = end;
      };
      waiting++;
      return {
        written() {
          trouble = undefined;
          settle();
        },
        duplicate: settle,
        refused(error) {
          if (born === generation && !stopped) {
            stopped = true;
            // once, however often it is tried again
            if (trouble !== error.code) log(`${label} waits at byte ${settled}: ${error.message}`);
            trouble = error.code;
            onRefused();
          }
          settle();
        },
      };
    },
    /** Synchronous: the system has these bytes in memory, and a detour over its threads takes ten times as long. */
    read() {
      if (leftAlone !== undefined) {
        // that it is written to is a sign of life all the same
        writtenAt = mtimeOf(file) ?? writtenAt;
        return 'left alone';
      }
      if (stopped) return 'done';
      let descriptor: number;
      try {
        // neither a link nor a pipe is followed or waited for
        descriptor = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
      } catch (error) {
        const code = errnoOf(error);
        if (code === 'ENOENT') return 'gone';
        return leave(code === 'ELOOP' ? 'it is a symbolic link' : `it cannot be opened (${code ?? 'unknown error'})`);
      }
      try {
        return readFrom(descriptor);
      } catch (error) {
        if (!file.endsWith(ZSTD_SUFFIX) || errnoOf(error) !== undefined) throw error;
        // it may still be written
        const { message } = ProgressError.from(error);
        if (unreadable !== message) log(`${label} cannot be decompressed yet: ${message}`);
        unreadable = message;
        return 'done';
      } finally {
        closeSync(descriptor);
      }
    },
    rewind: () => restart(fromStart ? 0 : settled),
    move: (path) => void (file = path),
    replace,
    leave,
  };
}

function mtimeOf(file: string): number | undefined {
  try {
    return lstatSync(file).mtimeMs;
  } catch {
    return undefined;
  }
}
