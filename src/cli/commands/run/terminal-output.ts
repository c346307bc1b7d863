/** Shows what a command has written to a terminal of its own on the terminal of the user, byte for byte. */
import { spawnSync } from 'node:child_process';
import type { Shown } from '../../../runner/pump.js';

/** Not all at the beginning are bare, but what comes with the next bytes cannot be taken back from these. */
const BARE_NEWLINE = /(?<!\r)\n/;

/**
 * Both terminals put a carriage return before each newline. As long as the command's does, that one is left out. A newline
 * without one is of a program that has turned this off, as full-screen programs do: then it is turned off in ours as well.
 */
export class TerminalOutput implements Shown {
  readonly #fd: number;
  #isLent = false;
  #isWanted = false;
  #isOff = false;

  /** @param fd - The terminal of the user. */
  constructor(fd: number) {
    this.#fd = fd;
  }

  /** The modes of the terminal are ours: it is in raw mode, and whoever ends that restores all of them. */
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
