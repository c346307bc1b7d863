/**
 * Pseudo-terminal for a command: its descriptors, its size, and the end of its output.
 *
 * The descriptors are opened through the binary of the binding, and this process spawns the command on the other end. It
 * keeps that end open, so that no output is lost when the command exits, and marks the end of the output by a text that
 * no program writes.
 */
import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { ReadStream } from 'node:tty';
import { errnoOf } from '../core/base/errors.js';
import { DEFAULT_PATH, findInPath } from '../platform/paths.js';
import type { PumpSource } from './pump.js';
import type { Unread } from './unread.js';
import { NOTHING_UNREAD, readUnread } from './unread.js';

export interface TerminalSize {
  columns: number;
  rows: number;
}

export interface Pty extends PumpSource {
  /** Path of the device. */
  readonly path: string;
  /** Command prefix that creates a session whose controlling terminal is standard input. */
  readonly setsid: readonly [string, ...string[]];
  /** Descriptor for the command. */
  readonly command: number;
  resize(size: TerminalSize): void;
  /** Ends the output after everything that is buffered. Input from now on counts as unread. */
  finish(): void;
  type(bytes: Buffer): void;
  /** Types Ctrl-D. */
  endInput(): void;
  /** Returns the input that no process has read; to be called before `close`. */
  unread(): Promise<Unread>;
  /** Bytes of input that are buffered in this process. */
  readonly waiting: number;
}

interface Native {
  open(columns: number, rows: number): { master: number; slave: number; pty: string };
  resize(master: number, columns: number, rows: number): void;
}

const ends = new Set<number>();

/**
 * Returns descriptors of this process's ends, which the binding opens without O_CLOEXEC. A command that inherited one
 * would not receive SIGHUP when this process ends.
 */
export function ourEnds(): number[] {
  return [...ends];
}

const DEFAULT_SIZE: TerminalSize = { columns: 80, rows: 24 };
const FULL_MS = 5;
const END_OF_INPUT = Buffer.from('\x04');
const NEWLINES: ReadonlySet<number | undefined> = new Set([0x0a, 0x0d]);

/** Loads the package's binary alone: its JavaScript forks the command itself, and loses the end of the output. */
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

/** Explains why no pseudo-terminal can be allocated; undefined if it can. */
export function whyNoPty(searchPath = process.env['PATH']): string | undefined {
  if (!loadNative()) return 'the package @lydell/node-pty has no binary for this system';
  return findSetsid(searchPath) === undefined ? 'neither a setsid(1) with -c nor perl is in PATH' : undefined;
}

/** Message for a command that gets pipes although it should have a terminal. */
export function noPtyMessage(): string {
  return `cannot allocate a terminal, the command gets pipes: ${whyNoPty() ?? 'the system has none left'}`;
}

const found = new Map<string, readonly [string, ...string[]] | undefined>();

/** Searches this process's PATH, not the command's. */
function findSetsid(searchPath = DEFAULT_PATH): readonly [string, ...string[]] | undefined {
  if (!found.has(searchPath)) found.set(searchPath, searchSetsid(searchPath));
  return found.get(searchPath);
}

/** Finds a program that sets the controlling terminal: setsid of util-linux and of recent busybox, or perl. */
function searchSetsid(searchPath: string): readonly [string, ...string[]] | undefined {
  const setsid = findInPath('setsid', searchPath).find(setsTerminal);
  if (setsid !== undefined) return [setsid, '-c'];
  const [perl] = findInPath('perl', searchPath);
  const request = TIOCSCTTY[process.platform];
  if (perl === undefined || request === undefined) return undefined;
  return [perl, '-MPOSIX', '-e', `POSIX::setsid(); ioctl(STDIN, ${request}, 0); exec { $ARGV[0] } @ARGV or exit 126`];
}

/** Number of the ioctl that sets the controlling terminal, for which Perl has no name. */
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

/** Allocates a pseudo-terminal; undefined if that is impossible, see `whyNoPty`. */
export function openPty(size: Partial<TerminalSize> = {}): Pty | undefined {
  const native = loadNative();
  const setsid = findSetsid(process.env['PATH']);
  return native && setsid && new NativePty(native, setsid, { ...DEFAULT_SIZE, ...size });
}

class NativePty implements Pty {
  readonly path: string;
  readonly setsid: readonly [string, ...string[]];
  readonly command: number;
  readonly #native: Native;
  readonly #master: number;
  readonly #stream: ReadStream;
  #onChunk: (chunk: Buffer) => unknown = () => {};
  #onEnd: () => void = () => {};
  /** End marker, while it is searched for; output that may be its beginning is held back. */
  #mark: Buffer | undefined;
  #held: Buffer = Buffer.alloc(0);
  #isEnded = false;
  #isTyped = false;
  /** The last input does not end its line. */
  #isLineOpen = false;
  #unread: Promise<Unread> | undefined;
  /** Input that was typed after the unread input was collected. */
  readonly #late: Buffer[] = [];

  constructor(native: Native, setsid: Pty['setsid'], { columns, rows }: TerminalSize) {
    const { master, slave, pty } = native.open(columns, rows);
    this.#native = native;
    this.#master = master;
    this.setsid = setsid;
    this.path = pty;
    // reopened with O_CLOEXEC
    this.command = openSync(pty, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
    closeSync(slave);
    ends.add(master);
    this.#stream = new ReadStream(master);
    this.#stream.on('data', (chunk: Buffer) => this.#take(chunk));
    this.#stream.once('close', () => {
      this.#pass(this.#held);
      this.close();
    });
    // EIO: no process has this terminal open; `close` follows
    this.#stream.on('error', () => this.#stream.destroy());
  }

  resize({ columns, rows }: TerminalSize): void {
    if (!this.#isEnded) this.#native.resize(this.#master, columns, rows);
  }

  listen(onChunk: (chunk: Buffer) => unknown, onEnd: () => void): void {
    this.#onChunk = onChunk;
    this.#onEnd = onEnd;
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  type(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.#isTyped = true;
    this.#isLineOpen = !NEWLINES.has(bytes.at(-1));
    if (this.#unread || this.#isEnded) this.#late.push(bytes);
    else this.#stream.write(bytes);
  }

  endInput(): void {
    if (this.#unread || this.#isEnded) return;
    // the first Ctrl-D only submits the current line
    if (this.#isLineOpen) this.#stream.write(END_OF_INPUT);
    this.#stream.write(END_OF_INPUT);
    this.#isLineOpen = false;
  }

  get waiting(): number {
    return this.#stream.writableLength;
  }

  async unread(): Promise<Unread> {
    const isKnown = this.#isEnded || !this.#isTyped;
    this.#unread ??= isKnown
      ? Promise.resolve(NOTHING_UNREAD)
      : readUnread(this.command, createMark(), (bytes) => void this.#stream.write(bytes));
    const { bytes, isEchoed } = await this.#unread;
    return { bytes: Buffer.concat([bytes, ...this.#late]), isEchoed };
  }

  finish(): void {
    if (this.#mark) return;
    const mark = createMark();
    this.#mark = mark;
    void this.unread().then(() => this.#show(mark));
  }

  close(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#onEnd();
    this.#stream.destroy();
    ends.delete(this.#master);
    closeSync(this.command);
  }

  #take(chunk: Buffer): void {
    if (!this.#mark) return this.#pass(chunk);
    this.#held = Buffer.concat([this.#held, chunk]);
    const at = this.#held.indexOf(this.#mark);
    const sure = at === -1 ? Math.max(0, this.#held.length - this.#mark.length + 1) : at;
    this.#pass(this.#held.subarray(0, sure));
    this.#held = this.#held.subarray(sure);
    if (at !== -1) this.close();
  }

  #pass(chunk: Buffer): void {
    if (chunk.length > 0 && !this.#isEnded) this.#onChunk(chunk);
  }

  #show(bytes: Buffer): void {
    if (this.#isEnded) return;
    let done = 0;
    try {
      done = writeSync(this.command, bytes);
    } catch (error) {
      if (errnoOf(error) !== 'EAGAIN') return this.close();
    }
    // the buffer is full until this process reads
    if (done < bytes.length) setTimeout(() => this.#show(bytes.subarray(done)), FULL_MS);
  }
}

/** Creates a text that no program writes and no user types. */
function createMark(): Buffer {
  return Buffer.from(`\x1b_${Array.from({ length: 24 }, () => randomInt(10)).join('')}\x1b`);
}
