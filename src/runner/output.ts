/** From a child's bytes to pieces of output: whole lines, several in one piece, none late. */
import { isUtf8 } from 'node:buffer';
import type { EventData } from '../core/event.js';

/** What one event tells. */
export interface Piece {
  stream: OutputStream;
  /** Without the newline that ends it. */
  content: Buffer;
  /** The number of its first line. */
  line: number;
  /** RFC 3339: when it came. */
  time: string;
  /** A part of one line: it goes on in the next piece, or ended without a newline. */
  part?: 'continued' | 'unterminated';
}

export type OutputStream = 'stdout' | 'stderr';

export interface Pieces {
  push(chunk: Buffer): void;
  /** The last line, if it has no newline, and whatever waits. */
  end(): void;
}

/** How long a line may wait for others. */
const LATE_MS = 100;
/** One event's text, well below the bound of a line even when every byte is escaped. A longer line is continued. */
export const PIECE_BYTES = 32 * 1024;

const NEWLINE = 0x0a;

export function createPieces(stream: OutputStream, onPiece: (piece: Piece) => void): Pieces {
  let waiting: Buffer[] = [];
  let bytes = 0;
  let line = 1;
  let since: string | undefined;
  let timer: NodeJS.Timeout | undefined;

  const say = (content: Buffer, part?: Piece['part']) => {
    const time = since ?? new Date().toISOString();
    onPiece({ stream, content: part ? content : content.subarray(0, -1), line, time, ...(part && { part }) });
    line += countNewlines(content);
  };

  /** Says all whole lines; what follows the last newline waits on, unless it is too long. */
  const flush = (all: boolean) => {
    clearTimeout(timer);
    timer = undefined;
    const [only] = waiting;
    let rest = waiting.length === 1 && only ? only : Buffer.concat(waiting);
    while (rest.length > 0) {
      const window = rest.subarray(0, PIECE_BYTES);
      const end = window.lastIndexOf(NEWLINE) + 1;
      if (end > 0) say(rest.subarray(0, end));
      else if (rest.length < PIECE_BYTES && !all) break;
      const cut = end > 0 ? end : characterBorder(window);
      if (end === 0) say(rest.subarray(0, cut), cut < rest.length || !all ? 'continued' : 'unterminated');
      rest = rest.subarray(cut);
    }
    // a copy: the rest of a line must not hold on to the chunk that it came in
    waiting = rest.length > 0 ? [Buffer.from(rest)] : [];
    bytes = rest.length;
    since = rest.length > 0 ? new Date().toISOString() : undefined;
  };

  return {
    push(chunk) {
      since ??= new Date().toISOString();
      waiting.push(chunk);
      bytes += chunk.length;
      if (bytes >= PIECE_BYTES) flush(false);
      else if (chunk.includes(NEWLINE)) timer ??= setTimeout(() => flush(false), LATE_MS);
    },
    end: () => flush(true),
  };
}

/** The data of an `output` event. */
export function outputData({ stream, content, line, part }: Piece): EventData {
  return {
    stream,
    line,
    ...(isUtf8(content) ? { text: content.toString('utf8') } : { base64: content.toString('base64') }),
    ...(part && { [part]: true }),
  };
}

/** A loop of our own: most lines are shorter than what a call costs. */
export function countNewlines(content: Buffer): number {
  let count = 0;
  for (let at = 0; at < content.length; at++) if (content[at] === NEWLINE) count++;
  return count;
}

/** Where to cut so that no UTF-8 character is torn: before the lead byte of the last one, if that is incomplete. */
function characterBorder(window: Buffer): number {
  if (window.length < PIECE_BYTES || isUtf8(window)) return window.length;
  for (let back = 1; back <= 3; back++) {
    if (isUtf8(window.subarray(0, -back))) return window.length - back;
  }
  return window.length;
}
