/** A line of text being typed. */
import { piecesOf } from '../width.js';

export class TextField {
  #text: string;

  constructor(text = '') {
    this.#text = text;
  }

  get text(): string {
    return this.#text;
  }

  /** Applies a key. @returns false for a key that edits nothing */
  take(key: string): boolean {
    const edited = this.#edit(key);
    if (edited === undefined) return false;
    this.#text = edited;
    return true;
  }

  #edit(key: string): string | undefined {
    if (key === 'backspace' || key === 'C-h') return withoutLast(this.#text);
    if (key === 'C-u') return '';
    if (key === 'C-w') return this.#text.replace(/\S*\s*$/, '');
    if (key === 'space') return `${this.#text} `;
    const [first, second] = piecesOf(key);
    // names of keys have several letters
    return first && !second && first.cells > 0 && key >= ' ' ? this.#text + key : undefined;
  }
}

function withoutLast(text: string): string {
  return [...piecesOf(text)]
    .slice(0, -1)
    .map((piece) => piece.text)
    .join('');
}
