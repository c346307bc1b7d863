/**
 * A terminal for a command: the pair of descriptors, its size, and the end of what it shows.
 *
 * The pair of descriptors is opened through the binary of the binding, and this process spawns the command on the
 * other end. It keeps that end open as well, so that nothing is lost when the command exits, and marks the end of the
 * output by a text that nothing else writes.
 */
import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { ReadStream } from 'node:tty';
import { errnoOf } from '../core/errors.js';
import { DEFAULT_PATH, findInPath } from '../platform/paths.js';
import type { PumpSource } from './pump.js';
import type { Unread } from './unread.js';
import { NOTHING_UNREAD, readUnread } from './unread.js';

export interface TerminalSize {
  columns: number;
  rows: number;
}

export interface Pty extends PumpSource {
  /** Of the device. */
  readonly path: string;
  /** Before the command, this makes a session of it with its standard input, this terminal. */
  readonly setsid: readonly [string, ...string[]];
  /** What the command has as its terminal. */
  readonly command: number;
  resize(size: TerminalSize): void;
  /** Everything that was shown so far comes, and then the end. What is typed from now on is unread. */
  finish(): void;
  type(bytes: Buffer): void;
  /** Ends the input as Ctrl-D does. */
  endInput(): void;
  /** What was typed and not read, once all of it is known; to be called before the terminal is closed. */
  unread(): Promise<Unread>;
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

const DEFAULT_SIZE: TerminalSize = { columns: 80, rows: 24 };
const FULL_MS = 5;
const END_OF_INPUT = Buffer.from('\x04');
const NEWLINES: ReadonlySet<number | undefined> = new Set([0x0a, 0x0d]);

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

/** Says that a command that should have a terminal gets pipes, and why. */
export function noPtyMessage(): string {
  return `cannot allocate a terminal, the command gets pipes: ${whyNoPty() ?? 'the system has none left'}`;
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
  /** While it is looked for in the output, what may be its beginning is held back. */
  #mark: Buffer | undefined;
  #held: Buffer = Buffer.alloc(0);
  #isEnded = false;
  #isTyped = false;
  /** What was typed last has not ended its line. */
  #isLineOpen = false;
  #unread: Promise<Unread> | undefined;
  /** What was typed since. */
  readonly #late: Buffer[] = [];

  constructor(native: Native, setsid: Pty['setsid'], { columns, rows }: TerminalSize) {
    const { master, slave, pty } = native.open(columns, rows);
    this.#native = native;
    this.#master = master;
    this.setsid = setsid;
    this.path = pty;
    // opened anew: this one closes by itself where another program is executed
    this.command = openSync(pty, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
    closeSync(slave);
    ends.add(master);
    this.#stream = new ReadStream(master);
    this.#stream.on('data', (chunk: Buffer) => this.#take(chunk));
    this.#stream.once('close', () => {
      this.#pass(this.#held);
      this.close();
    });
    // EIO: nobody has this terminal any more; `close` follows
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
    // the first one only hands over what stands in the line
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
    // full: there is more to read first
    if (done < bytes.length) setTimeout(() => this.#show(bytes.subarray(done)), FULL_MS);
  }
}

/** A text that no program shows and nobody types. */
function createMark(): Buffer {
  return Buffer.from(`\x1b_${Array.from({ length: 24 }, () => randomInt(10)).join('')}\x1b`);
}
