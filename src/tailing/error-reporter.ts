/** Runs background tasks, and reports the first of consecutive equal errors. */
import { ProgressError } from '../core/base/errors.js';

export interface ErrorReporter {
  /** Runs a task and reports its error. */
  readonly run: (task: () => void) => void;
  /** Message of the last error since `clear`. */
  readonly failure: string | undefined;
  /** Records that the failure is over. */
  readonly clear: () => void;
}

/** Creates a reporter. @param report Receives an error message unless it is equal to the previous one. */
export function createErrorReporter(report: (message: string) => void): ErrorReporter {
  let failure: string | undefined;
  return {
    run(task) {
      try {
        task();
      } catch (error) {
        const { message } = ProgressError.from(error);
        if (message !== failure) report(message);
        failure = message;
      }
    },
    get failure() {
      return failure;
    },
    clear: () => (failure = undefined),
  };
}
