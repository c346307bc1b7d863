/** Reads output for people in several text formats at once. */
import type { FinalStatus } from '../core/events/event.js';
import type { Format } from './format.js';
import type { Parser, StreamEvent } from './parser.js';
import type { Pieces } from './pieces.js';
import { createPieces } from './pieces.js';

interface TextReader {
  parser: Parser;
  /** Texts without which the parser finds nothing until it is sure. */
  marks: readonly string[];
  isGuess: boolean;
}

export class TextLane {
  readonly #emit: (event: StreamEvent, now: number) => void;
  readonly #pieces: Pieces;
  #readers: readonly TextReader[];
  /** The readers that may find something in the bytes that are read now. */
  #selected: readonly TextReader[];
  #isSettled = false;

  constructor(formats: readonly Format[], emit: (event: StreamEvent, now: number) => void) {
    this.#emit = emit;
    this.#readers = formats.map((format) => ({
      parser: format.create(),
      marks: format.marks ?? [''],
      // a format that was named is not a guess
      isGuess: format.isGuess === true && formats.length > 1,
    }));
    this.#selected = this.#readers;
    this.#pieces = createPieces(
      (text, now) => this.#read(text, now),
      (bytes) => this.#select(bytes),
    );
  }

  push(bytes: Buffer, now: number): void {
    this.#pieces.push(bytes, now);
  }

  end(status: FinalStatus | undefined, now: number): void {
    this.#selected = this.#readers;
    this.#pieces.end();
    for (const { parser } of this.#readers) for (const event of parser.end(status)) this.#emit(event, now);
  }

  /** Selects the readers for these bytes, by their marks; false if there are none. */
  #select(bytes: Buffer): boolean {
    this.#selected = this.#readers.filter(
      ({ parser, marks }) => parser.isSure === true || marks.some((mark) => bytes.includes(mark)),
    );
    return this.#selected.length > 0;
  }

  #read(text: string, now: number): void {
    for (const { parser } of this.#selected) {
      const events = parser.line(text, now);
      if (events) for (const event of events) this.#emit(event, now);
    }
    this.#settle();
  }

  /** Drops the guessing readers once another one is sure. */
  #settle(): void {
    if (this.#isSettled || !this.#selected.some(({ parser }) => parser.isSure === true)) return;
    this.#isSettled = true;
    this.#readers = this.#readers.filter(({ isGuess }) => !isGuess);
    this.#selected = this.#selected.filter(({ isGuess }) => !isGuess);
  }
}
