// Statistics and text of figures: medians, ratios, table rows. Pure.
//
// A figure is { name, value, unit, better, aim, note }. `better` is 'less' or 'more'; a figure without it is a reference
// (a peer, the start of Node): it shows what the machine does, and is never judged.

/** A verdict needs as many runs on each side. */
export const MIN_RUNS = 4;

/** @returns The smallest value with at least `share` (0 to 1) of all values at or below it, or close to it. */
export function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}

/** @returns The middle value; of an even number of values the mean of the two in the middle. */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * Combines the figures of several runs of one part.
 * @param runs For each run its list of figures.
 * @returns For each name one figure with `samples` (one for each run that has it) and `median` instead of `value`.
 */
export function summarize(runs) {
  const byName = new Map();
  for (const { value, ...figure } of runs.flat()) {
    const samples = [...(byName.get(figure.name)?.samples ?? []), value];
    byName.set(figure.name, { ...figure, median: median(samples), samples });
  }
  return [...byName.values()];
}

/**
 * Compares summarized figures by name.
 * @returns A row { name, unit, old, new, ratio, verdict } for each name in either list; `ratio` is new to old.
 */
export function compare(before, after) {
  const older = new Map(before.map((figure) => [figure.name, figure]));
  const newer = new Map(after.map((figure) => [figure.name, figure]));
  return [...new Set([...newer.keys(), ...older.keys()])].map((name) => {
    const [old, current] = [older.get(name), newer.get(name)];
    const { unit } = current ?? old;
    if (!old || !current) {
      return { name, unit, old: old?.median, new: current?.median, ratio: undefined, verdict: 'not in both' };
    }
    if (old.unit !== unit) {
      return { name, unit, old: undefined, new: current.median, ratio: undefined, verdict: `was in ${old.unit}` };
    }
    // a difference of two times may be zero or less where noise exceeds it
    const ratio = old.median > 0 && current.median >= 0 ? current.median / old.median : undefined;
    return { name, unit, old: old.median, new: current.median, ratio, verdict: verdictOf(old, current) };
  });
}

/**
 * One side counts as better only when each of its runs is better than each run of the other side. With four runs on each
 * side this happens by chance once in 35 comparisons, with five once in 126.
 */
function verdictOf(old, current) {
  if (current.better === undefined) return 'reference';
  if (Math.min(old.samples.length, current.samples.length) < MIN_RUNS) return 'too few runs';
  const isLess = Math.max(...current.samples) < Math.min(...old.samples);
  const isMore = Math.min(...current.samples) > Math.max(...old.samples);
  if (!isLess && !isMore) return 'ranges overlap';
  return isLess === (current.better === 'less') ? 'better' : 'worse';
}

/** Three significant digits or more, with the unit. */
export function formatValue(value, unit) {
  if (value === undefined) return '-';
  const size = Math.abs(value);
  const digits = Number.isInteger(value) || size >= 100 ? 0 : size >= 10 ? 1 : 2;
  const text = value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return `${text} ${unit}`;
}

/** Lines of a table of figures: value, range of several runs, aim, note. */
export function tableOf(figures) {
  return linesOf(
    figures.map(({ name, unit, median: value, samples, better, aim, note }) => {
      const shown = (number) => formatValue(number, unit);
      const range = samples.length > 1 && `${shown(Math.min(...samples))} to ${shown(Math.max(...samples))}`;
      const wanted = aim !== undefined && `aim: at ${better === 'less' ? 'most' : 'least'} ${shown(aim)}`;
      const notes = [better === undefined && 'reference', range, wanted, note].filter(Boolean).join('; ');
      return [name, shown(value), notes];
    }),
  );
}

/** Lines of a table of comparisons: old and new value, their ratio, verdict. */
export function comparisonTable(rows) {
  return linesOf([
    ['', 'old', 'new', 'new/old', ''],
    ...rows.map(({ name, unit, old, new: current, ratio, verdict }) => {
      const shown = [old, current].map((value) => formatValue(value, unit));
      return [name, ...shown, ratio === undefined ? '-' : ratio.toFixed(2), verdict];
    }),
  ]);
}

/** Aligns columns: the first and the last to the left, numbers between them to the right. */
function linesOf(rows) {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((cells) => cells[column].length))) ?? [];
  return rows.map((cells) => {
    const last = cells.length - 1;
    const padded = cells.map((text, column) =>
      column === 0 ? text.padEnd(widths[0]) : column === last ? text : text.padStart(widths[column]),
    );
    return `  ${padded.join('  ')}`.trimEnd();
  });
}
