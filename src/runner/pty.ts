/** A terminal for a command: the pair of descriptors, its size, and the end of what it shows. */
import { randomInt } from 'node:crypto';
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { ReadStream } from 'node:tty';
import { errnoOf } from '../errors.js';
import { DEFAULT_PATH, findInPath } from '../paths.js';
import type { Source } from './pump.js';

export interface Size {
  columns: number;
  rows: number;
}

export interface Pty extends Source {
  /** Of the device. */
  readonly path: string;
  /** setsid(1), which makes a session of the command with this terminal. */
  readonly setsid: string;
  /** What the command has as its terminal. */
  readonly command: number;
  resize(size: Size): void;
  /** Everything that was shown so far comes, and then the end. */
  finish(): void;
  type(bytes: Buffer | string): void;
  /** Bytes that were typed and have not reached the terminal. */
  readonly waiting: number;
}

interface Native {
  open(columns: number, rows: number): { master: number; slave: number; pty: string };
  resize(master: number, columns: number, rows: number): void;
}

const ends = new Set<number>();

/**
 * Descriptors of the other ends, which do not close by themselves where another program is executed. A command that
 * had one would never hear that we are gone.
 */
export function ourEnds(): number[] {
  return [...ends];
}

const DEFAULT_SIZE: Size = { columns: 80, rows: 24 };
const FULL_MS = 5;

/** The package's binary alone: the rest of it forks by itself, and loses what comes last. */
function loadNative(): Native | undefined {
  try {
    const require = createRequire(import.meta.url);
    const { requireBinary } = require('@lydell/node-pty/requireBinary.js') as {
      requireBinary: (file: string) => Native;
    };
    return requireBinary('pty.node');
  } catch {
    return undefined;
  }
}

/** Why no command can be given a terminal here; undefined when it can. */
export function whyNoPty(searchPath = process.env['PATH']): string | undefined {
  if (!loadNative()) return 'the package @lydell/node-pty has no binary for this system';
  return findSetsid(searchPath) === undefined ? 'setsid(1) of util-linux is not in PATH' : undefined;
}

/** In our path: the command's may lead anywhere. */
function findSetsid(searchPath: string | undefined): string | undefined {
  return findInPath('setsid', searchPath ?? DEFAULT_PATH)[0];
}

/** Undefined where there is a reason, see `whyNoPty`. */
export function openPty(size: Partial<Size> = {}): Pty | undefined {
  const native = loadNative();
  const setsid = findSetsid(process.env['PATH']);
  if (!native || setsid === undefined) return undefined;
  const { columns, rows } = { ...DEFAULT_SIZE, ...size };
  const { master, slave, pty } = native.open(columns, rows);
  // opened anew: this one closes by itself where another program is executed
  const command = openSync(pty, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
  closeSync(slave);
  const stream = new ReadStream(master);
  ends.add(master);
  let onChunk: (chunk: Buffer) => unknown = () => {};
  let onEnd: () => void = () => {};
  /** A text that no program shows; while it is looked for, what may be its beginning is held back. */
  let mark: Buffer | undefined;
  let held: Buffer = Buffer.alloc(0);
  let ended = false;

  const pass = (chunk: Buffer) => {
    if (chunk.length > 0 && !ended) onChunk(chunk);
  };
  const end = () => {
    if (ended) return;
    ended = true;
    onEnd();
    stream.destroy();
    ends.delete(master);
    closeSync(command);
  };
  stream.on('data', (chunk: Buffer) => {
    if (!mark) return pass(chunk);
    held = Buffer.concat([held, chunk]);
    const at = held.indexOf(mark);
    const sure = at === -1 ? Math.max(0, held.length - mark.length + 1) : at;
    pass(held.subarray(0, sure));
    held = held.subarray(sure);
    if (at !== -1) end();
  });
  stream.once('close', () => {
    pass(held);
    end();
  });
  // EIO: nobody has this terminal any more; `close` follows
  stream.on('error', () => stream.destroy());

  const writeMark = (bytes: Buffer) => {
    if (ended) return;
    let done = 0;
    try {
      done = writeSync(command, bytes);
    } catch (error) {
      if (errnoOf(error) !== 'EAGAIN') return end();
    }
    // full: there is more to read first
    if (done < bytes.length) setTimeout(() => writeMark(bytes.subarray(done)), FULL_MS);
  };

  return {
    path: pty,
    setsid,
    command,
    resize: (next) => {
      if (!ended) native.resize(master, next.columns, next.rows);
    },
    finish() {
      if (mark) return;
      mark = Buffer.from(`\x1b_${Array.from({ length: 24 }, () => randomInt(10)).join('')}\x1b`);
      writeMark(mark);
    },
    listen(chunk, ending) {
      onChunk = chunk;
      onEnd = ending;
    },
    pause: () => void stream.pause(),
    resume: () => void stream.resume(),
    type(bytes) {
      if (!ended) stream.write(bytes);
    },
    get waiting() {
      return stream.writableLength;
    },
    close: end,
  };
}
