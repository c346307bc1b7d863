/** The log on the screen: as many rows as fit, whatever its length; a reader who scrolled up never moves. */
import type { LogFilter, LogLine } from '../src/core/log.js';
import { lineTest } from '../src/core/log.js';
import { stripAnsi } from '../src/core/ansi.js';
import { fillRow } from './log-row.js';
import type { LogStore } from './log-store.js';
import { Rows } from './ranges.js';
import type { LineRange } from './ranges.js';

export interface LogViewOptions {
  store: LogStore;
  /** New lines below a reader, and whether the end is followed. */
  onFollow: (following: boolean, unread: number) => void;
  /** A line's number was clicked. */
  onPermalink: (from: number, to: number) => void;
  nameOf: (step: string) => string | undefined;
  /** A step's lines are to be hidden, or shown again. */
  onFold: (line: number) => void;
}

export interface LogView {
  readonly element: HTMLElement;
  /** Lines that came live, after the store has them. */
  added(lines: readonly LogLine[]): void;
  /** The store has other lines than before. */
  changed(): void;
  /** Which lines are shown; undefined: all. */
  setFilter(filter: LogFilter | undefined, ranges?: readonly LineRange[]): void;
  setHidden(hidden: readonly LineRange[], folded: ReadonlySet<number>): void;
  setFind(text: string, exact: boolean): void;
  setWrap(wrap: boolean): void;
  /** Brings the line to the middle and marks it. */
  reveal(from: number, to?: number, options?: { mark?: boolean }): void;
  follow(): void;
  scrollBy(rows: number): void;
  readonly following: boolean;
  /** The number of the first line on the screen. */
  readonly top: number;
  destroy(): void;
}

const ROW_PX = 20;
/** Browsers cannot make elements of any height; beyond this the scrollbar stands for more than it is long. */
const MAX_PX = 8_000_000;
const OVERSCAN = 12;
/** Far from it coordinates lose their precision. */
const MAX_ROWS_FROM_ORIGIN = 20_000;

export function createLogView({ store, nameOf, onFollow, onPermalink, onFold }: LogViewOptions): LogView {
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
  let find = { text: '', exact: false };
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
  /** By place, so that a row that stays is not made again. */
  const shown = new Map<string, HTMLElement>();
  let version = 0;
  let selection: { anchor: Caret; focus: Caret } | undefined;

  const fitting = () => height / ROW_PX;
  const lastTop = () => Math.max(0, rows.count - (wrap ? 1 : fitting()));
  const spacerPx = () => Math.min(rows.count * ROW_PX, MAX_PX);
  const isScaled = () => rows.count * ROW_PX > MAX_PX;
  const range = () => Math.max(0, wrap ? spacerPx() : spacerPx() - height);

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
    const px = `${spacerPx() + (wrap ? height : 0)}px`;
    if (spacer.style.height !== px) spacer.style.height = px;
    if (following) top = lastTop();
    top = Math.min(Math.max(0, top), lastTop());
    const wanted = lastTop() === 0 ? 0 : isScaled() || wrap ? (top / lastTop()) * range() : top * ROW_PX;
    if (Math.abs(element.scrollTop - wanted) >= 1) element.scrollTop = wanted;
    scrolledTo = element.scrollTop;
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
    const kept = new Set<string>();
    const isFar = Math.abs(top - origin) > MAX_ROWS_FROM_ORIGIN;
    if (isFar) origin = Math.floor(top);
    let before: HTMLElement | null = null;
    for (let row = first; row < end; row++) {
      const at = rows.at(row);
      if (!at) break;
      const key = `${at.line}.${at.below}`;
      kept.add(key);
      let made = shown.get(key);
      const line = store.line(at.line);
      const state = `${version}${line === undefined}${line?.cut ?? ''}`;
      if (made?.dataset['state'] !== state) {
        const again = made;
        made = makeRow(at.line, at.below, line);
        made.dataset['state'] = state;
        again?.replaceWith(made);
        shown.set(key, made);
      }
      const y = wrap ? '' : `${(row - origin) * ROW_PX}px`;
      if (made.style.top !== y) made.style.top = y;
      const next: ChildNode | null = before ? before.nextSibling : layer.firstChild;
      if (next !== made) layer.insertBefore(made, next);
      before = made;
    }
    for (const [key, row] of shown) {
      if (kept.has(key)) continue;
      row.remove();
      shown.delete(key);
    }
    const firstRow = layer.firstElementChild;
    const shift = !wrap || !firstRow ? 0 : (top - Math.floor(top)) * firstRow.clientHeight;
    const lift = fromEnd ? Math.min(0, height - layer.scrollHeight) : -shift;
    layer.style.transform = `translateY(${wrap ? lift : (origin - top) * ROW_PX}px)`;
    restoreSelection();
  };

  const makeRow = (number: number, below: number, line: LogLine | undefined): HTMLElement => {
    const row = document.createElement('div');
    const detail = below === 0 ? undefined : (opened.get(number)?.[below - 1] ?? '');
    const isOpen = opened.has(number);
    fillRow(row, number, line, {
      find: find.text,
      exact: find.exact,
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
      scrolledTo = scrollTop;
      const small = Math.abs(delta) < 3 * height;
      if (!isScaled() && !wrap) top = scrollTop / ROW_PX;
      else if (small) top += delta / ROW_PX;
      else top = range() === 0 ? 0 : (scrollTop / range()) * lastTop();
      const atEnd = top >= lastTop() - 1 || scrollTop >= element.scrollHeight - height - 2;
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
      const from = event.shiftKey && marked ? Math.min(marked[0], number) : number;
      const to = event.shiftKey && marked ? Math.max(marked[1], number) : number;
      marked = [from, to];
      setFollowing(false);
      remake();
      onPermalink(from, to);
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

  // what is selected is told by line and column, since rows come and go under a selection
  const caretOf = (node: Node | null, offset: number): Caret | undefined => {
    const start = node instanceof Element ? node : node?.parentElement;
    const row = start?.closest<HTMLElement>('.row');
    if (!row || !element.contains(row) || !node) return undefined;
    const text = row.querySelector('.text');
    let column = 0;
    if (text?.contains(node)) {
      const before = document.createRange();
      before.setStart(text, 0);
      before.setEnd(node, offset);
      column = before.toString().length;
    }
    return { line: Number(row.dataset['line']), column };
  };
  let selecting = false;
  let restoring = false;
  const onSelection = () => {
    if (restoring) return;
    const now = document.getSelection();
    if (!now || now.isCollapsed) {
      if (!selecting) selection = undefined;
      return;
    }
    const focus = caretOf(now.focusNode, now.focusOffset);
    const anchor = selecting && selection ? selection.anchor : caretOf(now.anchorNode, now.anchorOffset);
    if (!focus || !anchor) return;
    selection = { anchor, focus };
    if (following) setFollowing(false);
  };
  element.addEventListener('pointerdown', (event) => {
    if (event.button !== 0 || event.shiftKey) return;
    // older browsers lack it: then a selection is copied as far as its ends are on the screen
    if (!('caretPositionFromPoint' in document)) return;
    const position = document.caretPositionFromPoint(event.clientX, event.clientY);
    const anchor = position ? caretOf(position.offsetNode, position.offset) : undefined;
    selecting = anchor !== undefined;
    selection = anchor && { anchor, focus: anchor };
  });
  const onPointerUp = () => (selecting = false);

  /** A selection that reaches beyond the rows on the screen is drawn as far as these go. */
  const restoreSelection = () => {
    const now = document.getSelection();
    if (!selection || !now || selecting || selection.anchor === selection.focus) return;
    const [start, end] = inOrder(selection);
    const first = rowShowing(start.line);
    const last = rowShowing(end.line);
    if ((first && last) || layer.childElementCount === 0) return;
    restoring = true;
    const from = first ?? layer.firstElementChild;
    const to = last ?? layer.lastElementChild;
    if (from && to) now.setBaseAndExtent(from, 0, to, to.childNodes.length);
    setTimeout(() => (restoring = false));
  };
  const rowShowing = (line: number) => shown.get(`${line}.0`);

  const onCopy = (event: ClipboardEvent) => {
    if (!selection || selection.anchor.line === selection.focus.line) return;
    event.preventDefault();
    const [start, end] = inOrder(selection);
    void copyLines(start, end);
  };
  const copyLines = async (start: Caret, end: Caret) => {
    const lines = (await store.read(start.line, end.line)).filter(({ line }) => rows.has(line));
    const texts = lines.map(({ line, text }) => {
      const plain = stripAnsi(text);
      return plain.slice(line === start.line ? start.column : 0, line === end.line ? end.column : undefined);
    });
    await navigator.clipboard.writeText(texts.join('\n'));
  };
  element.addEventListener('copy', onCopy);
  document.addEventListener('selectionchange', onSelection);
  document.addEventListener('pointerup', onPointerUp);

  const observer = new ResizeObserver(() => {
    height = element.clientHeight;
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
    setFilter(wanted, ranges = []) {
      rebuild(() => {
        filter = wanted && lineTest(wanted);
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
    setFind(text, exact) {
      find = { text, exact };
      remake();
    },
    setWrap(next) {
      wrap = next;
      element.classList.toggle('wrap', wrap);
      for (const row of shown.values()) row.style.top = '';
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
      top = Math.min(Math.max(0, top + count), lastTop());
      if (count > 0 && top >= lastTop() - 0.01 && !following) setFollowing(true);
      draw();
    },
    destroy() {
      cancelAnimationFrame(frame);
      observer.disconnect();
      document.removeEventListener('selectionchange', onSelection);
      document.removeEventListener('pointerup', onPointerUp);
    },
  };
}

interface Caret {
  line: number;
  column: number;
}

function inOrder({ anchor, focus }: { anchor: Caret; focus: Caret }): [Caret, Caret] {
  const isForward = anchor.line < focus.line || (anchor.line === focus.line && anchor.column <= focus.column);
  return isForward ? [anchor, focus] : [focus, anchor];
}
