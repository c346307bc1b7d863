/** The keys that leave `progress attach`: a sequence of characters and of `ctrl-X`, in the notation of docker(1). */
import { ProgressError } from '../../../core/errors.js';

export const DEFAULT_DETACH_KEYS = 'ctrl-]';

/** @throws ProgressError `usage` */
export function parseDetachKeys(text: string): Buffer {
  const codes = text.split(',').map((key) => {
    if (/^[!-~]$/.test(key)) return key.charCodeAt(0);
    const [, letter] = /^ctrl-([a-z@[\\\]^_])$/i.exec(key) ?? [];
    if (letter !== undefined) return letter.toUpperCase().charCodeAt(0) & 0x1f;
    throw new ProgressError('usage', `--detach-keys: "${key}" is neither a character nor ctrl-X; e.g. ctrl-p,ctrl-q`);
  });
  return Buffer.from(codes);
}

/** Finds the sequence in what is typed, over several reads. */
export class DetachKeys {
  readonly #keys: Buffer;
  /** What was typed, as far as it is the beginning of the sequence. */
  readonly #held: number[] = [];

  constructor(keys: Buffer) {
    this.#keys = keys;
  }

  /** What to pass on; the beginning of the sequence is held back until it is clear that it is not one. */
  take(typed: Buffer): { input: Buffer; isDetached: boolean } {
    const input: number[] = [];
    for (const byte of typed) {
      this.#held.push(byte);
      while (this.#held.some((held, index) => held !== this.#keys[index])) input.push(...this.#held.splice(0, 1));
      if (this.#held.length === this.#keys.length) return { input: Buffer.from(input), isDetached: true };
    }
    return { input: Buffer.from(input), isDetached: false };
  }
}
