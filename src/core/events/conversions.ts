/** Converts field values of other event formats. Each conversion returns undefined for a value that it cannot convert. */
import { isIdentifier } from './identifier.js';
import { DURATION_UNITS, parseQuantity } from '../text/quantity.js';
import { normalizeTime, readTime } from '../text/time.js';
import type { TextStyle } from '../text/sgr.js';
import { sgrOf } from '../text/sgr.js';

export function keepValue(value: unknown): unknown {
  return value ?? undefined;
}

/** Reads an ID; some programs send numbers. */
export function toId(value: unknown): string | undefined {
  const text = typeof value === 'number' ? String(value) : value;
  return isIdentifier(text) ? text : undefined;
}

/** Reads a finite number; shells send numbers as text. */
export function toNumber(value: unknown): number | undefined {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
}

/** Reads a duration in seconds (`90`) or with a unit (`"15m"`). @returns Milliseconds. */
export function secondsToMs(value: unknown): number | undefined {
  return quantityToMs(value, 1_000);
}

/** Reads a duration in milliseconds (`1200`) or with a unit (`"2s"`). @returns Milliseconds. */
export function toMs(value: unknown): number | undefined {
  return quantityToMs(value, 1);
}

function quantityToMs(value: unknown, unit: number): number | undefined {
  const number = toNumber(value);
  if (number !== undefined) return number * unit;
  return typeof value === 'string' ? parseQuantity(value, DURATION_UNITS) : undefined;
}

/** Reads a time: RFC 3339, also without a zone, or seconds or milliseconds since 1970, as a number or as text. */
export function toTime(value: unknown): string | undefined {
  if (typeof value !== 'string') return readTime(value);
  return normalizeTime(value) ?? localTime(value) ?? readTime(toNumber(value));
}

/** Reads a time without a zone as local time, which many languages write by default. */
function localTime(text: string): string | undefined {
  const [, day, time] = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d(?:[.,]\d+)?)$/.exec(text) ?? [];
  if (day === undefined || time === undefined) return undefined;
  const local = new Date(`${day}T${time.replace(',', '.')}`);
  return Number.isNaN(local.getTime()) ? undefined : local.toISOString();
}

/** Reads an error message: a text, or an object with a `message`. */
export function toErrorText(value: unknown): string | undefined {
  if (typeof value === 'string') return value.trim() === '' ? undefined : value;
  if (typeof value !== 'object' || value === null) return undefined;
  const { message } = value as { message?: unknown };
  return typeof message === 'string' && message !== '' ? message : JSON.stringify(value);
}

/** Reads a list of acceptance criteria, given as texts or as objects that contain one. */
export function toTexts(value: unknown): string[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const texts = value.map((item: unknown) => {
    if (typeof item === 'string') return item;
    const fields = typeof item === 'object' && item !== null ? (item as Record<string, unknown>) : {};
    const text = ['text', 'title', 'name', 'description', 'ac_text'].map((key) => fields[key]).find(isText);
    return text ?? JSON.stringify(item);
  });
  return texts.length === 0 ? undefined : texts;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

/** Log levels of common frameworks, and the level that each maps to. */
const LEVEL_NAMES: ReadonlyMap<string, string> = new Map([
  ...['trace', 'verbose', 'fine', 'finer', 'finest', 'silly', 'dbg', 'debug'].map((name) => [name, 'debug'] as const),
  ...['info', 'information', 'informational', 'notice', 'log', 'success', 'config'].map(
    (name) => [name, 'info'] as const,
  ),
  ...['warn', 'warning', 'wrn'].map((name) => [name, 'warning'] as const),
  ...['err', 'error', 'severe', 'fatal', 'crit', 'critical', 'alert', 'emerg', 'emergency', 'panic'].map(
    (name) => [name, 'error'] as const,
  ),
]);

/** Levels by syslog number: 0 (emergency) to 7 (debug). */
const SYSLOG_LEVELS = ['error', 'error', 'error', 'error', 'warning', 'info', 'info', 'debug'] as const;

/** Reads a log level by any common name, ignoring case, or by its syslog number. */
export function toLevel(value: unknown): string | undefined {
  const number = toNumber(value);
  if (number !== undefined) return SYSLOG_LEVELS[number];
  return typeof value === 'string' ? LEVEL_NAMES.get(value.trim().toLowerCase()) : undefined;
}

/** Reads a percentage, given as `33` or `33%`. */
export function toPercent(value: unknown): number | undefined {
  return toNumber(typeof value === 'string' ? value.replace(/ *%$/, '') : value);
}

/** Wraps each line of `text` in the SGR sequences that `formatting` describes. */
export function formatText(text: string, formatting: unknown): string {
  const style = toStyle(formatting);
  const start = sgrOf(style);
  if (start === '') return text;
  return text
    .split('\n')
    .map((line) => (line === '' ? line : `${start}${line}\u001b[0m`))
    .join('\n');
}

const COLOR_NAMES = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'] as const;
/** Index of bright black. */
const GREY = 8;

function toStyle(value: unknown): TextStyle {
  const given = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  const style: TextStyle = {};
  const color = toColor(given['color'] ?? given['colour'] ?? given['foreground']);
  const background = toColor(given['background'] ?? given['backgroundColor'] ?? given['bgColor']);
  if (color !== undefined) style.color = color;
  if (background !== undefined) style.background = background;
  for (const flag of ['bold', 'dim', 'italic', 'underline', 'strike'] as const)
    if (given[flag] === true) style[flag] = true;
  return style;
}

function toColor(value: unknown): TextStyle['color'] | undefined {
  if (typeof value !== 'string') return undefined;
  const name = value.trim().toLowerCase();
  if (name === 'gray' || name === 'grey') return GREY;
  const bright = name.startsWith('bright');
  const index = COLOR_NAMES.indexOf(name.replace(/^bright[ -]?/, '') as (typeof COLOR_NAMES)[number]);
  if (index !== -1) return bright ? index + GREY : index;
  const channels =
    hexChannels(name) ?? /^rgba?\( *(\d{1,3})[ ,]+(\d{1,3})[ ,]+(\d{1,3})/.exec(name)?.slice(1).map(Number);
  const [red, green, blue] = channels ?? [];
  return red === undefined || green === undefined || blue === undefined ? undefined : [red, green, blue];
}

/** Reads `#6b7280` or `#678`. */
function hexChannels(name: string): number[] | undefined {
  const digits = /^#([0-9a-f]{3}|[0-9a-f]{6})$/.exec(name)?.[1];
  if (digits === undefined) return undefined;
  const long = digits.length === 3 ? digits.replace(/./g, '$&$&') : digits;
  return [0, 2, 4].map((at) => Number.parseInt(long.slice(at, at + 2), 16));
}
