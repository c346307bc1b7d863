/** Reader of one output of a command: records it, and formats an agent's events for people. */
import type { FinalStatus } from '../core/events/event.js';
import type { TimedEvent } from '../formats/interpreter.js';
import { createInterpreter } from '../formats/interpreter.js';
import { FORMATS } from '../agents/formats.js';
import type { ReportedOutcome } from '../formats/parser.js';
import type { CommandStream, OutputPiece } from './output.js';
import { createOutputSplitter } from './output.js';
import type { ChunkRecorder } from './pump.js';

export interface OutputReader extends ChunkRecorder {
  /** Records complete lines that are buffered. */
  flush(): void;
  /** Ends the output. @param status Status by the evidence of the process. @returns What is left to show. */
  end(status: FinalStatus): readonly (Buffer | string)[];
  /** Outcome that the output reports. */
  readonly claim: ReportedOutcome | undefined;
  /** Whether the output is an agent's and has not reported an outcome. */
  readonly isOpen: boolean;
}

export interface OutputReaderOptions {
  argv: readonly string[];
  cwd?: string | undefined;
  format: string | undefined;
  stream: CommandStream;
  /** Lines end with CR LF, as on a terminal. */
  isTerminal: boolean;
  onPiece: (piece: OutputPiece) => void;
  emit: (event: TimedEvent) => void;
  /** Formats an agent's event for people. @default its lines are shown unchanged */
  render?: ((event: TimedEvent) => string) | undefined;
}

export function createOutputReader(options: OutputReaderOptions): OutputReader {
  const { argv, cwd, format, stream, isTerminal, onPiece, emit, render } = options;
  const pieces = { text: createOutputSplitter(stream, onPiece), debug: createOutputSplitter('debug', onPiece) };
  const returns = isTerminal ? createReturns() : undefined;
  let shown: (Buffer | string)[] = [];
  const interpreter = createInterpreter({
    formats: FORMATS,
    argv,
    format,
    cwd,
    sink: {
      keep(bytes, channel) {
        pieces[channel === 'text' ? 'debug' : 'text'].flush();
        pieces[channel].push(bytes);
        if (channel === 'text') shown.push(bytes);
      },
      emit(event) {
        // keeps the order of output and events
        for (const one of Object.values(pieces)) one.flush();
        emit(event);
        const text = render?.(event);
        if (text) shown.push(text);
      },
    },
  });

  return {
    push(chunk) {
      shown = [];
      interpreter.push(returns ? returns.strip(chunk) : chunk, Date.now());
      return render && interpreter.format?.kind === 'stream' ? shown : undefined;
    },
    flush() {
      for (const one of Object.values(pieces)) one.flush();
    },
    end(status) {
      shown = [];
      if (returns) interpreter.push(returns.rest(), Date.now());
      interpreter.end(status, Date.now());
      for (const one of Object.values(pieces)) one.end();
      return render ? shown : [];
    },
    get claim() {
      return interpreter.claim;
    },
    get isOpen() {
      return interpreter.format?.kind === 'stream' && interpreter.claim === undefined;
    },
  };
}

/**
 * Keeps the order between the outputs of a command: buffered lines of one are recorded before later output of the
 * other. The order within one read of both is unknown.
 */
export function createReadOrder(): (reading: OutputReader) => ChunkRecorder {
  let newest: OutputReader | undefined;
  return (reading) => ({
    push(chunk) {
      if (newest !== reading) newest?.flush();
      newest = reading;
      return reading.push(chunk);
    },
  });
}

/** Removes the carriage returns that a terminal adds to newlines. */
function createReturns() {
  /** A carriage return whose newline may be in the next chunk. */
  let held = '';
  return {
    strip(chunk: Buffer): Buffer {
      const text = held + chunk.toString('latin1');
      held = text.endsWith('\r') ? '\r' : '';
      return Buffer.from(text.slice(0, text.length - held.length).replaceAll('\r\n', '\n'), 'latin1');
    },
    rest: () => Buffer.from(held),
  };
}
