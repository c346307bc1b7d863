/** From bytes that others wrote to lines of text and back: split at newlines, bounded, strictly UTF-8. */
import { isAscii, isUtf8 } from 'node:buffer';
import { ProgressError } from '../core/errors.js';

export interface LineDecoderOptions {
  /** A longer line is skipped to its end, and reported once. */
  maxBytes: number;
  /** What is not UTF-8 is replaced by U+FFFD instead of refused: nobody is there to be told. */
  lossy?: boolean;
  /** `line` counts from 1. Empty lines are counted and not handed on. */
  onLine: (text: string, line: number) => void;
  onBad: (error: ProgressError) => void;
}

export interface LineDecoder {
  push(chunk: Buffer): void;
  /** No more bytes come. A last line without its newline is taken if the input is `complete`, else reported as cut. */
  end(options?: { complete?: boolean }): void;
}

const NEWLINE = 0x0a;
const BYTE_ORDER_MARK = 0xfeff;
/** Decoded at once: large enough to cost little per line, and lines cut from the text keep no more than this alive. */
const SLICE_BYTES = 256 * 1024;
/** Room for the start of a line; it doubles as the line grows, and is kept between lines up to KEPT_BYTES. */
const FIRST_BYTES = 1024;
const KEPT_BYTES = 16 * 1024;
/** UTF-8 takes at most three bytes for each UTF-16 unit. */
const MAX_BYTES_PER_UNIT = 3;

export function createLineDecoder({ maxBytes, lossy = false, onLine, onBad }: LineDecoderOptions): LineDecoder {
  let line = 1;
  /** The line so far, copied, so that it keeps no chunk alive. */
  let carry = Buffer.alloc(0);
  let carried = 0;
  let discarding = false;

  const report = (code: 'bad_utf8' | 'bad_json' | 'too_long', problem: string) =>
    onBad(new ProgressError(code, `line ${line} ${problem}`, { line }));
  const reportLength = () => report('too_long', `is longer than ${maxBytes} bytes: split it`);

  const takeText = (text: string) => {
    const start = line === 1 && text.charCodeAt(0) === BYTE_ORDER_MARK ? 1 : 0;
    const end = text.endsWith('\r') ? text.length - 1 : text.length;
    if (end > start) onLine(end - start === text.length ? text : text.slice(start, end), line);
  };

  const takeBytes = (bytes: Buffer) => {
    if (bytes.length > maxBytes) reportLength();
    else if (lossy || isUtf8(bytes)) takeText(bytes.toString('utf8'));
    else report('bad_utf8', 'is not valid UTF-8: send text as UTF-8, other bytes as base64');
  };

  /** Whole lines that are known to be UTF-8. */
  const takeLines = (text: string) => {
    for (let start = 0, end; (end = text.indexOf('\n', start)) !== -1; start = end + 1) {
      const content = text.slice(start, end);
      const isShort = content.length * MAX_BYTES_PER_UNIT <= maxBytes;
      if (isShort || Buffer.byteLength(content) <= maxBytes) takeText(content);
      else reportLength();
      line++;
    }
  };

  /** Whole lines, checked and decoded together if they can be, else one by one. */
  const takeRegion = (region: Buffer) => {
    if (isAscii(region)) takeLines(region.toString('latin1'));
    else if (isUtf8(region)) takeLines(region.toString('utf8'));
    else takeEach(region);
  };

  const takeEach = (region: Buffer) => {
    for (let start = 0, end; (end = region.indexOf(NEWLINE, start)) !== -1; start = end + 1) {
      takeBytes(region.subarray(start, end));
      line++;
    }
  };

  const reserve = (bytes: number) => {
    if (bytes <= carry.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.min(maxBytes, Math.max(bytes, carry.length * 2, FIRST_BYTES)));
    carry.copy(grown, 0, 0, carried);
    carry = grown;
  };

  const releaseCarry = () => {
    carried = 0;
    if (carry.length > KEPT_BYTES) carry = Buffer.alloc(0);
  };

  const keep = (bytes: Buffer) => {
    if (discarding || bytes.length === 0) return;
    if (carried + bytes.length > maxBytes) {
      reportLength();
      discarding = true;
      releaseCarry();
      return;
    }
    reserve(carried + bytes.length);
    carried += bytes.copy(carry, carried);
  };

  const finishCarried = () => {
    if (!discarding) takeBytes(carry.subarray(0, carried));
    discarding = false;
    releaseCarry();
    line++;
  };

  const pushSlice = (slice: Buffer) => {
    let start = 0;
    if (carried > 0 || discarding) {
      const newline = slice.indexOf(NEWLINE);
      if (newline !== -1) {
        keep(slice.subarray(0, newline));
        finishCarried();
        start = newline + 1;
      }
    }
    const end = slice.lastIndexOf(NEWLINE) + 1;
    if (end > start) takeRegion(slice.subarray(start, end));
    keep(slice.subarray(end));
  };

  return {
    push(chunk) {
      for (let at = 0; at < chunk.length; at += SLICE_BYTES) pushSlice(chunk.subarray(at, at + SLICE_BYTES));
    },
    end({ complete = false } = {}) {
      if (carried > 0 && !complete) report('bad_json', 'was cut: the input ended before its newline');
      else if (carried > 0) takeBytes(carry.subarray(0, carried));
      discarding = false;
      releaseCarry();
    },
  };
}

/** One line of the wire, newline included. */
export function encodeLine(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}
