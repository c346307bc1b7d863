/** A point in time, by both clocks. */
export interface Moment {
  /** Milliseconds of a clock that never goes back. */
  at: number;
  /** Unix milliseconds; the user may set this clock. */
  now: number;
}
