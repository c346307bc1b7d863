/** Spool file: read from the offset that the journal holds, line by line, each line submitted once. */
import path from 'node:path';
import type { NewEvent } from '../core/events/event.js';
import { ProgressError } from '../core/base/errors.js';
import type { LineDecoder } from '../protocol/lines.js';
import { createLineDecoder } from '../protocol/lines.js';
import { MAX_LINE_BYTES } from '../api/messages.js';
import { parseLine, toNewEvent } from '../protocol/validate.js';
import type { Range } from './blank.js';
import type { SpoolName } from './names.js';
import type { LineReceipt, Tail, TailResult } from '../tailing/tail.js';
import { openTail } from '../tailing/tail.js';

export interface FileOptions {
  directory: string;
  name: string;
  parsed: SpoolName;
  /** Offset in bytes up to which the journal has the file. */
  taken: number;
  /**
   * Submits an event; throws when it can never be accepted. `isShared`: the file has several writers.
   * @returns whether the line has to be blanked once the journal has it
   */
  submit: (event: NewEvent, bytes: number, receipt: LineReceipt, isShared: boolean) => boolean;
  /** Called when a line has to be blanked. */
  onSecret: () => void;
  reject: (code: string) => void;
  log: (message: string) => void;
  /** Called when an event could not be written; the owner calls `rewind` later to retry. */
  onRefused: () => void;
  /** Whether to stop submitting for now (backpressure); checked after each line. */
  isFull: () => boolean;
  now: () => number;
}

/** A file whose first lines are all invalid, this many of them, is not a spool file. */
const MAX_GARBAGE = 100;
/** Invalid lines that are logged one by one. */
const MAX_LOGGED = 5;
const NEWLINE = 0x0a;
/** In a file modified within this time, lines without a time were written just now. */
const LIVE_MS = 2_000;

/** Line to be blanked when the journal is synced through `seq`, which is known once the line is in the journal. */
interface Secret {
  range: Range;
  seq?: number;
}

/** @returns the event of a line; undefined when the line is invalid */
export function toSpoolEvent(text: string): NewEvent | undefined {
  try {
    return toNewEvent(parseLine(text, 1));
  } catch {
    return undefined;
  }
}

export class SpoolFile {
  readonly name: string;
  readonly parsed: SpoolName;
  /** An earlier daemon read the lines before this offset: they have not been checked for secrets. */
  unscanned: number;
  readonly #options: FileOptions;
  readonly #tail: Tail;
  #decoder: LineDecoder;
  /** Offsets of the current line. */
  #start: number;
  #end: number;
  #secrets: Secret[] = [];
  /** Time for lines without one, when the file is a backlog. */
  #arrival: { time: string; approximate: true } | undefined;
  #validLines: number;
  #invalidLines = 0;

  constructor(options: FileOptions) {
    const { directory, name, parsed, taken, log, isFull, onRefused } = options;
    this.name = name;
    this.parsed = parsed;
    this.unscanned = taken;
    this.#options = options;
    this.#start = taken;
    this.#end = taken;
    this.#validLines = taken;
    this.#decoder = this.#createDecoder();
    this.#tail = openTail({
      ...{ file: path.join(directory, name), label: `spool: ${name}`, taken, log, isFull, onRefused },
      onLook: (writtenAt) => this.#setArrival(writtenAt),
      onBytes: (bytes, end) => this.#push(bytes, end),
      onRewind: () => this.#onRewind(),
    });
  }

  get skipped(): string | undefined {
    return this.#tail.skipped;
  }

  get settled(): number {
    return this.#tail.settled;
  }

  get size(): number {
    return this.#tail.size;
  }

  get idleSince(): number | undefined {
    return this.#tail.idleSince;
  }

  /** Whether lines wait to be blanked. */
  get hasSecrets(): boolean {
    return this.#secrets.length > 0;
  }

  /** Reads one chunk. */
  read(): TailResult {
    const result = this.#tail.read();
    const isGarbage =
      this.#validLines === 0 && this.#invalidLines >= MAX_GARBAGE && (result === 'done' || result === 'more');
    return isGarbage ? this.#tail.skip(`its first ${this.#invalidLines} lines are not events`) : result;
  }

  rewind(): void {
    this.#tail.rewind();
  }

  addSecrets(ranges: readonly Range[]): void {
    this.#secrets.push(...ranges.map((range) => ({ range })));
  }

  /**
   * @param seq - the newest event of the journal
   * @param synced - the newest event that survives power loss
   * @returns lines that can be blanked now
   */
  takeSecrets(seq: number, synced: number): Range[] {
    for (const secret of this.#secrets) if (secret.range[1] <= this.#tail.settled) secret.seq ??= seq;
    const isReady = (secret: Secret) => secret.seq !== undefined && secret.seq <= synced;
    const ready = this.#secrets.filter(isReady);
    this.#secrets = this.#secrets.filter((secret) => !isReady(secret));
    return ready.map(({ range }) => range);
  }

  #createDecoder(): LineDecoder {
    return createLineDecoder({
      maxBytes: MAX_LINE_BYTES,
      lossy: true,
      onLine: (text) => this.#onLine(text),
      onBad: (error) => this.#reject(error),
    });
  }

  #setArrival(writtenAt: number): void {
    const isBacklog = this.#options.now() - writtenAt > LIVE_MS;
    this.#arrival = isBacklog ? { time: new Date(writtenAt).toISOString(), approximate: true } : undefined;
  }

  #push(bytes: Buffer, end: number): void {
    this.#end = end;
    this.#decoder.push(bytes);
    if (bytes.at(-1) === NEWLINE) this.#start = end;
  }

  #onRewind(): void {
    this.#decoder = this.#createDecoder();
    this.#start = this.#tail.settled;
    this.#secrets = this.#secrets.filter(({ range }) => range[1] <= this.#start);
  }

  #onLine(text: string): void {
    // an empty line was blanked
    if (text.trim() === '') return;
    try {
      this.#submit(text);
    } catch (error) {
      this.#reject(ProgressError.from(error));
    }
  }

  #submit(text: string): void {
    const { parsed, submit, onSecret } = this.#options;
    const event = toNewEvent(parseLine(text, 1));
    if (event.source === undefined || event.n === undefined) {
      // (source, n) identifies the line by its file and offset; `sender` keeps the source that the line names
      if (event.source !== undefined) event.sender = [event.source];
      event.source = parsed.source;
      event.n = this.#end;
    }
    if (event.time === undefined && this.#arrival) Object.assign(event, this.#arrival);
    if (submit(event, text.length, this.#tail.receiptFor(this.#end), parsed.writer === undefined)) {
      this.#secrets.push({ range: [this.#start, this.#end] });
      onSecret();
    }
    this.#validLines++;
  }

  #reject(error: ProgressError): void {
    const { name, reject, log } = this.#options;
    reject(error.code);
    if (++this.#invalidLines <= MAX_LOGGED)
      log(`spool: ${name}, the line that ends at byte ${this.#end}: ${error.message}`);
    else if (this.#invalidLines === MAX_LOGGED + 1)
      log(`spool: ${name}: more lines are invalid; they are counted and not logged`);
  }
}
