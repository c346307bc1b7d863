/** What is selected in the log, by line and column, since rows come and go under a selection; and what is copied of it. */
import { stripAnsi } from '../../src/core/ansi.js';
import { formatBytes, formatCount, formatQuantity } from '../../src/core/format.js';
import type { LogStore } from './log-store.js';
import type { LineRange, Rows } from './ranges.js';

export interface LogSelection {
  /** To be called when other rows are on the screen. */
  restore(): void;
  /** Every line that is shown, wherever it is. */
  selectAll(): void;
  copyLines(from: number, to: number): Promise<void>;
  destroy(): void;
}

export interface LogSelectionOptions {
  /** What scrolls, and in it what holds the rows. */
  element: HTMLElement;
  layer: HTMLElement;
  store: LogStore;
  rows: () => Rows;
  /** The row of the line, if it is on the screen. */
  rowShowing: (line: number) => HTMLElement | undefined;
  /** Lines that are marked, which stand for a selection where there is none. */
  marked: () => LineRange | undefined;
  /** Somebody begins to select. */
  onSelect: () => void;
  announce: (text: string) => void;
}

interface Caret {
  line: number;
  /** In characters of the text without escape sequences. */
  column: number;
}

/** More is nothing for a clipboard. */
const MAX_COPIED_LINES = 100_000;
const MAX_COPIED_CHARS = 64 * 1024 * 1024;
/** Lines that are read together. */
const PART_LINES = 5_000;
/** Lines that are shown and not shown in turn are read together, so far apart. */
const READ_ACROSS = 500;
/** A copy that takes longer is worth a word. */
const QUICK_LINES = 2_000;

export function createLogSelection(options: LogSelectionOptions): LogSelection {
  const { element, layer, store, rows, rowShowing, marked, onSelect, announce } = options;
  let selection: { anchor: Caret; focus: Caret } | undefined;
  let selecting = false;
  /** What was drawn last: the browser tells of it as of any other selection. */
  let drawn: [from: Element, to: Element] | undefined;

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

  const onSelection = () => {
    const now = document.getSelection();
    if (drawn && now?.anchorNode === drawn[0] && now.focusNode === drawn[1]) return;
    if (!now || now.isCollapsed) {
      if (!selecting) selection = undefined;
      return;
    }
    const focus = caretOf(now.focusNode, now.focusOffset);
    const anchor = selecting && selection ? selection.anchor : caretOf(now.anchorNode, now.anchorOffset);
    if (!focus || !anchor) return;
    selection = { anchor, focus };
    onSelect();
  };

  const onPointerDown = (event: PointerEvent) => {
    if (event.button !== 0 || event.shiftKey) return;
    // older browsers lack it: then a selection is copied as far as its ends are on the screen
    if (!('caretPositionFromPoint' in document)) return;
    const position = document.caretPositionFromPoint(event.clientX, event.clientY);
    const anchor = position ? caretOf(position.offsetNode, position.offset) : undefined;
    selecting = anchor !== undefined;
    selection = anchor && { anchor, focus: anchor };
  };
  const onPointerUp = () => (selecting = false);

  /** A selection that reaches beyond the rows on the screen is drawn as far as these go. */
  const draw = (from: Element | null, to: Element | null) => {
    const now = document.getSelection();
    if (!now || !from || !to) return;
    drawn = [from, to];
    now.setBaseAndExtent(from, 0, to, to.childNodes.length);
  };

  const copy = async (start: Caret, end: Caret) => {
    const wanted = rows().within(start.line, end.line);
    const count = wanted.reduce((sum, [from, to]) => sum + to - from + 1, 0);
    if (count > MAX_COPIED_LINES) {
      const [lines, most] = [formatQuantity(count, 'line'), formatCount(MAX_COPIED_LINES)];
      return announce(`${lines} are too many to copy (at most ${most}): download the log instead`);
    }
    if (count > QUICK_LINES) announce(`Copying ${formatQuantity(count, 'line')}…`);
    const read = async () => {
      const texts: string[] = [];
      let chars = 0;
      for (const [from, to] of inParts(joinNear(wanted))) {
        for (const { line, text } of await store.read(from, to)) {
          if (!rows().has(line)) continue;
          const plain = stripAnsi(text);
          const part = plain.slice(line === start.line ? start.column : 0, line === end.line ? end.column : undefined);
          chars += part.length;
          texts.push(part);
        }
        if (chars > MAX_COPIED_CHARS) throw new Error(`it is longer than ${formatBytes(MAX_COPIED_CHARS)}`);
      }
      return texts.join('\n');
    };
    try {
      // promised at once: a browser lets a page write only for a moment after a key or a click
      const blob = read().then((text) => new Blob([text], { type: 'text/plain' }));
      await navigator.clipboard.write([new ClipboardItem({ 'text/plain': blob })]);
      announce(`${formatQuantity(count, 'line')} copied`);
    } catch (error) {
      announce(`Nothing was copied: ${(error as Error).message}; a download takes all`);
    }
  };

  const onCopy = (event: ClipboardEvent) => {
    const range = marked();
    if (selection && selection.anchor.line !== selection.focus.line) {
      event.preventDefault();
      void copy(...inOrder(selection));
    } else if (range && document.getSelection()?.isCollapsed !== false && !isField(event.target)) {
      event.preventDefault();
      void copy(...wholeLines(...range));
    }
  };

  element.addEventListener('pointerdown', onPointerDown);
  const listeners = { copy: onCopy, selectionchange: onSelection, pointerup: onPointerUp };
  for (const [name, listener] of Object.entries(listeners)) document.addEventListener(name, listener as EventListener);

  return {
    restore() {
      if (!selection || selecting || selection.anchor === selection.focus || layer.childElementCount === 0) return;
      const [start, end] = inOrder(selection);
      const [first, last] = [rowShowing(start.line), rowShowing(end.line)];
      // the browser has kept what it can see whole
      if (first && last) return;
      draw(first ?? layer.firstElementChild, last ?? layer.lastElementChild);
    },
    selectAll() {
      const [first, last] = [rows().at(0)?.line, rows().at(rows().count - 1)?.line];
      if (first === undefined || last === undefined) return;
      const [anchor, focus] = wholeLines(first, last);
      selection = { anchor, focus };
      onSelect();
      draw(layer.firstElementChild, layer.lastElementChild);
      if (rows().lines > MAX_COPIED_LINES) {
        announce(`${formatQuantity(rows().lines, 'line')} selected, too many to copy: download the log instead`);
      } else announce(`${formatQuantity(rows().lines, 'line')} selected`);
    },
    copyLines: async (from, to) => await copy(...wholeLines(from, to)),
    destroy() {
      for (const [name, listener] of Object.entries(listeners))
        document.removeEventListener(name, listener as EventListener);
    },
  };
}

function wholeLines(from: number, to: number): [Caret, Caret] {
  return [
    { line: from, column: 0 },
    { line: to, column: Infinity },
  ];
}

function inOrder({ anchor, focus }: { anchor: Caret; focus: Caret }): [Caret, Caret] {
  const isForward = anchor.line < focus.line || (anchor.line === focus.line && anchor.column <= focus.column);
  return isForward ? [anchor, focus] : [focus, anchor];
}

/** Fewer ranges that hold the same, and what lies close between them. */
function joinNear(ranges: readonly LineRange[]): LineRange[] {
  const joined: [number, number][] = [];
  for (const [from, to] of ranges) {
    const last = joined.at(-1);
    if (last && from - last[1] <= READ_ACROSS) last[1] = to;
    else joined.push([from, to]);
  }
  return joined;
}

function inParts(ranges: readonly LineRange[]): LineRange[] {
  return ranges.flatMap(([from, to]) =>
    Array.from({ length: Math.ceil((to - from + 1) / PART_LINES) }, (_, index): LineRange => {
      const first = from + index * PART_LINES;
      return [first, Math.min(to, first + PART_LINES - 1)];
    }),
  );
}

function isField(target: EventTarget | null): boolean {
  return target instanceof Element && target.matches('input, textarea');
}
