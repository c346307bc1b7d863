/**
 * The log on the screen: as many rows as fit, whatever its length; a reader who scrolled up never moves.
 *
 * Scrolling moves a layer, rows exist for the visible part only, and the position of a reader who has scrolled up is a
 * line number, never a height. Patterns are matched by the daemon alone, in linear time and within a limit: the page
 * asks where they match in the visible lines (`marks.ts`).
 */
import { stripAnsi } from '../../src/core/ansi.js';
import type { LogLine } from '../../src/core/log.js';
import { contentPx, lastTop, ROW_PX, scrollTopOf, topAfter } from './log-extent.js';
import { fillRow } from './log-row.js';
import { createLogSelection } from './log-selection.js';
import type { LogStore } from './log-store.js';
import type { Marks } from './marks.js';
import { NO_MARKS } from './marks.js';
import { Rows } from './ranges.js';
import type { LineRange, MatchPlace } from './ranges.js';

export interface LogViewOptions {
  store: LogStore;
  /** New lines below a reader, and whether the end is followed. */
  onFollow: (following: boolean, unread: number) => void;
  /** A line's number was clicked. */
  onPermalink: (from: number, to: number) => void;
  nameOf: (step: string) => string | undefined;
  /** A step's lines are to be hidden, or shown again. */
  onFold: (line: number) => void;
  announce: (text: string) => void;
}

export interface LogView {
  readonly element: HTMLElement;
  /** Lines that came live, after the store has them. */
  added(lines: readonly LogLine[]): void;
  /** The store has other lines than before. */
  changed(): void;
  /** Which lines are shown, and of those that come live, which will be; undefined: all. */
  setFilter(test: ((line: LogLine) => boolean) | undefined, ranges?: readonly LineRange[]): void;
  setHidden(hidden: readonly LineRange[], folded: ReadonlySet<number>): void;
  setMarks(marks: Marks): void;
  /** What is marked is drawn again. */
  remark(): void;
  setWrap(wrap: boolean): void;
  /** Brings the line to the middle and marks it. */
  reveal(from: number, to?: number, options?: { mark?: boolean }): void;
  follow(): void;
  scrollBy(rows: number): void;
  selectAll(): void;
  isMarked(from: number, to: number): boolean;
  readonly following: boolean;
  /** The number of the first line on the screen. */
  readonly top: number;
  destroy(): void;
}

const OVERSCAN = 12;
/** Far from it coordinates lose their precision. */
const MAX_ROWS_FROM_ORIGIN = 20_000;

export function createLogView(options: LogViewOptions): LogView {
  const { store, nameOf, onFollow, onPermalink, onFold, announce } = options;
  const element = document.createElement('div');
  const spacer = document.createElement('div');
  const layer = document.createElement('div');
  element.className = 'log';
  element.tabIndex = 0;
  element.setAttribute('role', 'region');
  element.setAttribute('aria-label', 'Log');
  spacer.className = 'spacer';
  layer.className = 'layer';
  element.append(layer, spacer);

  let rows = new Rows();
  /** All lines, or those that pass the filter, before folding. */
  let base = new Rows();
  let filter: ((line: LogLine) => boolean) | undefined;
  let hidden: readonly LineRange[] = [];
  let folded: ReadonlySet<number> = new Set();
  const opened = new Map<number, string[]>();
  let marks = NO_MARKS;
  let wrap = false;
  let following = true;
  let unread = 0;
  /** The row at the upper edge, with its fraction that is scrolled out. */
  let top = 0;
  /** What the scrollbar was set to: a scroll event with this value is our own. */
  let scrolledTo = 0;
  /** The row that rows are placed by: scrolling moves the layer, and no row in it. */
  let origin = 0;
  let marked: LineRange | undefined;
  let frame = 0;
  let height = 0;
  let spacerPx = 0;
  /** By place, so that a row that stays is not made again. */
  const shown = new Map<string, Shown>();
  let version = 0;

  const fitting = () => height / ROW_PX;
  const extent = () => ({ rows: rows.count, height, wrap });
  const last = () => lastTop(extent());

  const setFollowing = (next: boolean) => {
    if (next) unread = 0;
    following = next;
    onFollow(following, unread);
  };

  const draw = () => {
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      render();
    });
  };

  const render = () => {
    const px = contentPx(extent());
    const isResized = px !== spacerPx;
    if (isResized) spacer.style.height = `${px}px`;
    spacerPx = px;
    top = following ? last() : Math.min(Math.max(0, top), last());
    const wanted = scrollTopOf(extent(), top);
    // asked only where it may differ, since the answer costs a layout
    if (isResized || Math.abs(scrolledTo - wanted) >= 1) {
      if (Math.abs(element.scrollTop - wanted) >= 1) element.scrollTop = wanted;
      scrolledTo = element.scrollTop;
    }
    place();
  };

  const place = () => {
    const fits = Math.ceil(fitting()) + 1;
    // wrapped and at the end, rows are laid out from the end upwards
    const fromEnd = wrap && following;
    const first = Math.max(0, fromEnd ? rows.count - fits : Math.floor(top) - (wrap ? 0 : OVERSCAN));
    const end = Math.min(rows.count, Math.floor(top) + fits + OVERSCAN);
    const from = rows.at(first)?.line ?? 1;
    const to = rows.at(end - 1)?.line ?? from;
    if (rows.count > 0) store.want(from, to);
    marks.want(from, to);
    const kept = new Set<string>();
    const isFar = Math.abs(top - origin) > MAX_ROWS_FROM_ORIGIN;
    if (isFar) origin = Math.floor(top);
    let before: HTMLElement | null = null;
    for (let row = first; row < end; row++) {
      const at = rows.at(row);
      if (!at) break;
      const key = `${at.line}.${at.below}`;
      kept.add(key);
      const made = show(key, at);
      const y = wrap ? undefined : (row - origin) * ROW_PX;
      if (made.y !== y) {
        made.y = y;
        made.row.style.top = y === undefined ? '' : `${y}px`;
      }
      const next: ChildNode | null = before ? before.nextSibling : layer.firstChild;
      if (next !== made.row) layer.insertBefore(made.row, next);
      before = made.row;
    }
    for (const [key, { row }] of shown) {
      if (kept.has(key)) continue;
      row.remove();
      shown.delete(key);
    }
    const firstRow = layer.firstElementChild;
    const shift = !wrap || !firstRow ? 0 : (top - Math.floor(top)) * firstRow.clientHeight;
    const lift = fromEnd ? Math.min(0, height - layer.scrollHeight) : -shift;
    layer.style.transform = `translateY(${wrap ? lift : (origin - top) * ROW_PX}px)`;
    selection.restore();
  };

  /** The row for a place, made again if there is something new to show. */
  const show = (key: string, { line: number, below }: MatchPlace): Shown => {
    const line = store.line(number);
    const known = shown.get(key);
    if (known?.version === version && known.line === line) return known;
    const row = makeRow(number, below, line);
    known?.row.replaceWith(row);
    const made: Shown = { row, version, line, y: undefined };
    shown.set(key, made);
    return made;
  };

  const makeRow = (number: number, below: number, line: LogLine | undefined): HTMLElement => {
    const row = document.createElement('div');
    const detail = below === 0 ? undefined : (opened.get(number)?.[below - 1] ?? '');
    const isOpen = opened.has(number);
    fillRow(row, number, line, {
      marksIn: (plain) => marks.of(number, plain),
      ...(detail !== undefined && { detail }),
      isOpen,
      isFolded: folded.has(number),
      nameOf,
    });
    if (marked && number >= marked[0] && number <= marked[1]) row.classList.add('marked');
    return row;
  };

  const remake = () => {
    version++;
    draw();
  };

  /** Other rows than before: who reads stays at the line that was at the upper edge. */
  const rebuild = (change: () => void) => {
    const anchor = rows.at(Math.floor(top));
    const fraction = top - Math.floor(top);
    change();
    rows = hidden.length === 0 ? base.without([]) : base.without(hidden);
    for (const [line, lines] of opened) rows.open(line, lines.length);
    if (anchor && !following)
      top = rows.rowOf(anchor.line) + Math.min(anchor.below, rows.opened(anchor.line)) + fraction;
    remake();
  };

  const rebase = () => {
    if (!filter) base = new Rows(store.total > 0 ? [[1, store.total]] : []);
  };

  element.addEventListener(
    'scroll',
    () => {
      const { scrollTop } = element;
      const delta = scrollTop - scrolledTo;
      if (Math.abs(delta) < 1) return;
      top = topAfter(extent(), { top, scrollTop: scrolledTo }, scrollTop);
      scrolledTo = scrollTop;
      const atEnd = top >= last() - 1 || scrollTop >= contentPx(extent()) - height - 2;
      if (delta < 0 && following) setFollowing(false);
      else if (delta > 0 && atEnd && !following) setFollowing(true);
      draw();
    },
    { passive: true },
  );
  element.addEventListener(
    'wheel',
    (event) => {
      if (event.deltaY < 0 && following && rows.count > fitting()) setFollowing(false);
    },
    { passive: true },
  );

  const toggleOpen = async (number: number) => {
    if (opened.has(number)) opened.delete(number);
    else {
      const [line] = await store.read(number, number);
      opened.set(number, (line?.detail ?? '').split('\n'));
    }
    if (following) setFollowing(false);
    rebuild(() => undefined);
  };

  element.addEventListener('click', (event) => {
    const target = event.target as HTMLElement;
    const number = Number(target.closest<HTMLElement>('.row')?.dataset['line']);
    if (!number) return;
    if (target.closest('a.num')) {
      event.preventDefault();
      const isRange = (event.shiftKey || event.altKey) && marked !== undefined;
      const from = isRange ? Math.min(marked?.[0] ?? number, number) : number;
      const to = isRange ? Math.max(marked?.[1] ?? number, number) : number;
      marked = [from, to];
      setFollowing(false);
      remake();
      onPermalink(from, to);
      if (event.altKey) void selection.copyLines(from, to);
    } else if (target.closest('.open') ?? target.closest('.label')) void toggleOpen(number);
    else if (target.closest('.fold')) onFold(number);
    else if (target.closest('.more')) void showWhole(number, target);
  });

  const showWhole = async (number: number, button: HTMLElement) => {
    const [line] = await store.read(number, number);
    if (line?.detail !== undefined) {
      if (!opened.has(number)) await toggleOpen(number);
      return;
    }
    const text = button.closest('.row')?.querySelector('.text');
    if (text && line) text.textContent = stripAnsi(line.text);
    button.remove();
  };

  const selection = createLogSelection({
    element,
    layer,
    store,
    announce,
    rows: () => rows,
    rowShowing: (line) => shown.get(`${line}.0`)?.row,
    marked: () => marked,
    onSelect: () => {
      if (following) setFollowing(false);
    },
  });

  const observer = new ResizeObserver(() => {
    height = element.clientHeight;
    scrolledTo = element.scrollTop;
    draw();
  });
  observer.observe(element);

  return {
    element,
    get following() {
      return following;
    },
    get top() {
      return rows.at(Math.floor(top))?.line ?? 1;
    },
    added(lines) {
      let count = 0;
      for (const line of lines) {
        if (filter && !filter(line)) continue;
        base.append(line.line, line.line);
        if (hidden.some(([from, to]) => line.line >= from && line.line <= to)) continue;
        rows.append(line.line, line.line);
        count++;
      }
      if (count === 0) return;
      if (!following) {
        unread += count;
        onFollow(false, unread);
      }
      draw();
    },
    changed() {
      if (!filter && store.total !== base.lines) rebuild(rebase);
      else draw();
    },
    setFilter(test, ranges = []) {
      rebuild(() => {
        filter = test;
        if (filter) base = new Rows(ranges);
        else rebase();
      });
    },
    setHidden(ranges, steps) {
      rebuild(() => {
        hidden = ranges;
        folded = steps;
      });
    },
    setMarks(next) {
      marks = next;
      remake();
    },
    remark: remake,
    setWrap(next) {
      wrap = next;
      element.classList.toggle('wrap', wrap);
      remake();
    },
    reveal(from, to = from, { mark = true } = {}) {
      setFollowing(false);
      if (mark) marked = [from, to];
      height ||= element.clientHeight;
      top = rows.rowOf(from) - Math.floor(fitting() / 3);
      remake();
    },
    follow() {
      setFollowing(true);
      draw();
    },
    scrollBy(count) {
      if (count < 0 && following) setFollowing(false);
      top = Math.min(Math.max(0, top + count), last());
      if (count > 0 && top >= last() - 0.01 && !following) setFollowing(true);
      draw();
    },
    selectAll: () => selection.selectAll(),
    isMarked: (from, to) => marked?.[0] === from && marked[1] === to,
    destroy() {
      cancelAnimationFrame(frame);
      observer.disconnect();
      selection.destroy();
    },
  };
}

/** A row on the screen, and what it was made from. */
interface Shown {
  row: HTMLElement;
  version: number;
  line: LogLine | undefined;
  /** Where it stands; undefined: behind the one before it. */
  y: number | undefined;
}
