/** A terminal for a command: the pair of descriptors, its size, and the end of what it shows. */
import { spawnSync } from 'node:child_process';
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
  /** Before the command, this makes a session of it with its standard input, this terminal. */
  readonly setsid: readonly [string, ...string[]];
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
  return findSetsid(searchPath) === undefined ? 'neither a setsid(1) with -c nor perl is in PATH' : undefined;
}

const found = new Map<string, readonly [string, ...string[]] | undefined>();

/** In our path: the command's may lead anywhere. */
function findSetsid(searchPath = DEFAULT_PATH): readonly [string, ...string[]] | undefined {
  if (!found.has(searchPath)) found.set(searchPath, searchSetsid(searchPath));
  return found.get(searchPath);
}

/** Programs called setsid differ: that of util-linux and a recent one of busybox can set the terminal, others cannot. */
function searchSetsid(searchPath: string): readonly [string, ...string[]] | undefined {
  const setsid = findInPath('setsid', searchPath).find(setsTerminal);
  if (setsid !== undefined) return [setsid, '-c'];
  const [perl] = findInPath('perl', searchPath);
  const request = TIOCSCTTY[process.platform];
  if (perl === undefined || request === undefined) return undefined;
  return [perl, '-MPOSIX', '-e', `POSIX::setsid(); ioctl(STDIN, ${request}, 0); exec { $ARGV[0] } @ARGV or exit 126`];
}

/** Makes the descriptor the controlling terminal: a number of the system, which Perl has no name for. */
const TIOCSCTTY: Partial<Record<NodeJS.Platform, string>> = { linux: '0x540E', darwin: '0x20007461' };
const HELP_MS = 2_000;

function setsTerminal(setsid: string): boolean {
  const { stdout, stderr } = spawnSync(setsid, ['--help'], {
    encoding: 'utf8',
    timeout: HELP_MS,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return /(?:^|[\s[])-[a-z]*c/m.test(`${stdout}\n${stderr}`);
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
