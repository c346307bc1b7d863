/** Time, so that tests can bring their own. */

export interface Clock {
  /** Milliseconds; never goes back. */
  now(): number;
  /** Runs something later, unless the returned function is called first. */
  after(ms: number, run: () => void): () => void;
}

export const realClock: Clock = {
  now: () => performance.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};
