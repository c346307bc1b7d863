/** Pseudo-random numbers (Mulberry32) that are the same for the same seed, so that a failure can be repeated. */

/** Returns a whole number below `below`, or a fraction below 1 without it. */
export type Random = (below?: number) => number;

export function createRandom(seed: number): Random {
  let state = seed;
  const fraction = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return (below) => (below === undefined ? fraction() : Math.floor(fraction() * below));
}

export function pick<T>(random: Random, items: readonly T[]): T {
  return items[random(items.length)]!;
}

/** Returns a whole number from `low` to `high`. */
export function between(random: Random, low: number, high: number): number {
  return low + random(high - low + 1);
}
