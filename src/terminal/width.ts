/** Measures texts in terminal cells; cuts, pads and wraps them. */
import { eastAsianWidth } from 'get-east-asian-width';
import { SGR_RESET } from '../core/text/ansi.js';

/** Code units of one cell each: printable ASCII, Latin, box drawing, bars and marks. */
const NARROW = String.raw`\u0020-\u007e\u00a1-\u00ac\u00ae-\u02ff\u2010-\u2016\u2022\u2026\u2190-\u2193\u2500-\u259f\u25cb\u25cf\u2713\u2717`;
/** Code units of two cells each: kana, ideographs, Hangul syllables, marks of this program. */
const WIDE = String.raw`\u3041-\u3096\u30a1-\u30fa\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\u231b\u23f3\u2705\u274c`;
const ONLY_NARROW = new RegExp(`^[${NARROW}]*$`);
const IS_WIDE = new RegExp(`^[${WIDE}]`);
/**
 * Splits a text into runs of characters of known width (group 1), and runs that the segmenter splits into clusters. The latter
 * begin with the character that their second one may modify.
 */
const RUNS = new RegExp(
  `((?:[${NARROW}${WIDE}](?![^${NARROW}${WIDE}]))+)|[${NARROW}${WIDE}]?[^${NARROW}${WIDE}]+`,
  'g',
);
const ZERO_WIDTH = /^[\p{Default_Ignorable_Code_Point}\p{Mark}\p{Control}\u200b]+$/u;
/** Clusters of two cells: emoji sequences, flags, and half-width kana with a voicing mark. */
const TWO_CELLS = /\ufe0f|^\p{Regional_Indicator}{2}|^[\uff61-\uff9f]{2}/u;
/** Sequences without cells: colours (SGR) and hyperlinks (OSC 8). */
const SGR = /\u001b\[[0-9;:]{0,64}m|\u001b\]8;;[^\u0000-\u001f]{0,2048}\u001b\\/g;

/** Maximum number of texts in the cache of widths, since texts repeat from frame to frame; a full cache is cleared. */
const CACHED_TEXTS = 4_096;
/** Maximum length of a text in the cache. */
const CACHED_LENGTH = 512;

/** Segmenter, created on first use: it loads two megabytes of tables. */
let segmenter: Intl.Segmenter | undefined;
const cache = new Map<string, number>();

/** A grapheme cluster and its cells, or an SGR sequence with `cells` 0. */
export interface TextPiece {
  text: string;
  cells: number;
}

/** Number of cells. SGR sequences take none; other controls must be removed before. */
export function cellsOf(text: string): number {
  const plain = withoutColours(text);
  if (ONLY_NARROW.test(plain)) return plain.length;
  const known = cache.get(text);
  if (known !== undefined) return known;
  let cells = 0;
  for (const piece of piecesOf(text)) cells += piece.cells;
  if (text.length <= CACHED_LENGTH) remember(text, cells);
  return cells;
}

/** Whether all terminals show each character in one cell. */
export function isNarrow(text: string): boolean {
  return ONLY_NARROW.test(withoutColours(text));
}

function withoutColours(text: string): string {
  return text.includes('\u001b') ? text.replace(SGR, '') : text;
}

function remember(text: string, cells: number): void {
  if (cache.size >= CACHED_TEXTS) cache.clear();
  cache.set(text, cells);
}

/** Smallest parts of a text that must not be cut. */
export function* piecesOf(text: string): Generator<TextPiece> {
  let end = 0;
  for (const found of text.matchAll(SGR)) {
    yield* clustersOf(text.slice(end, found.index));
    yield { text: found[0], cells: 0 };
    end = found.index + found[0].length;
  }
  yield* clustersOf(text.slice(end));
}

function* clustersOf(text: string): Generator<TextPiece> {
  for (const [run, simple] of text.matchAll(RUNS)) {
    if (simple === undefined) {
      segmenter ??= new Intl.Segmenter('en', { granularity: 'grapheme' });
      for (const { segment } of segmenter.segment(run)) yield { text: segment, cells: clusterCells(segment) };
    } else {
      for (const character of simple) yield { text: character, cells: IS_WIDE.test(character) ? 2 : 1 };
    }
  }
}

/** Width by the newest Unicode. Terminals differ for sequences, so the renderer moves the cursor explicitly after them. */
function clusterCells(cluster: string): number {
  const first = cluster.codePointAt(0) ?? 0;
  if (ZERO_WIDTH.test(cluster)) return 0;
  if (cluster.length > 1 && TWO_CELLS.test(cluster)) return 2;
  return eastAsianWidth(first);
}

/** Whether terminals may disagree on the width: any wide cluster, and any of several code points. */
export function isUncertain(piece: TextPiece): boolean {
  if (piece.text.startsWith('\u001b')) return false;
  return piece.cells !== 1 || piece.text.length > 1;
}

/** Cuts to at most `cells` cells, with an ellipsis in the last one. Colours end there. */
export function truncate(text: string, cells: number, ellipsis = '…'): string {
  if (cells <= 0) return '';
  if (cellsOf(text) <= cells) return text;
  const room = cells - ellipsis.length;
  if (ONLY_NARROW.test(text)) return text.slice(0, Math.max(0, room)) + ellipsis.slice(0, cells);
  let used = 0;
  let kept = '';
  let styled = false;
  for (const piece of piecesOf(text)) {
    if (used + piece.cells > room) break;
    kept += piece.text;
    used += piece.cells;
    if (piece.text.startsWith('\u001b')) styled = true;
  }
  return kept + (styled ? SGR_RESET : '') + ellipsis.slice(0, cells);
}

/** Exactly `cells` cells: cut, or padded on the right. */
export function fit(text: string, cells: number, ellipsis?: string): string {
  const cut = truncate(text, cells, ellipsis);
  return cut + ' '.repeat(Math.max(0, cells - cellsOf(cut)));
}

/** At least `cells` cells, padded on the left. */
export function alignRight(text: string, cells: number): string {
  return ' '.repeat(Math.max(0, cells - cellsOf(text))) + text;
}

/** Wraps to rows of at most `cells` cells, at spaces if possible, at most `rows` of them. */
export function wrap(text: string, cells: number, rows: number): string[] {
  const lines: string[] = [];
  let rest = text;
  while (lines.length < rows && cellsOf(rest) > cells) {
    const end = breakAt(rest, cells);
    lines.push(rest.slice(0, end).trimEnd());
    rest = rest.slice(end).trimStart();
  }
  const last = lines.at(-1);
  if (rest === '' && last !== undefined) return lines;
  if (lines.length < rows) return [...lines, rest];
  return last === undefined ? lines : [...lines.slice(0, -1), truncate(`${last} ${rest}`, cells)];
}

/**
 * Where to break a long text: after its last space that fits, else after the last cluster that fits, at least after
 * one.
 */
function breakAt(text: string, cells: number): number {
  let used = 0;
  let end = 0;
  let space = 0;
  for (const piece of piecesOf(text)) {
    if (end > 0 && used + piece.cells > cells) break;
    used += piece.cells;
    end += piece.text.length;
    if (piece.text === ' ') space = end;
  }
  if (text[end] === ' ') return end;
  return space > 0 ? space : end;
}

/** Number of rows that a line takes on a terminal of this width. */
export function rowsAt(line: string, columns: number): number {
  return placeAt(line, Infinity, columns).row + 1;
}

/**
 * Row and column of a cell of a line, counted from 0, after wrapping to this width; the last one if there are fewer.
 */
export function placeAt(line: string, cell: number, columns: number): { row: number; column: number } {
  let row = 0;
  let column = 0;
  let passed = 0;
  for (const { cells } of piecesOf(line)) {
    if (column + cells > columns) {
      row += 1;
      column = 0;
    }
    if (passed + cells > cell) return { row, column: column + cell - passed };
    passed += cells;
    column += cells;
  }
  return { row, column };
}

/** Reduces the widest of some widths, none below its floor, until their sum is at most `cells` or all are at their floors. */
export function levelWidths(widths: readonly number[], floors: readonly number[], cells: number): number[] {
  const levelled = [...widths];
  const floorOf = (index: number): number => Math.min(widths[index] ?? 0, floors[index] ?? 0);
  for (;;) {
    let excess = levelled.reduce((sum, width) => sum + width, 0) - cells;
    const open = levelled.flatMap((width, index) => (width > floorOf(index) ? [index] : []));
    if (excess <= 0 || open.length === 0) return levelled;
    const widest = Math.max(...open.map((index) => levelled[index] ?? 0));
    const next = Math.max(0, ...open.map((index) => levelled[index] ?? 0).filter((width) => width < widest));
    const level = open.filter((index) => levelled[index] === widest);
    // the later ones give way first
    for (const [at, index] of [...level.entries()].reverse()) {
      const share = Math.ceil(excess / (at + 1));
      const width = Math.max(next, floorOf(index), widest - share);
      excess -= widest - width;
      levelled[index] = width;
    }
  }
}

/** Cells that each part keeps while longer ones are cut. */
const MIN_PART_CELLS = 6;

/** Joins parts in at most `cells` cells: the longest ones are cut first. A closing quote stays. */
export function fitParts(parts: readonly string[], cells: number, ellipsis = '…', gap = ' '): string {
  const widths = parts.map(cellsOf);
  const fitting = levelWidths(
    widths,
    widths.map(() => MIN_PART_CELLS),
    cells - gap.length * (parts.length - 1),
  );
  const cut = parts.map((part, at) => {
    const width = fitting[at] ?? 0;
    if (cellsOf(part) <= width) return part;
    return part.endsWith('"') && width > 2
      ? `${truncate(part, width - 1, ellipsis)}"`
      : truncate(part, width, ellipsis);
  });
  return truncate(cut.join(gap), cells, ellipsis);
}
