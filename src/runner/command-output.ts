/** Records the output of a command within its limit, and copies it to the streams of the runner. */
import type { Writable } from 'node:stream';
import type { TimedEvent } from '../formats/interpreter.js';
import type { FinalStatus } from '../core/events/event.js';
import type { ReportedOutcome } from '../formats/parser.js';
import type { Child } from './child.js';
import type { OutputLimitOptions } from './output-limit.js';
import { createOutputLimit } from './output-limit.js';
import type { CommandStream, OutputPiece } from './output.js';
import type { OutputReader } from './output-reader.js';
import { createOutputReader, createReadOrder } from './output-reader.js';
import type { Pump, Shown } from './pump.js';
import { createPump, drain } from './pump.js';
import type { RunSpec } from './store.js';

/** Streams that output is copied to. */
export interface Output {
  stdout: Writable;
  stderr: Writable;
  /** Converts output of a pseudo-terminal when standard output is a terminal. */
  terminal?: Shown | undefined;
}

export interface CommandOutputOptions {
  spec: Pick<RunSpec, 'argv' | 'cwd' | 'format'>;
  /** Standard output is a pseudo-terminal. */
  isTerminal: boolean;
  limit: OutputLimitOptions;
  emit: (event: TimedEvent) => void;
  /** Formats an agent's event for people. @default its lines are copied as they are */
  render?: ((event: TimedEvent) => string) | undefined;
}

interface Stream {
  name: CommandStream;
  pump: Pump;
  reader: OutputReader;
}

export class CommandOutput {
  readonly #isTerminal: boolean;
  readonly #limit;
  readonly #streams: readonly Stream[];

  constructor(outputs: Child['outputs'], options: CommandOutputOptions) {
    this.#isTerminal = options.isTerminal;
    this.#limit = createOutputLimit(options.limit);
    const inOrder = createReadOrder();
    this.#streams = outputs.map(({ stream, source }) => {
      const reader = this.#createReader(stream, options);
      return { name: stream, reader, pump: createPump(source, inOrder(reader)) };
    });
  }

  /** Outcome that the output itself reports. */
  get claim(): ReportedOutcome | undefined {
    return this.#streams.find(({ reader }) => reader.claim)?.reader.claim;
  }

  /** Whether the output is an agent's and has not reported an outcome. */
  get isOpen(): boolean {
    return this.#streams.some(({ reader }) => reader.isOpen);
  }

  /** Copies output to these streams from now on. */
  show(output: Output): void {
    for (const { name, pump } of this.#streams)
      pump.show(output[name], this.#isFromTerminal(name) ? output.terminal : undefined);
  }

  /** Waits until all output is read. @returns False if a process kept it open until the timeout. */
  async drain(): Promise<boolean> {
    return await drain(this.#streams.map(({ pump }) => pump));
  }

  /** Stops reading, and records what is buffered. */
  stop(status: FinalStatus): void {
    for (const { pump, reader } of this.#streams) pump.stop(reader.end(status));
  }

  /** Records the last part of output beyond the limit. */
  end(): void {
    this.#limit.end();
  }

  #isFromTerminal(stream: CommandStream): boolean {
    return this.#isTerminal && stream === 'stdout';
  }

  #createReader(stream: CommandStream, { spec, emit, render }: CommandOutputOptions): OutputReader {
    return createOutputReader({
      argv: spec.argv,
      cwd: spec.cwd,
      format: spec.format,
      stream,
      isTerminal: this.#isFromTerminal(stream),
      onPiece: (piece: OutputPiece) => this.#limit.take(piece),
      emit,
      render,
    });
  }
}
