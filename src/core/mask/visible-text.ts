/** Searches a text as it is seen on a terminal, and replaces what was found in the text with its control sequences. */
import { mergeSpans, replaceSpans, type Span } from './spans.js';

/** Colours, and what erases or moves: programs put them between the characters of a word. */
const CSI = /\u001b\[[0-9;:?]*[A-Za-z]/g;

/** Replaces what `find` finds in the visible text. Sequences within it stay, after its replacement. */
export function replaceVisible(text: string, find: (visible: string) => readonly Span[], replacement: string): string {
  if (!text.includes('\u001b[')) return replaceSpans(text, find(text), replacement);
  const visible = text.replace(CSI, '');
  const found = find(visible);
  if (found.length === 0) return text;
  const sequences = [...text.matchAll(CSI)];
  let replaced = '';
  /** In the text, and how many characters of sequences are before it. */
  let at = 0;
  let hidden = 0;
  let next = 0;
  for (const [start, end] of mergeSpans(found)) {
    let inside = '';
    for (let sequence; (sequence = sequences[next]) !== undefined && sequence.index - hidden < end; next++) {
      hidden += sequence[0].length;
      if (sequence.index - hidden + sequence[0].length > start) inside += sequence[0];
    }
    const before = hidden - inside.length;
    replaced += text.slice(at, start + before) + replacement + inside;
    at = end + hidden;
  }
  return replaced + text.slice(at);
}
