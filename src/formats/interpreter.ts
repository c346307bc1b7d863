/**
 * From the bytes of one output to events: finds out which format it speaks, and has it read.
 *
 * Every byte is kept once. A line that an agent's format understands stands in the `raw` of the first event that it
 * yields, or in output of the stream `debug` where it yields none or is too long for one event. Every other byte is
 * plain output, whatever is read in it besides. Bytes and events are handed on in the order of the output.
 *
 * Parsers receive whole lines and never throw. What all agents do is in `agents/recorder.ts`, what one of them prints
 * is in its own folder. A long text is in `raw` only, at a JSON pointer (`core/activity.ts`).
 * `test/agents/recordings.test.ts` replays every recording with every split of its bytes.
 */
import { isUtf8 } from 'node:buffer';
import type { FinalStatus } from '../core/event.js';
import { textOf } from '../core/event.js';
import type { Format } from './format.js';
import type { FormatRegistry } from './format-registry.js';
import { AUTO, PLAIN } from './format-registry.js';
import type { ReportedOutcome, Parser, ParserOptions, StreamEvent } from './parser.js';
import { createPieces } from './pieces.js';

export interface OutputSink {
  /** These stay output: for people, or (`debug`) for who wants to know exactly. The bytes are valid only now. */
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
  /** The step that everything belongs to. */
  step?: string | undefined;
  /** Where the command works. */
  cwd?: string | undefined;
  sink: OutputSink;
}

export interface Interpreter {
  /** `now`: Unix milliseconds. */
  push(chunk: Buffer, now: number): void;
  /** No more output comes. `status`: how the execution has ended, if that is known. */
  end(status: FinalStatus | undefined, now: number): void;
  /** What the stream says about its end. */
  readonly claim: ReportedOutcome | undefined;
  /** Has it said that nothing more comes? */
  readonly isOver: boolean;
  /** That of the agent that speaks. */
  readonly format: Format | undefined;
}

/** Among so many lines that look like JSON, and so many bytes, an agent's first line must be. */
const LOOK_LINES = 20;
const LOOK_BYTES = 1024 * 1024;
/** An image in JSON takes megabytes; a longer line is passed on as output. */
const MAX_LINE_BYTES = 16 * 1024 * 1024;
/** After so much output in which nothing was found nobody looks any more: it may come by the gigabyte. */
const MAX_SILENT_BYTES = 16 * 1024 * 1024;
/** In an event, whose line in the journal may be twice as long (each quote is escaped) and has a bound. */
const MAX_RAW_BYTES = 96 * 1024;
/** Of a text that stands in `raw` too. */
const SHORT_CHARS = 1_000;

const NEWLINE = 0x0a;
const BRACE = 0x7b;

export function createInterpreter({
  formats,
  argv,
  format = AUTO,
  step,
  cwd,
  findHistory,
  sink,
}: InterpreterOptions): Interpreter {
  const named = format === AUTO || format === PLAIN ? undefined : formats.named(format);
  let chosen = format === AUTO ? formats.ofProgram(argv) : named?.kind === 'text' ? undefined : named;
  let parser = chosen?.create({ step, cwd, findHistory });
  let isLooking = format === AUTO && !parser;
  let lookedLines = 0;
  let lookedBytes = 0;
  let place: 'start' | 'plain' | 'json' = 'start';
  /** The line that may be JSON, so far. */
  let held: Buffer[] = [];
  let heldBytes = 0;

  /** Of output for people, since something was read in it. */
  let silentBytes = 0;

  let stamped = NaN;
  let stamp = '';
  /** Many events share a moment. */
  const timeOf = (now: number): string => {
    if (now !== stamped) stamp = new Date(now).toISOString();
    stamped = now;
    return stamp;
  };
  const emit = ({ type, step, time, data }: StreamEvent, now: number) => {
    silentBytes = 0;
    sink.emit({ type, ...(step !== undefined && { step }), time: time ?? timeOf(now), data });
  };
  let texts = parser || format === PLAIN ? undefined : createTextLane(named ? [named] : formats.texts, emit);

  const pass = (bytes: Buffer, now: number) => {
    if (bytes.length === 0) return;
    lookedBytes += bytes.length;
    if (lookedBytes > LOOK_BYTES) isLooking = false;
    sink.keep(bytes, 'text');
    if (!texts) return;
    texts.push(bytes, now);
    silentBytes += bytes.length;
    if (silentBytes > MAX_SILENT_BYTES && !named) texts = undefined;
  };

  const look = (text: string) => {
    chosen = formats.ofLine(text, 'stream');
    lookedLines += 1;
    isLooking = !chosen && lookedLines < LOOK_LINES;
    if (!chosen) return;
    parser = chosen.create({ step, cwd });
    texts = undefined;
  };

  /** A whole line with its newline, or the last one without. */
  const take = (line: Buffer, now: number) => {
    const isWhole = line.at(-1) === NEWLINE;
    const content = isWhole ? line.subarray(0, -1) : line;
    const text = isUtf8(content) ? content.toString('utf8') : undefined;
    if (isLooking && text !== undefined) look(text);
    const events = text === undefined ? undefined : parser?.line(text, now);
    if (text === undefined || !events) return pass(line, now);
    const rawAt = content.length > MAX_RAW_BYTES ? -1 : events.findIndex(isHolder);
    if (rawAt === -1) sink.keep(line, 'debug');
    events.forEach((event, index) => {
      if (index === rawAt) attachRaw(event, text, isWhole);
      emit(event, now);
    });
  };

  const takeHeld = (now: number) => {
    const line = Buffer.concat(held);
    held = [];
    heldBytes = 0;
    take(line, now);
  };

  /** A part of a line that may be JSON. */
  const hold = (part: Buffer, isEnd: boolean, now: number) => {
    if (isEnd && heldBytes === 0) return take(part, now);
    held.push(isEnd ? part : Buffer.from(part));
    heldBytes += part.length;
    if (heldBytes > MAX_LINE_BYTES) {
      for (const bytes of held) pass(bytes, now);
      held = [];
      heldBytes = 0;
      place = 'plain';
    } else if (isEnd) takeHeld(now);
  };

  return {
    push(chunk, now) {
      let plainFrom = 0;
      for (let at = 0; at < chunk.length;) {
        if (place !== 'json' && !parser && !isLooking) break;
        if (place === 'start' && chunk[at] === BRACE) {
          pass(chunk.subarray(plainFrom, at), now);
          place = 'json';
        }
        const newline = chunk.indexOf(NEWLINE, at);
        const end = newline === -1 ? chunk.length : newline + 1;
        if (place === 'json') {
          hold(chunk.subarray(at, end), newline !== -1, now);
          plainFrom = end;
        }
        if (newline !== -1) place = 'start';
        else if (place === 'start') place = 'plain';
        at = end;
      }
      pass(chunk.subarray(plainFrom), now);
    },
    end(status, now) {
      if (heldBytes > 0) takeHeld(now);
      for (const event of parser?.end(status) ?? []) emit(event, now);
      texts?.end(status, now);
    },
    get claim() {
      return parser?.claim;
    },
    get isOver() {
      return parser?.isOver === true;
    },
    get format() {
      return chosen;
    },
  };
}

/** These are said by an agent's line itself, so it may stand in them. */
function isHolder({ type, earlier }: StreamEvent): boolean {
  return !earlier && (type === 'activity' || type === 'log');
}

/** A text that is short stands beside the line for whoever looks for it; of a longer one the beginning does. */
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

/** Reads output for people in all these formats at once. */
function createTextLane(formats: readonly Format[], emit: (event: StreamEvent, now: number) => void) {
  const readers = formats.map((format): TextReader => ({
    parser: format.create(),
    marks: format.marks ?? [''],
    // asked for by its name it is none
    isGuess: format.isGuess === true && formats.length > 1,
  }));
  let listened = readers;
  /** Of these, who may find something in the bytes that are read now. */
  let concerned = readers;
  const isWanted = (bytes: Buffer) => {
    concerned = listened.filter(
      ({ parser, marks }) => parser.isSure === true || marks.some((mark) => bytes.includes(mark)),
    );
    return concerned.length > 0;
  };
  let isSettled = false;
  /** When one is sure, nobody guesses any more. */
  const settle = () => {
    if (isSettled || !concerned.some(({ parser }) => parser.isSure === true)) return;
    isSettled = true;
    listened = listened.filter(({ isGuess }) => !isGuess);
    concerned = concerned.filter(({ isGuess }) => !isGuess);
  };
  const pieces = createPieces((text, now) => {
    for (const { parser } of concerned) {
      const events = parser.line(text, now);
      if (events) for (const event of events) emit(event, now);
    }
    settle();
  }, isWanted);
  return {
    push: (bytes: Buffer, now: number) => pieces.push(bytes, now),
    end(status: FinalStatus | undefined, now: number) {
      concerned = listened;
      pieces.end();
      for (const { parser } of listened) for (const event of parser.end(status)) emit(event, now);
    },
  };
}

interface TextReader {
  parser: Parser;
  /** Without one of these it finds nothing until it is sure. */
  marks: readonly string[];
  isGuess: boolean;
}
