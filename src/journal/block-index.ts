/** Where in a segment which events are: blocks of whole lines, and for each execution the blocks that hold it. */
import { crc32 } from 'node:zlib';

/** Large enough to compress well and to be few, small enough that one page of a log costs little more than itself. */
const BLOCK_BYTES = 64 * 1024;

const VERSION = 1;

/** What must be known of a line to index it. */
interface Indexed {
  seq: number;
  time: string;
  execution?: string;
}

/** The compressed twin of a segment: one gzip member per block. */
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
  /** The newest seq, 0 while there is none. */
  last = 0;
  /** Bytes of the segment, uncompressed, that belong to the journal. */
  size = 0;
  lines = 0;
  /** The segment will not grow any more: bytes behind `size` are no part of it. */
  closed = false;
  /** Lines up to this seq had been in the file before somebody cut it. */
  lostThrough = 0;
  gzip: GzipLayout | undefined;
  /** Of each block: where it starts, its first seq, its newest time. */
  readonly offsets: number[];
  readonly seqs: number[];
  readonly times: string[];
  /** Ranges of blocks, flat: [from, to, from, to...]. */
  readonly #executions = new Map<string, number[]>();
  /** The execution of the line before, in this block: output comes in runs. */
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

  /** Takes up a line that ends, with its newline, at the offset `end`. */
  add(line: Indexed, end: number): void {
    const start = this.offsets[this.offsets.length - 1];
    if (start === undefined || this.size - start >= BLOCK_BYTES) this.startBlock(line.seq);
    this.addToBlock(line, end);
  }

  /** The same, whatever the size of the block. */
  addToBlock(line: Indexed, end: number): void {
    const block = this.offsets.length - 1;
    if (line.time > (this.times[block] ?? '')) this.times[block] = line.time;
    if (line.execution !== undefined && line.execution !== this.#repeated) this.#addTo(line.execution, block);
    this.last = line.seq;
    this.size = end;
    this.lines++;
  }

  /** Begins a block at the present end. */
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

  /** The blocks that hold lines of the execution, or all blocks. */
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

  /** As text with a checksum, so that a damaged index is never believed. */
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

  /** The reverse; undefined when the text is damaged, or of a later version. */
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
