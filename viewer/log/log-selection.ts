/**
 * The selection in a log, by line and column: the browser's own selection ends with the rows that scroll out of view.
 * Ctrl-C copies it, or the marked lines if nothing is selected.
 */
import { formatQuantity } from '../../src/core/text/format.js';
import type { Caret } from './log-copy.js';
import { copyLog, MAX_COPIED_LINES } from './log-copy.js';
import type { LogStore } from './log-store.js';
import type { LineRange, Rows } from './ranges.js';
import type { RowLayer } from './row-layer.js';

export interface LogSelectionOptions {
  /** The element that scrolls. */
  element: HTMLElement;
  layer: RowLayer;
  store: LogStore;
  rows: () => Rows;
  marked: () => LineRange | undefined;
  /** Called when the user selects something. */
  onSelect: () => void;
  announce: (text: string) => void;
}

interface Selected {
  anchor: Caret;
  focus: Caret;
}

export class LogSelection {
  readonly #options: LogSelectionOptions;
  readonly #listeners = new AbortController();
  #selected: Selected | undefined;
  /** Whether the pointer is down: the anchor stays, also when its row scrolls out of view. */
  #isSelecting = false;
  /** Ends of the selection that `#draw` set, for which the browser reports a change as for any other. */
  #drawn: [from: Element, to: Element] | undefined;

  constructor(options: LogSelectionOptions) {
    const { signal } = this.#listeners;
    this.#options = options;
    options.element.addEventListener('pointerdown', (event) => this.#onPointerDown(event), { signal });
    document.addEventListener('pointerup', () => (this.#isSelecting = false), { signal });
    document.addEventListener('selectionchange', () => this.#onSelectionChange(), { signal });
    document.addEventListener('copy', (event) => this.#onCopy(event), { signal });
  }

  /** Selects the rows of the selection that are drawn now; called after other rows were drawn. */
  restore(): void {
    const { layer } = this.#options;
    const selected = this.#selected;
    if (!selected || this.#isSelecting || selected.anchor === selected.focus) return;
    const [start, end] = inOrder(selected);
    const [first, last] = [layer.rowOf(start.line), layer.rowOf(end.line)];
    // the browser keeps a selection whose ends are both drawn
    if (first && last) return;
    this.#draw(first ?? layer.element.firstElementChild, last ?? layer.element.lastElementChild);
  }

  /** Selects all lines that are shown, also those out of view. */
  selectAll(): void {
    const { layer, announce, onSelect } = this.#options;
    const rows = this.#options.rows();
    const [first, last] = [rows.at(0)?.line, rows.at(rows.count - 1)?.line];
    if (first === undefined || last === undefined) return;
    const [anchor, focus] = wholeLines(first, last);
    this.#selected = { anchor, focus };
    onSelect();
    this.#draw(layer.element.firstElementChild, layer.element.lastElementChild);
    const lines = formatQuantity(rows.lines, 'line');
    if (rows.lines <= MAX_COPIED_LINES) announce(`${lines} selected`);
    else announce(`${lines} selected, too many to copy: download the log instead`);
  }

  async copyLines(from: number, to: number): Promise<void> {
    await copyLog(this.#options, ...wholeLines(from, to));
  }

  destroy(): void {
    this.#listeners.abort();
  }

  #draw(from: Element | null, to: Element | null): void {
    const selection = document.getSelection();
    if (!selection || !from || !to) return;
    this.#drawn = [from, to];
    selection.setBaseAndExtent(from, 0, to, to.childNodes.length);
  }

  #onSelectionChange(): void {
    const selection = document.getSelection();
    const [from, to] = this.#drawn ?? [];
    if (from && selection?.anchorNode === from && selection.focusNode === to) return;
    if (!selection || selection.isCollapsed) {
      if (!this.#isSelecting) this.#selected = undefined;
      return;
    }
    const focus = this.#caretOf(selection.focusNode, selection.focusOffset);
    const kept = this.#isSelecting ? this.#selected?.anchor : undefined;
    const anchor = kept ?? this.#caretOf(selection.anchorNode, selection.anchorOffset);
    if (!focus || !anchor) return;
    this.#selected = { anchor, focus };
    this.#options.onSelect();
  }

  #onPointerDown(event: PointerEvent): void {
    if (event.button !== 0 || event.shiftKey) return;
    // without this function, in older browsers, only rows that are drawn are selected
    if (!('caretPositionFromPoint' in document)) return;
    const position = document.caretPositionFromPoint(event.clientX, event.clientY);
    const anchor = position ? this.#caretOf(position.offsetNode, position.offset) : undefined;
    this.#isSelecting = anchor !== undefined;
    this.#selected = anchor && { anchor, focus: anchor };
  }

  #onCopy(event: ClipboardEvent): void {
    const selected = this.#selected;
    const marked = this.#options.marked();
    const isEmpty = document.getSelection()?.isCollapsed !== false;
    if (selected && selected.anchor.line !== selected.focus.line) {
      event.preventDefault();
      void copyLog(this.#options, ...inOrder(selected));
    } else if (marked && isEmpty && !isField(event.target)) {
      event.preventDefault();
      void this.copyLines(...marked);
    }
  }

  /** Returns the position of a place in the document; undefined outside of rows. */
  #caretOf(node: Node | null, offset: number): Caret | undefined {
    const parent = node instanceof Element ? node : node?.parentElement;
    const row = parent?.closest<HTMLElement>('.row');
    if (!node || !row || !this.#options.element.contains(row)) return undefined;
    const line = Number(row.dataset['line']);
    const text = row.querySelector('.text');
    if (!text?.contains(node)) return { line, column: 0 };
    const before = document.createRange();
    before.setStart(text, 0);
    before.setEnd(node, offset);
    return { line, column: before.toString().length };
  }
}

function wholeLines(from: number, to: number): [Caret, Caret] {
  return [
    { line: from, column: 0 },
    { line: to, column: Infinity },
  ];
}

function inOrder({ anchor, focus }: Selected): [Caret, Caret] {
  const isForward = anchor.line < focus.line || (anchor.line === focus.line && anchor.column <= focus.column);
  return isForward ? [anchor, focus] : [focus, anchor];
}

function isField(target: EventTarget | null): boolean {
  return target instanceof Element && target.matches('input, textarea');
}
