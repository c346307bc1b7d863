/** One line out of a text that somebody else wrote, for faces that show no more than a line. */
import { stripAnsi } from '../core/ansi.js';
import { clip } from '../core/fields.js';

/** Without controls, escape sequences, what reorders a line, and halves of characters; at most `chars` long. */
export function toSingleLine(text: string, chars: number): string {
  const line = stripAnsi(text)
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069 ]+/gu, ' ')
    .trim();
  return clip(line, chars).replace(/\p{Cs}/gu, '');
}
