/**
 * Replaces the standard streams of this process where they are pipes or sockets, so that these stay blocking.
 *
 * Node sets O_NONBLOCK on them, a property of the open file: every process that shares it then gets EAGAIN, also after
 * this one was killed. Pipes are therefore written by a thread of the pool, and read through a file description that
 * belongs to this process alone. `process.stdout` and its siblings are replaced before their first use, so every command
 * and package uses the replacements.
 */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import type { BigIntStats } from 'node:fs';
import { constants, fstatSync, openSync, readFileSync, write } from 'node:fs';
import { Socket } from 'node:net';
import { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { errnoOf } from '../core/base/errors.js';

/** Bytes buffered for a slow reader before writers get backpressure. */
const BUFFER_BYTES = 64 * 1024;
/** Interval of retries if another process has made the file non-blocking and it is full. */
const RETRY_MS = 5;

/** Replaces the streams. Call once, before the first use of `process.stdin`, `process.stdout` or `process.stderr`. */
export function keepStandardStreamsBlocking(): void {
  const queues = new Map<string, TaskQueue>();
  for (const [name, fd] of [
    ['stdout', 1],
    ['stderr', 2],
  ] as const) {
    const file = sharedFile(fd);
    if (file === undefined) continue;
    const queue = queues.get(file) ?? createTaskQueue();
    queues.set(file, queue);
    replace(name, () => new BlockingOutput(fd, queue));
  }
  if (sharedFile(0) !== undefined) replace('stdin', () => new BlockingInput());
}

/** Returns an ID of the pipe or socket of a descriptor; undefined for other files, on which Node changes nothing. */
function sharedFile(fd: number): string | undefined {
  try {
    const stat = fstatSync(fd, { bigint: true });
    return stat.isFIFO() || stat.isSocket() ? `${stat.dev}:${stat.ino}` : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Whether standard output and standard error lead to the same pipe, socket or file, as after `2>&1`: then what is written
 * through one of them follows what was written through the other.
 */
export function haveSharedOutput(): boolean {
  try {
    const [stdout, stderr] = ([1, 2] as const).map((fd) => fstatSync(fd, { bigint: true })) as [
      BigIntStats,
      BigIntStats,
    ];
    if (stdout.dev !== stderr.dev || stdout.ino !== stderr.ino) return false;
    return stdout.isFile() ? positionOf(1) === positionOf(2) : stdout.isFIFO() || stdout.isSocket();
  } catch {
    return false;
  }
}

/** Of the open file; one that was opened twice usually has two. Undefined without /proc. */
function positionOf(fd: number): string | undefined {
  try {
    return readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1');
  } catch {
    return undefined;
  }
}

function replace(name: 'stdin' | 'stdout' | 'stderr', create: () => Readable | Writable): void {
  let stream: Readable | Writable | undefined;
  Object.defineProperty(process, name, { configurable: true, enumerable: true, get: () => (stream ??= create()) });
}

type TaskQueue = (task: () => Promise<void>) => Promise<void>;

/** Creates a queue that runs tasks one after the other, which keeps the order of stdout and stderr on the same pipe. */
function createTaskQueue(): TaskQueue {
  let last = Promise.resolve();
  return (task) => {
    const result = last.then(task);
    last = result.catch(() => undefined);
    return result;
  };
}

const writeSome = promisify(write);

/** Writes in a thread of the pool, which blocks on a slow reader. The descriptor is neither changed nor closed. */
class BlockingOutput extends Writable {
  readonly #fd: number;
  readonly #enqueue: TaskQueue;

  constructor(fd: number, enqueue: TaskQueue) {
    super({ highWaterMark: BUFFER_BYTES });
    this.#fd = fd;
    this.#enqueue = enqueue;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    this.#enqueue(() => this.#writeAll(chunk)).then(() => done(), done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error) => void): void {
    this._write(Buffer.concat(chunks.map(({ chunk }) => chunk)), 'utf8', done);
  }

  async #writeAll(bytes: Buffer): Promise<void> {
    for (let rest = bytes; rest.length > 0;) {
      try {
        const { bytesWritten } = await writeSome(this.#fd, rest);
        rest = rest.subarray(bytesWritten);
      } catch (error) {
        if (errnoOf(error) !== 'EAGAIN') throw error;
        await delay(RETRY_MS);
      }
    }
  }
}

/**
 * Reads a pipe through a separate file description. A file that cannot be opened again, such as a socket, is read by
 * cat(1), since a thread that waits for input would keep this process from exiting.
 */
class BlockingInput extends Readable {
  #source: Socket | undefined;
  #cat: ChildProcess | undefined;
  #isUnreferenced = false;

  constructor() {
    super({ highWaterMark: BUFFER_BYTES });
  }

  override _read(): void {
    (this.#source ??= this.#open()).resume();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#source?.destroy();
    this.#cat?.kill('SIGKILL');
    done(error);
  }

  /** Lets the process exit while this waits for input. */
  unref(): this {
    this.#isUnreferenced = true;
    this.#source?.unref();
    this.#cat?.unref();
    return this;
  }

  #open(): Socket {
    const source = openAgain() ?? this.#spawnCat();
    source.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) source.pause();
    });
    source.once('end', () => this.push(null)).once('error', (error) => this.destroy(error));
    if (this.#isUnreferenced) {
      source.unref();
      this.#cat?.unref();
    }
    return source;
  }

  #spawnCat(): Socket {
    const cat = spawn('cat', [], { detached: true, stdio: ['inherit', 'pipe', 'ignore'] });
    this.#cat = cat;
    cat.once('error', (error) => this.destroy(error));
    process.once('exit', () => cat.kill('SIGKILL'));
    return cat.stdout as Socket;
  }
}

/** Opens stdin again; undefined for a socket, without /proc, or for a pipe of another user. */
function openAgain(): Socket | undefined {
  try {
    const fd = openSync('/proc/self/fd/0', constants.O_RDONLY | constants.O_NONBLOCK);
    return new Socket({ fd, readable: true, writable: false });
  } catch {
    return undefined;
  }
}
