/** Reads times of day as people type them. */

const DAY_MS = 24 * 60 * 60 * 1_000;
/** A time that is a little before the start means the start. */
const TOLERANCE_MS = 60_000;

/** Reads `14:05` or `14:05:30` as the first such time after a start. @returns Unix milliseconds; undefined if it is none */
export function timeOfDay(text: string, startMs: number): number | undefined {
  const [, hours, minutes, seconds = '0'] = /^(\d{1,2}):(\d{2})(?::(\d{2}))?$/.exec(text.trim()) ?? [];
  if (hours === undefined || minutes === undefined) return undefined;
  const at = new Date(startMs).setHours(Number(hours), Number(minutes), Number(seconds), 0);
  return at + TOLERANCE_MS < startMs ? at + DAY_MS : at;
}
