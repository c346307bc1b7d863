/** Suggests the closest known word for an unknown one. */

/** Returns the candidate with the smallest edit distance, if that is at most one letter or a third of the word. */
export function suggest(word: string, candidates: readonly string[]): string | undefined {
  const ranked = candidates
    .map((candidate) => ({ candidate, distance: editDistance(word, candidate) }))
    .sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  return best !== undefined && best.distance <= Math.max(1, word.length / 3) ? best.candidate : undefined;
}

/** Returns the number of insertions, deletions, replacements and swaps of neighbours (Damerau–Levenshtein), ignoring case. */
function editDistance(from: string, to: string): number {
  const source = from.toLowerCase();
  const target = to.toLowerCase();
  let before: number[] = [];
  let row = Array.from({ length: target.length + 1 }, (_, index) => index);
  for (let i = 0; i < source.length; i++) {
    const above = row;
    row = [i + 1];
    for (let j = 0; j < target.length; j++) {
      const replaced = (above[j] ?? 0) + (source[i] === target[j] ? 0 : 1);
      const isSwapped = i > 0 && j > 0 && source[i] === target[j - 1] && source[i - 1] === target[j];
      const swapped = isSwapped ? (before[j - 1] ?? 0) + 1 : Infinity;
      row.push(Math.min(replaced, swapped, (above[j + 1] ?? 0) + 1, (row[j] ?? 0) + 1));
    }
    before = above;
  }
  return row.at(-1) ?? 0;
}
