/** Measures the peak memory of a run; in the runner, since a run may end before the daemon measures it. */
import { treeRss } from '../platform/processes.js';

/** Delays of the first measurements; the last one repeats. */
const LOOKS_MS = [100, 900, 4_000, 30_000];

/** @returns A function that ends the measurements and returns the peak of the sum over all processes, in bytes. */
export function watchPeakRss(pid: number): { stop: () => number } {
  let peak = 0;
  let looks = 0;
  let timer: NodeJS.Timeout | undefined;
  const wait = () => {
    timer = setTimeout(
      () => {
        peak = Math.max(peak, treeRss(pid));
        wait();
      },
      LOOKS_MS[Math.min(looks++, LOOKS_MS.length - 1)],
    ).unref();
  };
  wait();
  return {
    stop() {
      clearTimeout(timer);
      return peak;
    },
  };
}
