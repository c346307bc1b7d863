/** Sealed segments by age and size, from which retention chooses. */
import { statIfThere } from './disk.js';
import { segmentPath } from './layout.js';

interface Stored {
  first: number;
  bytes: number;
  /** Time of the last write, wall clock. */
  writtenAt: number;
}

export interface RetentionLimits {
  retainBytes: number;
  retainMs: number;
}

export class SealedSegments {
  readonly #directory: string;
  /** Oldest first. */
  #segments: Stored[] = [];
  #bytes = 0;

  constructor(directory: string) {
    this.#directory = directory;
  }

  get count(): number {
    return this.#segments.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** First seqs, in order. */
  get firsts(): number[] {
    return this.#segments.map(({ first }) => first);
  }

  /** Adds a segment, or updates it after its file has changed. */
  async put(first: number): Promise<void> {
    const stat =
      (await statIfThere(segmentPath(this.#directory, first, 'gzip'))) ??
      (await statIfThere(segmentPath(this.#directory, first, 'plain')));
    this.remove(first);
    if (stat === undefined) return;
    const at = this.#segments.findLastIndex((segment) => segment.first < first) + 1;
    this.#segments.splice(at, 0, { first, bytes: stat.size, writtenAt: stat.mtimeMs });
    this.#bytes += stat.size;
  }

  remove(first: number): void {
    const at = this.#segments.findIndex((segment) => segment.first === first);
    if (at !== -1) this.#bytes -= this.#segments.splice(at, 1)[0]?.bytes ?? 0;
  }

  /**
   * Last seq of the oldest segments that exceed the limits. `first` is the first seq of the active segments,
   * `total` the size of the journal including them.
   */
  expired(
    limits: RetentionLimits,
    now: number,
    { first, total }: { first: number; total: number },
  ): number | undefined {
    let bytes = total;
    let through: number | undefined;
    for (const [at, segment] of this.#segments.entries()) {
      if (now - segment.writtenAt <= limits.retainMs && bytes <= limits.retainBytes) break;
      bytes -= segment.bytes;
      through = (this.#segments[at + 1]?.first ?? first) - 1;
    }
    return through;
  }
}
