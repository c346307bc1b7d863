/** How much memory a run takes at most: a run may be over before anybody else has looked. */
import { treeRss } from '../platform/processes.js';

/** When to look, and from then on as often as the last time took. */
const LOOKS_MS = [100, 900, 4_000, 30_000];

/** The most that its processes took together, of all looks. */
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
