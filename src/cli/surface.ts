/** What stands around a command: how its output may look, and what time it is. */
import { DURATION_UNITS, parseQuantity } from '../core/quantity.js';
import { normalizeTime } from '../core/time.js';
import { ProgressError } from '../errors.js';
import type { OutputStyle } from '../terminal/style.js';
import { chooseStyle } from '../terminal/style.js';

const DEFAULT_COLUMNS = 100;

export function styleOf(env: NodeJS.ProcessEnv, output: NodeJS.WriteStream = process.stdout): OutputStyle {
  return chooseStyle({ env, isTTY: output.isTTY, columns: output.columns, rows: output.rows });
}

/** Of the terminal; of anything else enough for a table, whatever reads it. */
export function columnsOf(output: NodeJS.WriteStream = process.stdout): number {
  return output.columns || DEFAULT_COLUMNS;
}

const AGO = /^(\d+)(s|m|h|d)$/;
const UNITS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** `10m` ago or an RFC 3339 time, as RFC 3339. */
export function parseSince(text: string, now: number): string {
  const [, count, unit] = AGO.exec(text) ?? [];
  if (count !== undefined) {
    return new Date(Math.max(0, now - Number(count) * UNITS[unit as keyof typeof UNITS])).toISOString();
  }
  const time = normalizeTime(text);
  if (time !== undefined) return time;
  throw new ProgressError('usage', `--since: "${text}" is neither like 90s, 10m, 2h, 3d nor like 2026-11-20T12:00:00Z`);
}

/** The value of an option: `500ms`, `30s`, `10m`, `2h` as milliseconds. */
export function parseDuration(option: string, text: string): number {
  const milliseconds = parseQuantity(text, DURATION_UNITS);
  if (milliseconds !== undefined) return milliseconds;
  throw new ProgressError('usage', `--${option}: "${text}" is not like 500ms, 30s, 10m, 2h`);
}
