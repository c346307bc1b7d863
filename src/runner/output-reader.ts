/** One output of a command, read: what is recorded of it, and what is shown of it to a person. */
import type { FinalStatus } from '../core/event.js';
import type { TimedEvent } from '../formats/interpreter.js';
import { createInterpreter } from '../formats/interpreter.js';
import { FORMATS } from '../agents/formats.js';
import type { ReportedOutcome } from '../formats/parser.js';
import type { CommandStream, OutputPiece } from './output.js';
import { createOutputSplitter } from './output.js';
import type { Recorder } from './pump.js';

export interface OutputReader extends Recorder {
  /** Records the whole lines that wait for others. */
  flush(): void;
  /** Nothing comes any more, and it has ended like that as far as its process tells. Returns what is left to show. */
  end(status: FinalStatus): readonly (Buffer | string)[];
  /** What the output itself says about the end. */
  readonly claim: ReportedOutcome | undefined;
  /** It is an agent's, which has not told how it ends. */
  readonly isOpen: boolean;
}

export interface OutputReaderOptions {
  argv: readonly string[];
  cwd?: string | undefined;
  format: string | undefined;
  stream: CommandStream;
  /** Its lines end as on a terminal. */
  isTerminal: boolean;
  onPiece: (piece: OutputPiece) => void;
  emit: (event: TimedEvent) => void;
  /** Of an agent's event, for a person; without it its lines are shown as they come. */
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
        // in the order of the output
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
 * Keeps the order between the outputs of a command: lines of the one that wait are recorded before what the other has
 * written since. Within one read of both the system tells of no order.
 */
export function createReadOrder(): (reading: OutputReader) => Recorder {
  let newest: OutputReader | undefined;
  return (reading) => ({
    push(chunk) {
      if (newest !== reading) newest?.flush();
      newest = reading;
      return reading.push(chunk);
    },
  });
}

/** On a terminal each line ends with a return besides. */
function createReturns() {
  /** A return whose newline may come with the next bytes. */
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
