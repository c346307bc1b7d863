/** Parses points in time: one syntax for every option that takes a time. Without a zone, times are local. */
import { DURATION_UNITS, parseQuantity } from '../../core/text/quantity.js';
import { normalizeTime } from '../../core/text/time.js';
import { ProgressError } from '../../core/base/errors.js';

const DAYS = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];
const WEEK_DAYS = DAYS.length;
const AGO_UNITS = { ...DURATION_UNITS, w: 7 * 86_400_000 };
const CLOCK = /^(\d{1,2}):(\d{2})(?::(\d{2}))?$/;
const DATE = /^(\d{4})-(\d{2})-(\d{2})$/;
const WANTED =
  'a time such as 10m, 2h, 3d (ago), today, yesterday, monday, 14:30, "yesterday 14:30", 2026-11-20, "2026-11-20 14:30" or 2026-11-20T12:00:00Z';

/** @returns RFC 3339. A day means its start, a weekday the last one before today. */
export function parseTimeExpression(option: string, text: string, now: number): string {
  const found = parseAgo(text, now) ?? normalizeTime(text) ?? parseLocal(text.trim().toLowerCase(), now);
  if (found !== undefined) return found;
  throw new ProgressError('usage', `--${option}: "${text}" is not ${WANTED}`);
}

function parseAgo(text: string, now: number): string | undefined {
  const ago = parseQuantity(text.replace(/ ago$/, ''), AGO_UNITS);
  return ago === undefined ? undefined : new Date(Math.max(0, now - ago)).toISOString();
}

/** Parses a day, a time of day, or both. */
function parseLocal(text: string, now: number): string | undefined {
  if (text === 'now') return new Date(now).toISOString();
  const [first = '', second] = text.split(/[t ]+(?=\d{1,2}:)/);
  const isClockAlone = second === undefined && CLOCK.test(first);
  const day = isClockAlone ? startOfDay(now, 0) : parseDay(first, now);
  const clock = CLOCK.exec(isClockAlone ? first : (second ?? '0:00'));
  if (day === undefined || clock === null) return undefined;
  const [hours = 0, minutes = 0, seconds = 0] = clock.slice(1).map((part?: string) => Number(part ?? 0));
  if (hours > 23 || minutes > 59 || seconds > 59) return undefined;
  day.setHours(hours, minutes, seconds, 0);
  return normalizeTime(day.toISOString());
}

function parseDay(text: string, now: number): Date | undefined {
  if (text === 'today') return startOfDay(now, 0);
  if (text === 'yesterday') return startOfDay(now, 1);
  const weekday = DAYS.findIndex((name) => name === text || name.slice(0, 3) === text);
  if (weekday !== -1) return startOfDay(now, ((new Date(now).getDay() - weekday + WEEK_DAYS - 1) % WEEK_DAYS) + 1);
  const [year = 0, month = 0, date = 0] = DATE.exec(text)?.slice(1).map(Number) ?? [];
  const day = new Date(year, month - 1, date);
  return month > 0 && day.getMonth() === month - 1 && day.getDate() === date ? day : undefined;
}

/** Uses the calendar, since days differ in length. */
function startOfDay(now: number, daysAgo: number): Date {
  const day = new Date(now);
  day.setDate(day.getDate() - daysAgo);
  day.setHours(0, 0, 0, 0);
  return day;
}
