/** A line of text being typed, with a cursor. */
import { cleanText, ellipsisOf } from '../paint.js';
import type { Style } from '../style.js';
import { cellsOf, piecesOf, truncate } from '../width.js';

export class TextField {
  /** Characters as the user sees them, before and after the cursor. */
  #before: string[];
  #after: string[] = [];

  constructor(text = '') {
    this.#before = charactersOf(text);
  }

  get text(): string {
    return [...this.#before, ...this.#after].join('');
  }

  /** Applies a key. @returns false for a key that edits nothing */
  take(key: string): boolean {
    const edit = EDITS.get(key);
    if (edit) [this.#before, this.#after] = edit(this.#before, this.#after);
    else {
      const typed = key === 'space' ? ' ' : key;
      const [first, second] = charactersOf(typed);
      // names of keys have several letters
      if (first === undefined || second !== undefined || cellsOf(first) === 0 || typed < ' ') return false;
      this.#before = [...this.#before, first];
    }
    return true;
  }

  /** Returns the text with the cursor in it, moved so that the cursor is in view. */
  line(cells: number, style: Style): string {
    const cursor = style.ascii ? '_' : '▏';
    const room = Math.max(1, cells - cellsOf(cursor));
    let before = shown(this.#before);
    const ellipsis = ellipsisOf(style);
    if (cellsOf(before) > room) {
      const kept = [...this.#before];
      while (kept.length > 0 && cellsOf(shown(kept)) > room - cellsOf(ellipsis)) kept.shift();
      before = ellipsis + shown(kept);
    }
    return truncate(before + cursor + shown(this.#after), cells, ellipsis);
  }
}

type Edit = (before: string[], after: string[]) => [before: string[], after: string[]];

const toStart: Edit = (before, after) => [[], [...before, ...after]];
const toEnd: Edit = (before, after) => [[...before, ...after], []];
const left: Edit = (before, after) => [before.slice(0, -1), [...before.slice(-1), ...after]];
const right: Edit = (before, after) => [[...before, ...after.slice(0, 1)], after.slice(1)];
const backspace: Edit = (before, after) => [before.slice(0, -1), after];

const EDITS: ReadonlyMap<string, Edit> = new Map<string, Edit>([
  ['left', left],
  ['C-b', left],
  ['right', right],
  ['C-f', right],
  ['home', toStart],
  ['C-a', toStart],
  ['end', toEnd],
  ['C-e', toEnd],
  ['backspace', backspace],
  ['C-h', backspace],
  ['delete', (before, after) => [before, after.slice(1)]],
  ['C-d', (before, after) => [before, after.slice(1)]],
  ['C-u', (_before, after) => [[], after]],
  ['C-k', (before) => [before, []]],
  ['C-w', (before, after) => [charactersOf(before.join('').replace(/\S*\s*$/, '')), after]],
]);

function charactersOf(text: string): string[] {
  return [...piecesOf(text)].map((piece) => piece.text);
}

/** The text without control characters, which the command of another program may contain. */
function shown(characters: readonly string[]): string {
  return characters.map((one) => (/^\s/.test(one) ? ' ' : cleanText(one))).join('');
}
