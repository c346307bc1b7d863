/**
 * Interprets the bytes of one output: recognises its format and turns its lines into events.
 *
 * Every byte is stored exactly once. A line of an agent's format is stored in `raw` of the first event that it yields, or
 * as output of the stream `debug` if it yields none or is too long for one event. Every other byte is plain output, also
 * where text formats find events in it. Bytes and events are passed on in the order of the output.
 *
 * Parsers receive whole lines and never throw. What all agents have in common is in `agents/recorder.ts`, the format of
 * each agent in its own folder. A long text is only in `raw`, referenced by a JSON pointer (`core/events/activity.ts`).
 * `test/agents/recordings.test.ts` replays every recording with every split of its bytes.
 */
import { isUtf8 } from 'node:buffer';
import type { FinalStatus } from '../core/events/event.js';
import { textOf } from '../core/events/event.js';
import type { Format } from './format.js';
import type { FormatRegistry } from './format-registry.js';
import { AUTO, PLAIN } from './format-registry.js';
import type { ReportedOutcome, Parser, StreamEvent, ParserOptions } from './parser.js';
import { TextLane } from './text-lane.js';

export interface OutputSink {
  /** Stores output: `text` for people, `debug` for diagnosis. The bytes are valid only during the call. */
  keep(bytes: Buffer, channel: 'text' | 'debug'): void;
  emit(event: TimedEvent): void;
}

export type TimedEvent = Omit<StreamEvent, 'earlier' | 'textAt'> & { time: string };

export interface InterpreterOptions extends Pick<ParserOptions, 'findHistory'> {
  formats: FormatRegistry;
  /** The command that writes this output. */
  argv: readonly string[];
  /** A name of `formats`, `auto` or `plain`. @default 'auto' */
  format?: string | undefined;
  /** ID of the step that all events belong to. */
  step?: string | undefined;
  /** Working directory of the command. */
  cwd?: string | undefined;
  sink: OutputSink;
}

/** Lines that look like JSON, and bytes, within which the first line of an agent must occur to be recognised. */
const DETECTION_LINES = 20;
const DETECTION_BYTES = 1024 * 1024;
/** Maximum length of a JSON line (an image takes megabytes); a longer line is passed on as output. */
const MAX_LINE_BYTES = 16 * 1024 * 1024;
/** Bytes without an event after which text formats are given up, since output may be gigabytes. */
const MAX_SILENT_BYTES = 16 * 1024 * 1024;
/** Maximum length of `raw` in an event, whose line in the journal is bounded and may be twice as long by escaping. */
const MAX_RAW_BYTES = 96 * 1024;
/** Maximum length of a text that is also in `raw`. */
const SHORT_CHARS = 1_000;

const NEWLINE = 0x0a;
const BRACE = 0x7b;

export class Interpreter {
  readonly #formats: FormatRegistry;
  readonly #sink: OutputSink;
  readonly #options: ParserOptions;
  /** A text format was requested by name, so it is never given up. */
  readonly #isTextNamed: boolean;
  #format: Format | undefined;
  #parser: Parser | undefined;
  #texts: TextLane | undefined;
  #isDetecting: boolean;
  #detectedLines = 0;
  #detectedBytes = 0;
  /** Position within the current line, which is held back while it may be JSON. */
  #position: 'start' | 'plain' | 'json' = 'start';
  #held: Buffer[] = [];
  #heldBytes = 0;
  /** Bytes of plain output since the last event. */
  #silentBytes = 0;
  #stampedAt = NaN;
  #stamp = '';

  constructor({ formats, argv, format = AUTO, step, cwd, findHistory, sink }: InterpreterOptions) {
    const named = format === AUTO || format === PLAIN ? undefined : formats.named(format);
    this.#formats = formats;
    this.#sink = sink;
    this.#options = { step, cwd, findHistory };
    this.#isTextNamed = named?.kind === 'text';
    this.#format = format === AUTO ? formats.ofProgram(argv) : this.#isTextNamed ? undefined : named;
    this.#parser = this.#format?.create(this.#options);
    this.#isDetecting = format === AUTO && !this.#parser;
    if (!this.#parser && format !== PLAIN) {
      this.#texts = new TextLane(named ? [named] : formats.texts, (event, now) => this.#emit(event, now));
    }
  }

  /** Outcome that the stream reports. */
  get claim(): ReportedOutcome | undefined {
    return this.#parser?.claim;
  }

  /** Whether the stream has announced its end. */
  get isOver(): boolean {
    return this.#parser?.isOver === true;
  }

  /** Format of the agent that was recognised or named. */
  get format(): Format | undefined {
    return this.#format;
  }

  /** @param now Unix milliseconds. */
  push(chunk: Buffer, now: number): void {
    let plainFrom = 0;
    for (let at = 0; at < chunk.length;) {
      if (this.#position !== 'json' && !this.#parser && !this.#isDetecting) break;
      if (this.#position === 'start' && chunk[at] === BRACE) {
        this.#pass(chunk.subarray(plainFrom, at), now);
        this.#position = 'json';
      }
      const newline = chunk.indexOf(NEWLINE, at);
      const end = newline === -1 ? chunk.length : newline + 1;
      if (this.#position === 'json') {
        this.#hold(chunk.subarray(at, end), newline !== -1, now);
        plainFrom = end;
      }
      if (newline !== -1) this.#position = 'start';
      else if (this.#position === 'start') this.#position = 'plain';
      at = end;
    }
    this.#pass(chunk.subarray(plainFrom), now);
  }

  /** Ends the output. @param status Status of the execution, if it has ended. */
  end(status: FinalStatus | undefined, now: number): void {
    if (this.#heldBytes > 0) this.#takeHeld(now);
    for (const event of this.#parser?.end(status) ?? []) this.#emit(event, now);
    this.#texts?.end(status, now);
  }

  /** Passes plain output on, and to the text formats. */
  #pass(bytes: Buffer, now: number): void {
    if (bytes.length === 0) return;
    this.#detectedBytes += bytes.length;
    if (this.#detectedBytes > DETECTION_BYTES) this.#isDetecting = false;
    this.#sink.keep(bytes, 'text');
    if (!this.#texts) return;
    this.#texts.push(bytes, now);
    this.#silentBytes += bytes.length;
    if (this.#silentBytes > MAX_SILENT_BYTES && !this.#isTextNamed) this.#texts = undefined;
  }

  /** Holds a part of a line back that may be JSON, until the line is complete. */
  #hold(part: Buffer, isEnd: boolean, now: number): void {
    if (isEnd && this.#heldBytes === 0) return this.#take(part, now);
    this.#held.push(isEnd ? part : Buffer.from(part));
    this.#heldBytes += part.length;
    if (this.#heldBytes > MAX_LINE_BYTES) {
      for (const bytes of this.#held) this.#pass(bytes, now);
      this.#held = [];
      this.#heldBytes = 0;
      this.#position = 'plain';
    } else if (isEnd) this.#takeHeld(now);
  }

  #takeHeld(now: number): void {
    const line = Buffer.concat(this.#held);
    this.#held = [];
    this.#heldBytes = 0;
    this.#take(line, now);
  }

  /** Reads a line that may be JSON, with its newline if it has one. */
  #take(line: Buffer, now: number): void {
    const isWhole = line.at(-1) === NEWLINE;
    const content = isWhole ? line.subarray(0, -1) : line;
    const text = isUtf8(content) ? content.toString('utf8') : undefined;
    if (this.#isDetecting && text !== undefined) this.#detect(text);
    const events = text === undefined ? undefined : this.#parser?.line(text, now);
    if (text === undefined || !events) return this.#pass(line, now);
    const rawAt = content.length > MAX_RAW_BYTES ? -1 : events.findIndex(canHoldRaw);
    if (rawAt === -1) this.#sink.keep(line, 'debug');
    events.forEach((event, index) => {
      if (index === rawAt) attachRaw(event, text, isWhole);
      this.#emit(event, now);
    });
  }

  #detect(text: string): void {
    this.#format = this.#formats.ofLine(text, 'stream');
    this.#detectedLines += 1;
    this.#isDetecting = !this.#format && this.#detectedLines < DETECTION_LINES;
    if (!this.#format) return;
    this.#parser = this.#format.create(this.#options);
    this.#texts = undefined;
  }

  #emit({ type, step, time, data }: StreamEvent, now: number): void {
    this.#silentBytes = 0;
    this.#sink.emit({ type, ...(step !== undefined && { step }), time: time ?? this.#timeOf(now), data });
  }

  /** Formats a time; many events share one. */
  #timeOf(now: number): string {
    if (now !== this.#stampedAt) this.#stamp = new Date(now).toISOString();
    this.#stampedAt = now;
    return this.#stamp;
  }
}

/** Creates an interpreter for one output. */
export function createInterpreter(options: InterpreterOptions): Interpreter {
  return new Interpreter(options);
}

/** Whether an event is about this line itself, so that it may contain the line. */
function canHoldRaw({ type, earlier }: StreamEvent): boolean {
  return !earlier && (type === 'activity' || type === 'log');
}

/** Adds the line as `raw`. A short text stays next to it for searching; a long one is cut and referenced in `raw`. */
function attachRaw({ data, textAt }: StreamEvent, raw: string, isWhole: boolean): void {
  const text = textOf(data, 'text');
  if (textAt !== undefined && text !== undefined && text.length > SHORT_CHARS) {
    data['text'] = text.slice(0, SHORT_CHARS);
    data['clipped'] = true;
    data['textAt'] = textAt;
  }
  data['raw'] = raw;
  if (!isWhole) data['unterminated'] = true;
}
