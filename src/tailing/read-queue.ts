/** Schedules the reading of files: round-robin, one chunk per file, with backpressure. */

/** A file that is read in chunks. */
export interface QueuedFile {
  rewind(): void;
}

export interface ReadQueueOptions<File> {
  /** Reads one chunk; true if there is more. */
  read: (file: File) => boolean;
  /** Whether the consumer applies backpressure; it calls `resume` when it can take more. */
  isFull: () => boolean;
  /** Runs a task and handles its errors. */
  guard: (task: () => void) => void;
}

export interface ReadQueue<File> {
  /** Schedules a file that may have new content. */
  touch(file: File): void;
  /** Rewinds and reads a file again after a pause, since some of its events could not be written. */
  again(file: File): void;
  drop(file: File): void;
  isWaiting(file: File): boolean;
  isAnyWaiting(isOne: (file: File) => boolean): boolean;
  /** Reads up to `chunks` chunks of a file before the others. */
  ahead(file: File, chunks: number): void;
  resume(): void;
  close(): void;
}

/** Pause after a failed write, for instance on a full disk. */
const RETRY_MS = 2_000;

/** Creates a queue. */
export function createReadQueue<File extends QueuedFile>({
  read,
  isFull,
  guard,
}: ReadQueueOptions<File>): ReadQueue<File> {
  /** The file that has waited longest first. */
  const dirty = new Set<File>();
  const retries = new Set<NodeJS.Timeout>();
  let scheduled = false;
  let closed = false;

  const resume = () => {
    if (scheduled || closed || dirty.size === 0) return;
    scheduled = true;
    // sockets are served in between
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
