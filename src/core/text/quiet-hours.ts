/** Parses and evaluates quiet hours, in which alerts are held, in the local time zone. */

export interface QuietHours {
  /** Minutes after midnight, from 0 to 1440; if `to` is before `from`, they span midnight. */
  readonly from: number;
  readonly to: number;
  /** Days on which they begin; 0 is Sunday. */
  readonly days: readonly number[];
}

const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const HOURS = /^(?:([a-z,-]+) )?(\d{1,2}):(\d\d) ?- ?(\d{1,2}):(\d\d)$/i;
const DAY_MINUTES = 24 * 60;

/** Parses `22:00-07:00`, `mon-fri 22:00-07:00` or `sat,sun 00:00-24:00`; returns undefined for anything else. */
export function parseQuietHours(text: string): QuietHours | undefined {
  const [, names, ...numbers] = HOURS.exec(text) ?? [];
  const [fromHour = NaN, fromMinute = NaN, toHour = NaN, toMinute = NaN] = numbers.map(Number);
  const from = fromHour * 60 + fromMinute;
  const to = toHour * 60 + toMinute;
  const isTime = Math.max(fromMinute, toMinute) < 60 && from < DAY_MINUTES && to <= DAY_MINUTES && from !== to;
  const days = names === undefined ? DAYS.map((_name, day) => day) : parseDays(names.toLowerCase());
  return isTime && days !== undefined ? { from, to, days } : undefined;
}

/** Parses `mon-fri`, `sat,sun`, `fri-mon`. */
function parseDays(text: string): number[] | undefined {
  const days = text.split(',').map((part): number[] | undefined => {
    const [first = '', last = first, ...more] = part.split('-');
    const [from, to] = [DAYS.indexOf(first), DAYS.indexOf(last)];
    if (from < 0 || to < 0 || more.length > 0) return undefined;
    return Array.from({ length: ((to - from + 7) % 7) + 1 }, (_none, index) => (from + index) % 7);
  });
  return days.includes(undefined) ? undefined : [...new Set(days.flatMap((some) => some ?? []))];
}

/** Whether a time is within quiet hours, by local wall-clock time, also across changes of daylight saving time. */
export function isQuiet(hours: readonly QuietHours[], ms: number): boolean {
  const date = new Date(ms);
  const minute = date.getHours() * 60 + date.getMinutes();
  const today = date.getDay();
  const yesterday = (today + 6) % 7;
  return hours.some(({ from, to, days }) =>
    from < to
      ? days.includes(today) && minute >= from && minute < to
      : (days.includes(today) && minute >= from) || (days.includes(yesterday) && minute < to),
  );
}
