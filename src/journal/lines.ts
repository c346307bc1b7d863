/** Decodes bytes of a segment to events and skips damage: a wrong byte costs only the line it is in. */
import type { ExecutionEvent } from '../core/events/event.js';
import type { Gap } from '../api/messages.js';
import { SEQ_LIMIT } from './layout.js';
import type { LineSearch } from './search.js';

/** Events and their lines. lines[i] is the JSON of events[i]; it begins with {"seq":N, and holds no newline. */
export interface Batch {
  events: ExecutionEvent[];
  lines: string[];
}

export interface ByteRange {
  /** Seq before the first line; -1 if unknown. */
  before: number;
  /** All seqs here are below this. */
  below: number;
  /** Seqs above `after` up to `through` are wanted. */
  after: number;
  through: number;
  /** Lines that it does not match are skipped, and so are bytes without any match, damaged or not. */
  search?: LineSearch | undefined;
  /** A second search, which is applied to single lines only. */
  within?: LineSearch | undefined;
}

/** Visitor of what is found, in order. */
export interface LineVisitor {
  event(event: ExecutionEvent, line: string, end: number): void;
  /** Bytes that are not an event. */
  damage?(start: number, end: number): void;
  /** Seqs that the damaged bytes may have held. */
  gap?(gap: Gap): void;
}

const NEWLINE = 10;
const COMMA = 44;
const DIGIT_ZERO = 48;
const HEAD = '{"seq":';
const HEAD_BYTES = Buffer.from(HEAD);

/**
 * Every line ends with a newline; what follows the last one is damage. Returns the last good seq, or `range.before`; for
 * bytes that the search skips, the seq before `below`.
 */
export function decodeLines(buffer: Buffer, range: ByteRange, visitor: LineVisitor): number {
  return new LineDecoder(buffer, range, visitor).decode();
}

class LineDecoder {
  readonly #buffer: Buffer;
  readonly #range: ByteRange;
  readonly #visitor: LineVisitor;
  readonly #search: (start: number, end: number) => boolean;
  readonly #within: (start: number, end: number) => boolean;
  #previous: number;
  /** Damage since the last good line. */
  #hole = false;

  constructor(buffer: Buffer, range: ByteRange, visitor: LineVisitor) {
    this.#buffer = buffer;
    this.#range = range;
    this.#visitor = visitor;
    this.#search = range.search?.(buffer) ?? (() => true);
    this.#within = range.within?.(buffer) ?? (() => true);
    this.#previous = range.before;
  }

  decode(): number {
    if (!this.#search(0, this.#buffer.length)) return this.#range.below - 1;
    let start = 0;
    let seq = peekSeq(this.#buffer, 0);
    for (let newline; (newline = this.#buffer.indexOf(NEWLINE, start)) !== -1; start = newline + 1) {
      const next = peekSeq(this.#buffer, newline + 1);
      this.#line(start, newline, seq, next);
      seq = next;
    }
    if (start < this.#buffer.length) this.#damage(start, this.#buffer.length);
    if (this.#hole) this.#closeHole(this.#range.below);
    return this.#previous;
  }

  #line(start: number, end: number, seq: number, next: number): void {
    if (Number.isNaN(seq)) this.#parse(start, end, next);
    else if (!this.#isPlausible(seq, next)) this.#damage(start, end + 1);
    else if (this.#isUnwanted(start, end, seq, next)) this.#pass(seq);
    else this.#parse(start, end, next);
  }

  /** Seqs increase from line to line. Where they do not, the line that fits its neighbours is valid. */
  #isPlausible(seq: number, next: number): boolean {
    if (!this.#isInRange(seq)) return false;
    return seq === this.#previous + 1 || !(next > this.#previous && next <= seq);
  }

  /** A line before a jump is always parsed: if its newline is damaged, it holds the next line too. */
  #isUnwanted(start: number, end: number, seq: number, next: number): boolean {
    if (seq <= this.#range.after) return next === seq + 1;
    return seq > this.#range.through || !this.#search(start, end) || !this.#within(start, end);
  }

  #parse(start: number, end: number, next: number): void {
    const line = this.#buffer.toString('utf8', start, end);
    const event = parseEvent(line);
    if (event !== undefined && this.#isInRange(event.seq)) this.#accept(event, line, end + 1);
    else this.#parseJoined(line, start, end, next);
  }

  /** Parses two lines whose newline is damaged, or a good line after damage. */
  #parseJoined(text: string, start: number, end: number, next: number): void {
    const middle = text.lastIndexOf(HEAD);
    const tail = middle > 0 ? parseEvent(text.slice(middle)) : undefined;
    const head = middle > 0 ? parseEvent(text.slice(0, middle - 1)) : undefined;
    if (head !== undefined && this.#isInRange(head.seq)) this.#accept(head, text.slice(0, middle - 1), start);
    else this.#damage(start, end + 1);
    const fits = tail !== undefined && this.#isInRange(tail.seq) && !(next > this.#previous && next <= tail.seq);
    if (fits) this.#accept(tail, text.slice(middle), end + 1);
  }

  #isInRange(seq: number): boolean {
    return seq > this.#previous && seq < this.#range.below;
  }

  #accept(event: ExecutionEvent, line: string, end: number): void {
    this.#pass(event.seq);
    if (event.seq > this.#range.after && event.seq <= this.#range.through) this.#visitor.event(event, line, end);
  }

  #pass(seq: number): void {
    if (this.#hole) this.#closeHole(seq);
    this.#previous = seq;
  }

  #damage(start: number, end: number): void {
    this.#hole = true;
    this.#visitor.damage?.(start, end);
  }

  #closeHole(next: number): void {
    this.#hole = false;
    const from = Math.max(this.#previous, this.#range.after) + 1;
    const to = Math.min(next - 1, this.#range.through);
    if (from <= to) this.#visitor.gap?.({ from, to, why: 'damage' });
  }
}

/** @returns the seq at the start of a line; NaN when the line does not start with one */
export function peekSeq(buffer: Buffer, start: number): number {
  for (let i = 0; i < HEAD_BYTES.length; i++) if (buffer[start + i] !== HEAD_BYTES[i]) return NaN;
  let at = start + HEAD_BYTES.length;
  let seq = 0;
  for (let digit; (digit = (buffer[at] ?? 0) - DIGIT_ZERO) >= 0 && digit <= 9; at++) seq = seq * 10 + digit;
  return buffer[at] === COMMA && seq > 0 && seq < SEQ_LIMIT ? seq : NaN;
}

/** @returns the event of a line; undefined when it is not one */
export function parseEvent(line: string): ExecutionEvent | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isEvent(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isEvent(value: unknown): value is ExecutionEvent {
  if (typeof value !== 'object' || value === null) return false;
  const fields: Partial<Record<keyof ExecutionEvent, unknown>> = value;
  const { seq, time, type, execution = '', step = '', source = '', n = 0, data } = fields;
  return (
    Number.isSafeInteger(seq) &&
    typeof time === 'string' &&
    typeof type === 'string' &&
    typeof execution === 'string' &&
    typeof step === 'string' &&
    typeof source === 'string' &&
    Number.isSafeInteger(n) &&
    typeof data === 'object' &&
    data !== null &&
    !Array.isArray(data)
  );
}
