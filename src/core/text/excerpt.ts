/** Formats short printable excerpts of bad input for error messages. */
import { sanitize } from './ansi.js';

const EXCERPT_CHARS = 40;

/** Describes a value for a message: short, on one line, without control characters. */
export function describeValue(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'an object';
  return typeof value === 'string' ? quote(value) : JSON.stringify(value);
}

/** Quotes the text around a position. */
export function quoteAround(text: string, at: number): string {
  const start = Math.max(0, at - EXCERPT_CHARS / 2);
  return (start > 0 ? '…' : '') + quote(text.slice(start));
}

function quote(text: string): string {
  const excerpt = text.length > EXCERPT_CHARS ? `${text.slice(0, EXCERPT_CHARS)}…` : text;
  return sanitize(JSON.stringify(excerpt), { color: false });
}
