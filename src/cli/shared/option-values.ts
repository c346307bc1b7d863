/** Parsers for values of options; their errors name the option. */
import { DURATION_UNITS, parseQuantity, SIZE_UNITS } from '../../core/text/quantity.js';
import { ProgressError } from '../../core/base/errors.js';

/** Parses `key=value` pairs. */
export function parsePairs(option: string, pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(pairs.map((pair) => parsePair(option, pair)));
}

/** Parses one `key=value`; the value may be empty. */
export function parsePair(option: string, pair: string): [key: string, value: string] {
  const at = pair.indexOf('=');
  if (at < 1) throw new ProgressError('usage', `--${option}: "${pair}" is not key=value`);
  return [pair.slice(0, at), pair.slice(at + 1)];
}

/** Parses a duration such as `500ms`, `30s`, `10m` or `2h` to milliseconds. */
export function parseDuration(option: string, text: string): number {
  const milliseconds = parseQuantity(text, DURATION_UNITS);
  if (milliseconds !== undefined) return milliseconds;
  throw new ProgressError('usage', `--${option}: "${text}" is not a duration such as 500ms, 30s, 10m or 2h`);
}

/** Parses a size such as `500KiB` or `100MiB` to bytes. */
export function parseSize(option: string, text: string): number {
  const bytes = parseQuantity(text, SIZE_UNITS);
  if (bytes !== undefined) return bytes;
  throw new ProgressError('usage', `--${option}: "${text}" is not a size such as 500KiB, 100MiB or 1GiB`);
}

/** Parses a whole number from 0 to `max`. */
export function parseCount(option: string, text: string, max: number): number {
  if (/^\d{1,9}$/.test(text) && Number(text) <= max) return Number(text);
  throw new ProgressError('usage', `--${option} must be a whole number from 0 to ${max}`);
}
