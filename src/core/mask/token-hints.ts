/** Decides quickly whether a text may hold a token of a known shape: most texts hold none. */
import { SHAPES } from './secret-shapes.js';

/** The shortest token that is known by its shape, and what tokens consist of. */
const MIN_TOKEN_CHARS = 15;
const IN_TOKENS = new Uint8Array(256);
for (const byte of toBytes('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.~')) IN_TOKENS[byte] = 1;

/** The hints by their first two bytes, and whether there are any. */
const HINTS = new Map<number, Uint8Array[]>();
const STARTS = new Uint8Array(0x10000);
for (const hint of SHAPES.flatMap(({ hints }) => hints.map(toBytes))) {
  const start = startAt(hint, 0);
  STARTS[start] = 1;
  HINTS.set(start, [...(HINTS.get(start) ?? []), hint]);
}

const INITIAL_BYTES = 128 * 1024;
/** A larger buffer is not kept. */
const MAX_KEPT_BYTES = 1024 * 1024;
const encoder = new TextEncoder();
/** Bytes are read several times as fast as the characters of a text. */
let kept = new Uint8Array(INITIAL_BYTES);

/** Looks at every fifteenth byte as long as these are in no token: most of a text is never looked at. */
export function hasToken(text: string): boolean {
  if (text.length < MIN_TOKEN_CHARS) return false;
  // of UTF-8, at most, and a byte behind the end
  const needed = text.length * 3 + 1;
  const bytes = needed > kept.length ? new Uint8Array(needed) : kept;
  if (bytes.length <= MAX_KEPT_BYTES) kept = bytes;
  return findHint(bytes, encoder.encodeInto(text, bytes).written);
}

function findHint(bytes: Uint8Array, length: number): boolean {
  let start = 0;
  for (let at = MIN_TOKEN_CHARS - 1; at < length;) {
    let back = at;
    while (back >= start && IN_TOKENS[bytes[back] ?? 0] === 1) back--;
    if (back >= start) {
      start = back + 1;
      at = start + MIN_TOKEN_CHARS - 1;
      continue;
    }
    let end = start;
    for (; end < length && IN_TOKENS[bytes[end] ?? 0] === 1; end++) {
      const isStart = (end === start || isSeparator(bytes[end - 1] ?? 0)) && STARTS[startAt(bytes, end)] === 1;
      if (isStart && HINTS.get(startAt(bytes, end))?.some((hint) => isAt(bytes, end, hint))) return true;
    }
    start = end + 1;
    at = start + MIN_TOKEN_CHARS - 1;
  }
  return false;
}

/** A token begins behind it: `\b` of its pattern. */
function isSeparator(byte: number): boolean {
  return byte === 0x2d || byte === 0x2e || byte === 0x7e;
}

function startAt(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

function isAt(bytes: Uint8Array, at: number, hint: Uint8Array): boolean {
  return hint.every((byte, index) => bytes[at + index] === byte);
}

function toBytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
