/** Converts between rows of a log and positions of the scrollbar. Pure. */

export const ROW_PX = 20;
/** Browsers limit the height of elements; a log of more rows has a proportional scrollbar. */
const MAX_PX = 8_000_000;

export interface Extent {
  rows: number;
  /** Height of the visible part in pixels. */
  height: number;
  /** Long lines are wrapped, so rows have any height. */
  wrap: boolean;
}

/** Returns the row at the upper edge, with its fraction, when the end is in view. */
export function lastTop({ rows, height, wrap }: Extent): number {
  return Math.max(0, rows - (wrap ? 1 : height / ROW_PX));
}

/** Returns the height of the scrolled content in pixels. */
export function contentPx({ rows, height, wrap }: Extent): number {
  return Math.min(rows * ROW_PX, MAX_PX) + (wrap ? height : 0);
}

/** Returns the position of the scrollbar for a row at the upper edge. */
export function scrollTopOf(extent: Extent, top: number): number {
  const last = lastTop(extent);
  if (last === 0) return 0;
  return isProportional(extent) ? (top / last) * range(extent) : top * ROW_PX;
}

/** Returns the row at the upper edge after the scrollbar has moved. @param before Where it was, and the row there. */
export function topAfter(extent: Extent, before: { top: number; scrollTop: number }, scrollTop: number): number {
  if (!isProportional(extent)) return scrollTop / ROW_PX;
  const delta = scrollTop - before.scrollTop;
  // a small distance comes from a wheel or a key, which move by rows; a large one from the thumb
  if (Math.abs(delta) < 3 * extent.height) return before.top + delta / ROW_PX;
  return range(extent) === 0 ? 0 : (scrollTop / range(extent)) * lastTop(extent);
}

function isProportional({ rows, wrap }: Extent): boolean {
  return wrap || rows * ROW_PX > MAX_PX;
}

/** Returns the highest position of the scrollbar. */
function range(extent: Extent): number {
  return Math.max(0, contentPx(extent) - extent.height);
}
