/** Converts a text of a producer to a single safe line. */
import { stripAnsi } from '../core/text/ansi.js';
import { clip } from '../core/events/fields.js';

/** Removes control characters, escape sequences, bidirectional controls and lone surrogates; at most `chars` long. */
export function toSingleLine(text: string, chars: number): string {
  const line = stripAnsi(text)
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069 ]+/gu, ' ')
    .trim();
  return clip(line, chars).replace(/\p{Cs}/gu, '');
}
