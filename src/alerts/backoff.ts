/** Backoff: the delay before an alert is sent again, exponential with jitter. */

const FIRST_MS = 1_000;
const MAX_MS = 5 * 60_000;
/** Maximum delay that a target can request. */
const MAX_REQUESTED_MS = 60 * 60_000;

/**
 * Returns a delay in milliseconds: random up to a bound that doubles with each consecutive failure.
 *
 * @param requested Minimum delay that the target asks for, in milliseconds.
 */
export function backOff(failures: number, requested = 0, random: () => number = Math.random): number {
  const most = Math.min(MAX_MS, FIRST_MS * 2 ** (failures - 1));
  return Math.max(random() * most, Math.min(requested, MAX_REQUESTED_MS));
}
