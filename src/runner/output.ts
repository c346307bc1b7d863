/** Splits the bytes of an output into pieces of complete lines, each recorded as one event without delay. */
import { isUtf8 } from 'node:buffer';
import type { EventData } from '../core/events/event.js';
import { maskOutput } from '../core/mask/mask.js';

/** Data of one `output` event. */
export interface OutputPiece {
  stream: CommandStream | 'debug';
  /** Content without its final newline. Valid only during the call: copy it to keep it. */
  content: Buffer;
  /** Number of newlines in the content. */
  newlines: number;
  /** Number of its first line. */
  line: number;
  /** RFC 3339 time at which it was read. */
  time: string;
  /** Part of a line: continued in the next piece, or ended without a newline. */
  part?: 'continued' | 'unterminated';
}

/** Outputs of a command. The stream `debug` holds what is not meant for people. */
export type CommandStream = 'stdout' | 'stderr';

export interface OutputSplitter {
  push(chunk: Buffer): void;
  /** Emits complete lines that are buffered. */
  flush(): void;
  /** Emits everything that is buffered, with the last line even if it has no newline. */
  end(): void;
}

/** Maximum time for which a line is buffered. */
const LATE_MS = 100;
/** Size of a piece, which fits an event even if every byte is escaped. A longer line is split. */
export const PIECE_BYTES = 32 * 1024;

/** Context on each side of a split in a long line, so that no secret is split or separated from its name. */
const CUT_CONTEXT_BYTES = 4 * 1024;
/** Maximum number of positions to try before a line is split anywhere. */
const MAX_CUTS = 64;

const NEWLINE = 0x0a;

export function createOutputSplitter(
  stream: OutputPiece['stream'],
  onPiece: (piece: OutputPiece) => void,
): OutputSplitter {
  /** Copy of the buffered bytes, since the chunks of a child are reused. */
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

  /** Emits all complete lines. The rest stays buffered unless it is too long. */
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

/** Returns the data of an `output` event. */
export function outputData({ stream, content, line, part }: OutputPiece): EventData {
  return {
    stream,
    line,
    ...(isUtf8(content) ? { text: content.toString('utf8') } : { base64: content.toString('base64') }),
    ...(part && { [part]: true }),
  };
}

/** Counts newlines by indexOf while lines are long; for short lines the calls cost more than counting in words. */
export function countNewlines(content: Buffer): number {
  let count = 0;
  for (let at = -1; (at = content.indexOf(NEWLINE, at + 1)) !== -1;) {
    count++;
    if (at < count * SHORT_LINE) return count + countInWords(content.subarray(at + 1));
  }
  return count;
}

const SHORT_LINE = 32;

/** Counts newlines four bytes at a time, with one sum for 255 words. */
function countInWords({ buffer, byteOffset, length }: Buffer): number {
  const bytes = new Uint8Array(buffer, byteOffset, length);
  const aligned = Math.min(length, -byteOffset & 3);
  // a typed array of words must be aligned, even an empty one
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

/** Returns where to split so that no secret is masked in part: before `border`, or at it if no such place is near. */
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

/** Characters that may precede a name or a value, each one byte in UTF-8. */
const CUT_BEFORE = /[\s,;&{([<"'?]/;

/** Returns where to split so that no UTF-8 character is torn: before the last character if it is incomplete. */
function characterBorder(window: Buffer): number {
  if (window.length < PIECE_BYTES || isUtf8(window)) return window.length;
  for (let back = 1; back <= 3; back++) {
    if (isUtf8(window.subarray(0, -back))) return window.length - back;
  }
  return window.length;
}
