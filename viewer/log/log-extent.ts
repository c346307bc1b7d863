/** Which row stands at the upper edge at a place of the scrollbar, and the other way round. Pure. */

export const ROW_PX = 20;
/** Browsers cannot make elements of any height; beyond this the scrollbar stands for more than it is long. */
const MAX_PX = 8_000_000;

export interface Extent {
  rows: number;
  /** What is seen of them, in pixels. */
  height: number;
  /** Rows are of any height. */
  wrap: boolean;
}

/** The row at the upper edge, with its fraction, when the end is in sight. */
export function lastTop({ rows, height, wrap }: Extent): number {
  return Math.max(0, rows - (wrap ? 1 : height / ROW_PX));
}

/** How high that is what is scrolled. */
export function contentPx({ rows, height, wrap }: Extent): number {
  return Math.min(rows * ROW_PX, MAX_PX) + (wrap ? height : 0);
}

export function scrollTopOf(extent: Extent, top: number): number {
  const last = lastTop(extent);
  if (last === 0) return 0;
  return isProportional(extent) ? (top / last) * range(extent) : top * ROW_PX;
}

/** The row at the upper edge when the scrollbar moved from `before`, where it stood for `top`. */
export function topAfter(extent: Extent, before: { top: number; scrollTop: number }, scrollTop: number): number {
  if (!isProportional(extent)) return scrollTop / ROW_PX;
  const delta = scrollTop - before.scrollTop;
  // by a wheel or a key, and not with the thumb
  if (Math.abs(delta) < 3 * extent.height) return before.top + delta / ROW_PX;
  return range(extent) === 0 ? 0 : (scrollTop / range(extent)) * lastTop(extent);
}

function isProportional({ rows, wrap }: Extent): boolean {
  return wrap || rows * ROW_PX > MAX_PX;
}

/** What the scrollbar can be set to. */
function range(extent: Extent): number {
  return Math.max(0, contentPx(extent) - extent.height);
}
