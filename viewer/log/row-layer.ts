/**
 * The visible rows of a log as elements. Rows that stay in view are reused, and scrolling moves the layer instead of its
 * rows.
 */
import type { LogLine } from '../../src/core/events/log.js';
import { ROW_PX } from './log-extent.js';
import type { MatchPlace, Rows } from './ranges.js';

export interface RowLayerOptions {
  lineOf: (line: number) => LogLine | undefined;
  makeRow: (place: MatchPlace, line: LogLine | undefined) => HTMLElement;
}

/** The part of the rows that is drawn, and where. */
export interface RowWindow {
  rows: Rows;
  /** First row that is drawn, and the one after the last. */
  first: number;
  end: number;
  /** The row at the upper edge, with the fraction that is scrolled out of view. */
  top: number;
  /** Height of the visible part in pixels. */
  height: number;
  /** Long lines are wrapped: rows have any height and are placed one below the other. */
  wrap: boolean;
  /** Wrapped rows are placed from the lower edge upwards. */
  isFromEnd: boolean;
}

/** A row on the screen, and what it was made from. */
interface DrawnRow {
  row: HTMLElement;
  version: number;
  line: LogLine | undefined;
  /** Its position in pixels; undefined: below the row before it. */
  y: number | undefined;
}

/** Coordinates lose precision far from the origin. */
const MAX_ROWS_FROM_ORIGIN = 20_000;

export class RowLayer {
  readonly element = document.createElement('div');
  readonly #options: RowLayerOptions;
  /** By place. */
  readonly #drawn = new Map<string, DrawnRow>();
  #version = 0;
  /** The row that others are positioned relative to. */
  #origin = 0;

  constructor(options: RowLayerOptions) {
    this.#options = options;
    this.element.className = 'layer';
  }

  /** Has all rows made again at the next `draw`. */
  invalidate(): void {
    this.#version++;
  }

  /** Returns the row of a line, if it is drawn. */
  rowOf(line: number): HTMLElement | undefined {
    return this.#drawn.get(`${line}.0`)?.row;
  }

  draw(view: RowWindow): void {
    const { rows, first, end, top, wrap } = view;
    if (Math.abs(top - this.#origin) > MAX_ROWS_FROM_ORIGIN) this.#origin = Math.floor(top);
    const kept = new Set<string>();
    let before: HTMLElement | undefined;
    for (let row = first; row < end; row++) {
      const place = rows.at(row);
      if (!place) break;
      const key = `${place.line}.${place.below}`;
      kept.add(key);
      const drawn = this.#rowAt(key, place);
      this.#moveRow(drawn, wrap ? undefined : (row - this.#origin) * ROW_PX);
      const next: ChildNode | null = before ? before.nextSibling : this.element.firstChild;
      if (next !== drawn.row) this.element.insertBefore(drawn.row, next);
      before = drawn.row;
    }
    this.#removeExcept(kept);
    this.#moveLayer(view);
  }

  /** Returns the row of a place, made again if what it shows has changed. */
  #rowAt(key: string, place: MatchPlace): DrawnRow {
    const line = this.#options.lineOf(place.line);
    const known = this.#drawn.get(key);
    if (known?.version === this.#version && known.line === line) return known;
    const row = this.#options.makeRow(place, line);
    known?.row.replaceWith(row);
    const drawn: DrawnRow = { row, version: this.#version, line, y: undefined };
    this.#drawn.set(key, drawn);
    return drawn;
  }

  #moveRow(drawn: DrawnRow, y: number | undefined): void {
    if (drawn.y === y) return;
    drawn.y = y;
    drawn.row.style.top = y === undefined ? '' : `${y}px`;
  }

  #removeExcept(kept: ReadonlySet<string>): void {
    for (const [key, { row }] of this.#drawn) {
      if (kept.has(key)) continue;
      row.remove();
      this.#drawn.delete(key);
    }
  }

  #moveLayer({ top, height, wrap, isFromEnd }: RowWindow): void {
    const y = wrap ? this.#wrappedY(top, height, isFromEnd) : (this.#origin - top) * ROW_PX;
    this.element.style.transform = `translateY(${y}px)`;
  }

  /** Reads the layout, since wrapped rows have any height. */
  #wrappedY(top: number, height: number, isFromEnd: boolean): number {
    if (isFromEnd) return Math.min(0, height - this.element.scrollHeight);
    return -(top - Math.floor(top)) * (this.element.firstElementChild?.clientHeight ?? 0);
  }
}
