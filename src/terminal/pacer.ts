/** Throttles and debounces frames: soon after a change, at a bounded rate, and with the clock while one is shown. */
import type { Clock } from '../core/base/clock.js';

/** Minimum interval of frames. */
export const FRAME_MS = 100;
/** Debounce of size changes: a window that is dragged changes its size many times. */
export const SETTLE_MS = 100;

export interface Pacer {
  /** Requests a frame because the view may have changed. */
  changed(): void;
  /** Delays the next frame until the size is stable. */
  settle(): void;
  /** Stops frames until `changed`. */
  stop(): void;
}

/** @param untilTick Returns milliseconds until the clock changes the view, if it does. */
export function createPacer(draw: () => void, untilTick: () => number | undefined, clock: Clock): Pacer {
  let earliest = 0;
  let due: { at: number; cancel: () => void } | undefined;

  const schedule = (wanted: number): void => {
    const at = Math.max(wanted, earliest);
    if (due !== undefined && due.at <= at) return;
    due?.cancel();
    due = { at, cancel: clock.after(Math.max(0, at - clock.now()), frame) };
  };

  const frame = (): void => {
    due = undefined;
    earliest = clock.now() + FRAME_MS;
    draw();
    const tick = untilTick();
    if (tick !== undefined) schedule(clock.now() + tick);
  };

  const stop = (): void => {
    due?.cancel();
    due = undefined;
  };

  return {
    changed: () => schedule(clock.now()),
    settle() {
      stop();
      earliest = clock.now() + SETTLE_MS;
      schedule(earliest);
    },
    stop,
  };
}
