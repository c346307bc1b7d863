/** A tab whose lines are computed as a whole and scrolled. */
import type { Style } from '../../style.js';
import type { KeyBinding, Page, PageSize } from '../page.js';
import { clamp, movement } from '../scroll.js';

export class ScrollingPage implements Page {
  readonly #compute: (size: PageSize, style: Style) => string[];
  #top = 0;
  #rows = 1;
  #total = 0;

  constructor(compute: (size: PageSize, style: Style) => string[]) {
    this.#compute = compute;
  }

  lines(size: PageSize, style: Style): string[] {
    const all = this.#compute(size, style);
    this.#rows = size.rows;
    this.#total = all.length;
    this.#top = clamp(this.#top, 0, Math.max(0, all.length - size.rows));
    return all.slice(this.#top, this.#top + size.rows);
  }

  bindings(): readonly KeyBinding[] {
    return [];
  }

  onText(key: string): boolean {
    const delta = movement(key, this.#rows);
    if (delta === undefined) return false;
    this.#top = clamp(this.#top + delta, 0, Math.max(0, this.#total - this.#rows));
    return true;
  }

  onMouse({ delta }: { delta: number }): void {
    this.#top = clamp(this.#top + delta, 0, Math.max(0, this.#total - this.#rows));
  }
}
