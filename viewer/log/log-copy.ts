/** Copies a part of a log to the clipboard, including lines that are not loaded. */
import { stripAnsi } from '../../src/core/text/ansi.js';
import { formatBytes, formatCount, formatQuantity } from '../../src/core/text/format.js';
import type { LogStore } from './log-store.js';
import type { LineRange, Rows } from './ranges.js';

/** A position in the text of a log. */
export interface Caret {
  line: number;
  /** In UTF-16 units of the text without escape sequences. */
  column: number;
}

export interface LogCopyOptions {
  store: LogStore;
  rows: () => Rows;
  announce: (text: string) => void;
}

/** Limits of one copy, in lines and UTF-16 units. */
export const MAX_COPIED_LINES = 100_000;
const MAX_COPIED_CHARS = 64 * 1024 * 1024;
/** Lines read at once. */
const PART_LINES = 5_000;
/** Ranges closer together than this number of lines are read as one. */
const READ_ACROSS = 500;
/** Copies of more lines are announced before they begin. */
const QUICK_LINES = 2_000;

/** Copies the shown lines between two positions. */
export async function copyLog(options: LogCopyOptions, start: Caret, end: Caret): Promise<void> {
  const { rows, announce } = options;
  const ranges = rows().within(start.line, end.line);
  const count = ranges.reduce((sum, [from, to]) => sum + to - from + 1, 0);
  const lines = formatQuantity(count, 'line');
  if (count > MAX_COPIED_LINES) {
    const most = formatCount(MAX_COPIED_LINES);
    return announce(`${lines} are too many to copy (at most ${most}): download the log instead`);
  }
  if (count > QUICK_LINES) announce(`Copying ${lines}…`);
  try {
    // a promise, since browsers allow writing only shortly after a key or a click
    const blob = readText(options, ranges, start, end).then((text) => new Blob([text], { type: 'text/plain' }));
    await navigator.clipboard.write([new ClipboardItem({ 'text/plain': blob })]);
    announce(`${lines} copied`);
  } catch (error) {
    announce(`Nothing was copied: ${(error as Error).message}; a download takes all`);
  }
}

async function readText(
  { store, rows }: LogCopyOptions,
  ranges: readonly LineRange[],
  start: Caret,
  end: Caret,
): Promise<string> {
  const texts: string[] = [];
  let chars = 0;
  for (const [from, to] of inParts(joinNear(ranges))) {
    for (const { line, text } of await store.read(from, to)) {
      if (!rows().has(line)) continue;
      const first = line === start.line ? start.column : 0;
      const last = line === end.line ? end.column : undefined;
      const part = stripAnsi(text).slice(first, last);
      chars += part.length;
      texts.push(part);
    }
    if (chars > MAX_COPIED_CHARS) throw new Error(`it is longer than ${formatBytes(MAX_COPIED_CHARS)}`);
  }
  return texts.join('\n');
}

/** Joins ranges that are close together, including the lines between them. */
function joinNear(ranges: readonly LineRange[]): LineRange[] {
  const joined: [number, number][] = [];
  for (const [from, to] of ranges) {
    const last = joined.at(-1);
    if (last && from - last[1] <= READ_ACROSS) last[1] = to;
    else joined.push([from, to]);
  }
  return joined;
}

function inParts(ranges: readonly LineRange[]): LineRange[] {
  return ranges.flatMap(([from, to]) =>
    Array.from({ length: Math.ceil((to - from + 1) / PART_LINES) }, (_, index): LineRange => {
      const first = from + index * PART_LINES;
      return [first, Math.min(to, first + PART_LINES - 1)];
    }),
  );
}
