/** Buffer of lines that are written and not synced yet, to write them again if a sync fails. */

/** Beyond this, writers wait for the disk, so that memory is bounded. */
const MAX_BYTES = 64 * 1024 * 1024;

interface Written {
  first: number;
  last: number;
  bytes: Buffer;
}

export class Unsynced {
  #batches: Written[] = [];
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  get isFull(): boolean {
    return this.#bytes > MAX_BYTES;
  }

  /** In the order of writing. */
  get batches(): readonly Written[] {
    return this.#batches;
  }

  /** The oldest seq; undefined when empty. */
  get first(): number | undefined {
    return this.#batches[0]?.first;
  }

  add(first: number, last: number, bytes: Buffer): void {
    this.#batches.push({ first, last, bytes });
    this.#bytes += bytes.length;
  }

  /** Drops lines that are on disk. */
  dropThrough(seq: number): void {
    this.#batches = this.#batches.filter((batch) => batch.last > seq);
    this.#bytes = this.#batches.reduce((sum, batch) => sum + batch.bytes.length, 0);
  }
}
