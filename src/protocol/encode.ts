/** Encodes validated events as journal lines, and splits events that are too long. */
import type { EventData, ExecutionEvent, NewEvent } from '../core/events/event.js';
import { ProgressError } from '../core/base/errors.js';
import { MAX_LINE_BYTES } from '../api/messages.js';

/** Bytes that the daemon may add: seq, time, and an execution named after the source (256 characters, escaped). */
const RESERVED_BYTES = 4 * 1024;
/** Minimum room for text in each part; an event whose other fields leave less is refused. */
const MIN_ROOM_BYTES = 16 * 1024;
/** A line of at most this length stays within MAX_LINE_BYTES when encoded again: `1e20` grows most, sixfold. */
const SURELY_SHORT_CHARS = MAX_LINE_BYTES / 8;
/** Base64 is cut at multiples of this, so that each part can be decoded alone. */
const BASE64_GROUP = 4;
const BASE64 = /^[\w+/=-]*$/;

/** Fields with long texts, by type. */
const LONG_TEXTS: ReadonlyMap<string, readonly string[]> = new Map([
  ['output', ['text', 'base64']],
  ['log', ['message']],
  ['activity', ['text']],
]);

/** Encodes an event as a journal line without newline. Its length is bounded by `splitEvent`. */
export function encodeEvent(event: ExecutionEvent): string {
  const { seq, time, approximate, type, execution, step, source, n, id, sender, data } = event;
  return JSON.stringify({ seq, time, approximate, type, execution, step, source, n, id, sender, data });
}

/**
 * Splits an event into events whose lines are short enough: all but the last are marked `continued`, and only the last
 * one has `n` and the ID.
 *
 * @param lineChars Length of the line that contained the event, if known; saves measuring short ones.
 * @throws {ProgressError} `too_long` if fields other than the text are too long.
 */
export function splitEvent(event: NewEvent, lineChars = Infinity): NewEvent[] {
  if (lineChars <= SURELY_SHORT_CHARS) return [event];
  const bytes = Buffer.byteLength(JSON.stringify(event)) + RESERVED_BYTES;
  if (bytes <= MAX_LINE_BYTES) return [event];
  const field = LONG_TEXTS.get(event.type)?.find((key) => typeof event.data[key] === 'string');
  const text = field === undefined ? '' : String(event.data[field]);
  const room = MAX_LINE_BYTES - (bytes - encodedBytes(text)) - '"continued":true,'.length;
  if (field === undefined || room < MIN_ROOM_BYTES) {
    const advice = 'send less in one event';
    throw new ProgressError('too_long', `the event takes ${bytes} of ${MAX_LINE_BYTES} bytes as a line: ${advice}`);
  }
  return toParts(event, field, cutText(text, room, field === 'base64' && BASE64.test(text) ? BASE64_GROUP : 1));
}

function toParts(event: NewEvent, field: string, pieces: string[]): NewEvent[] {
  const { n, id, ...unnumbered } = event;
  const last = pieces.length - 1;
  let lines = 0;
  return pieces.map((piece, index) => {
    const data: EventData = { ...event.data, [field]: piece };
    if (typeof data['line'] === 'number') data['line'] += lines;
    lines += piece.split('\n').length - 1;
    if (index < last) data['continued'] = true;
    const own = index === last ? { ...(n !== undefined && { n }), ...(id !== undefined && { id }) } : {};
    return { ...unnumbered, ...own, data };
  });
}

/** Cuts a text into pieces of at most `room` bytes as JSON, between code points, at multiples of `group` characters. */
function cutText(text: string, room: number, group: number): string[] {
  const pieces: string[] = [];
  let start = 0;
  let bytes = 0;
  let at = 0;
  for (const character of text) {
    const size = encodedSize(character);
    if (bytes + size > room) {
      const end = at - ((at - start) % group);
      pieces.push(text.slice(start, end));
      bytes = at - end;
      start = end;
    }
    bytes += size;
    at += character.length;
  }
  return [...pieces, text.slice(start)];
}

function encodedBytes(text: string): number {
  return Buffer.byteLength(JSON.stringify(text)) - '""'.length;
}

/** Returns the bytes of one code point in a JSON string. */
function encodedSize(character: string): number {
  const code = character.codePointAt(0) ?? 0;
  if (code >= 0x20 && code < 0x80) return character === '"' || character === '\\' ? 2 : 1;
  if (code < 0x20) return SHORT_ESCAPES.includes(character) ? 2 : 6;
  if (code < 0x800) return 2;
  if (code >= 0xd800 && code < 0xe000) return 6; // half of a pair
  return code < 0x10000 ? 3 : 4;
}

const SHORT_ESCAPES = '\b\t\n\f\r';
