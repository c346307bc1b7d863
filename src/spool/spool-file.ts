/** One file of the spool: read from where the journal left off, line by line, each taken once. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { userInfo } from 'node:os';
import path from 'node:path';
import type { NewEvent } from '../core/event.js';
import { GLOBAL_TYPES } from '../core/event.js';
import { DEFAULT_EXECUTION } from '../core/route.js';
import { errnoOf, ProgressError } from '../errors.js';
import type { LineDecoder } from '../protocol/lines.js';
import { createLineDecoder } from '../protocol/lines.js';
import { MAX_LINE_BYTES } from '../protocol/messages.js';
import { parseLine, toNewEvent } from '../protocol/validate.js';
import type { SpoolName } from './names.js';

/** What became of one event, told in the order of the file. */
export interface Receipt {
  written(): void;
  /** It was written before. */
  duplicate(): void;
  /** Not now: the disk is full, for instance. */
  refused(error: ProgressError): void;
}

export interface FileOptions {
  directory: string;
  name: string;
  parsed: SpoolName;
  /** Where the journal says that it was read to, in bytes. */
  taken: number;
  /** Hands an event in; throws when it can never be taken. */
  submit: (event: NewEvent, bytes: number, receipt: Receipt) => void;
  reject: (code: string) => void;
  log: (message: string) => void;
  /** An event could not be written now: call `rewind` in a while. */
  onRefused: () => void;
  now: () => number;
}

export type Look =
  /** Nothing more to read for now. */
  | 'done'
  | 'more'
  | 'gone'
  /** It is not to be read, or cannot be: it was said why. */
  | 'left alone';

/** Read at once, so that no file keeps the others waiting. */
const CHUNK_BYTES = 64 * 1024;
/** A file that nobody can have meant. */
const MAX_FILE_BYTES = 1024 * 1024 * 1024;
/** So many lines, not one of them an event: it is something else. */
const MAX_GARBAGE = 100;
/** Of those, told one by one in the log. */
const MAX_TOLD = 5;
/** Written to within this time: lines without a time have been written just now. */
const LIVE_MS = 2_000;

export interface SpoolFile {
  readonly name: string;
  readonly parsed: SpoolName;
  readonly leftAlone: string | undefined;
  /** Was everything in it taken, and when was it last written to? In milliseconds; undefined if not all was. */
  readonly idleSince: number | undefined;
  readonly size: number;
  /** Reads one chunk. */
  read(): Look;
  /** Goes back to the first event that was not written. */
  rewind(): void;
}

export function openSpoolFile(options: FileOptions): SpoolFile {
  const { directory, name, parsed, submit, reject, log, onRefused, now } = options;
  /** Read up to here; */
  let position = options.taken;
  /** every line before here is written, or refused for good. */
  let settled = options.taken;
  /** The end of the line that is being taken. */
  let end = position;
  let size = 0;
  /** Unknown before the first look. */
  let writtenAt: number | undefined;
  let arrival: { time: string; approximate: true } | undefined;
  let waiting = 0;
  let stopped = false;
  let trouble: string | undefined;
  let good = options.taken;
  let bad = 0;
  let leftAlone: string | undefined;
  let generation = 0;
  let decoder: LineDecoder;

  const leave = (why: string): Look => {
    leftAlone = why;
    log(`spool: ${name} is left alone: ${why}`);
    return 'left alone';
  };

  const take = (text: string) => {
    const event = toNewEvent(parseLine(text, 1));
    if (event.source === undefined || event.n === undefined) {
      event.source = parsed.source;
      event.n = end;
    }
    // many write there, and none knows what another has begun
    if (parsed.writer === undefined && event.execution === undefined && !GLOBAL_TYPES.has(event.type)) {
      event.execution = DEFAULT_EXECUTION;
    }
    if (event.time === undefined && arrival) Object.assign(event, arrival);
    submit(event, text.length, receiptFor(end));
    good++;
  };

  const receiptFor = (lineEnd: number): Receipt => {
    const born = generation;
    const settle = () => {
      if (born !== generation) return;
      waiting--;
      if (!stopped) settled = lineEnd;
    };
    waiting++;
    return {
      written() {
        trouble = undefined;
        settle();
      },
      duplicate: settle,
      refused(error) {
        if (born === generation && !stopped) {
          stopped = true;
          // once, however often it is tried again
          if (trouble !== error.code) log(`spool: ${name} waits at byte ${settled}: ${error.message}`);
          trouble = error.code;
          onRefused();
        }
        settle();
      },
    };
  };

  const report = (error: ProgressError, at: number) => {
    reject(error.code);
    if (++bad <= MAX_TOLD) log(`spool: ${name}, the line that ends at byte ${at}: ${error.message}`);
    else if (bad === MAX_TOLD + 1) log(`spool: ${name}: more lines are wrong, and only counted`);
  };

  const attempt = (task: () => void) => {
    try {
      task();
    } catch (error) {
      report(ProgressError.from(error), end);
    }
  };

  const createDecoder = () =>
    createLineDecoder({
      maxBytes: MAX_LINE_BYTES,
      lossy: true,
      onLine: (text) => attempt(() => take(text)),
      onBad: (error) => report(error, end),
    });
  decoder = createDecoder();

  /** Line by line, so that each is known by where it ends. */
  const push = (chunk: Buffer) => {
    for (let start = 0; start < chunk.length;) {
      const newline = chunk.indexOf('\n', start);
      const next = newline === -1 ? chunk.length : newline + 1;
      end = position + (next - start);
      decoder.push(chunk.subarray(start, next));
      position = end;
      start = next;
    }
  };

  const check = (stat: Stats): string | undefined => {
    if (!stat.isFile()) return 'it is not a regular file';
    if (stat.uid !== userInfo().uid) return `it belongs to user ${stat.uid}`;
    if (stat.size > MAX_FILE_BYTES) return `it is larger than ${MAX_FILE_BYTES} bytes`;
    if (stat.size < position) return 'it was cut, or written anew: nobody knows what was taken of it';
    return undefined;
  };

  const readFrom = (descriptor: number): Look => {
    const stat = fstatSync(descriptor);
    const wrong = check(stat);
    if (wrong !== undefined) return leave(wrong);
    size = stat.size;
    writtenAt = stat.mtimeMs;
    arrival = now() - writtenAt > LIVE_MS ? { time: new Date(writtenAt).toISOString(), approximate: true } : undefined;
    const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, size - position));
    push(buffer.subarray(0, readSync(descriptor, buffer, 0, buffer.length, position)));
    if (good === 0 && bad >= MAX_GARBAGE) return leave(`its first ${bad} lines are no events`);
    return position < size ? 'more' : 'done';
  };

  return {
    name,
    parsed,
    get leftAlone() {
      return leftAlone;
    },
    get size() {
      return size;
    },
    get idleSince() {
      return position === size && waiting === 0 && !stopped ? writtenAt : undefined;
    },
    /** Synchronous: the system has these bytes in memory, and a detour over its threads takes ten times as long. */
    read() {
      if (leftAlone !== undefined) return 'left alone';
      if (stopped) return 'done';
      let descriptor: number;
      try {
        // neither a link nor a pipe is followed or waited for
        const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
        descriptor = openSync(path.join(directory, name), flags);
      } catch (error) {
        const code = errnoOf(error);
        if (code === 'ENOENT') return 'gone';
        return leave(code === 'ELOOP' ? 'it is a symbolic link' : `it cannot be opened (${code ?? 'unknown error'})`);
      }
      try {
        return readFrom(descriptor);
      } finally {
        closeSync(descriptor);
      }
    },
    rewind() {
      generation++;
      waiting = 0;
      stopped = false;
      position = settled;
      decoder = createDecoder();
    },
  };
}
