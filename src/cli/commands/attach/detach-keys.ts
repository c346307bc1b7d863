/** Keys that detach from a run: a sequence of characters and of `ctrl-X`, in the notation of docker(1). */
import { ProgressError } from '../../../core/base/errors.js';

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

/** Finds the sequence in typed bytes, across several reads. */
export class DetachKeys {
  readonly #keys: Buffer;
  /** Typed bytes that match the beginning of the sequence. */
  readonly #held: number[] = [];

  constructor(keys: Buffer) {
    this.#keys = keys;
  }

  /** @returns the bytes to pass on; a beginning of the sequence is held back until another key follows */
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
