/** Short forms run with every change, long ones by `npm run test:fault`. */
export const LONG = process.env['TEST_LONG'] === '1';

export function shortOrLong(short: number, long: number): number {
  return LONG ? long : short;
}
