/** Parses sizes and durations with units. */

/** Units in bytes. */
export const SIZE_UNITS: Units = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 };

/** Units in milliseconds. */
export const DURATION_UNITS: Units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

export type Units = Readonly<Record<string, number>>;

/** Parses `16MiB` or `7d`. @returns The value in the base unit; undefined if it is not a whole number with one of the units. */
export function parseQuantity(text: string, units: Units): number | undefined {
  const [, digits, unit = ''] = /^(\d{1,15}) ?([a-zA-Z]+)$/.exec(text) ?? [];
  const factor = Object.hasOwn(units, unit) ? units[unit] : undefined;
  return factor === undefined ? undefined : Number(digits) * factor;
}
