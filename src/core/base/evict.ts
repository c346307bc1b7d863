/** Evicts the oldest entry of a bounded Map or Set. */

interface Ordered<Key> {
  readonly size: number;
  keys(): Iterable<Key>;
  delete(key: Key): unknown;
}

/** Evicts the entry that was inserted first, if there are more than `max`. */
export function evictOldest<Key>(kept: Ordered<Key>, max: number): void {
  if (kept.size <= max) return;
  for (const oldest of kept.keys()) {
    kept.delete(oldest);
    return;
  }
}
