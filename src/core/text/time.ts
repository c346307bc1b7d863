/** Normalizes RFC 3339 times to one canonical form, so that lexical order is order in time. */

/** UTC with milliseconds and a valid day; 29 February is checked separately. */
const CANONICAL =
  /^\d{4}-(?:02-(?:0[1-9]|1\d|2[0-8])|(?:0[13-9]|1[0-2])-(?:0[1-9]|[12]\d|30)|(?:0[13578]|1[02])-31)T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z$/;
const RFC_3339 = /^(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}:)(\d{2})(?:\.(\d+))?(?:[Zz]|([+-])([01]\d|2[0-3]):([0-5]\d))$/;
const MINUTE_MS = 60_000;
const CANONICAL_LENGTH = '2026-11-20T12:48:46.123Z'.length;

/** Normalizes an RFC 3339 time to UTC with milliseconds (truncated); returns undefined for any other text. */
export function normalizeTime(text: string): string | undefined {
  if (CANONICAL.test(text)) return text;
  const match = RFC_3339.exec(text);
  if (!match) return undefined;
  const [, day = '', minutes = '', seconds = '', fraction = '', sign, hours, rest] = match;
  // clocks have no leap seconds: use the last millisecond before
  const tail = seconds === '60' ? '59.999' : `${seconds}.${fraction.slice(0, 3).padEnd(3, '0')}`;
  const local = Date.parse(`${day}T${minutes}${tail}Z`);
  if (Number.isNaN(local) || !new Date(local).toISOString().startsWith(day)) return undefined; // 30 February
  const offset = sign === undefined ? 0 : (Number(hours) * 60 + Number(rest)) * MINUTE_MS;
  const utc = new Date(sign === '-' ? local + offset : local - offset).toISOString();
  return utc.length === CANONICAL_LENGTH ? utc : undefined; // years below 0 and above 9999 are written longer
}

/** Larger numbers are milliseconds: as seconds they would be beyond the year 5000. */
const MAX_EPOCH_SECONDS = 1e11;
/** The last millisecond of the year 9999. */
const MAX_EPOCH_MS = 253_402_300_799_999;

/** Reads an RFC 3339 text, or a number of seconds or milliseconds since 1970, as a normalized time. */
export function readTime(value: unknown): string | undefined {
  if (typeof value === 'string') return normalizeTime(value);
  if (typeof value !== 'number' || !(value >= 0 && value <= MAX_EPOCH_MS)) return undefined;
  return new Date(value > MAX_EPOCH_SECONDS ? value : value * 1_000).toISOString();
}
