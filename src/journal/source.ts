/** Opens segments for reading while they are written, compressed or removed. */
import { setTimeout as sleep } from 'node:timers/promises';
import { errnoOf, ProgressError } from '../core/base/errors.js';
import type { UnreadableSegment } from '../api/messages.js';
import { NotRegularFile } from '../platform/regular-file.js';
import { BlockIndex } from './block-index.js';
import { isMissing, listSegments, SEQ_LIMIT, type SegmentEntry } from './layout.js';
import { decodeLines, type ByteRange, type LineVisitor } from './lines.js';
import { loadIndex, readIndex } from './scan.js';
import { SegmentFile } from './segment-file.js';

/** Journal to read from. */
export interface JournalSource {
  directory: string;
  /** Index in the writer's memory of a segment that is not finished; undefined for all others. */
  live(first: number): BlockIndex | undefined;
  /** Called when an existing segment was opened, or with the reason why it could not be. */
  onOpen?: (first: number, failure: string | undefined) => void;
}

/** Errors of a machine that is short of resources: they say nothing about the file. */
const SHORTAGES = new Set(['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN', 'ENOBUFS']);

/** @returns why a segment cannot be read (EACCES, EIO...); undefined for an error of another kind */
export function whyUnreadable(first: number, error: unknown): string | undefined {
  if (error instanceof NotRegularFile) return error.message;
  const errno = errnoOf(error);
  if (errno === undefined || SHORTAGES.has(errno)) return undefined;
  return `segment ${first} cannot be read: ${(error as Error).message}`;
}

/** Attempts to open a listed segment, which may be compressed or removed meanwhile. */
const MAX_ATTEMPTS = 100;
const RETRY_MS = 10;
/** Blocks that other threads read and unpack while one is decoded. */
const READ_AHEAD = 4;

/** Reads a directory, which need not exist. */
export function openSource(directory: string): JournalSource {
  return { directory, live: () => undefined };
}

/** Snapshot of a segment at the time of opening: lines written later are not read. */
export class OpenSegment {
  readonly index: BlockIndex;
  readonly last: number;
  /** Undefined when the file was removed or cannot be read; the index, if any, holds what it contained. */
  readonly #file: SegmentFile | undefined;
  readonly #source: JournalSource;
  #failure: string | undefined;
  readonly #size: number;
  readonly #blocks: number;

  private constructor(source: JournalSource, index: BlockIndex, file: SegmentFile | undefined, failure?: string) {
    this.#source = source;
    this.#failure = failure;
    this.index = index;
    this.last = index.last;
    this.#file = file;
    this.#size = index.size;
    this.#blocks = file === undefined ? 0 : index.blocks;
  }

  /**
   * Opens a segment; undefined when its files have changed since it was listed. An unreadable one has no blocks.
   *
   * @param next - its successor; without one it may still grow
   */
  static async open(
    source: JournalSource,
    segment: SegmentEntry,
    next?: SegmentEntry,
  ): Promise<OpenSegment | undefined> {
    const { first } = segment;
    try {
      const opened = await OpenSegment.#open(source, segment, next);
      if (opened && !opened.isMissing) source.onOpen?.(first, undefined);
      return opened;
    } catch (error) {
      const reason = whyUnreadable(first, error);
      if (reason === undefined) throw error;
      source.onOpen?.(first, reason);
      const index = source.live(first) ?? (await readIndex(source.directory, first)) ?? new BlockIndex(first);
      return new OpenSegment(source, index, undefined, reason);
    }
  }

  static async #open(
    source: JournalSource,
    segment: SegmentEntry,
    next: SegmentEntry | undefined,
  ): Promise<OpenSegment | undefined> {
    const { directory } = source;
    for (let attempt = 1; ; attempt++) {
      const file = await SegmentFile.open(directory, segment.first);
      if (file === undefined) {
        if (segment.plain || segment.gzip) return undefined;
        const index = (await readIndex(directory, segment.first)) ?? new BlockIndex(segment.first);
        return new OpenSegment(source, index, undefined);
      }
      try {
        const index = source.live(segment.first) ?? (await loadIndex(directory, file, next));
        // otherwise the index may be that of a file that has replaced this one
        if (attempt === MAX_ATTEMPTS || (await file.isInPlace())) return new OpenSegment(source, index, file);
      } catch (error) {
        await file.close();
        throw error;
      }
      await file.close();
    }
  }

  get isMissing(): boolean {
    return this.#file === undefined && this.#failure === undefined;
  }

  get isUnreadable(): boolean {
    return this.#file === undefined && this.#failure !== undefined;
  }

  /** Why the segment, or a block of it, could not be read. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** Blocks that hold lines of the execution, or all. */
  blocksOf(execution: string | undefined): number[] {
    return this.index.blocksOf(execution).filter((block) => block < this.#blocks);
  }

  firstSeq(block: number): number {
    return this.index.seqs[block] ?? SEQ_LIMIT;
  }

  /** All seqs of the block are below this. */
  seqAfter(block: number): number {
    return block + 1 < this.#blocks ? this.firstSeq(block + 1) : this.last + 1;
  }

  /** Reads blocks ahead; the lines of a block are undefined when they cannot be read or unpacked. */
  async *readBlocks(blocks: readonly number[]): AsyncGenerator<[block: number, lines: Buffer | undefined]> {
    const ahead: Promise<Buffer | undefined>[] = [];
    for (const [at, block] of blocks.entries()) {
      for (let next = at + ahead.length; next < blocks.length && ahead.length <= READ_AHEAD; next++) {
        const reading = this.#readBlock(blocks[next] ?? 0);
        reading.catch(() => undefined); // thrown when its turn comes
        ahead.push(reading);
      }
      yield [block, await ahead.shift()];
    }
  }

  /** @returns the last good seq of the block */
  decode(block: number, lines: Buffer, range: Omit<ByteRange, 'below'>, visitor: LineVisitor): number {
    return decodeLines(lines, { ...range, below: this.seqAfter(block) }, visitor);
  }

  /** Reads and decodes a block; undefined if it cannot be read. */
  async decodeBlock(block: number, range: Omit<ByteRange, 'below'>, visitor: LineVisitor): Promise<number | undefined> {
    const lines = await this.#readBlock(block);
    return lines && this.decode(block, lines, range, visitor);
  }

  async #readBlock(block: number): Promise<Buffer | undefined> {
    const end = block + 1 < this.#blocks ? this.index.offsets[block + 1] : this.#size;
    try {
      return await this.#file?.readBlock(this.index, block, end ?? this.#size);
    } catch (error) {
      this.#failure = whyUnreadable(this.index.first, error);
      if (this.#failure === undefined) throw error;
      this.#source.onOpen?.(this.index.first, this.#failure);
      return undefined;
    }
  }

  async close(): Promise<void> {
    await this.#file?.close();
  }
}

/** Waits before the segments are listed again because one could not be opened. @throws after too many attempts */
export async function retryOpen(segment: SegmentEntry, misses: number): Promise<void> {
  if (misses > MAX_ATTEMPTS)
    throw new ProgressError('journal_failed', `segment ${segment.first} is listed but cannot be opened`);
  if (misses > 1) await sleep(RETRY_MS);
}

/** Finds segments that cannot be opened, or whose first bytes cannot be read. */
export async function findUnreadable(directory: string): Promise<UnreadableSegment[]> {
  const found: UnreadableSegment[] = [];
  for (const segment of await listSegments(directory)) {
    if (isMissing(segment)) continue;
    try {
      const file = await SegmentFile.open(directory, segment.first);
      try {
        await file?.read(0, 1);
      } finally {
        await file?.close();
      }
    } catch (error) {
      const reason = whyUnreadable(segment.first, error);
      if (reason === undefined) throw error;
      found.push({ segment: segment.first, reason });
    }
  }
  return found;
}
