/** For tasks that nobody waits for: none of them throws, and what has failed is said once, not each time. */
import { ProgressError } from '../core/errors.js';

export interface ErrorReporter {
  readonly run: (task: () => void) => void;
  /** What has failed last, unless all was well since. */
  readonly failure: string | undefined;
  /** All is well. */
  readonly clear: () => void;
}

export function createErrorReporter(say: (message: string) => void): ErrorReporter {
  let failure: string | undefined;
  return {
    run(task) {
      try {
        task();
      } catch (error) {
        const { message } = ProgressError.from(error);
        if (message !== failure) say(message);
        failure = message;
      }
    },
    get failure() {
      return failure;
    },
    clear: () => (failure = undefined),
  };
}
