/** When to draw: soon after a change, never more often than people see, and with the clock while one is shown. */
import type { Clock } from '../core/clock.js';

/** Ten frames a second at most. */
export const FRAME_MS = 100;
/** A window that is being dragged changes its size many times: frames wait until it has kept it this long. */
export const SETTLE_MS = 100;

export interface Pacer {
  /** Something may look different now. */
  changed(): void;
  /** No frame for a while, then one. */
  settle(): void;
  /** No frame any more until `changed`. */
  stop(): void;
}

/** `untilTick` says in how many milliseconds the clock alone changes the picture, if it does. */
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
