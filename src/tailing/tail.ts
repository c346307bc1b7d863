/** Tails a growing file in chunks; detects truncation and replacement, and tracks which lines are written. */
import { closeSync, constants, fstatSync, lstatSync, openSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { userInfo } from 'node:os';
import { errnoOf, ProgressError } from '../core/base/errors.js';
import { ZSTD_SUFFIX } from '../platform/zstd.js';
import type { Contents, Fingerprint } from './contents.js';
import { createContents, createFingerprint } from './contents.js';

/** Receives the outcome of one line; outcomes arrive in the order of the file. */
export interface LineReceipt {
  written(): void;
  /** The journal has the line already. */
  duplicate(): void;
  /** The line cannot be written now, for instance on a full disk. */
  refused(error: ProgressError): void;
}

export interface TailOptions {
  file: string;
  /** Name of the file in log messages. */
  label: string;
  /** Offset in bytes up to which the journal has the file. */
  taken: number;
  /** Read from the beginning, for a reader that needs the lines before `taken` as well. */
  fromStart?: true;
  /**
   * Called when the file was truncated or replaced by one with another beginning; all of it is read again. A copy, for
   * instance a compressed one, is read on instead. Only with `fromStart`.
   *
   * @default such a file is skipped
   */
  onReplaced?: () => void;
  /** Receives a part of the file that ends with a newline, or contains none. `end`: offset of the next byte. */
  onBytes: (bytes: Buffer, end: number) => void;
  /** Whether to stop reading for now (backpressure); checked after each line. The next `read` continues. */
  isFull?: () => boolean;
  /** Called before the bytes of one `read`, with the file's modification time in Unix milliseconds. */
  onLook?: (modifiedAt: number) => void;
  /** Called when the next bytes come from an earlier offset, the beginning of a line. */
  onRewind: () => void;
  /** Called when a line could not be written; the owner calls `rewind` later to retry. */
  onRefused: () => void;
  log: (message: string) => void;
}

/** `skipped`: the file must not or cannot be read; the reason was logged. */
export type TailResult = 'done' | 'more' | 'gone' | 'skipped';

export interface Tail {
  /** Why the file is not read. */
  readonly skipped: string | undefined;
  /** Offset before which every line is written, or refused for good. */
  readonly settled: number;
  readonly size: number;
  /** Modification time in Unix milliseconds if all lines are written, or the file is skipped; else undefined. */
  readonly idleSince: number | undefined;
  /** Opens the receipt of the line that ends at this offset. */
  receiptFor(end: number): LineReceipt;
  /** Reads one chunk. */
  read(): TailResult;
  /** Returns to the first line that was not written. */
  rewind(): void;
  /** Continues with `path`, which the file was moved to. */
  move(path: string): void;
  /** Reads all of the file again: it was replaced while no tail read it. */
  replace(): void;
  /** Stops reading the file for good. */
  skip(reason: string): TailResult;
}

/** Maximum length of one read, so that a long file does not keep the others waiting. */
const CHUNK_BYTES = 64 * 1024;
/** A larger file is skipped. */
const MAX_FILE_BYTES = 1024 * 1024 * 1024;

const NEWLINE = 0x0a;

/** Creates a tail of a file, which need not exist yet. */
export function openTail(options: TailOptions): Tail {
  return new FileTail(options);
}

class FileTail implements Tail {
  readonly #options: TailOptions;
  readonly #openContents = createContents();
  #file: string;
  #settled: number;
  /** Offset that the file is read up to. */
  #position: number;
  #size = 0;
  /** Unknown before the first read. */
  #modifiedAt: number | undefined;
  #inode: number | undefined;
  /** Receipts that are open. */
  #open = 0;
  /** A line was refused: nothing more is read before `rewind`. */
  #isStopped = false;
  /** Code of the last refusal, which is logged once however often it is retried. */
  #refusal: string | undefined;
  #skipped: string | undefined;
  /** Why the file could not be decompressed, which is logged once. */
  #unreadable: string | undefined;
  /** Counts restarts; receipts of an earlier one no longer count. */
  #generation = 0;
  /** Of everything before `#position`, where the file may be replaced. */
  #fingerprint: Fingerprint | undefined;

  constructor(options: TailOptions) {
    this.#options = options;
    this.#file = options.file;
    this.#settled = options.taken;
    this.#position = options.fromStart ? 0 : options.taken;
    this.#fingerprint = options.onReplaced && createFingerprint();
  }

  get skipped(): string | undefined {
    return this.#skipped;
  }

  get settled(): number {
    return this.#settled;
  }

  get size(): number {
    return this.#size;
  }

  get idleSince(): number | undefined {
    const isRead = this.#position === this.#size && this.#open === 0 && !this.#isStopped;
    return isRead || this.#skipped !== undefined ? this.#modifiedAt : undefined;
  }

  receiptFor(end: number): LineReceipt {
    const generation = this.#generation;
    const settle = () => this.#settle(generation, end);
    this.#open++;
    return {
      written: () => {
        this.#refusal = undefined;
        settle();
      },
      duplicate: settle,
      refused: (error) => {
        if (generation === this.#generation && !this.#isStopped) this.#stop(error);
        settle();
      },
    };
  }

  /** Synchronous: the bytes are in the page cache, and a detour over the thread pool takes ten times as long. */
  read(): TailResult {
    if (this.#skipped !== undefined) {
      // a change of the file shows that its writer is alive
      this.#modifiedAt = mtimeOf(this.#file) ?? this.#modifiedAt;
      return 'skipped';
    }
    if (this.#isStopped) return 'done';
    let descriptor: number;
    try {
      // fails on a symbolic link, and does not block on a pipe
      descriptor = openSync(this.#file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    } catch (error) {
      const code = errnoOf(error);
      if (code === 'ENOENT') return 'gone';
      return this.skip(code === 'ELOOP' ? 'it is a symbolic link' : `it cannot be opened (${code ?? 'unknown error'})`);
    }
    try {
      return this.#readFrom(descriptor);
    } catch (error) {
      if (!this.#file.endsWith(ZSTD_SUFFIX) || errnoOf(error) !== undefined) throw error;
      return this.#noteUnreadable(error);
    } finally {
      closeSync(descriptor);
    }
  }

  rewind(): void {
    this.#restart(this.#options.fromStart ? 0 : this.#settled);
  }

  move(path: string): void {
    this.#file = path;
  }

  replace(): void {
    const { label, log, onReplaced } = this.#options;
    log(`${label} was truncated or replaced: it is read again from its beginning`);
    this.#settled = 0;
    onReplaced?.();
    this.#restart(0);
  }

  skip(reason: string): TailResult {
    this.#skipped = reason;
    this.#options.log(`${this.#options.label} is skipped: ${reason}`);
    return 'skipped';
  }

  #readFrom(descriptor: number): TailResult {
    const { onReplaced, onLook } = this.#options;
    const stat = fstatSync(descriptor);
    this.#modifiedAt = stat.mtimeMs;
    const reason = whyUnreadable(stat);
    if (reason !== undefined) return this.skip(reason);
    const contents = this.#openContents(descriptor, this.#file, stat);
    if (this.#isReplaced(contents, stat)) {
      if (!onReplaced) return this.skip('it was truncated or replaced, so the offset of the next line is unknown');
      this.replace();
    }
    this.#size = contents.size;
    this.#inode = stat.ino;
    this.#unreadable = undefined;
    onLook?.(this.#modifiedAt);
    this.#push(contents.read(this.#position, Math.min(CHUNK_BYTES, this.#size - this.#position)));
    return this.#position < this.#size ? 'more' : 'done';
  }

  /** Passes bytes on line by line, so that each line is identified by the offset at which it ends. */
  #push(chunk: Buffer): void {
    const { onBytes, isFull } = this.#options;
    const generation = this.#generation;
    for (let start = 0; start < chunk.length;) {
      const newline = chunk.indexOf(NEWLINE, start);
      const next = newline === -1 ? chunk.length : newline + 1;
      this.#position += next - start;
      const bytes = chunk.subarray(start, next);
      this.#fingerprint?.add(bytes);
      onBytes(bytes, this.#position);
      if (generation !== this.#generation) return;
      start = next;
      if (newline !== -1 && isFull?.()) return;
    }
  }

  /** Whether the file was truncated, or replaced by anything but a copy that continues where the file ended. */
  #isReplaced(contents: Contents, { ino }: Stats): boolean {
    if (contents.size < Math.max(this.#position, this.#settled)) return true;
    const isOther = this.#inode !== undefined && ino !== this.#inode;
    return isOther && this.#fingerprint?.isBeginningOf(contents, this.#position) !== true;
  }

  #restart(position: number): void {
    this.#generation++;
    this.#open = 0;
    this.#isStopped = false;
    this.#position = position;
    this.#fingerprint &&= createFingerprint();
    this.#options.onRewind();
  }

  #settle(generation: number, end: number): void {
    if (generation !== this.#generation) return;
    this.#open--;
    if (!this.#isStopped) this.#settled = end;
  }

  #stop(error: ProgressError): void {
    const { label, log, onRefused } = this.#options;
    this.#isStopped = true;
    if (this.#refusal !== error.code) log(`${label} waits at byte ${this.#settled}: ${error.message}`);
    this.#refusal = error.code;
    onRefused();
  }

  /** The file may still be written: it is read again when it changes. */
  #noteUnreadable(error: unknown): TailResult {
    const { message } = ProgressError.from(error);
    const { label, log } = this.#options;
    if (this.#unreadable !== message) log(`${label} cannot be decompressed yet: ${message}`);
    this.#unreadable = message;
    return 'done';
  }
}

function whyUnreadable(stat: Stats): string | undefined {
  if (!stat.isFile()) return 'it is not a regular file';
  if (stat.uid !== userInfo().uid) return `it belongs to user ${stat.uid}`;
  return stat.size > MAX_FILE_BYTES ? `it is larger than ${MAX_FILE_BYTES} bytes` : undefined;
}

function mtimeOf(file: string): number | undefined {
  try {
    return lstatSync(file).mtimeMs;
  } catch {
    return undefined;
  }
}
