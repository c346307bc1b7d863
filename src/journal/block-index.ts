/** Index of a segment: blocks of whole lines, and for each execution the blocks that hold its events. */
import { crc32 } from 'node:zlib';

/** Large enough to compress well, small enough that one page of a log reads little more than itself. */
const BLOCK_BYTES = 64 * 1024;

const VERSION = 1;

/** Fields of an event that the index needs. */
interface Indexed {
  seq: number;
  time: string;
  execution?: string;
}

/** Compressed form of a segment: one gzip member per block. */
export interface GzipLayout {
  offsets: number[];
  size: number;
}

interface Stored {
  version: number;
  first: number;
  last: number;
  size: number;
  lines: number;
  closed?: true;
  lostThrough?: number;
  offsets: number[];
  seqs: number[];
  times: string[];
  executions: (readonly [string, ...number[]])[];
  gzip?: GzipLayout;
}

export class BlockIndex {
  readonly first: number;
  /** The newest seq; 0 when empty. */
  last = 0;
  /** Uncompressed bytes of the segment that belong to the journal. */
  size = 0;
  lines = 0;
  /** The segment does not grow any more: bytes after `size` are not part of it. */
  closed = false;
  /** The file held lines up to this seq before another program cut it. */
  lostThrough = 0;
  gzip: GzipLayout | undefined;
  /** For each block: its offset, its first seq, its newest time. */
  readonly offsets: number[];
  readonly seqs: number[];
  readonly times: string[];
  /** Ranges of blocks for each execution, flat: [from, to, from, to...]. */
  readonly #executions = new Map<string, number[]>();
  /** Execution of the previous line in this block; output comes in runs. */
  #repeated: string | undefined;

  constructor(
    first: number,
    blocks: Pick<Stored, 'offsets' | 'seqs' | 'times'> = { offsets: [], seqs: [], times: [] },
  ) {
    this.first = first;
    this.offsets = blocks.offsets;
    this.seqs = blocks.seqs;
    this.times = blocks.times;
  }

  get blocks(): number {
    return this.offsets.length;
  }

  /** Adds a line that ends, with its newline, at the offset `end`. */
  add(line: Indexed, end: number): void {
    const start = this.offsets[this.offsets.length - 1];
    if (start === undefined || this.size - start >= BLOCK_BYTES) this.startBlock(line.seq);
    this.addToBlock(line, end);
  }

  /** Adds a line to the current block, whatever its size. */
  addToBlock(line: Indexed, end: number): void {
    const block = this.offsets.length - 1;
    if (line.time > (this.times[block] ?? '')) this.times[block] = line.time;
    if (line.execution !== undefined && line.execution !== this.#repeated) this.#addTo(line.execution, block);
    this.last = line.seq;
    this.size = end;
    this.lines++;
  }

  /** Starts a block at the current end. */
  startBlock(seq: number): void {
    this.offsets.push(this.size);
    this.seqs.push(seq);
    this.times.push('');
    this.#repeated = undefined;
  }

  #addTo(execution: string, block: number): void {
    this.#repeated = execution;
    const ranges = this.#executions.get(execution);
    const end = ranges?.at(-1);
    if (ranges === undefined || end === undefined) this.#executions.set(execution, [block, block]);
    else if (end === block - 1) ranges[ranges.length - 1] = block;
    else if (end < block) ranges.push(block, block);
  }

  /** Blocks with lines of the execution; all blocks without one. */
  blocksOf(execution: string | undefined): number[] {
    if (execution === undefined) return Array.from(this.offsets.keys());
    const ranges = this.#executions.get(execution) ?? [];
    const blocks: number[] = [];
    for (let i = 0; i < ranges.length; i += 2) {
      for (let block = ranges[i] ?? 0; block <= (ranges[i + 1] ?? -1); block++) blocks.push(block);
    }
    return blocks;
  }

  executions(): Iterable<string> {
    return this.#executions.keys();
  }

  /** Serializes to text with a checksum, so that a damaged index is detected. */
  serialize(): string {
    const stored: Stored = {
      version: VERSION,
      first: this.first,
      last: this.last,
      size: this.size,
      lines: this.lines,
      ...(this.closed && { closed: true as const }),
      ...(this.lostThrough > 0 && { lostThrough: this.lostThrough }),
      offsets: this.offsets,
      seqs: this.seqs,
      times: this.times,
      executions: [...this.#executions].map(([id, ranges]) => [id, ...ranges] as const),
      ...(this.gzip && { gzip: this.gzip }),
    };
    const body = JSON.stringify(stored).slice(1);
    return `{"crc":"${checksum(body)}",${body}\n`;
  }

  /** @returns undefined when the text is damaged, or of a later version */
  static parse(text: string): BlockIndex | undefined {
    const match = /^\{"crc":"([0-9a-f]{8})",/.exec(text);
    const body = text.slice(match?.[0].length).trimEnd();
    if (match?.[1] !== checksum(body)) return undefined;
    const stored = JSON.parse('{' + body) as Stored; // the checksum vouches for the shape
    return stored.version === VERSION ? BlockIndex.#restore(stored) : undefined;
  }

  static #restore(stored: Stored): BlockIndex {
    const index = new BlockIndex(stored.first, stored);
    index.last = stored.last;
    index.size = stored.size;
    index.lines = stored.lines;
    index.closed = stored.closed ?? false;
    index.lostThrough = stored.lostThrough ?? 0;
    index.gzip = stored.gzip;
    for (const [id, ...ranges] of stored.executions) index.#executions.set(id, ranges);
    return index;
  }
}

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(8, '0');
}
