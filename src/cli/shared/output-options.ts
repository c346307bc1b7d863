/** Style and width of a command's output. */
import { formatDate } from '../../core/text/format.js';
import type { LineOptions } from '../../terminal/line-writer.js';
import type { Paths } from '../../platform/paths.js';
import { readWebPort, WEB_HOST } from '../../platform/web-port.js';
import type { OutputStyle } from '../../terminal/style.js';
import { chooseStyle } from '../../terminal/style.js';

/** Width of wrapped text where there is no terminal. */
const DEFAULT_COLUMNS = 100;
/** Width of a terminal that does not report one. */
const USUAL_COLUMNS = 80;

export function styleOf(env: NodeJS.ProcessEnv, output: NodeJS.WriteStream = process.stdout): OutputStyle {
  return chooseStyle({ env, isTTY: output.isTTY, columns: output.columns, rows: output.rows });
}

/** @returns the width for text that is wrapped: that of the terminal, or a default */
export function columnsOf(output: NodeJS.WriteStream = process.stdout): number {
  return output.columns || DEFAULT_COLUMNS;
}

/** @returns the width that no line exceeds: that of the terminal; no limit in a pipe or a file, where nothing is cut */
export function maxColumnsOf(output: NodeJS.WriteStream = process.stdout): number {
  return output.isTTY ? output.columns || USUAL_COLUMNS : Infinity;
}

/**
 * Options of lines of events: one screen line each at a terminal; in a pipe or a file nothing is cut, and the first line
 * has the date, without which times of day mean nothing later.
 */
export function lineOptionsOf(env: NodeJS.ProcessEnv): LineOptions {
  return {
    style: styleOf(env),
    columns: maxColumnsOf(),
    ...(process.stdout.isTTY && { date: formatDate(Date.now()) }),
  };
}

/** Adds what hyperlinks to the viewer need, while the viewer is on. */
export function withViewer(style: OutputStyle, paths: Paths): OutputStyle {
  const port = style.hyperlinks ? readWebPort(paths.web) : undefined;
  return port === undefined ? style : { ...style, viewer: `http://${WEB_HOST}:${port}` };
}
