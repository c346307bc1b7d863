/** The reader's position in a log, as a row, and the scrollbar that represents it. */
import type { Extent } from './log-extent.js';
import { contentPx, lastTop, scrollTopOf, topAfter } from './log-extent.js';

export class ScrollPosition {
  /** The element that scrolls. */
  readonly #element: HTMLElement;
  /** Gives the content its height. */
  readonly #spacer: HTMLElement;
  #spacerPx = 0;
  /** The scrollbar as it was set: a scroll event with this value is our own. */
  #scrollTop = 0;
  /** The row at the upper edge, with the fraction of it that is scrolled out of view. */
  top = 0;
  /** Height of the visible part in pixels. */
  height = 0;

  constructor(element: HTMLElement, spacer: HTMLElement) {
    this.#element = element;
    this.#spacer = spacer;
  }

  /** Reads the size of the element. */
  measure(): void {
    this.height = this.#element.clientHeight;
    this.#scrollTop = this.#element.scrollTop;
  }

  /** Keeps the position within the log. */
  clamp(extent: Extent): void {
    this.top = Math.min(Math.max(0, this.top), lastTop(extent));
  }

  /** Sets the scrollbar to the position. */
  apply(extent: Extent): void {
    const px = contentPx(extent);
    const isResized = px !== this.#spacerPx;
    if (isResized) this.#spacer.style.height = `${px}px`;
    this.#spacerPx = px;
    const wanted = scrollTopOf(extent, this.top);
    // read only where it may differ, since reading it forces a layout
    if (!isResized && Math.abs(this.#scrollTop - wanted) < 1) return;
    if (Math.abs(this.#element.scrollTop - wanted) >= 1) this.#element.scrollTop = wanted;
    this.#scrollTop = this.#element.scrollTop;
  }

  /** Sets the position to the scrollbar. @returns Pixels that the user has scrolled; 0 if the scrolling was our own. */
  read(extent: Extent): number {
    const { scrollTop } = this.#element;
    const delta = scrollTop - this.#scrollTop;
    if (Math.abs(delta) < 1) return 0;
    this.top = topAfter(extent, { top: this.top, scrollTop: this.#scrollTop }, scrollTop);
    this.#scrollTop = scrollTop;
    return delta;
  }

  /** Whether the end of the log is in view, after `read`. */
  isAtEnd(extent: Extent): boolean {
    return this.top >= lastTop(extent) - 1 || this.#scrollTop >= contentPx(extent) - this.height - 2;
  }
}
