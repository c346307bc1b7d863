/** Position in a list of which a window is shown. */

/** Moves a window so that it shows the selected row. @returns the first row of the window */
export function scrollTo(selected: number, first: number, rows: number, total: number): number {
  const last = Math.max(0, total - rows);
  const low = Math.min(first, selected);
  const high = Math.max(low, selected - rows + 1);
  return Math.max(0, Math.min(last, high));
}

/** Rows that a key moves the selection by; undefined for other keys. */
export function movement(key: string, rows: number): number | undefined {
  const page = Math.max(1, rows - 1);
  const half = Math.max(1, Math.floor(rows / 2));
  return new Map([
    ['up', -1],
    ['k', -1],
    ['down', 1],
    ['j', 1],
    ['pageup', -page],
    ['C-b', -page],
    ['pagedown', page],
    ['C-f', page],
    ['C-u', -half],
    ['C-d', half],
    ['home', -Infinity],
    ['g', -Infinity],
    ['end', Infinity],
    ['G', Infinity],
  ]).get(key);
}

export function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
