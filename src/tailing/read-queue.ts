/** Files that wait to be read: one after the other, a chunk each, while somebody takes what is read. */

/** Anything that is read in chunks. */
export interface Readable {
  rewind(): void;
}

export interface ReadQueueOptions<File> {
  /** Reads one chunk; true if there is more. */
  read: (file: File) => boolean;
  /** May more be handed in? If not, `resume` is called when it may. */
  isFull: () => boolean;
  /** Does it, whatever it throws. */
  guard: (task: () => void) => void;
}

export interface ReadQueue<File> {
  /** There may be something to read in it. */
  touch(file: File): void;
  /** Something of it could not be written: it is read again from there in a while. */
  again(file: File): void;
  drop(file: File): void;
  isWaiting(file: File): boolean;
  isAnyWaiting(isOne: (file: File) => boolean): boolean;
  /** Reads it before the others, so many chunks of it at the most. */
  ahead(file: File, chunks: number): void;
  resume(): void;
  close(): void;
}

/** After something could not be written, a full disk for instance. */
const RETRY_MS = 2_000;

export function createReadQueue<File extends Readable>({
  read,
  isFull,
  guard,
}: ReadQueueOptions<File>): ReadQueue<File> {
  /** The one that has waited longest first. */
  const dirty = new Set<File>();
  const retries = new Set<NodeJS.Timeout>();
  let scheduled = false;
  let closed = false;

  const resume = () => {
    if (scheduled || closed || dirty.size === 0) return;
    scheduled = true;
    // sockets have their turn in between
    setImmediate(() => {
      scheduled = false;
      guard(readNext);
      if (!isFull()) resume();
    });
  };

  const readNext = () => {
    const [file] = dirty;
    if (file !== undefined) readOne(file);
  };

  const readOne = (file: File) => {
    if (closed || isFull()) return;
    dirty.delete(file);
    if (read(file)) dirty.add(file);
  };

  const touch = (file: File) => {
    dirty.add(file);
    resume();
  };

  return {
    touch,
    again(file) {
      const timer = setTimeout(() => {
        retries.delete(timer);
        file.rewind();
        touch(file);
      }, RETRY_MS);
      retries.add(timer);
    },
    drop: (file) => void dirty.delete(file),
    isWaiting: (file) => dirty.has(file),
    isAnyWaiting: (isOne) => [...dirty].some(isOne),
    ahead(file, chunks) {
      for (let count = 0; count < chunks && dirty.has(file); count++) readOne(file);
    },
    resume,
    close() {
      closed = true;
      for (const retry of retries) clearTimeout(retry);
    },
  };
}
