/**
 * Virtualised view of a log: elements exist for the visible rows only, whatever its length.
 *
 * The position of a reader who has scrolled up is a line number, never a height, so nothing that arrives moves the text.
 * Patterns are matched by the daemon alone, in linear time and within a limit; the view asks where they match in the
 * visible lines (`marks.ts`).
 */
import { stripAnsi } from '../../src/core/text/ansi.js';
import type { LogLine } from '../../src/core/events/log.js';
import type { Extent } from './log-extent.js';
import { lastTop, ROW_PX } from './log-extent.js';
import { fillRow } from './log-row.js';
import { LogSelection } from './log-selection.js';
import type { LogStore } from './log-store.js';
import type { Marks } from './marks.js';
import { NO_MARKS } from './marks.js';
import type { LineRange, MatchPlace } from './ranges.js';
import { RowLayer } from './row-layer.js';
import { ScrollPosition } from './scroll-position.js';
import type { LineFilter } from './shown-lines.js';
import { ShownLines } from './shown-lines.js';

export interface LogViewOptions {
  store: LogStore;
  /** Called when the view starts or stops following the end, and when lines arrive below a reader. */
  onFollow: (isFollowing: boolean, unread: number) => void;
  /** Called when the number of a line was clicked. */
  onPermalink: (from: number, to: number) => void;
  /** Called when the lines of the step that begins at this line are to be hidden or shown. */
  onFold: (line: number) => void;
  /** Returns the name of a step, if it is known. */
  nameOf: (step: string) => string | undefined;
  announce: (text: string) => void;
}

/** Rows drawn above and below the visible part. */
const OVERSCAN = 12;

export class LogView {
  /** The element that scrolls. */
  readonly element = document.createElement('div');
  readonly #options: LogViewOptions;
  readonly #store: LogStore;
  readonly #lines = new ShownLines();
  readonly #layer: RowLayer;
  readonly #scroll: ScrollPosition;
  readonly #selection: LogSelection;
  readonly #observer = new ResizeObserver(() => this.#onResize());
  #marks = NO_MARKS;
  #isWrapped = false;
  /** Lines at which folded steps begin. */
  #folded: ReadonlySet<number> = new Set();
  /** Lines of the permalink. */
  #marked: LineRange | undefined;
  #isFollowing = true;
  /** Number of lines that arrived below a reader. */
  #unread = 0;
  #frame = 0;

  constructor(options: LogViewOptions) {
    const { store, announce } = options;
    const { element } = this;
    const spacer = document.createElement('div');
    this.#options = options;
    this.#store = store;
    this.#layer = new RowLayer({
      lineOf: (line) => store.line(line),
      makeRow: (place, line) => this.#makeRow(place, line),
    });
    this.#scroll = new ScrollPosition(element, spacer);
    this.#selection = new LogSelection({
      element,
      layer: this.#layer,
      store,
      announce,
      rows: () => this.#lines.rows,
      marked: () => this.#marked,
      onSelect: () => this.#unfollow(),
    });
    element.className = 'log';
    element.tabIndex = 0;
    element.setAttribute('role', 'region');
    element.setAttribute('aria-label', 'Log');
    spacer.className = 'spacer';
    element.append(this.#layer.element, spacer);
    element.addEventListener('scroll', () => this.#onScroll(), { passive: true });
    element.addEventListener('wheel', (event) => this.#onWheel(event), { passive: true });
    element.addEventListener('click', (event) => this.#onClick(event));
    this.#observer.observe(element);
  }

  /** Shows lines that arrived live and are in the store. */
  append(lines: readonly LogLine[]): void {
    const count = this.#lines.append(lines);
    if (count === 0) return;
    if (!this.#isFollowing) {
      this.#unread += count;
      this.#options.onFollow(false, this.#unread);
    }
    this.#draw();
  }

  /** Shows what the store has now. */
  refresh(): void {
    const { total } = this.#store;
    if (this.#lines.isOutdated(total)) this.#change(() => this.#lines.setTotal(total));
    else this.#draw();
  }

  /** @param filter Undefined: all lines are shown. */
  setFilter(filter: LineFilter | undefined): void {
    this.#change(() => this.#lines.setFilter(filter, this.#store.total));
  }

  /** @param hidden Lines of folded steps. @param folded Lines at which these steps begin. */
  setFolds(hidden: readonly LineRange[], folded: ReadonlySet<number>): void {
    this.#folded = folded;
    this.#change(() => this.#lines.setHidden(hidden));
  }

  setMarks(marks: Marks): void {
    this.#marks = marks;
    this.redraw();
  }

  /** Draws all rows again, for instance when there are other marks. */
  redraw(): void {
    this.#layer.invalidate();
    this.#draw();
  }

  setWrap(isWrapped: boolean): void {
    this.#isWrapped = isWrapped;
    this.element.classList.toggle('wrap', isWrapped);
    this.redraw();
  }

  /** Scrolls to a line and marks it, or a range of lines. */
  reveal(from: number, to = from): void {
    this.#setFollowing(false);
    this.#marked = [from, to];
    if (this.#scroll.height === 0) this.#scroll.height = this.element.clientHeight;
    this.#scroll.top = this.#lines.rows.rowOf(from) - Math.floor(this.#visibleRows / 3);
    this.redraw();
  }

  /** Scrolls to the end, and keeps it in view while lines arrive. */
  follow(): void {
    this.#setFollowing(true);
    this.#draw();
  }

  scrollBy(rows: number): void {
    if (rows < 0) this.#unfollow();
    this.#scroll.top += rows;
    this.#scroll.clamp(this.#extent);
    const isAtEnd = this.#scroll.top >= lastTop(this.#extent) - 0.01;
    if (rows > 0 && isAtEnd && !this.#isFollowing) this.#setFollowing(true);
    this.#draw();
  }

  selectAll(): void {
    this.#selection.selectAll();
  }

  isMarked(from: number, to: number): boolean {
    return this.#marked?.[0] === from && this.#marked[1] === to;
  }

  destroy(): void {
    cancelAnimationFrame(this.#frame);
    this.#observer.disconnect();
    this.#selection.destroy();
    this.element.remove();
  }

  get #visibleRows(): number {
    return this.#scroll.height / ROW_PX;
  }

  get #extent(): Extent {
    return { rows: this.#lines.rows.count, height: this.#scroll.height, wrap: this.#isWrapped };
  }

  /** Draws in the next frame, once. */
  #draw(): void {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#drawNow();
    });
  }

  #drawNow(): void {
    const extent = this.#extent;
    if (this.#isFollowing) this.#scroll.top = lastTop(extent);
    this.#scroll.clamp(extent);
    this.#scroll.apply(extent);
    const { rows } = this.#lines;
    const { top, height } = this.#scroll;
    const fits = Math.ceil(this.#visibleRows) + 1;
    const isFromEnd = this.#isWrapped && this.#isFollowing;
    const overscan = this.#isWrapped ? 0 : OVERSCAN;
    const first = Math.max(0, isFromEnd ? rows.count - fits : Math.floor(top) - overscan);
    const end = Math.min(rows.count, Math.floor(top) + fits + OVERSCAN);
    this.#want(first, end);
    this.#layer.draw({ rows, first, end, top, height, wrap: this.#isWrapped, isFromEnd });
    this.#selection.restore();
  }

  /** Requests lines and marks that are about to be drawn. */
  #want(first: number, end: number): void {
    const { rows } = this.#lines;
    const from = rows.at(first)?.line ?? 1;
    const to = rows.at(end - 1)?.line ?? from;
    if (rows.count > 0) this.#store.want(from, to);
    this.#marks.want(from, to);
  }

  #makeRow(place: MatchPlace, line: LogLine | undefined): HTMLElement {
    const row = document.createElement('div');
    const number = place.line;
    const detail = this.#lines.detailAt(place);
    fillRow(row, number, line, {
      marksIn: (plain) => this.#marks.of(number, plain),
      ...(detail !== undefined && { detail }),
      isOpen: this.#lines.isOpen(number),
      isFolded: this.#folded.has(number),
      nameOf: this.#options.nameOf,
    });
    if (this.#marked && number >= this.#marked[0] && number <= this.#marked[1]) row.classList.add('marked');
    return row;
  }

  /** Changes which rows are shown. A reader stays at the line that was at the upper edge. */
  #change(change: () => void): void {
    const { top } = this.#scroll;
    const anchor = this.#lines.rows.at(Math.floor(top));
    change();
    const { rows } = this.#lines;
    if (anchor && !this.#isFollowing) {
      const below = Math.min(anchor.below, rows.opened(anchor.line));
      this.#scroll.top = rows.rowOf(anchor.line) + below + top - Math.floor(top);
    }
    this.redraw();
  }

  #setFollowing(isFollowing: boolean): void {
    if (isFollowing) this.#unread = 0;
    this.#isFollowing = isFollowing;
    this.#options.onFollow(isFollowing, this.#unread);
  }

  #unfollow(): void {
    if (this.#isFollowing) this.#setFollowing(false);
  }

  #onResize(): void {
    this.#scroll.measure();
    this.#draw();
  }

  #onScroll(): void {
    const delta = this.#scroll.read(this.#extent);
    if (delta === 0) return;
    if (delta < 0) this.#unfollow();
    else if (!this.#isFollowing && this.#scroll.isAtEnd(this.#extent)) this.#setFollowing(true);
    this.#draw();
  }

  #onWheel(event: WheelEvent): void {
    if (event.deltaY < 0 && this.#lines.rows.count > this.#visibleRows) this.#unfollow();
  }

  #onClick(event: MouseEvent): void {
    const target = event.target as HTMLElement;
    const line = Number(target.closest<HTMLElement>('.row')?.dataset['line']);
    if (!line) return;
    if (target.closest('a.num')) this.#onNumber(line, event);
    else if (target.closest('.open') ?? target.closest('.label')) void this.#toggleDetail(line);
    else if (target.closest('.fold')) this.#options.onFold(line);
    else if (target.closest('.more')) void this.#showUntruncated(line, target);
  }

  /** Marks a line; with Shift or Alt the range from the marked one, which Alt copies as well. */
  #onNumber(line: number, event: MouseEvent): void {
    event.preventDefault();
    const [first, last] = (event.shiftKey || event.altKey) && this.#marked ? this.#marked : [line, line];
    const [from, to] = [Math.min(first, line), Math.max(last, line)];
    this.#marked = [from, to];
    this.#setFollowing(false);
    this.redraw();
    this.#options.onPermalink(from, to);
    if (event.altKey) void this.#selection.copyLines(from, to);
  }

  async #toggleDetail(line: number): Promise<void> {
    const isOpen = this.#lines.isOpen(line);
    const [read] = isOpen ? [] : await this.#store.read(line, line);
    this.#unfollow();
    this.#change(() => (isOpen ? this.#lines.close(line) : this.#lines.open(line, read?.detail ?? '')));
  }

  /** Replaces the truncated text of a row, or opens the detail. */
  async #showUntruncated(number: number, button: HTMLElement): Promise<void> {
    const [line] = await this.#store.read(number, number);
    if (line?.detail !== undefined) {
      if (!this.#lines.isOpen(number)) await this.#toggleDetail(number);
      return;
    }
    const text = button.closest('.row')?.querySelector('.text');
    if (text && line) text.textContent = stripAnsi(line.text);
    button.remove();
  }
}
