/** Ranges of a text, and the text with something else in their place. */

/** In a text, as [start, end). */
export type Span = readonly [start: number, end: number];

/** Replaces each span; those that overlap are replaced together. The same text where there is none. */
export function replaceSpans(text: string, spans: readonly Span[], replacement: string): string {
  if (spans.length === 0) return text;
  let replaced = '';
  let at = 0;
  for (const [start, end] of mergeSpans(spans)) {
    replaced += text.slice(at, start) + replacement;
    at = end;
  }
  return replaced + text.slice(at);
}

/** In order, and none overlaps another. */
export function mergeSpans(spans: readonly Span[]): Span[] {
  const merged: Span[] = [];
  for (const span of [...spans].sort(([a], [b]) => a - b)) {
    const last = merged.at(-1);
    if (last && span[0] < last[1]) merged[merged.length - 1] = [last[0], Math.max(last[1], span[1])];
    else merged.push(span);
  }
  return merged;
}

/** Calls back for each match of a global pattern. Not `matchAll`, which copies the pattern and runs it slowly at first. */
export function forEachMatch(text: string, pattern: RegExp, onMatch: (match: RegExpExecArray) => void): void {
  pattern.lastIndex = 0;
  for (let match; (match = pattern.exec(text)) !== null;) onMatch(match);
}
