/** Keeps the last output of a terminal for clients that attach later, and detects full-screen programs. */
import { sanitize, visibleLine } from '../core/text/ansi.js';

const KEPT_BYTES = 64 * 1024;
/** Longer than any sequence that is searched for. */
const OVERLAP_CHARS = 16;
/** Private modes of the alternate screen. */
const ALTERNATE = /\u001b\[\?(?:1049|1047|47)([hl])/g;

export class ScreenTail {
  #chunks: Buffer[] = [];
  #bytes = 0;
  /** End of the last chunk, in which a sequence may begin. */
  #rest = '';
  #isAlternate = false;

  /** Whether a full-screen program is active, which can only be asked to redraw. */
  get isAlternate(): boolean {
    return this.#isAlternate;
  }

  push(chunk: Buffer): void {
    const text = this.#rest + chunk.toString('latin1');
    for (const [, letter] of text.matchAll(ALTERNATE)) this.#isAlternate = letter === 'h';
    this.#rest = text.slice(-OVERLAP_CHARS);
    this.#chunks.push(Buffer.from(chunk));
    this.#bytes += chunk.length;
    for (let first; (first = this.#chunks[0]) && this.#bytes - first.length >= KEPT_BYTES;) {
      this.#chunks.shift();
      this.#bytes -= first.length;
    }
  }

  /**
   * Returns the last lines with colours only: a terminal answers other sequences, and the command would read the
   * answers.
   */
  lines(count: number): string {
    const text = Buffer.concat(this.#chunks).toString('utf8');
    const lines = text.split('\n').slice(-count);
    return lines.map((line) => sanitize(visibleLine(withoutMoves(line)), { color: true })).join('\r\n');
  }
}

/** Removes sequences that move the cursor, set modes or query the terminal. */
function withoutMoves(line: string): string {
  return line.replace(/\u001b(?:\[[0-?]*[ -/]*[@-ln-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[ -/]*[0-Z\\^-~])/g, '');
}
