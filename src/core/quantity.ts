/** Sizes and durations as people write them. */

/** In bytes. */
export const SIZE_UNITS: Units = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 };

/** In milliseconds. */
export const DURATION_UNITS: Units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

export type Units = Readonly<Record<string, number>>;

/** `16MiB` or `7d` in the smallest unit, or undefined when it is no whole number with one of the units. */
export function parseQuantity(text: string, units: Units): number | undefined {
  const [, digits, unit = ''] = /^(\d{1,15}) ?([a-zA-Z]+)$/.exec(text) ?? [];
  const factor = Object.hasOwn(units, unit) ? units[unit] : undefined;
  return factor === undefined ? undefined : Number(digits) * factor;
}
