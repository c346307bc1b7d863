/** Point in time, by both clocks. */
export interface Moment {
  /** Milliseconds of a monotonic clock. */
  at: number;
  /** Unix milliseconds; the user may set this clock. */
  now: number;
}
