/** Reads one session file from its beginning, to interpret its lines, and reports those that were not recorded before. */
import { createHash } from 'node:crypto';
import path from 'node:path';
import type { FinalStatus } from '../../core/events/event.js';
import { isIdentifier } from '../../core/events/identifier.js';
import type { FindHistory } from '../../formats/history.js';
import type { Interpreter, TimedEvent } from '../../formats/interpreter.js';
import { createInterpreter } from '../../formats/interpreter.js';
import type { ReportedOutcome } from '../../formats/parser.js';
import type { LineReceipt, Tail, TailResult } from '../../tailing/tail.js';
import { openTail } from '../../tailing/tail.js';
import { FORMATS } from '../formats.js';
import { readSmallFile } from './read-file.js';

/** One line with its events. */
export interface SessionLine {
  events: TimedEvent[];
  /** Offset after the line. */
  end: number;
  bytes: number;
  receipt: LineReceipt;
}

/** What the file says about its session. */
export interface About {
  session?: string;
  cwd?: string;
  version?: string;
  /** Session that started this one. */
  parent?: string;
  /** Session whose history it continues. */
  forkedFrom?: string;
}

export interface SessionFileOptions {
  file: string;
  /** Name of the file in the log. */
  label: string;
  /** Name of a format in `agents/formats.ts`. */
  format: string;
  /** Step of the sub-agent that the file belongs to. */
  step: string | undefined;
  /** What the path of the file says. */
  given: About;
  findHistory: FindHistory | undefined;
  /** Offset up to which the journal has the file. */
  taken: number;
  /** Time of the newest event that the journal has from the file, RFC 3339. */
  takenTime?: string | undefined;
  /** Called when the file was truncated or replaced: offsets count from its new beginning. */
  onReplaced: () => void;
  /** Receives lines with events that the journal does not have. */
  onLine: (line: SessionLine) => void;
  onRefused: () => void;
  log: (message: string) => void;
}

const NEWLINE = 0x0a;
/** Bytes of the hash of a line that identify it. */
const HASH_BYTES = 6;

export class SessionFile {
  readonly #options: SessionFileOptions;
  readonly #tail: Tail;
  #reader: Interpreter;
  #about: About;
  #events: TimedEvent[] = [];
  #lastTime: string | undefined;
  #claim: ReportedOutcome | undefined;
  #claimedAt: string | undefined;
  #writtenAt = 0;
  /** Offset up to which lines are interpreted only. */
  #known: number;
  /** Hashes of the lines that are in the journal or on their way there. */
  readonly #submitted = new Set<number>();
  /** Hashes of the submitted lines of the file before it was replaced. */
  #replaced = new Set<number>();
  /** If the replaced file was not read: time of its newest line, RFC 3339. */
  #replacedTime = '';
  #lineHash = createHash('sha1');
  #lineStart = 0;

  constructor(options: SessionFileOptions) {
    const { file, label, taken, log, onRefused, given } = options;
    this.#options = options;
    this.#about = given;
    this.#known = taken;
    this.#reader = this.#createReader();
    this.#tail = openTail({
      ...{ file, label, taken, log, onRefused },
      fromStart: true,
      onLook: (time) => (this.#writtenAt = time),
      onBytes: (bytes, end) => this.#onBytes(bytes, end),
      onReplaced: () => this.#onReplaced(),
      onRewind: () => this.#onRewind(),
    });
  }

  /** Why the file is not read, if it is not. */
  get skipped(): string | undefined {
    return this.#tail.skipped;
  }

  /** Last write, in Unix milliseconds; undefined while lines are not recorded yet. */
  get idleSince(): number | undefined {
    return this.#tail.idleSince;
  }

  get about(): About {
    return this.#about;
  }

  /** Outcome of the last turn, unless another one has started. */
  get claim(): ReportedOutcome | undefined {
    return this.#reader.claim;
  }

  /** Time of that outcome, RFC 3339. */
  get claimedAt(): string | undefined {
    return this.#claimedAt;
  }

  get isOver(): boolean {
    return this.#reader.isOver;
  }

  /** Time of the newest event, RFC 3339. */
  get lastTime(): string | undefined {
    return this.#lastTime;
  }

  read(): TailResult {
    return this.#tail.read();
  }

  rewind(): void {
    this.#tail.rewind();
  }

  move(file: string): void {
    this.#tail.move(file);
  }

  /** Ends the session. @returns the events that close its open steps */
  close(status: FinalStatus): TimedEvent[] {
    this.#reader.end(status, this.#lastTime === undefined ? this.#writtenAt : Date.parse(this.#lastTime));
    return this.#take();
  }

  #createReader(): Interpreter {
    const { format, step, given, findHistory } = this.#options;
    // lines that are not understood stay in the file only
    const sink = { keep: () => undefined, emit: (event: TimedEvent) => this.#note(event) };
    return createInterpreter({ formats: FORMATS, argv: [], format, step, cwd: given.cwd, findHistory, sink });
  }

  #note(event: TimedEvent): void {
    this.#events.push(event);
    if (this.#lastTime === undefined || event.time > this.#lastTime) this.#lastTime = event.time;
    if (event.type !== 'activity' || event.data['kind'] !== 'init') return;
    const { session, cwd, version, parentSession: parent, forkedFrom } = event.data;
    for (const [key, value] of Object.entries({ session, cwd, version, parent, forkedFrom })) {
      if (isIdentifier(value)) this.#about = { [key]: value, ...this.#about };
    }
  }

  #take(): TimedEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  #onBytes(bytes: Buffer, end: number): void {
    this.#reader.push(bytes, this.#writtenAt);
    this.#lineHash.update(bytes);
    if (bytes.at(-1) !== NEWLINE) return;
    // the journal has an offset that is inside of a line
    if (this.#lineStart < this.#known && end > this.#known) return this.#tail.replace();
    this.#submit(this.#takeHash(), end);
    this.#lineStart = end;
  }

  #takeHash(): number {
    const hash = this.#lineHash.digest().readUIntBE(0, HASH_BYTES);
    this.#lineHash = createHash('sha1');
    return hash;
  }

  #submit(hash: number, end: number): void {
    const events = this.#take();
    if (this.#reader.claim !== this.#claim) {
      this.#claim = this.#reader.claim;
      this.#claimedAt = events.at(-1)?.time ?? this.#lastTime;
    }
    const isKnown = this.#replaced.has(hash) || (events.at(-1)?.time ?? '') <= this.#replacedTime;
    if (events.length > 0 && end > this.#known && !isKnown) {
      const receipt = this.#receiptFor(hash, end);
      this.#options.onLine({ events, end, bytes: end - this.#lineStart, receipt });
    } else {
      this.#submitted.add(hash);
    }
  }

  #receiptFor(hash: number, end: number): LineReceipt {
    const receipt = this.#tail.receiptFor(end);
    this.#submitted.add(hash);
    return {
      ...receipt,
      refused: (error) => {
        this.#submitted.delete(hash);
        receipt.refused(error);
        // the file was replaced in the meantime, and its new form was read past this line
        if (this.#replaced.delete(hash)) this.#options.onRefused();
      },
    };
  }

  #onReplaced(): void {
    if (this.#submitted.size === 0 || this.#lineStart < this.#known) this.#replacedTime = this.#options.takenTime ?? '';
    this.#replaced = new Set([...this.#replaced, ...this.#submitted]);
    this.#options.onReplaced();
  }

  #onRewind(): void {
    this.#reader = this.#createReader();
    this.#take();
    this.#lineHash = createHash('sha1');
    this.#lineStart = 0;
    this.#known = this.#tail.settled;
  }
}

/** Reads the working directory of a project from a file that contains nothing else. */
export function readCwd(file: string): string | undefined {
  const text = readSmallFile(file).trim();
  return path.isAbsolute(text) && isIdentifier(text) ? text : undefined;
}
