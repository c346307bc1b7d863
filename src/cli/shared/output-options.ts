/** What stands around a command: how its output may look, and how long things take. */
import { DURATION_UNITS, parseQuantity } from '../../core/quantity.js';
import { ProgressError } from '../../core/errors.js';
import type { OutputStyle } from '../../terminal/style.js';
import { chooseStyle } from '../../terminal/style.js';

const DEFAULT_COLUMNS = 100;

export function styleOf(env: NodeJS.ProcessEnv, output: NodeJS.WriteStream = process.stdout): OutputStyle {
  return chooseStyle({ env, isTTY: output.isTTY, columns: output.columns, rows: output.rows });
}

/** Of the terminal; of anything else enough for a table, whatever reads it. */
export function columnsOf(output: NodeJS.WriteStream = process.stdout): number {
  return output.columns || DEFAULT_COLUMNS;
}

/** The value of an option: `500ms`, `30s`, `10m`, `2h` as milliseconds. */
export function parseDuration(option: string, text: string): number {
  const milliseconds = parseQuantity(text, DURATION_UNITS);
  if (milliseconds !== undefined) return milliseconds;
  throw new ProgressError('usage', `--${option}: "${text}" is not like 500ms, 30s, 10m, 2h`);
}
