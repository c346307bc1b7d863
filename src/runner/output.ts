/** From a child's bytes to pieces of output: whole lines, several in one piece, none late. */
import { isUtf8 } from 'node:buffer';
import type { EventData } from '../core/event.js';
import { maskOutput } from '../core/mask/mask.js';

/** What one event tells. */
export interface OutputPiece {
  stream: CommandStream | 'debug';
  /** Without the newline that ends it. It may be kept only as a copy. */
  content: Buffer;
  /** In it, without the one that ends it. */
  newlines: number;
  /** The number of its first line. */
  line: number;
  /** RFC 3339: when it came. */
  time: string;
  /** A part of one line: it goes on in the next piece, or ended without a newline. */
  part?: 'continued' | 'unterminated';
}

/** What a command writes to; `debug` is what of it is not for people. */
export type CommandStream = 'stdout' | 'stderr';

export interface OutputSplitter {
  push(chunk: Buffer): void;
  /** Whole lines that wait for others. */
  flush(): void;
  /** The last line, if it has no newline, and whatever waits. */
  end(): void;
}

/** How long a line may wait for others. */
const LATE_MS = 100;
/** One event's text, well below the bound of a line even when every byte is escaped. A longer line is continued. */
export const PIECE_BYTES = 32 * 1024;

/** On each side of the place where a long line is cut: a secret there must not be cut in two, or lose its name. */
const CUT_CONTEXT_BYTES = 4 * 1024;
/** Places that are tried before a line is cut in the middle of something. */
const MAX_CUTS = 64;

const NEWLINE = 0x0a;

export function createOutputSplitter(
  stream: OutputPiece['stream'],
  onPiece: (piece: OutputPiece) => void,
): OutputSplitter {
  /** What waits, copied: a child's output comes in buffers that are used again. */
  let store = Buffer.alloc(0);
  let length = 0;
  let line = 1;
  let since: string | undefined;
  let timer: NodeJS.Timeout | undefined;

  const say = (content: Buffer, part?: OutputPiece['part']) => {
    const time = since ?? new Date().toISOString();
    const newlines = countNewlines(content);
    onPiece({ stream, content, newlines, line, time, ...(part && { part }) });
    line += newlines + (part ? 0 : 1);
  };

  /** Says all whole lines; what follows the last newline waits on, unless it is too long. */
  const sayAll = (all: boolean) => {
    clearTimeout(timer);
    timer = undefined;
    let rest = store.subarray(0, length);
    while (rest.length > 0) {
      const window = rest.subarray(0, PIECE_BYTES);
      const end = window.lastIndexOf(NEWLINE);
      if (end === -1 && rest.length < PIECE_BYTES + CUT_CONTEXT_BYTES && !all) break;
      if (end !== -1) say(rest.subarray(0, end));
      const cut = end === -1 ? cutLine(rest, characterBorder(window)) : end + 1;
      if (end === -1) say(rest.subarray(0, cut), cut < rest.length || !all ? 'continued' : 'unterminated');
      rest = rest.subarray(cut);
    }
    rest.copy(store);
    length = rest.length;
    since = length > 0 ? new Date().toISOString() : undefined;
  };

  return {
    push(chunk) {
      since ??= new Date().toISOString();
      if (length + chunk.length > store.length) {
        store = Buffer.concat(
          [store.subarray(0, length), chunk],
          Math.max(2 * PIECE_BYTES, 2 * (length + chunk.length)),
        );
      } else chunk.copy(store, length);
      length += chunk.length;
      if (length >= PIECE_BYTES) sayAll(false);
      else if (chunk.includes(NEWLINE)) timer ??= setTimeout(() => sayAll(false), LATE_MS);
    },
    flush: () => sayAll(false),
    end: () => sayAll(true),
  };
}

/** The data of an `output` event. */
export function outputData({ stream, content, line, part }: OutputPiece): EventData {
  return {
    stream,
    line,
    ...(isUtf8(content) ? { text: content.toString('utf8') } : { base64: content.toString('base64') }),
    ...(part && { [part]: true }),
  };
}

/** By the system's search while lines are long; where they are short, a call for each costs more than all else. */
export function countNewlines(content: Buffer): number {
  let count = 0;
  for (let at = -1; (at = content.indexOf(NEWLINE, at + 1)) !== -1;) {
    count++;
    if (at < count * SHORT_LINE) return count + countInWords(content.subarray(at + 1));
  }
  return count;
}

const SHORT_LINE = 32;

/** Four bytes at a time, and what was found of 255 words in one sum. */
function countInWords({ buffer, byteOffset, length }: Buffer): number {
  const bytes = new Uint8Array(buffer, byteOffset, length);
  const aligned = Math.min(length, -byteOffset & 3);
  // an array of words cannot begin just anywhere, not even one without any
  const words = aligned < length ? new Int32Array(buffer, byteOffset + aligned, (length - aligned) >>> 2) : [];
  let count = 0;
  for (let at = 0; at < words.length;) {
    let sums = 0;
    for (const end = Math.min(words.length, at + 255); at < end; at++) {
      const zeroWhereNewline = (words[at] ?? 0) ^ NEWLINES;
      // the highest bit of each byte that is zero; `| 0` keeps the sum in 32 bits
      sums += ~(((zeroWhereNewline & LOW_BITS) + LOW_BITS) | 0 | zeroWhereNewline | LOW_BITS) >>> 7;
    }
    count += (sums & 0xff) + ((sums >>> 8) & 0xff) + ((sums >>> 16) & 0xff) + (sums >>> 24);
  }
  for (let at = 0; at < aligned; at++) if (bytes[at] === NEWLINE) count++;
  for (let at = aligned + words.length * 4; at < length; at++) if (bytes[at] === NEWLINE) count++;
  return count;
}

const NEWLINES = 0x0a0a0a0a;
const LOW_BITS = 0x7f7f7f7f;

/** Where to cut so that no secret is masked in part: before the border, or at it if there is no such place nearby. */
function cutLine(line: Buffer, border: number): number {
  if (border === line.length) return border;
  const start = Math.max(0, border - CUT_CONTEXT_BYTES);
  const text = line.toString('latin1', start, border + CUT_CONTEXT_BYTES);
  const masked = maskOutput(text);
  if (masked === text) return border;
  let cut = border - start;
  for (let tries = 0; cut > 0 && tries < MAX_CUTS; tries++) {
    if (maskOutput(text.slice(0, cut)) + maskOutput(text.slice(cut)) === masked) return start + cut;
    do cut--;
    while (cut > 0 && !CUT_BEFORE.test(text[cut] ?? ''));
  }
  return border;
}

/** What may stand in front of a name or a value, and is one byte in UTF-8. */
const CUT_BEFORE = /[\s,;&{([<"'?]/;

/** Where to cut so that no UTF-8 character is torn: before the lead byte of the last one, if that is incomplete. */
function characterBorder(window: Buffer): number {
  if (window.length < PIECE_BYTES || isUtf8(window)) return window.length;
  for (let back = 1; back <= 3; back++) {
    if (isUtf8(window.subarray(0, -back))) return window.length - back;
  }
  return window.length;
}
