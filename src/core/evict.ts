/** Maps and sets that are bounded: they keep the order in which things were put in. */

interface Ordered<Key> {
  readonly size: number;
  keys(): Iterable<Key>;
  delete(key: Key): unknown;
}

/** Takes out what was put in first, if there is more than `max`. */
export function evictOldest<Key>(kept: Ordered<Key>, max: number): void {
  if (kept.size <= max) return;
  for (const oldest of kept.keys()) {
    kept.delete(oldest);
    return;
  }
}
