/** Passes the output of a pseudo-terminal to the user's terminal, so that it receives the bytes it would get without one. */
import { spawnSync } from 'node:child_process';
import type { Shown } from '../../../runner/pump.js';

/** A newline at the start of a chunk may follow a carriage return that the previous chunk has already passed on. */
const BARE_NEWLINE = /(?<!\r)\n/;

/**
 * Both terminals add a carriage return before each newline, so the one that the pseudo-terminal added is removed. A bare
 * newline comes from a program that has disabled this (`stty -opost`), as full-screen programs do; then it is disabled on
 * the user's terminal too.
 */
export class TerminalOutput implements Shown {
  readonly #fd: number;
  #isLent = false;
  #isWanted = false;
  #isOff = false;

  /** @param fd - the user's terminal */
  constructor(fd: number) {
    this.#fd = fd;
  }

  /** From now on the terminal is in raw mode, and its modes may be changed; the end of raw mode restores all of them. */
  lend(): void {
    this.#isLent = true;
    if (this.#isWanted) this.#turnOff();
  }

  giveBack(): void {
    this.#isLent = false;
    this.#isOff = false;
  }

  pass(chunk: Buffer): Buffer {
    if (this.#isOff) return chunk;
    const text = chunk.toString('latin1');
    if (BARE_NEWLINE.test(text) && this.#turnOff()) return chunk;
    return Buffer.from(text.replaceAll('\r\n', '\n'), 'latin1');
  }

  print(part: Buffer | string): Buffer | string {
    if (!this.#isOff) return part;
    return Buffer.from(
      Buffer.from(part as string)
        .toString('latin1')
        .replaceAll('\n', '\r\n'),
      'latin1',
    );
  }

  #turnOff(): boolean {
    this.#isWanted = true;
    if (this.#isLent && !this.#isOff) {
      const { status } = spawnSync('stty', ['-opost'], { stdio: [this.#fd, 'ignore', 'ignore'] });
      this.#isOff = status === 0;
    }
    return this.#isOff;
  }
}
