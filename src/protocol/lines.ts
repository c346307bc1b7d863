/** Decodes untrusted bytes to lines of text: split at newlines, bounded, strictly UTF-8. */
import { isAscii, isUtf8 } from 'node:buffer';
import { ProgressError } from '../core/base/errors.js';

export interface LineDecoderOptions {
  /** A longer line is skipped to its end, and reported once. */
  maxBytes: number;
  /** Replace invalid UTF-8 by U+FFFD instead of reporting it, where no producer could receive the error. */
  lossy?: boolean;
  /** `line` counts from 1. Empty lines are counted but not passed on. */
  onLine: (text: string, line: number) => void;
  onBad: (error: ProgressError) => void;
}

const NEWLINE = 0x0a;
const BYTE_ORDER_MARK = 0xfeff;
/** Bytes decoded at once: large enough to cost little per line, small enough as the memory that each line may retain. */
const SLICE_BYTES = 256 * 1024;
/** Initial size of the carry buffer. It doubles as a line grows, and is kept between lines up to KEPT_BYTES. */
const FIRST_BYTES = 1024;
const KEPT_BYTES = 16 * 1024;
/** UTF-8 takes at most three bytes for each UTF-16 unit. */
const MAX_BYTES_PER_UNIT = 3;

export class LineDecoder {
  readonly #maxBytes: number;
  readonly #isLossy: boolean;
  readonly #onLine: LineDecoderOptions['onLine'];
  readonly #onBad: LineDecoderOptions['onBad'];
  #line = 1;
  /** The unfinished line; a copy, so that it does not retain the chunk. */
  #carry = Buffer.alloc(0);
  #carried = 0;
  #isDiscarding = false;

  constructor({ maxBytes, lossy = false, onLine, onBad }: LineDecoderOptions) {
    this.#maxBytes = maxBytes;
    this.#isLossy = lossy;
    this.#onLine = onLine;
    this.#onBad = onBad;
  }

  push(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; at += SLICE_BYTES) this.#pushSlice(chunk.subarray(at, at + SLICE_BYTES));
  }

  /** Ends the input. A last line without newline is passed on if the input is `complete`, else reported as cut off. */
  end({ complete = false }: { complete?: boolean } = {}): void {
    if (this.#carried > 0 && !complete) this.#report('bad_json', 'was cut: the input ended before its newline');
    else if (this.#carried > 0) this.#takeBytes(this.#carry.subarray(0, this.#carried));
    this.#isDiscarding = false;
    this.#releaseCarry();
  }

  #pushSlice(slice: Buffer): void {
    let start = 0;
    if (this.#carried > 0 || this.#isDiscarding) {
      const newline = slice.indexOf(NEWLINE);
      if (newline !== -1) {
        this.#keep(slice.subarray(0, newline));
        this.#finishCarried();
        start = newline + 1;
      }
    }
    const end = slice.lastIndexOf(NEWLINE) + 1;
    if (end > start) this.#takeRegion(slice.subarray(start, end));
    this.#keep(slice.subarray(end));
  }

  /** Decodes whole lines, together if all of them are valid UTF-8, else one by one. */
  #takeRegion(region: Buffer): void {
    if (isAscii(region)) this.#takeLines(region.toString('latin1'));
    else if (isUtf8(region)) this.#takeLines(region.toString('utf8'));
    else this.#takeEach(region);
  }

  #takeLines(text: string): void {
    for (let start = 0, end; (end = text.indexOf('\n', start)) !== -1; start = end + 1) {
      const content = text.slice(start, end);
      const isShort = content.length * MAX_BYTES_PER_UNIT <= this.#maxBytes;
      if (isShort || Buffer.byteLength(content) <= this.#maxBytes) this.#takeText(content);
      else this.#reportLength();
      this.#line++;
    }
  }

  #takeEach(region: Buffer): void {
    for (let start = 0, end; (end = region.indexOf(NEWLINE, start)) !== -1; start = end + 1) {
      this.#takeBytes(region.subarray(start, end));
      this.#line++;
    }
  }

  #takeBytes(bytes: Buffer): void {
    if (bytes.length > this.#maxBytes) this.#reportLength();
    else if (this.#isLossy || isUtf8(bytes)) this.#takeText(bytes.toString('utf8'));
    else this.#report('bad_utf8', 'is not valid UTF-8: send text as UTF-8, other bytes as base64');
  }

  #takeText(text: string): void {
    const start = this.#line === 1 && text.charCodeAt(0) === BYTE_ORDER_MARK ? 1 : 0;
    const end = text.endsWith('\r') ? text.length - 1 : text.length;
    if (end > start) this.#onLine(end - start === text.length ? text : text.slice(start, end), this.#line);
  }

  #keep(bytes: Buffer): void {
    if (this.#isDiscarding || bytes.length === 0) return;
    if (this.#carried + bytes.length > this.#maxBytes) {
      this.#reportLength();
      this.#isDiscarding = true;
      this.#releaseCarry();
      return;
    }
    this.#reserve(this.#carried + bytes.length);
    this.#carried += bytes.copy(this.#carry, this.#carried);
  }

  #reserve(bytes: number): void {
    if (bytes <= this.#carry.length) return;
    const size = Math.min(this.#maxBytes, Math.max(bytes, this.#carry.length * 2, FIRST_BYTES));
    const grown = Buffer.allocUnsafeSlow(size);
    this.#carry.copy(grown, 0, 0, this.#carried);
    this.#carry = grown;
  }

  #finishCarried(): void {
    if (!this.#isDiscarding) this.#takeBytes(this.#carry.subarray(0, this.#carried));
    this.#isDiscarding = false;
    this.#releaseCarry();
    this.#line++;
  }

  #releaseCarry(): void {
    this.#carried = 0;
    if (this.#carry.length > KEPT_BYTES) this.#carry = Buffer.alloc(0);
  }

  #report(code: 'bad_utf8' | 'bad_json' | 'too_long', problem: string): void {
    this.#onBad(new ProgressError(code, `line ${this.#line} ${problem}`, { line: this.#line }));
  }

  #reportLength(): void {
    this.#report('too_long', `is longer than ${this.#maxBytes} bytes: split it`);
  }
}

/** Creates a decoder. */
export function createLineDecoder(options: LineDecoderOptions): LineDecoder {
  return new LineDecoder(options);
}

/** Encodes a value as one line of JSON, newline included. */
export function encodeLine(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}
