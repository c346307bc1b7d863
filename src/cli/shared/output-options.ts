/** Style and width of a command's output. */
import type { OutputStyle } from '../../terminal/style.js';
import { chooseStyle } from '../../terminal/style.js';

const DEFAULT_COLUMNS = 100;

export function styleOf(env: NodeJS.ProcessEnv, output: NodeJS.WriteStream = process.stdout): OutputStyle {
  return chooseStyle({ env, isTTY: output.isTTY, columns: output.columns, rows: output.rows });
}

/** @returns the width of the terminal, or a default wide enough for tables */
export function columnsOf(output: NodeJS.WriteStream = process.stdout): number {
  return output.columns || DEFAULT_COLUMNS;
}
